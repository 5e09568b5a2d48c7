"""Files in, core types out: the formats of OpenSim and CEINMS stop here."""

from __future__ import annotations

import os

from refnms.io.geometry import read_geometry as read_geometry
from refnms.io.geometry import write_geometry as write_geometry
from refnms.io.poses import read_poses as read_poses
from refnms.io.recordings import write_trial as write_trial
from refnms.io.results import write_ceinms_results as write_ceinms_results
from refnms.io.setups import read_input_data
from refnms.io.storage import read_storage as read_storage
from refnms.io.storage import write_storage as write_storage
from refnms.io.subject import read_model as read_model
from refnms.io.subject import write_subject as write_subject
from refnms.io.trials import read_trial as read_trial_files
from refnms.model import Model, Trial
from refnms.physics.profiles import NATIVE, Profile

__all__ = [
    "read_geometry",
    "read_model",
    "read_poses",
    "read_storage",
    "read_trial",
    "write_ceinms_results",
    "write_geometry",
    "write_storage",
    "write_subject",
    "write_trial",
]


def read_trial(
    input_data: str | os.PathLike[str], model: Model, profile: Profile = NATIVE
) -> Trial:
    """The recording that a CEINMS inputData file names, for the person of `model`.

    Raises InputError with the problems of all its files.
    """
    return read_trial_files(read_input_data(input_data), model, profile)
