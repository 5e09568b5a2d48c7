"""The main jobs as users run them: a CEINMS setup file in, a folder of results out."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from refnms import __version__
from refnms.calibration import Calibration, Callback, calibrate
from refnms.errors import DivergedError, InputError, InputWarning, Problem
from refnms.fit import fits, flag_counts
from refnms.io import read_trial
from refnms.io.calibration import (
    CalibrationFile,
    Global,
    Groups,
    LengthPenalty,
    NormalizedTorqueError,
    ParameterChoice,
    Step,
    read_calibration,
)
from refnms.io.execution import Hybrid, Velocity, read_execution
from refnms.io.files import MARKER, check_replaceable, replace_folder, write_atomically
from refnms.io.results import write_ceinms_results
from refnms.io.setups import CalibrationSetup, read_calibration_setup, read_run_setup
from refnms.io.subject import read_model, write_subject
from refnms.model import Model, Trial
from refnms.objective import TERMS, FiberLengthRange, Term, ceinms_objective
from refnms.optimize import AdamW, Status
from refnms.parameters import Free, Packing
from refnms.physics.profiles import CEINMS_0_9_TOLERANCE, NATIVE, Profile, ceinms_0_9
from refnms.report.figures import Tracking, moment_figure
from refnms.simulation import Simulation, simulate_all

FIGURE = "moments.png"


@dataclass(frozen=True)
class Done:
    """What a job did: the summary that `--json` prints, where it was written, how it ended."""

    summary: dict[str, Any]
    folder: Path
    status: Status


def profile_named(name: str, online: bool = False, tolerance: float | None = None) -> Profile:
    """`native`, or `ceinms-0.9` with what its execution or calibration file chooses."""
    if name == "native":
        return NATIVE
    return ceinms_0_9(online, CEINMS_0_9_TOLERANCE if tolerance is None else tolerance)


def run(setup_file: Path, profile_name: str = "native", out: Path | None = None) -> Done:
    """Run the trial of a `ceinms` setup file, EMG-driven, and write its signals and summary.

    The results replace the folder `out` as a whole, by default the one that the setup names.
    Raises InputError; OSError; DivergedError when a sample of the trial could not be solved, after
    writing.
    """
    setup = read_run_setup(setup_file)
    folder = setup.output if out is None else out
    check_replaceable(folder)
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
    simulations = simulate_all(model, [trial], profile)
    summary = {
        "profile": profile.name,
        "trials": _trials(model, {trial.name: ("run", trial)}, simulations),
        "flags": flag_counts(model, simulations),
        "version": __version__,
    }

    def write(folder: Path) -> None:
        write_ceinms_results(folder, model, trial.time, simulations[0])
        write_atomically(folder / MARKER, _json(summary))

    replace_folder(folder, write)
    _refuse_failed(summary)
    return Done(summary, folder, Status.CONVERGED)


@dataclass(frozen=True, eq=False)
class Task:
    """What a calibration setup file asks for, read and checked."""

    setup: CalibrationSetup
    file: CalibrationFile
    step: Step
    model: Model  # uncalibrated
    packing: Packing
    profile: Profile
    trials: dict[str, tuple[str, Trial]]  # name -> role (calibration or test) and recording

    def recordings(self, *roles: str) -> list[Trial]:
        return [trial for role, trial in self.trials.values() if role in roles]


def read_task(setup_file: Path, profile_name: str, tests: Sequence[Path] = ()) -> Task:
    """Read all files that a `ceinmsCalibration` setup names, and the unseen trials `tests`."""
    setup = read_calibration_setup(setup_file)
    file = read_calibration(setup.calibration)
    model = replace(
        read_model(setup.subject, setup.excitation_generator),
        tendon=file.muscle_model.tendon,
        activation=file.muscle_model.activation,
    )
    step = _only_step(file.steps, setup.calibration)
    packing = Packing(model, [_free(choice, model, step.dofs) for choice in step.parameters])
    _refuse_unwritable(packing, setup.calibration)
    profile = profile_named(profile_name, tolerance=file.muscle_model.tolerance)
    paths = [("calibration", path) for path in file.trials] + [("test", path) for path in tests]
    trials = _read_trials(paths, model, profile)
    return Task(setup, file, step, model, packing, profile, trials)


def calibrate_setup(
    setup_file: Path,
    profile_name: str = "native",
    method: AdamW | None = None,
    tests: Sequence[Path] = (),
    out: Path | None = None,
    callback: Callback | None = None,
) -> Done:
    """Calibrate as a `ceinmsCalibration` setup file says, and predict the `tests` it has not seen.

    Writes the calibrated subject, and in a folder the signals of every trial and the summary. With
    `out` all of it replaces that folder as a whole; without, the subject goes where the setup says
    and the folder beside it. Raises InputError; OSError; DivergedError, after writing.
    """
    task = read_task(setup_file, profile_name, tests)
    setup = task.setup
    folder = setup.output.with_name(f"{setup.output.stem}_results") if out is None else out
    check_replaceable(folder)
    done = calibrate(
        task.model,
        task.recordings("calibration"),
        task.packing,
        method,
        task.profile,
        _terms(task.step),
        task.step.dofs or None,
        callback,
    )
    simulations = simulate_all(done.model, task.recordings("calibration", "test"), task.profile)
    summary = _calibration_summary(task, done, simulations)

    def write(part: Path) -> None:
        _write_signals(part, task, done.model, simulations)
        if out is not None:
            write_subject(part / setup.output.name, setup.subject, done.model, setup.calibration)
        write_atomically(part / MARKER, _json(summary))

    replace_folder(folder, write)
    if out is None:
        write_subject(setup.output, setup.subject, done.model, setup.calibration)
    _refuse_diverged(done)
    return Done(summary, folder, done.result.status)


def _calibration_summary(
    task: Task, done: Calibration, simulations: Sequence[Simulation]
) -> dict[str, Any]:
    return {
        "method": "adamw",
        "profile": task.profile.name,
        "status": done.result.status.value,
        "seconds": done.result.seconds,
        "evaluations": done.result.evaluations,
        "objective": {
            "initial": done.initial,
            "final": done.final,
            **_ceinms_score(done.model, task.file.trials, task.step.dofs),
        },
        "trials": _trials(done.model, task.trials, simulations),
        "bound_hits": done.at_bounds,
        "flags": flag_counts(done.model, simulations),
        "version": __version__,
    }


def _write_signals(
    folder: Path, task: Task, model: Model, simulations: Sequence[Simulation]
) -> None:
    for trial, simulation in zip(task.recordings("calibration", "test"), simulations, strict=True):
        (folder / trial.name).mkdir()
        write_ceinms_results(folder / trial.name, model, trial.time, simulation)
    with suppress(ImportError):  # Matplotlib is an extra
        before = simulate_all(task.model, task.recordings("calibration", "test"), task.profile)
        tracking = _tracking(task.trials, before, simulations)
        if tracking:
            moment_figure(folder / FIGURE, model.dof_names, tracking)


def _read_trials(
    paths: Sequence[tuple[str, Path]], model: Model, profile: Profile
) -> dict[str, tuple[str, Trial]]:
    """Name -> role and trial. The problems of all trials at once."""
    trials: dict[str, tuple[str, Trial]] = {}
    problems: list[Problem] = []
    for role, path in paths:
        try:
            trial = read_trial(path, model, profile)
        except InputError as error:
            problems.extend(error.problems)
            continue
        if trial.name in trials:
            problems.append(Problem(f"a second trial called {trial.name!r}", path))
        trials[trial.name] = (role, trial)
    if problems:
        raise InputError(problems)
    return trials


def _only_step(steps: Sequence[Step], file: Path) -> Step:
    if len(steps) != 1:
        message = f"has {len(steps)} calibration steps; one is possible, merge or split them"
        raise InputError(Problem(message, file))
    return steps[0]


def _free(choice: ParameterChoice, model: Model, dofs: Sequence[str]) -> Free:
    """What a calibration file sets free, in our terms; order as CEINMS has it."""
    columns = [d for d, name in enumerate(model.dof_names) if not dofs or name in dofs]
    spanning = np.flatnonzero(model.crosses[:, columns].any(axis=1))
    of_step = tuple(model.muscle_names[m] for m in spanning)
    if isinstance(choice.scope, Global):
        groups: tuple[tuple[str, ...], ...] = (of_step,)
    elif isinstance(choice.scope, Groups):
        groups = choice.scope.groups
    else:
        groups = tuple((name,) for name in choice.scope.muscles or of_step)
    return Free(choice.field, choice.bounds, choice.relative, groups)


def _terms(step: Step) -> tuple[Term, ...]:
    """The objective of a step: ours, with the range that the file states."""
    lengths = [p for p in step.penalties if isinstance(p, LengthPenalty)]
    if isinstance(step.objective, NormalizedTorqueError) or lengths:
        message = (
            "the formula of CEINMS 0.21's objective is not public: its targets and range are used, "
            "its weights and exponents are not"
        )
        warnings.warn(message, InputWarning, stacklevel=2)
    if not lengths:
        return TERMS
    others = [term for term in TERMS if not isinstance(term, FiberLengthRange)]
    return (*others, *(FiberLengthRange(*p.range) for p in lengths))


def _refuse_unwritable(packing: Packing, file: Path) -> None:
    """A subject holds one percentageChange for all muscles: refuse others before the work."""
    shared = packing.index[-1]
    if (shared >= 0).any() and len(set(shared.tolist())) > 1:
        message = "percentageChange is one value for all muscles in a subject; make it <global/>"
        raise InputError(Problem(message, file))


def _ceinms_score(model: Model, paths: Sequence[Path], dofs: Sequence[str]) -> dict[str, Any]:
    """CEINMS 0.9's objective of the result, by its own rules; null where these refuse a trial."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InputWarning)  # the files were warned of when first read
        try:
            trials = [read_trial(path, model, ceinms_0_9()) for path in paths]
            score = ceinms_objective(model, trials, dofs or None)
        except InputError as error:
            reason = str(error)
        else:
            return {
                "ceinms": score.total,
                "ceinms_moment": score.moment,
                "ceinms_penalty": score.penalty,
            }
    warnings.warn(f"no score in CEINMS's terms: {reason}", InputWarning, stacklevel=2)
    return {"ceinms": None, "ceinms_moment": None, "ceinms_penalty": None}


