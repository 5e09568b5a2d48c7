"""What a CEINMS calibration setup asks for: read, checked against the model, in our own terms."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from refnms.ceinms_terms import (
    FiberLengthPower,
    LengthJump,
    MomentErrorPower,
    SummedMomentError,
)
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
from refnms.io.ceinms import PARAMETERS
from refnms.io.execution import ExecutionFile, Velocity, read_execution
from refnms.io.setups import CalibrationSetup, RunSetup, read_calibration_setup
from refnms.io.subject import PLAUSIBLE, read_model
from refnms.model import Model, Trial
from refnms.objective import fixes_delay
from refnms.parameters import Free, Packing
from refnms.physics.profiles import (
    CEINMS_TOLERANCE,
    NATIVE,
    Profile,
    ceinms_0_9,
    ceinms_0_21,
)
from refnms.physics.types import Muscles
from refnms.terms import TERMS, FiberLengthRange, MomentError, Prior, Term

ALL = ("all",)  # targets of an objective

PROFILES = ("native", "ceinms-0.9", "ceinms-0.21", "ceinms-0.21-uncropped-arms")


def profile_named(name: str, online: bool | None = None, tolerance: float | None = None) -> Profile:
    """`native`, or a version of CEINMS with what its execution or calibration file chooses.

    `online` None: as the version calibrates. 0.9 does so offline; of 0.21 only online is known.

    Raises InputError where a version of CEINMS is not known to do what is asked.
    """
    tolerance = CEINMS_TOLERANCE if tolerance is None else tolerance
    if name == "native":
        return NATIVE
    if name == "ceinms-0.9":
        return ceinms_0_9(bool(online), tolerance)
    if name not in PROFILES:
        raise ValueError(f"no profile is called {name!r}; there are {', '.join(PROFILES)}")
    if online is False:
        raise InputError(
            f"<offline/>: how CEINMS 0.21 finds velocities offline is not known; {name} "
            "runs <online/>, the profile ceinms-0.9 both"
        )
    return ceinms_0_21(tolerance, uncropped_arms=name == PROFILES[-1])


def executed(setup: RunSetup, profile_name: str) -> tuple[ExecutionFile, Model, Profile]:
    """The execution file of a run, and the model and profile that it chooses.

    Raises InputError.
    """
    execution = read_execution(setup.execution)
    muscle_model = execution.muscle_model
    model = replace(
        read_model(setup.subject, setup.excitation_generator),
        tendon=muscle_model.tendon,
        activation=muscle_model.activation,
    )
    online = execution.velocity is not Velocity.OFFLINE
    return execution, model, profile_named(profile_name, online, muscle_model.tolerance)


@dataclass(frozen=True, eq=False)
class Task:
    """What a step of a calibration setup file asks for, read and checked."""

    setup: CalibrationSetup
    file: CalibrationFile
    steps: tuple[Step, ...]  # this one and those that follow
    model: Model  # as the step finds it
    packing: Packing
    profile: Profile
    trials: dict[str, tuple[str, Trial]]  # name -> role (calibration or test) and recording

    @property
    def step(self) -> Step:
        """The step itself."""
        return self.steps[0]

    @property
    def dofs(self) -> tuple[str, ...] | None:
        """The degrees of freedom whose moments count; None: all."""
        return _targets(self.step) or None

    def recordings(self, *roles: str) -> list[Trial]:
        """The trials of these roles, calibration trials first."""
        return [trial for role, trial in self.trials.values() if role in roles]

    def following(self, model: Model) -> Task | None:
        """The next step, from what this one found; None after the last one.

        Raises InputError when relative bounds have wandered to what no subject may hold.
        """
        if len(self.steps) == 1:
            return None
        packing = _packing(model, self.steps[1], self.setup.calibration)
        return replace(self, steps=self.steps[1:], model=model, packing=packing)


def read_task(setup_file: Path, profile_name: str, tests: Sequence[Path] = ()) -> Task:
    """Read all files that a `ceinmsCalibration` setup names, and the unseen trials `tests`.

    The task is that of the first step; all steps are checked.
    """
    setup = read_calibration_setup(setup_file)
    file = read_calibration(setup.calibration)
    model = replace(
        read_model(setup.subject, setup.excitation_generator),
        tendon=file.muscle_model.tendon,
        activation=file.muscle_model.activation,
    )
    profile = profile_named(profile_name, tolerance=file.muscle_model.tolerance)
    problems: list[Problem] = []
    packings: list[Packing] = []
    for step in file.steps:
        problems += _impossible(step, model, profile, setup.calibration)
        if not set(step.dofs) & set(model.dof_names):
            continue
        try:
            packings.append(_packing(model, step, setup.calibration))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    paths = [("calibration", path) for path in file.trials] + [("test", path) for path in tests]
    trials = _read_trials(paths, model, profile)
    _warn(packings[0], [trial for _, trial in trials.values()])
    return Task(setup, file, file.steps, model, packings[0], profile, trials)


def _packing(model: Model, step: Step, file: Path) -> Packing:
    """What a step sets free, in the order of CEINMS's vector of parameters."""
    order = list(PARAMETERS)
    choices = sorted(step.parameters, key=lambda choice: order.index(choice.name))
    try:
        packing = Packing(model, [_free(choice, model, step.dofs) for choice in choices])
    except InputError as error:
        raise InputError(replace(p, file=file) for p in error.problems) from error
    _refuse_unwritable(packing, file)
    return packing


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


