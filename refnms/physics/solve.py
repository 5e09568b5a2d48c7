"""The fiber length of one sample: the root of the equilibrium, and a flag for all help it needed.

Two searches over the same residual g (see `muscle`), which falls as the fiber lengthens:

- safeguarded Newton on the projected length w, inside a bracket. A step is replaced by bisection
  when it leaves the bracket, or when two steps have not halved the residual: plain Newton cycles
  on the force-velocity curve where the time step is small. The last step, below 1e-10 optimal fiber
  lengths, leaves an error of its square.
- Brent's method with the very path of CEINMS (van Wijngaarden-Dekker-Brent, as in Numerical
  Recipes), because its tolerance is coarse enough to show in the results.

Without a bracket in the profile, w lies between a floor and the longer of the previous fiber and
the one that leaves its tendon just taut: there the fiber lengthens against a slack tendon, g < 0.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from refnms.jit import pure
from refnms.physics import muscle
from refnms.physics.types import Array, Curves, Flag, Muscles, Root, System

FLOOR = 0.02  # shortest projected fiber length, in optimal fiber lengths
MARGIN = 0.05  # by which the upper end of the bracket is passed: point curves undershoot a little
START_STRAIN = 0.03  # of the tendon where the first frame's search begins: there curves are steep
NEWTON_STEP = 1e-10
NEWTON_ROUNDS = 100
BRENT_ROUNDS = 100
RESIDUAL = 1e-10  # a collapsed bracket with a larger residual has failed
EPSILON = 2.22e-16  # as CEINMS has it

NOTHING, HELPED, FAILED = 0, int(Flag.HELPED), int(Flag.FAILED)
FELL_BACK, TAUT, AT_FLOOR = int(Flag.FELL_BACK), int(Flag.TAUT), int(Flag.FLOOR)


class Sample(NamedTuple):
    """One muscle at one instant; its fiber velocity is `newest * length + past` [m/s]."""

    unit: Muscles
    activation: Any
    musculotendon_length: Any  # [m]
    newest: Any  # [1/s]
    past: Any  # [m/s]


@pure
def past_velocity(weights: Array, fiber_length: Array, t: int, m: int, available: int) -> Any:
    """The part of the velocity at frame t that its `available` earlier fiber lengths determine."""
    past = 0.0
    for k in range(1, min(weights.shape[1], available + 1)):
        past += weights[t, k] * fiber_length[t - k, m]
    return past


@pure
def at_frame(
    system: System,
    unit: Muscles,
    activation: Array,
    musculotendon_length: Array,
    fiber_length: Array,
    t: int,
    m: int,
    first: int,
) -> Any:
    """Fiber length [m] and flag of frame t, muscle m, of signals `(T, M)` solved from `first` on.

    The search begins where the last two lengths point.
    """
    weights = system.timeline.solver_weights
    past = past_velocity(weights, fiber_length, t, m, t - first)
    sample = Sample(unit, activation[t, m], musculotendon_length[t, m], weights[t, 0], past)
    previous = fiber_length[t - 1, m] if t > first else 0.0
    onward = 2.0 * previous - fiber_length[t - 2, m] if t > first + 1 else previous
    guess = onward if onward > 0.0 else previous
    return solve_sample(system.curves, system.root, sample, previous, guess)


@pure
def solve_sample(curves: Curves, root: Root, sample: Sample, previous: Any, guess: Any) -> Any:
    """Fiber length [m] and flag of one sample.

    `previous` is the last fiber length [m], 0 for the first frame; `guess` where to look first.
    """
    if sample.unit.tendon_slack_length == 0.0:
        return muscle.rigid_fiber_length(sample.unit, sample.musculotendon_length), NOTHING
    if root.upper > 0.0:
        return _in_bracket(curves, root, sample, guess)
    if previous > 0.0:
        return _in_motion(curves, sample, previous, guess)
    return _at_start(curves, sample)


@pure
def _taut(sample: Sample) -> Any:
    """Projected fiber length that leaves the tendon just taut."""
    unit = sample.unit
    return (sample.musculotendon_length - unit.tendon_slack_length) / unit.optimal_fiber_length


@pure
def _at_start(curves: Curves, sample: Sample) -> Any:
    """Static equilibrium; a fiber that cannot stretch its tendon starts with it just taut."""
    unit, length = sample.unit, sample.musculotendon_length
    taut = _taut(sample)
    if taut <= FLOOR:
        return _length(unit, FLOOR), AT_FLOOR
    if muscle.equilibrium(curves, unit, taut, sample.activation, 0.0, length) >= 0.0:
        return muscle.rigid_fiber_length(unit, length), TAUT
    strained = taut - START_STRAIN * unit.tendon_slack_length / unit.optimal_fiber_length
    w, flag = newton(curves, sample, FLOOR, taut, max(strained, FLOOR))
    return _length(unit, w), flag


@pure
def _in_motion(curves: Curves, sample: Sample, previous: Any, guess: Any) -> Any:
    x, cosine = muscle.projection(sample.unit, previous)
    longest = max(x * cosine, FLOOR, _taut(sample)) + MARGIN
    x, cosine = muscle.projection(sample.unit, guess)
    w, flag = newton(curves, sample, FLOOR, longest, min(max(x * cosine, FLOOR), longest))
    if w <= FLOOR * (1.0 + RESIDUAL):
        return _length(sample.unit, FLOOR), AT_FLOOR
    return _length(sample.unit, w), flag


@pure
def _in_bracket(curves: Curves, root: Root, sample: Sample, guess: Any) -> Any:
    """CEINMS's bracket; without a strict change of sign the rigid-tendon length, as CEINMS has."""
    unit = sample.unit
    shortest = root.lower * unit.optimal_fiber_length
    longest = root.upper * unit.optimal_fiber_length
    g_short, g_long = _of_length(curves, sample, shortest), _of_length(curves, sample, longest)
    found, length, flag = not g_short * g_long > 0.0, shortest, NOTHING
    if found and root.tolerance > 0.0:
        length, found = brent(curves, sample, shortest, longest, g_short, g_long, root.tolerance)
    elif found:
        x_low, cosine_low = muscle.projection(unit, shortest)
        x_high, cosine_high = muscle.projection(unit, longest)
        x, cosine = muscle.projection(unit, guess if guess > 0.0 else 0.5 * longest)
        low, high = x_low * cosine_low, x_high * cosine_high
        w, flag = newton(curves, sample, low, high, min(max(x * cosine, low), high))
        length = _length(unit, w)
    if not found:
        return muscle.rigid_fiber_length(unit, sample.musculotendon_length), FELL_BACK
    return length, flag


