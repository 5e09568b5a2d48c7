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

from refnms.jit import outlined, pure, where
from refnms.physics import muscle
from refnms.physics.curves import value
from refnms.physics.types import Array, Curves, Flag, Root, Unit

FLOOR = 0.02  # shortest projected fiber length, in optimal fiber lengths
SHORTEST = FLOOR * (1.0 + 1e-10)  # what is no longer stands on the floor
MARGIN = 0.05  # by which the upper end of the bracket is passed: point curves undershoot a little
START_STRAIN = 0.03  # of the tendon where the first frame's search begins: there curves are steep
NEWTON_STEP = 1e-10
NEWTON_ROUNDS = 100
BRENT_ROUNDS = 100
NO_PULL, LITTLE, LONG_PULL = 1e-3, 0.1, 1.0  # of the strongest force; see `plain_curves`
TAUT_STRAIN = 1e-3  # at which a tendon pulls more than NO_PULL
RESIDUAL = 1e-10  # a collapsed bracket with a larger residual has failed
EPSILON = 2.22e-16  # as CEINMS has it

NOTHING, HELPED, FAILED = 0, int(Flag.HELPED), int(Flag.FAILED)
FELL_BACK, TAUT, AT_FLOOR = int(Flag.FELL_BACK), int(Flag.TAUT), int(Flag.FLOOR)


class Sample(NamedTuple):
    """One muscle at one instant; its fiber velocity is `newest * length + past` [m/s]."""

    unit: Unit
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


@outlined
def at_frame(
    curves: Curves,
    root: Root,
    weights: Array,
    unit: Unit,
    activation: Array,
    musculotendon_length: Array,
    fiber_length: Array,
    t: int,
    m: int,
    first: int,
) -> Any:
    """Fiber length [m] and flag of frame t, muscle m, of signals `(T, M)` solved from `first` on.

    `weights (T, K)` are those of the velocity. The search begins where the last two lengths point.
    """
    past = past_velocity(weights, fiber_length, t, m, t - first)
    sample = Sample(unit, activation[t, m], musculotendon_length[t, m], weights[t, 0], past)
    previous = fiber_length[t - 1, m] if t > first else 0.0
    onward = 2.0 * previous - fiber_length[t - 2, m] if t > first + 1 else previous
    guess = onward if onward > 0.0 else previous
    return solve_sample(curves, root, sample, previous, guess)


@outlined
def solve_sample(curves: Curves, root: Root, sample: Sample, previous: Any, guess: Any) -> Any:
    """Fiber length [m] and flag of one sample.

    `previous` is the last fiber length [m], 0 for the first frame; `guess` where to look first.
    """
    if sample.unit.tendon_slack_length == 0.0 and root.tolerance == 0.0:
        return muscle.rigid_fiber_length(sample.unit, sample.musculotendon_length), NOTHING
    if root.upper > 0.0:
        return _in_bracket(curves, root, sample, guess)
    if previous > 0.0:
        return _in_motion(curves, sample, previous, guess)
    return _at_start(curves, sample)


@pure
def taut_length(unit: Unit, musculotendon_length: Any) -> Any:
    """Projected fiber length that leaves the tendon just taut."""
    return (musculotendon_length - unit.tendon_slack_length) * unit.per_length


@outlined
def _at_start(curves: Curves, sample: Sample) -> Any:
    """Static equilibrium; a fiber that cannot stretch its tendon starts with it just taut."""
    unit, length = sample.unit, sample.musculotendon_length
    taut = taut_length(unit, length)
    if taut <= FLOOR:
        return _length(unit, FLOOR), AT_FLOOR
    x, cosine = muscle.of_projection(unit, taut)
    if muscle.equilibrium(curves, unit, x, cosine, sample.activation, 0.0, length) >= 0.0:
        return muscle.rigid_fiber_length(unit, length), TAUT
    strained = taut - START_STRAIN * unit.tendon_slack_length * unit.per_length
    w, flag = newton(curves, sample, FLOOR, taut, max(strained, FLOOR))
    if w <= SHORTEST:  # it would shorten on
        return _length(unit, FLOOR), AT_FLOOR
    return _length(unit, w), flag


