"""The elastic equilibrium of a whole trajectory by Newton's method, one banded solve a step.

With the unknown w (see `muscle`) at all frames, l = l_o x(w), dl/dw = l_o w/x, the velocities
v[t] = sum_k W[t,k] l[t-k] and G the slope of g[t] in w[t] alone, the step is a lower-banded system
in dl,

    dl[t] + h[t] sum_{k>0} W[t,k] dl[t-k] = -(l_o w/x) g[t] / G[t],      h = (l_o w/x) g_v / G,

and dw[t] = -(g[t] + g_v sum_{k>0} W[t,k] dl[t-k]) / G[t], which stays regular as w -> 0.

The steps know nothing of a bracket, nor of other roots. So when they have ended, the search for one
sample (see `solve`) is repeated for all samples side by side, each now knowing its past; where it
does not confirm the root, the sample is not plainly settled and left to that search itself.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from refnms.physics import muscle, solve
from refnms.physics.reference.bands import solve_forward, stencil
from refnms.physics.types import SLOPE_FLOOR, Array, Curves, Flag, Integers, Root, Unit

NEWTON_ROUNDS = 40
NEAR = 1e-3  # a sample whose last step of w was no longer is near its root
LEAST_DAMPING = 0.3  # far from the root: no less than this, whatever the velocity
FLAT = 1e-4  # of |G|: no step can be told from so small a slope
LONGEST_STEP = 0.2  # of w, in optimal fiber lengths
SETTLED_STEP = 1e-12
SAME_ROOT = 1e-9  # of w
COMPLEX_ROUNDS = 2  # the first finds the derivative, the second its rounding error

ON_RIGID_LENGTH = int(Flag.FELL_BACK | Flag.TAUT)
AT_FLOOR = int(Flag.FLOOR)


class Window(NamedTuple):
    """The frames of a part that are solved together."""

    curves: Curves
    unit: Unit  # each (m,)
    weights: Array  # (n, K)
    past: Array  # (n, m) velocity from fiber lengths before the window [m/s]
    activation: Array  # (n, m)
    musculotendon_length: Array  # (n, m)


class Linear(NamedTuple):
    """The equilibrium at all frames of a window, linearised."""

    residual: Array  # (n, m), as the others
    by_velocity: Array  # g_v
    slope: Array  # G
    along: Array  # dl/dw


def _length(unit: Unit, w: Array) -> Array:
    return np.asarray(unit.optimal_fiber_length * muscle.of_projection(unit, w)[0])


def _partials(window: Window, w: Array, velocity: Any) -> tuple[Any, Any]:
    """The equilibrium's partials, and its slope in w with the velocity of the same length."""
    unit = window.unit
    x, cosine = muscle.of_projection(unit, w)
    v = muscle.norm_velocity(unit, velocity)
    lmt = window.musculotendon_length
    g = muscle.equilibrium_partials(window.curves, unit, x, cosine, window.activation, v, lmt)
    return g, solve.total_slope(unit, g, cosine, window.weights[:, :1])


def _linear(window: Window, w: Array, length: Array) -> Linear:
    unit = window.unit
    velocity = stencil(window.weights, length) + window.past
    g, slope = _partials(window, w, velocity)
    along = unit.optimal_fiber_length * unit.optimal_fiber_length * w / _length(unit, w)
    return Linear(g.residual, g.fiber_velocity, slope, along)


def _newton_step(window: Window, at: Linear) -> Array:
    """dw of every sample."""
    h = at.along * at.by_velocity / at.slope
    dl = solve_forward(window.weights, h, -at.along * at.residual / at.slope)
    others = stencil(window.weights, dl) - window.weights[:, :1] * dl
    return np.asarray(-(at.residual + at.by_velocity * others) / at.slope)


def solve_window(window: Window, root: Root, before: Array) -> tuple[Array, Integers, Any]:
    """Fiber lengths `(n, m)`, their flags, and which of them are plainly settled.

    `before` has the two fiber lengths before the window, `(2, m)`, 0 where the trial had not begun.
    """
    unit = window.unit
    taut = (window.musculotendon_length - unit.tendon_slack_length) / unit.optimal_fiber_length
    lower, upper = np.full_like(taut, solve.FLOOR), np.full_like(taut, np.inf)
    if root.upper > 0.0:
        lower[:], upper[:] = (_projected(unit, end * unit.optimal_fiber_length) for end in root[:2])
    w = _static(window, lower, np.minimum(upper, np.maximum(taut, 1.0)))
    step = np.full_like(w, np.inf)
    for _ in range(NEWTON_ROUNDS):
        at = _linear(window, w, _length(unit, w))
        step = _newton_step(window, _tamed(window, at, far=np.abs(step) > NEAR))
        w = np.clip(w + np.clip(step, -LONGEST_STEP, LONGEST_STEP), lower, upper)
        settled = (np.abs(step) <= SETTLED_STEP) & (at.slope <= -FLAT)
        if settled.all():
            break
    length = _length(unit, w)
    newest = window.weights[:, :1]
    past = stencil(window.weights, length) - newest * length + window.past
    lengths = np.concatenate([before, length])
    previous, guess = lengths[1:-1], 2.0 * lengths[1:-1] - lengths[:-2]
    guess = np.where((lengths[:-2] > 0.0) & (guess > 0.0), guess, previous)
    if root.upper > 0.0:
        guess = np.where(guess > 0.0, guess, 0.5 * root.upper * unit.optimal_fiber_length)
        settled &= _bracketed(window, root, past)
    else:
        upper = np.maximum(np.maximum(_projected(unit, previous), solve.FLOOR), taut) + solve.MARGIN
        settled &= w > solve.FLOOR * (1.0 + solve.RESIDUAL)
    alone, flags = _alone(window, past, lower, upper, _projected(unit, guess))
    return length, flags, settled & (np.abs(alone - w) <= SAME_ROOT)


