"""One trial, run as a CEINMS setup file says."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from refnms import record, summary
from refnms.assistance import Assistance, Assisted, assist
from refnms.assistance.excitations import problems
from refnms.errors import InputError, Problem
from refnms.io import read_trial
from refnms.io.execution import ExecutionFile, Hybrid
from refnms.io.files import MARKER, replace_folder, write_atomically
from refnms.io.results import V0_9, V0_21, Steered, write_ceinms_results
from refnms.io.setups import read_run_setup
from refnms.job.done import (
    Done,
    as_json,
    check_target,
    data_files,
    failure_of,
    refuse_infinite,
    simulated,
)
from refnms.model import Model, Trial
from refnms.physics.excitation import matching_rows
from refnms.physics.profiles import Profile
from refnms.simulation import Simulation
from refnms.task import executed


def run(
    setup_file: Path,
    profile_name: str = "native",
    out: Path | None = None,
    digits: int | None = None,
) -> Done:
    """Run the trial of a `ceinms` setup file and write its signals and summary.

    Excitations are those of the EMG, or follow the moments where the execution file says hybrid.
    The results replace the folder `out` as a whole, by default the one that the setup names.
    `digits`: of the numbers in the files, all by default. Raises InputError; OSError; DivergedError
    when a force is not finite.
    """
    setup = read_run_setup(setup_file)
    folder = setup.output if out is None else out
    named = (setup.path, setup.subject, setup.excitation_generator, setup.execution)
    inputs = [*named, *data_files([setup.input_data])]
    check_target(folder, inputs)
    execution, model, profile = executed(setup, profile_name)
    assistance = assistance_of(execution, model, profile)
    trial = read_trial(setup.input_data, model, profile)
    simulation, assisted = _run(model, trial, profile, assistance, setup.input_data)
    found = summary.of_run(model, profile.name, trial, simulation, assisted)
    version = V0_21 if profile.name.startswith("ceinms-0.21") else V0_9

    def write(folder: Path) -> None:
        steered = None if assisted is None else _steered(model, trial, profile, assisted)
        write_ceinms_results(folder, model, trial, simulation, version, digits, steered)
        record.write_run(folder, model, trial, simulation, inputs)
        write_atomically(folder / MARKER, as_json(found))

    replace_folder(folder, write)
    return Done(found, folder, failure=failure_of(found))


def assistance_of(execution: ExecutionFile, model: Model, profile: Profile) -> Assistance | None:
    """What the execution file says of excitations that follow the moments, checked.

    Raises InputError.
    """
    mode = execution.mode
    if not isinstance(mode, Hybrid):
        return None
    assistance = Assistance(
        mode.adjusted, mode.synthesized, mode.alpha, mode.beta, mode.gamma, mode.dofs
    )
    found = [
        Problem(message, execution.path, mode.lines.get(field))
        for message, field in problems(model, assistance, profile)
    ]
    if found:
        raise InputError(found)
    return assistance


def _run(
    model: Model, trial: Trial, profile: Profile, assistance: Assistance | None, source: Path
) -> tuple[Simulation, Assisted | None]:
    if assistance is None:
        (simulation,) = simulated(model, [trial], profile)
        return simulation, None
    if trial.moment is None:
        message = "names no externalTorquesFile, but a hybrid execution follows measured moments"
        raise InputError(Problem(message, source))
    assisted = assist(model, trial, assistance, profile)
    refuse_infinite(model, [trial], [assisted.simulation])
    return assisted.simulation, assisted


def _steered(model: Model, trial: Trial, profile: Profile, assisted: Assisted) -> Steered:
    """For the files: with CEINMS's time stamps where each frame took one EMG row."""
    cost = np.column_stack([assisted.parts, np.tile(assisted.weights, (len(trial.time), 1))])
    time = delayed = trial.time
    if not profile.interpolates_emg:
        delay = float(model.muscles.electromechanical_delay[0])
        rows, lead = matching_rows(trial.emg_time, trial.time, delay)
        time = trial.emg_time[rows[lead:]]
        delayed = time + delay
    return Steered(assisted.simulation.excitation, cost, time, delayed)