def _targets(step: Step) -> tuple[str, ...]:
    """The degrees of freedom whose moments count."""
    objective = step.objective
    if isinstance(objective, NormalizedTorqueError) and objective.targets != ALL:
        return objective.targets
    return step.dofs


def _impossible(step: Step, model: Model, profile: Profile, file: Path) -> Iterator[Problem]:
    """Names that the subject lacks, exponents without a derivative, a delay that is fixed."""
    named = [("<dofs>", step.dofs, model.dof_names, step.line)]
    exponents = []
    if isinstance(step.objective, NormalizedTorqueError):
        o, name = step.objective, "torqueErrorNormalised"
        named.append((name, () if o.targets == ALL else o.targets, model.dof_names, o.line))
        exponents.append((name, o.exponent, 1.0, o.line))
    for p in step.penalties:
        named.append(("penalty", () if p.targets == ALL else p.targets, model.muscle_names, p.line))
        exponents.append(("penalty", p.exponent, 2.0, p.line))
    for choice in step.parameters:
        names = tuple(name for group in _named(choice) for name in group)
        named.append((f"parameter {choice.name!r}", names, model.muscle_names, choice.line))
        if choice.field == "electromechanical_delay" and not profile.interpolates_emg:
            yield Problem(fixes_delay(profile), file, choice.line)
    for where, names, known, line in named:
        unknown = [name for name in names if name not in known]
        if unknown:
            message = f"{where} names {', '.join(unknown)}; the subject has {', '.join(known)}"
            yield Problem(message, file, line)
    for where, exponent, least, line in exponents:
        if exponent < least:
            message = (
                f"{where} has the exponent {exponent:g}; it has a derivative from {least:g} on"
            )
            yield Problem(message, file, line)


def _named(choice: ParameterChoice) -> tuple[tuple[str, ...], ...]:
    """The muscles that a parameter names, group by group; none: all of the step's."""
    if isinstance(choice.scope, Groups):
        return choice.scope.groups
    return () if isinstance(choice.scope, Global) else tuple((m,) for m in choice.scope.muscles)


def _free(choice: ParameterChoice, model: Model, dofs: Sequence[str]) -> Free:
    """What a calibration file sets free, in our terms; order as CEINMS has it."""
    columns = [d for d, name in enumerate(model.dof_names) if name in dofs]
    spanning = np.flatnonzero(model.crosses[:, columns].any(axis=1))
    of_step = tuple(model.muscle_names[m] for m in spanning)
    groups = _named(choice)
    if not groups:
        all_of_step = isinstance(choice.scope, Global)
        groups = (of_step,) if all_of_step else tuple((name,) for name in of_step)
    known = (tuple(m for m in group if m in model.muscle_names) for group in groups)
    return Free(choice.field, choice.bounds, choice.relative, tuple(filter(None, known)))


def terms_of(step: Step, by_values: bool = False) -> tuple[Term, ...]:
    """The objective of a step.

    That of CEINMS 0.9 is ours: the same moment error, with a penalty that can be differentiated; a
    method that goes `by_values` gets CEINMS's own. Those of 0.21 have the targets, weights,
    exponents and ranges of the file, in formulas of ours (see `ceinms_terms`).
    """
    objective = step.objective
    if not isinstance(objective, NormalizedTorqueError):
        if by_values and not step.penalties:
            return SummedMomentError(), LengthJump()
        moment: Term = MomentError()
    elif (objective.weight, objective.exponent) == (1.0, 1.0):
        moment = MomentError()
    else:
        moment = MomentErrorPower(objective.weight, objective.exponent)
    if not isinstance(objective, NormalizedTorqueError) and not step.penalties:
        return TERMS
    message = (
        "the formula of CEINMS 0.21's objective is not public; docs/ceinms.md states the one used"
    )
    warnings.warn(message, InputWarning, stacklevel=2)
    return moment, *(_penalty(p) for p in step.penalties), Prior()


def _penalty(p: LengthPenalty) -> Term:
    if p.targets == ALL and p.exponent == 2.0:
        return FiberLengthRange(*p.range, weight=p.weight, soft=p.weight)
    return FiberLengthPower(*p.range, p.weight, p.exponent, None if p.targets == ALL else p.targets)


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