def _projected(unit: Unit, length: Array) -> Any:
    x, cosine = muscle.of_length(unit, length)
    return x * cosine


def _alone(
    window: Window, past: Array, lower: Array, upper: Array, w: Array
) -> tuple[Array, Integers]:
    """The root that `solve.newton` finds for each sample, NaN where not in a few rounds; its flag.

    A point curve may leave more than one root, and the search for one sample has the say.
    """
    unit, newest = window.unit, window.weights[:, :1]
    w = np.clip(w, lower, upper)
    last = before_last = np.full_like(w, np.inf)
    found, helped = np.full_like(w, np.nan), np.zeros(w.shape, dtype=bool)
    for _ in range(NEWTON_ROUNDS):
        g, slope = _partials(window, w, newest * _length(unit, w) + past)
        step = np.where(slope < 0.0, -g.residual / np.where(slope < 0.0, slope, 1.0), np.inf)
        ends = (np.abs(step) <= solve.NEWTON_STEP) & np.isnan(found)
        found = np.where(ends, np.clip(w + step, lower, upper), found)
        open_, negative = np.isnan(found), g.residual < 0.0
        if not open_.any():
            break
        lower = np.where(open_ & ~negative, w, lower)
        upper = np.where(open_ & negative, w, upper)
        halved = np.abs(g.residual) <= 0.5 * np.maximum(last, before_last)
        before_last, last = last, np.abs(g.residual)
        taken = halved & (lower < w + step) & (w + step < upper)
        helped |= open_ & ~taken
        w = np.where(open_, np.where(taken, w + step, 0.5 * (lower + upper)), found)
    return found, np.where(helped, solve.HELPED, solve.NOTHING)


def _tamed(window: Window, at: Linear, far: Any) -> Linear:
    """Slopes for the next step: where `far` from the root, those of a well damped muscle.

    A residual that rises with w would let errors grow from frame to frame, and at its limits the
    velocity would not answer at all.
    """
    unit, newest = window.unit, window.weights[:, :1]
    per_velocity = at.along * unit.per_speed * unit.per_length
    damped = np.minimum(at.by_velocity, -LEAST_DAMPING * per_velocity)
    by_velocity = np.where(far, damped, at.by_velocity)
    own = at.slope - at.by_velocity * newest * at.along
    slope = np.where(far, np.minimum(own, 0.0), own) + by_velocity * newest * at.along
    return at._replace(by_velocity=by_velocity, slope=np.where(slope > -FLAT, -1.0, slope))


def _static(window: Window, lower: Array, upper: Array) -> Array:
    """A first guess of w: where the fibers would rest, by bisection."""
    for _ in range(12):
        w = 0.5 * (lower + upper)
        x, cosine = muscle.of_projection(window.unit, w)
        g = muscle.equilibrium(
            window.curves,
            window.unit,
            x,
            cosine,
            window.activation,
            0.0,
            window.musculotendon_length,
        )
        lower, upper = np.where(g > 0.0, w, lower), np.where(g > 0.0, upper, w)
    return w


def _bracketed(window: Window, root: Root, past: Array) -> Any:
    """Whether CEINMS's bracket encloses a sign change, the residual falling."""
    a, lmt, newest = window.activation, window.musculotendon_length, window.weights[:, :1]
    sample = solve.Sample(window.unit, a, lmt, newest, past)
    lo = window.unit.optimal_fiber_length
    g_short, g_long = (
        solve.residual(window.curves, sample, end * lo) for end in (root.lower, root.upper)
    )
    return (g_short > 0.0) & (g_long < 0.0)


def complex_newton(window: Window, length: Array, flags: Integers) -> Array:
    """Carry the imaginary parts through equilibria whose real lengths `(n, m)` are known."""
    unit = window.unit
    on_rigid, at_floor = flags & ON_RIGID_LENGTH != 0, flags & AT_FLOOR != 0
    rigid = muscle.rigid_fiber_length(unit, window.musculotendon_length)
    x, cosine = muscle.of_length(Unit(*(p.real for p in unit)), length)
    w = np.where(on_rigid, 1.0, np.where(at_floor, solve.FLOOR, x * cosine)).astype(complex)
    for _ in range(COMPLEX_ROUNDS):
        at = _linear(window, w, np.where(on_rigid, rigid, _length(unit, w)))
        free = ~on_rigid & ~at_floor & (np.abs(at.slope) >= SLOPE_FLOOR)
        held = Linear(*(np.where(free, value, 0.0) for value in at))
        w = w + _newton_step(window, held._replace(slope=np.where(free, at.slope, 1.0)))
    return np.where(on_rigid, rigid, _length(unit, w))
