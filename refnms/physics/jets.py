"""Second derivatives of the muscle along a path: each number with its slope and its curvature.

Everything at one instant moves with one number, the excitation say. A `Jet` is a value with its
first and second derivative by that number, and

    (p q)'' = p'' q + 2 p' q' + p q'',        c(p)'' = c''(p) p'^2 + c'(p) p''

are all that the formulas of `muscle` and `activation` need. At a knot, at the limits of velocity
and at the node of the piecewise activation the curvature is that of the side which `muscle` and
`curves` take there.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from refnms.jit import pure, where
from refnms.physics.activation import Node, Shape, exponential, exponential_partials, piecewise
from refnms.physics.curves import piece
from refnms.physics.muscle import norm_velocity, norm_velocity_slope, of_projection
from refnms.physics.types import Curves, Unit


class Jet(NamedTuple):
    """A number that moves."""

    value: Any
    slope: Any
    curvature: Any


@pure
def plus(p: Jet, q: Jet) -> Jet:
    """p + q."""
    return Jet(p.value + q.value, p.slope + q.slope, p.curvature + q.curvature)


@pure
def scaled(p: Jet, factor: Any, shift: Any = 0.0) -> Jet:
    """factor p + shift."""
    return Jet(factor * p.value + shift, factor * p.slope, factor * p.curvature)


@pure
def times(p: Jet, q: Jet) -> Jet:
    """p q."""
    return Jet(
        p.value * q.value,
        p.slope * q.value + p.value * q.slope,
        p.curvature * q.value + 2.0 * p.slope * q.slope + p.value * q.curvature,
    )


@pure
def chained(p: Jet, value: Any, slope: Any, curvature: Any) -> Jet:
    """A function of p that has this value, slope and curvature there."""
    return Jet(value, slope * p.slope, curvature * p.slope * p.slope + slope * p.curvature)


@pure
def on_curve(curve: Any, p: Jet) -> Jet:
    """A curve, or the piece of it that holds p, at p."""
    part = piece(curve, p.value)
    d = p.value - part.origin
    return chained(
        p,
        ((part.c3 * d + part.c2) * d + part.c1) * d + part.c0,
        (3.0 * part.c3 * d + 2.0 * part.c2) * d + part.c1,
        6.0 * part.c3 * d + 2.0 * part.c2,
    )


# ---- activation ----


@pure
def exponential_jet(u: Jet, shape: Shape) -> Jet:
    """Activation of neural activation u, exponential shape: a'' = A a'."""
    a = exponential(u.value, shape)
    by_u, _ = exponential_partials(u.value, a, shape)
    return chained(u, a, by_u, shape.factor * by_u)


@pure
def piecewise_jet(u: Jet, node: Node) -> Jet:
    """The same, piecewise shape."""
    inside = node.b * u.value + 1.0
    low, defined = u.value < node.x, inside > 0.0
    per_u = where(defined, node.b / where(defined, inside, 1.0), 0.0)
    slope, curvature = node.p * per_u, -node.p * per_u * per_u
    by_u, bend = where(low, slope, node.slope), where(low, curvature, 0.0)
    return chained(u, piecewise(u.value, node), by_u, bend)


# ---- muscle ----


@pure
def projection_jets(unit: Unit, w: Jet) -> Any:
    """x and w/x of a projected fiber length w: x' = w/x, (w/x)' = s^2 / x^3."""
    x, cosine = of_projection(unit, w.value)
    per_x = 1.0 / x
    sine = unit.pennation_sine * per_x
    rise = sine * sine * per_x
    return chained(w, x, cosine, rise), chained(w, cosine, rise, -3.0 * rise * cosine * per_x)


@pure
def velocity_jet(unit: Unit, x: Jet, newest: Any, past: Any) -> Jet:
    """Norm velocity at norm length x, of the velocity `newest * length + past` [m/s]."""
    v = norm_velocity(unit, newest * unit.optimal_fiber_length * x.value + past)
    moves = norm_velocity_slope(v) * newest * unit.optimal_fiber_length * unit.per_speed
    return Jet(v, moves * x.slope, moves * x.curvature)


@pure
def fiber_force_jet(curves: Curves, unit: Unit, x: Jet, cosine: Jet, a: Jet, v: Jet) -> Jet:
    """`muscle.norm_fiber_force`."""
    change = unit.percentage_change
    per = 1.0 / (change * (1.0 - a.value) + 1.0)
    rise = change * per * per
    per_optimal = chained(a, per, rise, 2.0 * change * per * rise)
    length = on_curve(curves.active_force_length, times(x, per_optimal))
    active = times(times(length, on_curve(curves.force_velocity, v)), a)
    passive = on_curve(curves.passive_force_length, x)
    return times(plus(plus(active, passive), scaled(v, unit.fiber_damping)), cosine)


@pure
def tendon_jet(curves: Curves, unit: Unit, w: Jet, musculotendon_length: Any) -> Jet:
    """Norm force of the tendon at a projected fiber length w."""
    along = musculotendon_length - unit.tendon_slack_length
    strain = scaled(w, -unit.optimal_fiber_length * unit.per_tendon, along * unit.per_tendon)
    return on_curve(curves.tendon_force_strain, strain)
