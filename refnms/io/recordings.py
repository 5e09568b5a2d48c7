"""A recording as CEINMS's files: the input data of one trial and the tables it names."""

from __future__ import annotations

import os
from pathlib import Path

from refnms.errors import InputError
from refnms.io import trials
from refnms.io.files import write_atomically
from refnms.io.setups import read_input_data
from refnms.io.storage import write_storage
from refnms.io.templates import input_data_xml
from refnms.model import Model, Trial
from refnms.physics.profiles import NATIVE, Profile

NAME = "trial.xml"


def read_trial(
    input_data: str | os.PathLike[str], model: Model, profile: Profile = NATIVE
) -> Trial:
    """The recording that a CEINMS inputData file names, for the person of `model`.

    Raises InputError with the problems of all its files.
    """
    return trials.read_trial(read_input_data(input_data), model, profile)


def write_trial(folder: str | os.PathLike[str], model: Model, trial: Trial) -> Path:
    """Write a recording into a new folder, and return its inputData file, `trial.xml`.

    Beside it stand `lmt.sto` (musculotendon lengths), `ma_<dof>.sto` (moment arms), `emg.sto` and,
    where moments were measured, `id.sto`. Every number reads back to the bit. Frames that do not
    count are marked as such where those that do are one window.

    Raises InputError: a trial that is not of this model, or whose frames that count are no window;
    OSError, FileExistsError among them.
    """
    trial.check(model)
    files = {"muscleTendonLengthFile": "lmt.sto", "excitationsFile": "emg.sto"}
    if trial.moment is not None:
        files["externalTorquesFile"] = "id.sto"
    if trial.scored is not None:
        files["startStopTime"] = _window(trial)
    folder, muscles = Path(folder), model.muscle_names
    folder.mkdir(parents=True)
    write_storage(
        folder / "lmt.sto", trial.time, muscles, trial.musculotendon_length, "lengths [m]"
    )
    write_storage(folder / "emg.sto", trial.emg_time, model.emg_names, trial.emg, "EMG envelopes")
    arms = {dof: f"ma_{dof}.sto" for dof in model.dof_names}
    for d, (dof, name) in enumerate(arms.items()):
        arm = trial.moment_arm[:, :, d]
        write_storage(folder / name, trial.time, muscles, arm, f"moment arms {dof}")
    if trial.moment is not None:
        names = [f"{dof}_moment" for dof in model.dof_names]
        write_storage(folder / "id.sto", trial.time, names, trial.moment, "moments [N.m]")
    write_atomically(folder / NAME, input_data_xml(files, arms))
    return folder / NAME


def _window(trial: Trial) -> str:
    assert trial.scored is not None
    times = trial.time[trial.scored]
    inside = (trial.time >= times[0]) & (trial.time <= times[-1]) if len(times) else ~trial.scored
    if not len(times) or (inside != trial.scored).any():
        raise InputError(f"trial {trial.name!r}: the frames that count are no window of time")
    return f"{times[0].item()!r} {times[-1].item()!r}"