@pure
def _length(unit: Muscles, w: Any) -> Any:
    s = np.sin(unit.pennation_angle_at_optimal)
    return unit.optimal_fiber_length * np.sqrt(w * w + s * s)


@pure
def _of_length(curves: Curves, sample: Sample, length: Any) -> Any:
    velocity = sample.newest * length + sample.past
    return muscle.equilibrium_of_length(
        curves, sample.unit, length, sample.activation, velocity, sample.musculotendon_length
    )


@pure
def total_slope(unit: Muscles, partials: Any, w: Any, newest: Any) -> Any:
    """dg/dw with the velocity that follows w."""
    s = np.sin(unit.pennation_angle_at_optimal)
    along = unit.optimal_fiber_length * w / np.sqrt(w * w + s * s)
    return partials.w + partials.fiber_velocity * newest * along


@pure
def newton(curves: Curves, sample: Sample, lower: Any, upper: Any, w: Any) -> Any:
    """Root w of g in [lower, upper] from a guess in it, and a flag."""
    last, before_last, flag = np.inf, np.inf, NOTHING
    for _ in range(NEWTON_ROUNDS):
        velocity = sample.newest * _length(sample.unit, w) + sample.past
        g = muscle.equilibrium_partials(
            curves, sample.unit, w, sample.activation, velocity, sample.musculotendon_length
        )
        slope = total_slope(sample.unit, g, w, sample.newest)
        step = -g.residual / slope if slope < 0.0 else np.inf
        if abs(step) <= NEWTON_STEP:
            return min(max(w + step, lower), upper), flag
        if g.residual < 0.0:
            upper = w
        else:  # also a NaN, which must not end at the floor
            lower = w
        if upper - lower <= NEWTON_STEP * NEWTON_STEP + 4.0 * EPSILON * w:
            return w, flag if abs(g.residual) <= RESIDUAL else flag | FAILED
        halved = abs(g.residual) <= 0.5 * max(last, before_last)
        before_last, last = last, abs(g.residual)
        if halved and lower < w + step < upper:
            w = w + step
        else:
            w, flag = 0.5 * (lower + upper), HELPED
    return w, flag | FAILED


@pure
def brent(curves: Curves, sample: Sample, a: Any, b: Any, ga: Any, gb: Any, tolerance: Any) -> Any:
    """Root between lengths a and b [m] by CEINMS's path, and whether 100 rounds sufficed."""
    c, gc, d, e = b, gb, 0.0, 0.0
    for _ in range(BRENT_ROUNDS):
        if (gb > 0.0 and gc > 0.0) or (gb < 0.0 and gc < 0.0):
            c, gc = a, ga
            e = d = b - a
        if abs(gc) < abs(gb):
            a, b, c = b, c, b
            ga, gb, gc = gb, gc, gb
        nearest = 2.0 * EPSILON * abs(b) + 0.5 * tolerance
        middle = 0.5 * (c - b)
        if abs(middle) <= nearest or gb == 0.0:
            return b, True
        if abs(e) >= nearest and abs(ga) > abs(gb):
            s = gb / ga
            if a == c:
                p, q = 2.0 * middle * s, 1.0 - s
            else:
                q, r = ga / gc, gb / gc
                p = s * (2.0 * middle * q * (q - r) - (b - a) * (r - 1.0))
                q = (q - 1.0) * (r - 1.0) * (s - 1.0)
            if p > 0.0:
                q = -q
            p = abs(p)
            if 2.0 * p < min(3.0 * middle * q - abs(nearest * q), abs(e * q)):
                e, d = d, p / q
            else:
                e = d = middle
        else:
            e = d = middle
        a, ga = b, gb
        b = b + d if abs(d) > nearest else b + (nearest if middle >= 0.0 else -nearest)
        gb = _of_length(curves, sample, b)
    return b, False
