"""The main job on the embedded participant, told as a short story."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from refnms import __version__, ahead
from refnms.calibration import Calibration, calibrate
from refnms.figures import Tracking, moment_figure, tracking
from refnms.fit import Fit, fits, flag_counts
from refnms.io.files import MARKER, check_replaceable, replace_folder, write_atomically
from refnms.model import Model
from refnms.optimize import LevenbergMarquardt
from refnms.parameters import Free, Packing
from refnms.physics.profiles import NATIVE
from refnms.physics.types import Array, Muscles
from refnms.simulation import Simulation, simulate_all
from refnms.synthetic import FRAME_RATE, NEUTRAL, Participant, musculotendon_length, participant

FOLDER = Path("refnms-demo")  # where the results go unless told otherwise
FIGURE = "moments.png"

METHOD = LevenbergMarquardt()
SIX = (  # parameters of every muscle that the field calibrates
    Free("c1", (-0.95, -0.05)),
    Free("c2", (-0.95, -0.05)),
    Free("shape_factor", (-2.999, -0.001)),
    Free("optimal_fiber_length", (0.85, 1.15), relative=True),
    Free("tendon_slack_length", (0.94, 1.06), relative=True),
    Free("strength_coefficient", (0.5, 2.0)),
)

# Quantity -> factor and unit.
TOLD = {
    "strength": (100.0, "%"),
    "delay of filter and muscle": (1e3, "ms"),
    "fiber length at rest": (100.0, "% of optimal"),
}
TRADED = {
    "optimal fiber length": (100.0, "%"),
    "tendon slack length": (100.0, "%"),
    "shape factor": (100.0, "%"),
    "c1": (100.0, "%"),
    "c2": (100.0, "%"),
}
ABSOLUTE = (
    "delay of filter and muscle",
    "fiber length at rest",
)  # the others relative to the truth


@dataclass(frozen=True)
class BeforeAfter:
    """One number of the published and of the calibrated model."""

    before: float
    after: float


@dataclass(frozen=True)
class TrialFit:
    """Goodness of the moments of one trial."""

    role: str  # calibration or test
    dofs: dict[str, dict[str, Fit]]  # degree of freedom -> before, after -> goodness


@dataclass(frozen=True)
class DemoResult:
    """What the demo found, in plain numbers."""

    seed: int
    method: str
    profile: str
    status: str
    seconds: float  # the optimisation alone
    evaluations: int
    objective: dict[str, float]  # initial, final
    trials: dict[str, TrialFit]
    held_out_error: dict[str, BeforeAfter]  # DOF -> RMSE to the true moments / their deviation
    recovery: dict[str, BeforeAfter]  # quantity -> mean error over muscles
    bound_hits: list[str]
    flags: dict[str, dict[str, int]]
    version: str


def run(seed: int = 0, out: Path | None = None, say: Callable[[str], object] = print) -> DemoResult:
    """Calibrate the participant of this seed, predict the unseen trials, and tell what came out.

    `say` takes the lines of the story. The numbers replace the folder `out` as a whole, by default
    `refnms-demo` in the working directory; the figure joins them when it is drawn. Raises
    InputError when that folder holds anything else; OSError.
    """
    say("The main job on an invented person whose truth is known (see refnms/synthetic.py).")
    say("The first run also compiles, which takes 20 s.\n")
    folder = FOLDER if out is None else out
    check_replaceable(folder)
    with ahead.compiling() as wait:
        person = participant(seed)
        packing = free_parameters(person.generic)
        for line in _opening(person, packing):
            say(line)
        wait()
    calibration = calibrate(person.generic, person.calibration, packing, METHOD)
    before = simulate_all(person.generic, person.trials)
    after = simulate_all(calibration.model, person.trials)
    result = _result(seed, person, calibration, before, after)
    for line in _findings(result):
        say(line)

    numbers = json.dumps(asdict(result), indent=2, allow_nan=False)
    replace_folder(folder, lambda part: write_atomically(part / MARKER, numbers + "\n"))
    say(f"\nNumbers: {folder / MARKER}")
    try:  # drawing takes longer than all the rest
        moment_figure(folder / FIGURE, person.true.dof_names, _tracking(person, before, after))
        say(f"Figure:  {folder / FIGURE}")
    except ImportError:  # Matplotlib is an extra
        say('No figure, since Matplotlib is missing: pip install "refnms[report]" has it.')
    say("\nNext: `refnms demo --files person` writes this person's files;")
    say("`refnms check` and `refnms calibrate` take its calibrationSetup.xml.")
    return result


def free_parameters(model: Model) -> Packing:
    """The six parameters of every muscle, and one delay for all."""
    delay = Free("electromechanical_delay", (0.0, 0.1), groups=(model.muscle_names,))
    return Packing(model, [*SIX, delay])


def _result(
    seed: int,
    person: Participant,
    calibration: Calibration,
    before: Sequence[Simulation],
    after: Sequence[Simulation],
) -> DemoResult:
    run = calibration.result
    return DemoResult(
        seed=seed,
        method=METHOD.name,
        profile=NATIVE.name,
        status=run.status.value,
        seconds=run.seconds,
        evaluations=run.evaluations,
        objective={"initial": calibration.initial, "final": calibration.final},
        trials=_trial_fits(person, before, after),
        held_out_error=_held_out_error(person, before, after),
        recovery=_recovery(person, calibration.model, after),
        bound_hits=calibration.at_bounds,
        flags=flag_counts(calibration.model, after),
        version=__version__,
    )


def _trial_fits(
    person: Participant, before: Sequence[Simulation], after: Sequence[Simulation]
) -> dict[str, TrialFit]:
    found = {}
    for trial, old, new in zip(person.trials, before, after, strict=True):
        role = "calibration" if trial in person.calibration else "test"
        old_fits, new_fits = (fits(person.true, trial, simulation) for simulation in (old, new))
        dofs = {dof: {"before": old_fits[dof], "after": new_fits[dof]} for dof in old_fits}
        found[trial.name] = TrialFit(role, dofs)
    return found


def _held_out_error(
    person: Participant, before: Sequence[Simulation], after: Sequence[Simulation]
) -> dict[str, BeforeAfter]:
    """RMSE to the moments without noise over their standard deviation, unseen trials together."""
    unseen = slice(len(person.calibration), None)
    true = np.concatenate([person.moment[trial.name] for trial in person.held_out])
    old, new = (
        np.sqrt(np.mean((_joined(runs[unseen]) - true) ** 2, axis=0)) / true.std(axis=0)
        for runs in (before, after)
    )
    rows = zip(person.true.dof_names, old, new, strict=True)
    return {dof: BeforeAfter(float(a), float(b)) for dof, a, b in rows}


def _joined(runs: Sequence[Simulation]) -> Array:
    return np.concatenate([run.moment for run in runs])


def _recovery(
    person: Participant, calibrated: Model, after: Sequence[Simulation]
) -> dict[str, BeforeAfter]:
    """Mean over muscles of each quantity's distance from the truth, by the muscle's share."""
    true = _quantities(person.true.muscles)
    old, new = (_quantities(m.muscles) for m in (person.generic, calibrated))
    share = _share(person, after)
    found = {}
    for name, truth in true.items():
        scale = 1.0 if name in ABSOLUTE else np.abs(truth)
        errors = [float(share @ (np.abs(q[name] - truth) / scale)) for q in (old, new)]
        found[name] = BeforeAfter(*errors)
    return found


def _share(person: Participant, after: Sequence[Simulation]) -> Array:
    """Share `(M,)` of each muscle in the moments calibrated on; what takes no part is not found."""
    parts = [
        (run.tendon_force[..., None] * trial.moment_arm).std(axis=0) / run.moment.std(axis=0)
        for trial, run in zip(person.calibration, after, strict=False)
    ]
    total = np.sum(parts, axis=(0, 2))  # (trials, M, D) -> (M,)
    return np.asarray(total / total.sum())


def _quantities(muscles: Muscles) -> dict[str, Array]:
    """What a calibration may recover, each `(M,)`."""
    along = musculotendon_length(NEUTRAL) - muscles.tendon_slack_length
    height = muscles.optimal_fiber_length * np.sin(muscles.pennation_angle_at_optimal)
    lag = sum(-c / (1.0 + c) / FRAME_RATE for c in (muscles.c1, muscles.c2))  # mean of the filter
    return {
        "strength": muscles.strength_coefficient,
        "delay of filter and muscle": muscles.electromechanical_delay + lag,
        "fiber length at rest": np.hypot(along, height) / muscles.optimal_fiber_length,
        "optimal fiber length": muscles.optimal_fiber_length,
        "tendon slack length": muscles.tendon_slack_length,
        "shape factor": muscles.shape_factor,
        "c1": muscles.c1,
        "c2": muscles.c2,
    }


def _tracking(
    person: Participant, before: Sequence[Simulation], after: Sequence[Simulation]
) -> list[Tracking]:
    return [
        tracking(trial, trial in person.held_out, old, new)
        for trial, old, new in zip(person.trials, before, after, strict=True)
    ]


def _opening(person: Participant, packing: Packing) -> Iterator[str]:
    model = person.generic
    names = ", ".join(trial.name for trial in person.calibration)
    yield f"Participant   {len(model.muscle_names)} muscles, {len(model.emg_names)} EMG channels,"
    yield f"              {', '.join(_words(dof) for dof in model.dof_names)}"
    yield "Start         published parameters (Saul et al. 2015); the truth is hidden"
    yield f"Calibration   {len(packing.start)} parameters on {names},"
    yield "              Levenberg-Marquardt, exact derivatives ..."


def _findings(result: DemoResult) -> Iterator[str]:
    loss = result.objective
    yield (
        f"              {result.status}: loss {loss['initial']:.3f} -> {loss['final']:.5f}, "
        f"{result.evaluations} evaluations in {result.seconds:.2f} s"
    )
    yield from _moment_table(result.trials)
    yield "\nUnseen trials against the moments without noise [% of their standard deviation]"
    for dof, error in result.held_out_error.items():
        yield f"  {_words(dof):<28}{100 * error.before:8.1f} -> {100 * error.after:4.1f}"
    yield "\nDistance from the true parameters, mean over muscles by their share in the moments"
    yield from _recovery_rows(result.recovery, TOLD)
    yield "  and what moments hardly tell apart (c1 from c2, fiber from tendon, shape):"
    yield from _recovery_rows(result.recovery, TRADED)
    if result.bound_hits:
        yield "\nOn a bound"
        yield from (f"  {_words(name)}" for name in result.bound_hits)


def _moment_table(trials: Mapping[str, TrialFit]) -> Iterator[str]:
    dofs = next(iter(trials.values())).dofs
    yield "\nRMSE [N.m] of the moments, published -> calibrated (R2 calibrated)"
    yield " " * 14 + "".join(f"{_words(dof):>22}" for dof in dofs)
    shown = ""
    for name, trial in trials.items():
        if trial.role != shown:
            shown = trial.role
            yield {"calibration": "calibrated on", "test": "unseen"}[shown]
        yield f"  {_words(name):<14}" + "  ".join(_cell(fit) for fit in trial.dofs.values())


def _cell(fit: Mapping[str, Fit]) -> str:
    r2 = fit["after"].r2
    shown = "" if r2 is None else f"({r2:.3f})"
    return f"{fit['before'].rmse:5.2f} -> {fit['after'].rmse:4.2f}{shown:>8}"


def _recovery_rows(
    recovery: Mapping[str, BeforeAfter], rows: Mapping[str, tuple[float, str]]
) -> Iterator[str]:
    for name, (factor, unit) in rows.items():
        error = recovery[name]
        numbers = f"{factor * error.before:8.1f} -> {factor * error.after:4.1f}"
        yield f"  {name:<28}{numbers} {unit}"


def _words(name: str) -> str:
    return name.replace("_", " ")