def _trials(
    model: Model, trials: Mapping[str, tuple[str, Trial]], simulations: Sequence[Simulation]
) -> dict[str, Any]:
    rows = zip(trials.items(), simulations, strict=True)
    return {
        name: {
            "role": role,
            "dofs": {dof: asdict(f) for dof, f in fits(model, trial, simulation).items()},
        }
        for (name, (role, trial)), simulation in rows
    }


def _tracking(
    trials: Mapping[str, tuple[str, Trial]],
    before: Sequence[Simulation],
    after: Sequence[Simulation],
) -> list[Tracking]:
    rows = zip(trials.items(), before, after, strict=True)
    return [
        Tracking(name, role == "test", trial.time, trial.moment, old.moment, new.moment)
        for (name, (role, trial)), old, new in rows
        if trial.moment is not None
    ]


def _json(summary: Mapping[str, Any]) -> str:
    return json.dumps(summary, indent=2, allow_nan=False) + "\n"


def _refuse_failed(summary: Mapping[str, Any]) -> None:
    failed = summary["flags"].get("FAILED")
    if failed:
        raise DivergedError(f"no fiber equilibrium was found (samples by muscle): {failed}")


def _refuse_diverged(done: Calibration) -> None:
    if done.result.status is Status.DIVERGED:
        raise DivergedError(
            f"the objective was no longer finite after {done.result.evaluations} evaluations; "
            "the best point before was written"
        )
