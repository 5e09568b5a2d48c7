"""EMG-assisted, hybrid and static-optimisation runs: excitations that follow the moments."""

from refnms.assistance.excitations import Assistance as Assistance
from refnms.assistance.excitations import Assisted as Assisted
from refnms.assistance.excitations import assist as assist