@outlined
def _in_motion(curves: Curves, sample: Sample, previous: Any, guess: Any) -> Any:
    x, cosine = muscle.of_length(sample.unit, previous)
    taut = taut_length(sample.unit, sample.musculotendon_length)
    longest = max(x * cosine, FLOOR, taut) + MARGIN
    x, cosine = muscle.of_length(sample.unit, guess)
    w, flag = newton(curves, sample, FLOOR, longest, min(max(x * cosine, FLOOR), longest))
    if w <= SHORTEST:
        return _length(sample.unit, FLOOR), AT_FLOOR
    return _length(sample.unit, w), flag


@outlined
def _in_bracket(curves: Curves, root: Root, sample: Sample, guess: Any) -> Any:
    """CEINMS's bracket; without a strict change of sign the rigid-tendon length, as CEINMS has.

    A tendon of slack length 0 has an infinite strain there, of either sign: Brent's path ends
    within its tolerance of the rigid-tendon length.
    """
    if sample.unit.tendon_slack_length == 0.0:
        sample = Sample(muscle.without_tendon(sample.unit), *sample[1:])
    unit = sample.unit
    shortest = root.lower * unit.optimal_fiber_length
    longest = root.upper * unit.optimal_fiber_length
    g_short, g_long = residual(curves, sample, shortest), residual(curves, sample, longest)
    found, length, flag = not g_short * g_long > 0.0, shortest, NOTHING
    if found and root.tolerance > 0.0:
        length, found = brent(curves, sample, shortest, longest, g_short, g_long, root.tolerance)
    elif found:
        x_low, cosine_low = muscle.of_length(unit, shortest)
        x_high, cosine_high = muscle.of_length(unit, longest)
        x, cosine = muscle.of_length(unit, guess if guess > 0.0 else 0.5 * longest)
        low, high = x_low * cosine_low, x_high * cosine_high
        w, flag = newton(curves, sample, low, high, min(max(x * cosine, low), high))
        length = _length(unit, w)
    if not found:
        return muscle.rigid_fiber_length(unit, sample.musculotendon_length), FELL_BACK
    return length, flag


@pure
def reaches(unit: Unit, previous: Any, musculotendon_length: Any, w: Any) -> Any:
    """Whether the search in motion, from a previous projected length, could end at w."""
    taut = taut_length(unit, musculotendon_length)
    return (w > SHORTEST) & (w <= where(previous > taut, previous, taut) + MARGIN)


@pure
def plainly_enclosed(pieces: Curves, root: Root, sample: Sample, w: Any) -> Any:
    """Whether CEINMS's bracket surely has a change of sign around a root w; see `plain_curves`.

    At both ends the fiber is at its velocity limits. At the short end the tendon is taut, and at
    the root, so at the long end too, it pulls less than a fiber of that length.
    """
    unit, lmt = sample.unit, sample.musculotendon_length
    pull = value(pieces.tendon_force_strain, muscle.strain(unit, w, lmt))
    x, _ = muscle.of_projection(unit, w)
    per_length = sample.newest * unit.optimal_fiber_length
    slowest = (per_length * root.lower + sample.past) * unit.per_speed
    fastest = (per_length * root.upper + sample.past) * unit.per_speed
    inside = (w > 0.0) & (x > root.lower) & (x < root.upper)
    inside = inside & (slowest <= -1.0) & (fastest >= 1.0)
    taut = muscle.strain(unit, root.lower, lmt) > TAUT_STRAIN  # w is no longer than x
    return inside & taut & (pull < LONG_PULL)


