"""EMG-assisted, hybrid and static-optimisation runs: excitations that follow the moments."""

from refnms.assistance.assist import Assistance as Assistance
from refnms.assistance.assist import Assisted as Assisted
from refnms.assistance.assist import assist as assist
