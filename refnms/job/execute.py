"""One trial, run as a CEINMS setup file says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from refnms import summary
from refnms.errors import InputError, Problem
from refnms.io import read_trial
from refnms.io.execution import Hybrid, Velocity, read_execution
from refnms.io.files import MARKER, replace_folder, write_atomically
from refnms.io.results import write_ceinms_results
from refnms.io.setups import read_run_setup
from refnms.io.subject import read_model
from refnms.job.done import Done, as_json, check_target, data_files, failure_of, simulated
from refnms.task import profile_named


def run(setup_file: Path, profile_name: str = "native", out: Path | None = None) -> Done:
    """Run the trial of a `ceinms` setup file, EMG-driven, and write its signals and summary.

    The results replace the folder `out` as a whole, by default the one that the setup names.
    Raises InputError; OSError; DivergedError when a moment is not finite.
    """
    setup = read_run_setup(setup_file)
    folder = setup.output if out is None else out
    named = (setup.path, setup.subject, setup.excitation_generator, setup.execution)
    check_target(folder, [*named, *data_files([setup.input_data])])
    execution = read_execution(setup.execution)
    if isinstance(execution.mode, Hybrid):
        message = "hybrid execution is not available; use <openLoop/>, the EMG-driven mode"
        raise InputError(Problem(message, setup.execution))
    muscle_model = execution.muscle_model
    model = replace(
        read_model(setup.subject, setup.excitation_generator),
        tendon=muscle_model.tendon,
        activation=muscle_model.activation,
    )
    online = execution.velocity is not Velocity.OFFLINE
    profile = profile_named(profile_name, online, muscle_model.tolerance)
    trial = read_trial(setup.input_data, model, profile)
    simulations = simulated(model, [trial], profile)
    found = summary.of_run(model, profile.name, trial, simulations[0])

    def write(folder: Path) -> None:
        write_ceinms_results(folder, model, trial.time, simulations[0])
        write_atomically(folder / MARKER, as_json(found))

    replace_folder(folder, write)
    return Done(found, folder, failure=failure_of(found))