def plain_curves(curves: Curves, root: Root) -> bool:
    """Whether the curves bear out `plainly_enclosed`.

    A taut tendon pulls the more the longer it is, but for a little. A fiber that shortens at its
    limit has no active force, one at the short end of the bracket no passive force, and one at the
    long end more passive force than `LONG_PULL`, even at the largest pennation that is possible
    there.
    """
    if root.upper == 0.0:
        return False
    pull = value(curves.tendon_force_strain, np.linspace(-1.0, 1.0, 8001))
    drop = np.max(np.maximum.accumulate(pull) - pull)
    slack = np.max(value(curves.tendon_force_strain, np.linspace(-1.0, 0.0, 1001)))
    taut = np.min(value(curves.tendon_force_strain, np.linspace(TAUT_STRAIN, 1.0, 8001)))
    active = np.min(value(curves.active_force_length, np.linspace(0.0, root.upper, 4001)))
    slowest, fastest = (float(value(curves.force_velocity, v)) for v in (-1.0, 1.0))
    short = value(curves.passive_force_length, root.lower)
    long = value(curves.passive_force_length, root.upper)
    cosine = np.sqrt(1.0 - 1.0 / root.upper**2)
    return bool(
        drop <= LITTLE
        and slack <= NO_PULL < taut
        and abs(slowest) <= 1e-9
        and abs(fastest) <= 2.0
        and active >= -0.1 * LITTLE
        and short <= 0.5 * NO_PULL
        and (long - LITTLE) * cosine > LONG_PULL + LITTLE
    )


@outlined
def bracketed(curves: Curves, root: Root, sample: Sample) -> Any:
    """Whether g changes its sign between the ends of CEINMS's bracket."""
    shortest = root.lower * sample.unit.optimal_fiber_length
    longest = root.upper * sample.unit.optimal_fiber_length
    return not residual(curves, sample, shortest) * residual(curves, sample, longest) > 0.0


@pure
def _length(unit: Unit, w: Any) -> Any:
    return unit.optimal_fiber_length * muscle.of_projection(unit, w)[0]


@outlined
def residual(curves: Curves, sample: Sample, length: Any) -> Any:
    """g of a fiber length [m], upright ones included: what CEINMS's search evaluates."""
    unit = sample.unit
    x, cosine = muscle.of_length(unit, length)
    v = muscle.norm_velocity(unit, sample.newest * length + sample.past)
    return muscle.equilibrium(
        curves, unit, x, cosine, sample.activation, v, sample.musculotendon_length
    )


@pure
def partials_at(curves: Curves, sample: Sample, w: Any) -> Any:
    """The equilibrium's partials at a projected length w, and dg/dw with the velocity of w."""
    unit = sample.unit
    x, cosine = muscle.of_projection(unit, w)
    v = muscle.norm_velocity(unit, sample.newest * unit.optimal_fiber_length * x + sample.past)
    g = muscle.equilibrium_partials(
        curves, unit, x, cosine, sample.activation, v, sample.musculotendon_length
    )
    return g, total_slope(unit, g, cosine, sample.newest)


@pure
def total_slope(unit: Unit, partials: Any, cosine: Any, newest: Any) -> Any:
    """dg/dw with the velocity that follows w: dl/dw = l_o w/x."""
    return partials.w + partials.fiber_velocity * newest * (unit.optimal_fiber_length * cosine)


@pure
def near_fiber_force(unit: Unit, partials: Any, slope: Any, force: Any, step: Any) -> Any:
    """The fiber force f = T - g a short step of w away, to first order, where dg/dw is `slope`.

    dT/dw is that of the tendon's strain: -l_o dg/dl_mt.
    """
    by_w = -partials.musculotendon_length * unit.optimal_fiber_length - slope
    return force + by_w * step


@outlined
def newton(curves: Curves, sample: Sample, lower: Any, upper: Any, w: Any) -> Any:
    """Root w of g in [lower, upper] from a guess in it, and a flag."""
    last, before_last, flag = np.inf, np.inf, NOTHING
    for _ in range(NEWTON_ROUNDS):
        g, slope = partials_at(curves, sample, w)
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


@outlined
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
        gb = residual(curves, sample, b)
    return b, False
