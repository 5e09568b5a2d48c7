"""The main jobs as users run them: a CEINMS setup file in, a folder of results out."""

from refnms.job.calibrate import calibrate_setup as calibrate_setup
from refnms.job.done import Done as Done
from refnms.job.execute import run as run
from refnms.steps import Settings as Settings
