"""Excitations adjusted or synthesised so that the moments are followed, frame after frame.

CEINMS's EMG-assisted, hybrid and static-optimisation modes (Pizzolato et al. 2015) are one problem:
some muscles stay near their EMG (adjusted), some have none (synthesized), others keep theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from refnms.assistance.frame import Cost, Given, Task, memory
from refnms.assistance.march import Found, march
from refnms.assistance.response import people
from refnms.display import count
from refnms.errors import InputError, Problem
from refnms.model import Model, Trial
from refnms.physics.engine import quiet
from refnms.physics.profiles import NATIVE, Profile
from refnms.physics.types import Array, Integers
from refnms.simulation import Simulation, join, simulate_joined


@dataclass(frozen=True)
class Assistance:
    """What moves the excitations: the minimum, at each frame, of

        alpha (sum of squared moment errors) + beta (sum of e^2 of all muscles)
        + gamma (sum over adjusted muscles of (e - recorded e)^2)

    over the excitations e of adjusted and synthesized muscles. The profile has their bounds, and
    the exponent of the last sum: CEINMS 0.9's is 1.
    """

    adjusted: tuple[str, ...] = ()  # muscles that start from their EMG
    synthesized: tuple[str, ...] = ()  # muscles whose EMG does not count
    alpha: float = 1.0  # [1/(N.m)^2]
    beta: float = 1.0
    gamma: float = 1.0
    dofs: tuple[str, ...] = ()  # whose moments are followed; none named: all

    @property
    def weights(self) -> Array:
        """alpha, beta, gamma."""
        return np.array([self.alpha, self.beta, self.gamma], dtype=float)


@dataclass(frozen=True, eq=False)
class Assisted:
    """A trial run with the excitations that were found."""

    simulation: Simulation  # its excitations are the adjusted ones
    recorded: Array  # (T, M) excitations as EMG gave them
    parts: Array  # (T, 3) the three sums of the cost, without their weights
    weights: Array  # (3,) alpha, beta, gamma
    cost: Array  # (T,)
    slope: Array  # (T,) of the cost, the largest that an excitation could still follow
    rounds: Integers  # (T,) steps taken

    def __repr__(self) -> str:
        frames = count(len(self.cost), "frame")
        return f"<Assisted {self.simulation.name!r}: {frames}, mean cost {self.cost.mean():.4g}>"


def assist(
    model: Model, trial: Trial, assistance: Assistance, profile: Profile = NATIVE
) -> Assisted:
    """Run a trial with the excitations that follow its measured moments best.

    Each frame is a problem of its own, given the frames before it; all are solved with exact
    derivatives. Raises InputError: unknown or doubly named muscles or degrees of freedom, no
    measured moments, weights that cannot be, a profile whose velocity needs the whole trial.
    """
    found = [Problem(message) for message, _ in problems(model, assistance, profile)]
    if trial.moment is None:
        found.append(Problem(f"trial {trial.name!r} has no measured moments to follow"))
    if found:
        raise InputError(found)
    best = best_excitations(model, trial, assistance, profile)
    joined = join(model, [trial], profile)
    (simulation,) = simulate_joined(joined, best.excitation)
    recorded = joined.excitation(model.table())[-len(trial.time) :]
    return _assisted(model, trial, assistance, profile, recorded, best, simulation)


def best_excitations(
    model: Model,
    trial: Trial,
    assistance: Assistance,
    profile: Profile,
    path: Array | None = None,
) -> Found:
    """The minimum of every frame, given the past of excitations `path (K, M)`; None: of its own.

    The rows before the first frame are those that charge the filter. Roots are found to rounding.
    """
    task = task_of(model, trial, assistance, profile)
    recorded, frames = task.given.recorded, len(trial.time)
    found = Found(
        np.zeros(recorded.shape),
        np.zeros(trial.musculotendon_length.shape),
        np.zeros(frames),
        np.zeros(frames),
        np.zeros(frames, np.int64),
    )
    own = np.zeros(recorded.shape) if path is None else np.array(path, order="C")
    quiet(march)(task, own, path is not None, found)
    return found


def task_of(model: Model, trial: Trial, assistance: Assistance, profile: Profile) -> Task:
    """The frames of a trial, their roots to be found to rounding."""
    assert trial.moment is not None
    joined = join(model, [trial], profile.for_gradients())
    system = joined.system
    names = [*assistance.adjusted, *assistance.synthesized]
    wanted = model.wanted(assistance.dofs or None)
    given = Given(
        joined.excitation(model.table()),
        trial.musculotendon_length,
        np.ascontiguousarray(trial.moment_arm[:, :, wanted]),
        np.ascontiguousarray(trial.moment[:, wanted]),
        np.array([model.muscle_names.index(name) for name in names], np.int64),
        np.array([float(name in assistance.adjusted) for name in names]),
        joined.least_force,
    )
    alpha, beta, gamma = assistance.weights.tolist()
    cost = Cost(alpha, beta, gamma, profile.tracking_exponent == 2, *profile.excitation_bounds)
    who = people(model.muscles, system.piecewise, system.node_tolerance)
    room = memory(len(model.muscle_names), len(names), given.moment.shape[1])
    return Task(system, who, cost, given, room)


def _assisted(
    model: Model,
    trial: Trial,
    assistance: Assistance,
    profile: Profile,
    recorded: Array,
    found: Found,
    simulation: Simulation,
) -> Assisted:
    """The parts of the cost, of what the simulation gave."""
    assert trial.moment is not None
    e, wanted = simulation.excitation, model.wanted(assistance.dofs or None)
    adjusted = [name in assistance.adjusted for name in model.muscle_names]
    error = np.sum((simulation.moment - trial.moment)[:, wanted] ** 2, axis=1)
    away = np.abs(e - recorded)[:, adjusted] ** profile.tracking_exponent
    parts = np.column_stack([error, np.sum(e**2, axis=1), np.sum(away, axis=1)])
    weights = assistance.weights
    cost = parts @ weights
    return Assisted(simulation, recorded, parts, weights, cost, found.slope, found.rounds)


def problems(model: Model, assistance: Assistance, profile: Profile) -> Iterator[tuple[str, str]]:
    """All that forbids such a run, each with the field of `Assistance` that asks for it, or ""."""
    a = assistance
    yield from _unknown("adjusted", "adjusted muscle", a.adjusted, model.muscle_names)
    yield from _unknown("synthesized", "synthesized muscle", a.synthesized, model.muscle_names)
    yield from _unknown("dofs", "degree of freedom", a.dofs, model.dof_names)
    both = [name for name in a.adjusted if name in a.synthesized]
    if both:
        yield f"{', '.join(both)}: either adjusted or synthesized, not both", "adjusted"
    if not a.adjusted and not a.synthesized:
        yield "no muscle is adjusted or synthesized", "adjusted"
    for name in ("alpha", "beta", "gamma"):
        if not 0.0 <= getattr(a, name) < np.inf:
            yield f"{name} is {getattr(a, name):g}, must be 0 or more", name
    if profile.force_points is None:
        yield (
            f"{profile.name} offline takes the velocity from the whole trial, but excitations "
            "follow the moments frame after frame; choose online",
            "",
        )
    if profile.follows_all_dofs and a.dofs and set(a.dofs) != set(model.dof_names):
        yield (
            f"{profile.name} follows the moments of all degrees of freedom, not of some; "
            "leave dofSet out, or choose another profile",
            "dofs",
        )


def _unknown(
    field: str, what: str, names: Sequence[str], known: Sequence[str]
) -> Iterator[tuple[str, str]]:
    unheard = [name for name in names if name not in known]
    if unheard:
        yield f"no {what} is called {', '.join(unheard)}; there are {', '.join(known)}", field
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        yield f"{what} named twice: {', '.join(twice)}", field
