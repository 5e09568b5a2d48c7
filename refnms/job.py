"""The main jobs as users run them: a CEINMS setup file in, a folder of results out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from refnms import ahead, summary
from refnms.calibration import Calibration, Callback
from refnms.errors import DivergedError, InputError, Problem
from refnms.io import read_trial, write_storage
from refnms.io.execution import Hybrid, Velocity, read_execution
from refnms.io.files import MARKER, check_replaceable, replace_folder, write_atomically
from refnms.io.history import NAME as HISTORY
from refnms.io.history import read_history
from refnms.io.results import write_ceinms_results
from refnms.io.setups import read_input_data, read_run_setup
from refnms.io.subject import read_model, write_subject
from refnms.model import Model, Trial
from refnms.optimize import Status
from refnms.physics.profiles import Profile
from refnms.report.figures import Tracking, moment_figure
from refnms.simulation import Simulation, simulate_all
from refnms.steps import Settings, run_steps, write_histories
from refnms.task import Task, profile_named, read_task
from refnms.uncertainty import Uncertainty, uncertainty_of

FIGURE = "moments.png"


@dataclass(frozen=True)
class Done:
    """What a job did, after writing it."""

    summary: dict[str, Any]  # what `--json` prints
    folder: Path
    interrupted: bool = False
    failure: str | None = None  # why the numbers are not what was asked for


def run(setup_file: Path, profile_name: str = "native", out: Path | None = None) -> Done:
    """Run the trial of a `ceinms` setup file, EMG-driven, and write its signals and summary.

    The results replace the folder `out` as a whole, by default the one that the setup names.
    Raises InputError; OSError; DivergedError when a moment is not finite.
    """
    setup = read_run_setup(setup_file)
    folder = setup.output if out is None else out
    named = (setup.path, setup.subject, setup.excitation_generator, setup.execution)
    _check_target(folder, [*named, *_data_files([setup.input_data])])
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
    simulations = _simulate(model, [trial], profile)
    found = summary.of_run(model, profile.name, trial, simulations[0])

    def write(folder: Path) -> None:
        write_ceinms_results(folder, model, trial.time, simulations[0])
        write_atomically(folder / MARKER, _json(found))

    replace_folder(folder, write)
    return Done(found, folder, failure=_failure(found))


def calibrate_setup(
    setup_file: Path,
    settings: Settings | None = None,
    tests: Sequence[Path] = (),
    out: Path | None = None,
    callback: Callback | None = None,
) -> Done:
    """Calibrate as a `ceinmsCalibration` setup file says, and predict the `tests` it has not seen.

    Writes a folder with the calibrated subject, the signals of every trial and the summary: `out`,
    replaced as a whole, or a folder beside the output subject of the setup, which is then written
    too. A run that ended early leaves its history there, and can be resumed. Raises InputError;
    OSError; DivergedError when a moment is not finite.
    """
    settings = settings or Settings()
    task = read_task(setup_file, settings.profile, tests)
    setup = task.setup
    folder = setup.output.with_name(f"{setup.output.stem}_results") if out is None else out
    named = (setup.path, setup.subject, setup.excitation_generator, setup.calibration)
    inputs = [*named, *_data_files([*task.file.trials, *tests])]
    _check_target(folder, inputs)
    if out is None:
        _check_output_subject(setup.output, inputs)
    if settings.resume:
        read_history(folder / HISTORY)  # refused before the work
    trials = task.recordings("calibration", "test")
    with ahead.compiling() as wait:
        before = simulate_all(task.model, trials, task.profile)
        wait()
    steps = run_steps(task, settings, callback, folder)
    task, done, choice = steps[-1].task, steps[-1].done, steps[-1].choice
    simulations = _simulate(done.model, trials, task.profile)
    doubt = uncertainty_of(done) if settings.uncertainty else None
    found = summary.of_calibration(steps, settings.method, simulations)
    if choice is not None:
        found["prior"] = summary.of_choice(choice)
    if doubt is not None:
        found["uncertainty"] = summary.of_uncertainty(doubt, done)

    def write(part: Path) -> None:
        _write_signals(part, task, done.model, before, simulations)
        if doubt is not None:
            _write_bands(part, task, doubt)
        write_histories(part, steps)
        write_subject(part / setup.output.name, setup.subject, done.model, setup.calibration)
        write_atomically(part / MARKER, _json(found))

    replace_folder(folder, write)
    if out is None:
        write_subject(setup.output, setup.subject, done.model, setup.calibration)
    interrupted = done.result.status is Status.INTERRUPTED
    return Done(found, folder, interrupted, _failure(found) or _divergence(done))


def _write_bands(folder: Path, task: Task, doubt: Uncertainty) -> None:
    """The standard deviation of every predicted moment, beside the moments."""
    for trial in task.recordings("calibration", "test"):
        _, deviation = doubt.band(trial)
        path = folder / trial.name / "TorqueDeviations.sto"
        write_storage(path, trial.time, task.model.dof_names, deviation, path.stem)


def _write_signals(
    folder: Path,
    task: Task,
    model: Model,
    before: Sequence[Simulation],
    simulations: Sequence[Simulation],
) -> None:
    for trial, simulation in zip(task.recordings("calibration", "test"), simulations, strict=True):
        (folder / trial.name).mkdir()
        write_ceinms_results(folder / trial.name, model, trial.time, simulation)
    with suppress(ImportError):  # Matplotlib is an extra
        tracking = _tracking(task.trials, before, simulations)
        if tracking:
            moment_figure(folder / FIGURE, model.dof_names, tracking)


def _tracking(
    trials: Mapping[str, tuple[str, Trial]],
    before: Sequence[Simulation],
    after: Sequence[Simulation],
) -> list[Tracking]:
    rows = zip(trials.items(), before, after, strict=True)
    tracking = []
    for (name, (role, trial)), old, new in rows:
        if trial.moment is not None:
            counts = slice(None) if trial.scored is None else trial.scored
            signals = (trial.time, trial.moment, old.moment, new.moment)
            tracking.append(Tracking(name, role == "test", *(s[counts] for s in signals)))
    return tracking


def _json(found: Mapping[str, Any]) -> str:
    return json.dumps(found, indent=2, allow_nan=False) + "\n"


def _simulate(model: Model, trials: Sequence[Trial], profile: Profile) -> list[Simulation]:
    """`simulate_all`, refusing moments that are not finite."""
    with np.errstate(all="ignore"):
        simulations = simulate_all(model, trials, profile)
    bad = []
    for trial, simulation in zip(trials, simulations, strict=True):
        for m, name in enumerate(model.muscle_names):
            wrong = np.flatnonzero(~np.isfinite(simulation.tendon_force[:, m]))
            if wrong.size:
                bad.append(f"{name} from {trial.time[wrong[0]]:g} s of trial {trial.name!r}")
    if bad:
        raise DivergedError(f"the force is not finite: {', '.join(bad)}")
    return simulations


def _failure(found: Mapping[str, Any]) -> str | None:
    failed = found["flags"].get("FAILED")
    return f"no fiber equilibrium was found (samples by muscle): {failed}" if failed else None


def _divergence(done: Calibration) -> str | None:
    if done.result.status is not Status.DIVERGED:
        return None
    return (
        f"the objective was no longer finite after {done.result.evaluations} evaluations; "
        "the best point before was written"
    )


def _data_files(input_data: Iterable[Path]) -> list[Path]:
    """The files of trials, and those that they name."""
    found = []
    for path in input_data:
        files = read_input_data(path)
        found += [path, files.lengths, files.excitations, *files.moment_arms.values()]
        found += [files.moments] if files.moments is not None else []
    return found


def _check_target(folder: Path, inputs: Iterable[Path]) -> None:
    """Refuse, before the work, a folder that a result may not replace, or that holds an input."""
    check_replaceable(folder)
    for path in inputs:
        if folder.resolve() in path.resolve().parents:
            message = f"holds {path.name}, which is read, and would be replaced as a whole"
            raise InputError(Problem(f"{message}; choose another --out", folder))


def _check_output_subject(output: Path, inputs: Iterable[Path]) -> None:
    if output.is_dir():
        raise InputError(Problem("the output subject is a folder; name a file", output))
    if output.resolve() in {path.resolve() for path in inputs}:
        message = "the output subject is a file that is read; name another, or give --out"
        raise InputError(Problem(message, output))
