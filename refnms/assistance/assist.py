"""Excitations adjusted or synthesised so that the moments are followed, frame after frame.

CEINMS's EMG-assisted, hybrid and static-optimisation modes (Pizzolato et al. 2015) are one problem:
some muscles stay near their EMG (adjusted), some have none (synthesized), others keep theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from refnms.assistance.march import Cost, Found, Given, march, memory
from refnms.assistance.response import people
from refnms.errors import InputError, Problem
from refnms.model import Model, Trial
from refnms.physics.profiles import NATIVE, Profile
from refnms.physics.types import Array, Integers
from refnms.simulation import Joined, Simulation, join, simulate_joined

UNSETTLED = 1e-6  # slope of the cost that an excitation could still follow, over the largest terms


@dataclass(frozen=True)
class Assistance:
    """What moves the excitations: the minimum, at each frame, of

        alpha (sum of squared moment errors) + beta (sum of e^2 of all muscles)
        + gamma (sum over adjusted muscles of |e - recorded e| to the power of `exponent`)

    with the excitations e of adjusted and synthesized muscles inside `bounds`. CEINMS 0.9 has the
    exponent 1, later versions 2.
    """

    adjusted: tuple[str, ...] = ()  # muscles that start from their EMG
    synthesized: tuple[str, ...] = ()  # muscles whose EMG does not count
    alpha: float = 1.0  # [1/(N.m)^2]
    beta: float = 1.0
    gamma: float = 1.0
    dofs: tuple[str, ...] = ()  # whose moments are followed; none named: all
    exponent: int = 2
    bounds: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True, eq=False)
class Assisted:
    """A trial run with the excitations that were found."""

    simulation: Simulation  # its excitations are the adjusted ones
    recorded: Array  # (T, M) excitations as EMG gave them
    moment_error: Array  # (T,) sum of squares over the followed moments [(N.m)^2]
    effort: Array  # (T,) sum of squared excitations
    distance: Array  # (T,) of adjusted excitations from the recorded ones, as it is weighted
    cost: Array  # (T,)
    slope: Array  # (T,) of the cost, the largest that an excitation could still follow
    rounds: Integers  # (T,) steps taken


def assist(
    model: Model, trial: Trial, assistance: Assistance, profile: Profile = NATIVE
) -> Assisted:
    """Run a trial with the excitations that follow its measured moments best.

    Each frame is a problem of its own, given the frames before it; all are solved with exact
    derivatives. Raises InputError: unknown or doubly named muscles or degrees of freedom, no
    measured moments, weights that cannot be, a profile whose velocity needs the whole trial.
    """
    check(model, trial, assistance, profile)
    joined = join(model, [trial], profile)
    recorded = joined.excitation(model.table())
    exact = join(model, [trial], profile.for_gradients())
    found = best_excitations(exact, trial, assistance, recorded)
    (simulation,) = simulate_joined(joined, found.excitation)
    return _assisted(joined, trial, assistance, recorded, found, simulation)


def best_excitations(
    joined: Joined,
    trial: Trial,
    assistance: Assistance,
    recorded: Array,
    path: Array | None = None,
) -> Found:
    """The minimum of every frame, given the past of excitations `path (K, M)`; None: of its own.

    The trial is joined under a profile whose roots are found to rounding.
    """
    model, system = joined.model, joined.system
    given = given_of(model, trial, assistance, recorded)
    frames, muscles = trial.musculotendon_length.shape
    found = Found(
        np.zeros(recorded.shape),
        np.zeros((frames, muscles)),
        np.zeros(frames),
        np.zeros(frames),
        np.zeros(frames, np.int64),
    )
    who = people(model.muscles, system.piecewise, system.node_tolerance)
    room = memory(muscles, given.moving.size, given.moment.shape[1])
    own = np.zeros(recorded.shape) if path is None else np.array(path, order="C")
    march(system, who, cost_of(assistance), given, own, path is not None, found, room)
    return found


def cost_of(assistance: Assistance) -> Cost:
    """The numbers of the cost."""
    a = assistance
    lower, upper = a.bounds
    return Cost(
        float(a.alpha), float(a.beta), float(a.gamma), a.exponent == 2, float(lower), float(upper)
    )


def given_of(model: Model, trial: Trial, assistance: Assistance, recorded: Array) -> Given:
    """The trial as the frames want it."""
    assert trial.moment is not None
    names = [*assistance.adjusted, *assistance.synthesized]
    wanted = model.wanted(assistance.dofs or None)
    return Given(
        recorded,
        trial.musculotendon_length,
        np.ascontiguousarray(trial.moment_arm[:, :, wanted]),
        np.ascontiguousarray(trial.moment[:, wanted]),
        np.array([model.muscle_names.index(name) for name in names], np.int64),
        np.array([float(name in assistance.adjusted) for name in names]),
    )


def _assisted(
    joined: Joined,
    trial: Trial,
    assistance: Assistance,
    recorded: Array,
    found: Found,
    simulation: Simulation,
) -> Assisted:
    """The parts of the cost, of what the simulation gave."""
    model, assert_moment = joined.model, trial.moment
    assert assert_moment is not None
    wanted = model.wanted(assistance.dofs or None)
    e, own = simulation.excitation, recorded[len(recorded) - len(trial.time) :]
    adjusted = [name in assistance.adjusted for name in model.muscle_names]
    away = np.abs(e - own)[:, adjusted] ** assistance.exponent
    error = np.sum((simulation.moment - assert_moment)[:, wanted] ** 2, axis=1)
    effort, distance = np.sum(e**2, axis=1), np.sum(away, axis=1)
    cost = assistance.alpha * error + assistance.beta * effort + assistance.gamma * distance
    return Assisted(simulation, own, error, effort, distance, cost, found.slope, found.rounds)


def check(model: Model, trial: Trial, assistance: Assistance, profile: Profile) -> None:
    """Raise InputError, with all problems, unless the trial can be run so."""
    problems = list(_problems(model, assistance))
    if trial.moment is None:
        problems.append(Problem(f"trial {trial.name!r} has no measured moments to follow"))
    if profile.force_points is None:
        problems.append(
            Problem(
                f"{profile.name} takes the velocity from the whole trial (offline), but "
                "excitations follow the moments frame after frame; choose online"
            )
        )
    if problems:
        raise InputError(problems)


def _problems(model: Model, assistance: Assistance) -> Iterator[Problem]:
    a = assistance
    for what, names, known in (
        ("adjusted muscle", a.adjusted, model.muscle_names),
        ("synthesized muscle", a.synthesized, model.muscle_names),
        ("degree of freedom", a.dofs, model.dof_names),
    ):
        yield from _unknown(what, names, known)
    both = [name for name in a.adjusted if name in a.synthesized]
    if both:
        yield Problem(f"{', '.join(both)}: either adjusted or synthesized, not both")
    if not a.adjusted and not a.synthesized:
        yield Problem("no muscle is adjusted or synthesized: nothing can follow the moments")
    for name in ("alpha", "beta", "gamma"):
        if not 0.0 <= getattr(a, name) < np.inf:
            yield Problem(f"{name} is {getattr(a, name):g}, must be 0 or more")
    if a.exponent not in (1, 2):
        yield Problem(f"exponent is {a.exponent}, must be 1 or 2")
    if not 0.0 <= a.bounds[0] < a.bounds[1] <= 1.0:
        yield Problem(f"bounds are {a.bounds}, must rise within 0 to 1")


def _unknown(what: str, names: Sequence[str], known: Sequence[str]) -> Iterator[Problem]:
    unheard = [name for name in names if name not in known]
    if unheard:
        yield Problem(f"no {what} is called {', '.join(unheard)}; there are {', '.join(known)}")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        yield Problem(f"{what} named twice: {', '.join(twice)}")
