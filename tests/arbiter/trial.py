"""A whole recording, from EMG to moments and the gradient of a loss, under each profile."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from mpmath import fdot, mpf

from arbiter import activation
from arbiter.curves import coefficients, last_slope
from arbiter.muscle import Curves, Muscle, fiber_length, force, residual, stiff_length
from arbiter.precise import STEP, slope

SAME_TIME = mpf("1e-4")  # [s] CEINMS holds times this close for equal

activation.node = cache(activation.node)


class Profile(NamedTuple):
    """What versions of the model do differently; see `docs/how-it-works.md`."""

    name: str
    solver_points: int  # lengths whose spline gives the velocity inside the equilibrium
    force_points: int | None  # the same for the force; None: all of the trial
    interpolates: bool  # EMG at the time of the frame, each muscle with its own delay
    at_rest: bool  # before the first excitation
    third_restarts: bool
    prepares: bool = False  # the velocity comes from a pass of its own, with another filter
    pushes: bool = True  # fibers may push; else the least force is 0


PROFILES = (
    Profile("native", 2, 2, True, True, False),
    Profile("ceinms-0.9-online", 4, 15, False, False, True),
    Profile("ceinms-0.9-offline", 4, None, False, False, True, prepares=True),
    Profile("ceinms-0.21", 5, 15, False, False, True, pushes=False),
)


class Recording(NamedTuple):
    """T frames, M muscles, D degrees of freedom, N EMG samples."""

    time: list[Any]
    musculotendon_length: list[list[Any]]  # (T, M)
    moment_arm: list[list[list[Any]]]  # (T, M, D)
    emg_time: list[Any]
    emg: list[list[Any]]  # (N, M), in [0, 1]
    target: list[list[Any]]  # (T, D) moments that the loss compares with


class Choice(NamedTuple):
    profile: Profile
    curves: Curves
    rigid: bool
    shape: str
    rows: tuple[int, ...] = ()  # of the EMG, that CEINMS takes


class Signals(NamedTuple):
    """Of one muscle: K rows, then T frames."""

    neural_activation: list[Any]
    activation: list[Any]
    fiber_length: list[Any]
    fiber_velocity: list[Any]
    tendon_force: list[Any]
    solved: tuple[list[Any], list[Any]]  # lengths, and how steep the equilibrium is there
    preparing: tuple[list[Any], list[Any]]  # the same of the pass that gives the velocity


def taken(recording: Recording, delay: Any) -> list[int]:
    """The EMG rows that CEINMS takes: those before the first frame, then one for each frame."""
    rows = [
        next(k for k, s in enumerate(recording.emg_time) if s + delay >= t - SAME_TIME)
        for t in recording.time
    ]
    return [*range(rows[0]), *rows]


def excitations(profile: Profile, recording: Recording, m: int, delay: Any) -> list[Any]:
    """Rows of muscle m: one per frame, for CEINMS led by the EMG rows before the first frame."""
    times, column = recording.emg_time, [row[m] for row in recording.emg]
    if not profile.interpolates:
        return [column[k] for k in taken(recording, delay)]
    found = []
    for t in recording.time:
        k = max(i for i, s in enumerate(times) if s <= t - delay)
        part = (t - delay - times[k]) / (times[k + 1] - times[k])
        found.append(column[k] + part * (column[k + 1] - column[k]))
    return found


def fiber_lengths(
    choice: Choice,
    muscle: Muscle,
    time: list[Any],
    a: list[Any],
    lmt: list[Any],
    near: tuple[list[Any], list[Any]] | None,
) -> tuple[list[Any], list[Any]]:
    """Lengths, and how steep the equilibrium is at each."""
    profile, curves = choice.profile, choice.curves
    lengths: list[Any] = []
    steepness: list[Any] = []
    for t in range(len(time)):
        if choice.rigid:
            lengths.append(stiff_length(muscle, lmt[t]))
            continue
        first = max(0, t + 1 - profile.solver_points)
        *weights, newest = last_slope(tuple(time[first : t + 1]))
        past = sum((w * l for w, l in zip(weights, lengths[first:], strict=True)), mpf(0))

        def g(l: Any, t: int = t, newest: Any = newest, past: Any = past) -> Any:
            return residual(curves, muscle, a[t], lmt[t], lambda l: newest * l + past, l)

        if near is not None:
            l = near[0][t]
            lengths.append(l - g(l) / near[1][t])
            continue
        l = fiber_length(curves, muscle, a[t], lmt[t], lambda l, n=newest, p=past: n * l + p)
        lengths.append(l)
        steepness.append(slope(g, l))
    return lengths, steepness


def run(
    choice: Choice,
    muscle: Muscle,
    time: list[Any],
    e: list[Any],
    lmt: list[Any],
    near: Signals | None = None,
) -> Signals:
    """One muscle. `near`: signals of one that differs by `STEP`; one Newton step is due."""
    profile, curves = choice.profile, choice.curves
    u = activation.recursion(muscle.c1, muscle.c2, e, profile.at_rest, profile.third_restarts)

    def activations(u: list[Any]) -> list[Any]:
        shape = activation.SHAPES[choice.shape]
        return [shape(x, muscle.shape_factor) for x in u[len(e) - len(time) :]]

    a = activations(u)
    lengths, steepness = fiber_lengths(choice, muscle, time, a, lmt, near and near.solved)
    preparing = (lengths, steepness)
    if profile.prepares and not choice.rigid:
        held = activations(activation.prepared(muscle.c1, muscle.c2, e, choice.rows))
        preparing = fiber_lengths(choice, muscle, time, held, lmt, near and near.preparing)
    if profile.force_points is None:
        velocity = [piece[0] for piece in coefficients(time, preparing[0])]
    else:
        starts = [max(0, t + 1 - profile.force_points) for t in range(len(time))]
        velocity = [
            fdot(last_slope(tuple(time[s : t + 1])), lengths[s : t + 1])
            for t, s in enumerate(starts)
        ]
    forces = [force(curves, muscle, *sample) for sample in zip(a, lengths, velocity, strict=True)]
    if not profile.pushes:
        forces = [max(f, mpf(0)) for f in forces]
    return Signals(u, a, lengths, velocity, forces, (lengths, steepness), preparing)


class Result(NamedTuple):
    """Everything of a trial; nested lists, rows or frames first."""

    excitation: Any  # (K, M)
    neural_activation: Any  # (K, M)
    activation: Any  # (T, M)
    fiber_length: Any  # (T, M)
    fiber_velocity: Any  # (T, M)
    tendon_force: Any  # (T, M)
    moment: Any  # (T, D)
    loss: Any
    gradient: dict[str, Any]  # by each parameter (M,), by excitation (K, M) and length (T, M)


def moments(recording: Recording, forces: list[list[Any]]) -> list[list[Any]]:
    """(T, D) of forces (M, T)."""
    return [
        [
            sum(f[t] * arm[d] for f, arm in zip(forces, arms, strict=True))
            for d in range(len(arms[0]))
        ]
        for t, arms in enumerate(recording.moment_arm)
    ]


def loss(recording: Recording, forces: list[list[Any]]) -> Any:
    """Mean squared difference of the moments from the target [N2.m2]."""
    found = moments(recording, forces)
    squares = [
        (x - y) ** 2
        for row, wanted in zip(found, recording.target, strict=True)
        for x, y in zip(row, wanted, strict=True)
    ]
    return sum(squares) / len(squares)


def trial(choice: Choice, muscles: list[Muscle], recording: Recording) -> Result:
    """Run all muscles, and differentiate the loss by everything that may vary."""
    profile, time = choice.profile, recording.time
    if not profile.interpolates:
        rows = taken(recording, muscles[0].electromechanical_delay)
        choice = choice._replace(rows=tuple(rows))
    delays = [
        m.electromechanical_delay if profile.interpolates else muscles[0].electromechanical_delay
        for m in muscles
    ]
    rows = [excitations(profile, recording, m, delay) for m, delay in enumerate(delays)]
    lengths = [[row[m] for row in recording.musculotendon_length] for m in range(len(muscles))]
    found = [
        run(choice, *parts)
        for parts in zip(muscles, [time] * len(muscles), rows, lengths, strict=True)
    ]
    forces = [signals.tendon_force for signals in found]
    base = loss(recording, forces)

    def by(m: int, **moved: Any) -> Any:
        """Slope of the loss where muscle m's `muscle`, `e` or `lmt` has moved by STEP."""
        given = {"muscle": muscles[m], "e": rows[m], "lmt": lengths[m]} | moved
        signals = run(choice, given["muscle"], time, given["e"], given["lmt"], found[m])
        others = [*forces[:m], signals.tendon_force, *forces[m + 1 :]]
        return (loss(recording, others) - base) / STEP

    def nudged(values: list[Any], k: int) -> list[Any]:
        return [*values[:k], values[k] + STEP, *values[k + 1 :]]

    gradient: dict[str, Any] = {}
    for k, name in enumerate(Muscle._fields):
        moved = [Muscle(*nudged(list(muscle), k)) for muscle in muscles]
        if name != "electromechanical_delay":
            gradient[name] = [by(m, muscle=moved[m]) for m in range(len(muscles))]
        elif profile.interpolates:
            late = [excitations(profile, recording, m, d + STEP) for m, d in enumerate(delays)]
            gradient[name] = [by(m, e=late[m]) for m in range(len(muscles))]
    gradient["excitation"] = [
        [by(m, e=nudged(rows[m], k)) for m in range(len(muscles))] for k in range(len(rows[0]))
    ]
    gradient["musculotendon_length"] = [
        [by(m, lmt=nudged(lengths[m], t)) for m in range(len(muscles))] for t in range(len(time))
    ]
    turned = [
        list(zip(*signals, strict=True)) for signals in zip(*(s[:5] for s in found), strict=True)
    ]
    return Result(
        list(zip(*rows, strict=True)), *turned, moments(recording, forces), base, gradient
    )
