"""What a CEINMS calibration setup asks for: read, checked against the model, in our own terms."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from refnms.errors import InputError, InputWarning, Problem
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
from refnms.io.setups import CalibrationSetup, read_calibration_setup
from refnms.io.subject import PLAUSIBLE, read_model
from refnms.model import Model, Trial
from refnms.parameters import Free, Packing
from refnms.physics.profiles import NATIVE, Profile, ceinms_0_9
from refnms.physics.types import Muscles
from refnms.terms import TERMS, FiberLengthRange, Term

CEINMS_0_9 = ceinms_0_9()


def profile_named(name: str, online: bool = False, tolerance: float | None = None) -> Profile:
    """`native`, or `ceinms-0.9` with what its execution or calibration file chooses."""
    if name == NATIVE.name:
        return NATIVE
    if name != CEINMS_0_9.name:
        raise ValueError(f"no profile is called {name!r}; there are native and ceinms-0.9")
    return ceinms_0_9(online, CEINMS_0_9.root.tolerance if tolerance is None else tolerance)


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
        """The trials of these roles, calibration trials first."""
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
    step = _only_step(file.steps, model, setup.calibration)
    packing = Packing(model, [_free(choice, model, step.dofs) for choice in step.parameters])
    _refuse_unwritable(packing, setup.calibration)
    profile = profile_named(profile_name, tolerance=file.muscle_model.tolerance)
    paths = [("calibration", path) for path in file.trials] + [("test", path) for path in tests]
    trials = _read_trials(paths, model, profile)
    _warn(packing, [trial for _, trial in trials.values()])
    return Task(setup, file, step, model, packing, profile, trials)


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


def _warn(packing: Packing, trials: Sequence[Trial]) -> None:
    """What a user should know before the work."""
    if packing.moved:
        moved = ", ".join(packing.moved)
        message = f"the subject lies outside the bounds, and starts on them, in {moved}"
        warnings.warn(message, InputWarning, stacklevel=3)
    steps = [float(np.median(np.diff(trial.time))) for trial in trials]
    if max(steps) > 1.25 * min(steps):
        rates = ", ".join(f"{t.name} {1.0 / s:g} Hz" for t, s in zip(trials, steps, strict=True))
        message = f"c1 and c2 mean something else at each frame rate, and trials differ: {rates}"
        warnings.warn(message, InputWarning, stacklevel=3)


def _only_step(steps: Sequence[Step], model: Model, file: Path) -> Step:
    if len(steps) != 1:
        message = f"has {len(steps)} calibration steps; one is possible, merge or split them"
        raise InputError(Problem(message, file))
    known = ", ".join(model.dof_names)
    unknown = [name for name in steps[0].dofs if name not in model.dof_names]
    if unknown:
        message = f"<dofs> names {', '.join(unknown)}; the subject has {known}"
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


def terms_of(step: Step) -> tuple[Term, ...]:
    """The objective of a step: ours, with the range that the file states."""
    lengths = [p for p in step.penalties if isinstance(p, LengthPenalty)]
    if isinstance(step.objective, NormalizedTorqueError) or lengths:
        message = (
            "the formula of CEINMS 0.21's objective is not public: the range of its penalty is "
            "used, its targets, weights and exponents are not; <dofs> says which moments count"
        )
        warnings.warn(message, InputWarning, stacklevel=2)
    if not lengths:
        return TERMS
    others = [term for term in TERMS if not isinstance(term, FiberLengthRange)]
    return (*others, *(FiberLengthRange(*p.range) for p in lengths))


def _refuse_unwritable(packing: Packing, file: Path) -> None:
    """Refuse before the work what could not be written, or not be read again, after it.

    A subject holds one percentageChange for all muscles, and values in plausible ranges.
    """
    problems = []
    for field, row in zip(Muscles._fields, packing.index, strict=True):
        plausible, expected = PLAUSIBLE.get(field, (lambda _: True, ""))
        for p in sorted({int(p) for p in row} - {-1}):
            for bound in (packing.lower[p], packing.upper[p]):
                if not plausible(bound):
                    message = f"{packing.names[p]}: the bound {bound:g} is not {expected}"
                    problems.append(Problem(message, file))
    if problems:
        raise InputError(problems)
    shared = packing.index[-1]
    if (shared >= 0).any() and len(set(shared.tolist())) > 1:
        message = (
            "percentageChange is one value for all muscles of a subject: make it <global/>, in a "
            "step whose <dofs> all muscles span"
        )
        raise InputError(Problem(message, file))
