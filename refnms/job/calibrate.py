"""A calibration, run as a CEINMS setup file says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from refnms import ahead, record, summary
from refnms.calibration import Calibration, Callback
from refnms.errors import InputError, Problem
from refnms.figures import moment_figure, tracking
from refnms.io import write_storage
from refnms.io.files import MARKER, replace_folder, write_atomically
from refnms.io.history import NAME as HISTORY
from refnms.io.history import read_history
from refnms.io.results import write_ceinms_results
from refnms.io.subject import write_subject
from refnms.job.done import Done, as_json, check_target, data_files, failure_of, simulated
from refnms.model import Model
from refnms.optimize import Status
from refnms.report import page
from refnms.simulation import Simulation, simulate_all
from refnms.steps import Settings, run_steps, write_histories
from refnms.task import Task, read_task
from refnms.uncertainty import Uncertainty, uncertainty_of

FIGURE = "moments.png"


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
    inputs = [*named, *data_files([*task.file.trials, *tests])]
    check_target(folder, inputs)
    if out is None:
        _check_output_subject(setup.output, inputs)
    if settings.resume:
        read_history(folder / HISTORY)  # refused before the work
    trials = task.recordings("calibration", "test")
    uncalibrated = task.model
    with ahead.compiling() as wait:
        before = simulate_all(uncalibrated, trials, task.profile)
        wait()
    steps = run_steps(task, settings, callback, folder)
    task, done, choice = steps[-1].task, steps[-1].done, steps[-1].choice
    simulations = simulated(done.model, trials, task.profile)
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
        record.write_calibration(
            part,
            uncalibrated,
            task.trials,
            [step.done for step in steps],
            (before, simulations),
            inputs,
            asdict(settings),
        )
        write_atomically(part / MARKER, as_json(found))
        with suppress(ImportError):  # Jinja is an extra
            page.write(part, title=folder.name)

    replace_folder(folder, write)
    if out is None:
        write_subject(setup.output, setup.subject, done.model, setup.calibration)
    interrupted = done.result.status is Status.INTERRUPTED
    return Done(found, folder, interrupted, failure_of(found) or _divergence(done))


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
        write_ceinms_results(folder / trial.name, model, trial, simulation)
    with suppress(ImportError):  # Matplotlib is an extra
        rows = zip(task.trials.values(), before, simulations, strict=True)
        measured = [
            tracking(trial, role == "test", old, new)
            for (role, trial), old, new in rows
            if trial.moment is not None
        ]
        if measured:
            moment_figure(folder / FIGURE, model.dof_names, measured)


def _divergence(done: Calibration) -> str | None:
    if done.result.status is not Status.DIVERGED:
        return None
    return (
        f"the objective was no longer finite after {done.result.evaluations} evaluations; "
        "the best point before was written"
    )


def _check_output_subject(output: Path, inputs: Iterable[Path]) -> None:
    if output.is_dir():
        raise InputError(Problem("the output subject is a folder; name a file", output))
    if output.resolve() in {path.resolve() for path in inputs}:
        message = "the output subject is a file that is read; name another, or give --out"
        raise InputError(Problem(message, output))
