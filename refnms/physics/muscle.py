"""The Hill-type muscle of CEINMS: forces of one musculotendon unit at one instant, and partials.

Notation: l_o optimal fiber length, s = sin(pennation angle at optimal), in optimal fiber lengths

    x = l / l_o   fiber length,   w   its projection on the tendon,   x^2 = w^2 + s^2,

so that the fibers keep their height l_o s (constant thickness, Zajac 1989); cos(pennation) = w/x.
With w as the unknown every derivative is algebraic and pennation has no singularity. In units of
strength_coefficient * max_isometric_force, along the tendon (Lloyd and Besier 2003; the optimal
length that depends on activation is Huijing's 1995; damping as in Schutte 1993):

    fiber force   f = (a FL(x / (percentage_change (1 - a) + 1)) FV(v) + FP(x) + damping v) w/x
    tendon force  T = TS((l_mt - l_o w - l_ts) / l_ts)
    equilibrium   g(w) = T - f = 0

v is the fiber velocity over l_o max_contraction_velocity, held inside [-1, 1]. At a limit and
beyond it the slope of that clamp is zero; beyond a curve's last knot the curve's outer slope holds.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from refnms.jit import pure, where
from refnms.physics.curves import value, value_and_slope
from refnms.physics.types import Curves, Muscles

# cos(pi / 2) as computers have it: CEINMS's search needs the sign it leaves to a vanishing force
UPRIGHT = 6.123233995736766e-17


@pure
def projection(unit: Muscles, fiber_length: Any) -> Any:
    """x and w/x of a fiber length [m]; a fiber no longer than its height stands upright."""
    x = fiber_length / unit.optimal_fiber_length
    sine = unit.optimal_fiber_length * np.sin(unit.pennation_angle_at_optimal) / fiber_length
    inside = where(sine < 1.0, 1.0 - sine * sine, 1.0)
    return x, where(sine < 1.0, np.sqrt(inside), UPRIGHT)


@pure
def norm_velocity(unit: Muscles, fiber_velocity: Any) -> Any:
    """Fiber velocity [m/s] over the maximal one, held inside [-1, 1]."""
    v = fiber_velocity / (unit.optimal_fiber_length * unit.max_contraction_velocity)
    return where(v >= 1.0, 1.0, where(v <= -1.0, -1.0, v))


@pure
def rigid_fiber_length(unit: Muscles, musculotendon_length: Any) -> Any:
    """Fiber length [m] under a tendon that stays at its slack length.

    As in CEINMS, a musculotendon unit shorter than its tendon gives a positive length too.
    """
    height = unit.optimal_fiber_length * np.sin(unit.pennation_angle_at_optimal)
    along = musculotendon_length - unit.tendon_slack_length
    return np.sqrt(height * height + along * along)


class RigidPartials(NamedTuple):
    """Slopes of `rigid_fiber_length`."""

    musculotendon_length: Any
    optimal_fiber_length: Any
    pennation_angle_at_optimal: Any
    tendon_slack_length: Any


@pure
def rigid_fiber_length_partials(unit: Muscles, musculotendon_length: Any) -> RigidPartials:
    """Partial derivatives of `rigid_fiber_length`; where the length is 0, a kink, they are 0."""
    angle = unit.pennation_angle_at_optimal
    height = unit.optimal_fiber_length * np.sin(angle)
    along = musculotendon_length - unit.tendon_slack_length
    length = np.sqrt(height * height + along * along)
    per_length = where(length > 0.0, 1.0 / where(length > 0.0, length, 1.0), 0.0)
    return RigidPartials(
        musculotendon_length=along * per_length,
        optimal_fiber_length=height * np.sin(angle) * per_length,
        pennation_angle_at_optimal=height * unit.optimal_fiber_length * np.cos(angle) * per_length,
        tendon_slack_length=-along * per_length,
    )


@pure
def norm_tendon_force(curves: Curves, unit: Muscles, w: Any, musculotendon_length: Any) -> Any:
    """T of a projected fiber length w."""
    along = musculotendon_length - unit.optimal_fiber_length * w
    strain = (along - unit.tendon_slack_length) / unit.tendon_slack_length
    return value(curves.tendon_force_strain, strain)


@pure
def norm_fiber_force(
    curves: Curves, unit: Muscles, x: Any, cosine: Any, activation: Any, v: Any
) -> Any:
    """f of norm fiber length x, pennation cosine, activation and norm velocity v."""
    optimal = unit.percentage_change * (1.0 - activation) + 1.0
    active = value(curves.active_force_length, x / optimal) * value(curves.force_velocity, v)
    passive = value(curves.passive_force_length, x)
    return (active * activation + passive + unit.fiber_damping * v) * cosine


class FiberPartials(NamedTuple):
    """f and its slopes."""

    force: Any
    x: Any
    cosine: Any
    activation: Any
    v: Any
    fiber_damping: Any
    percentage_change: Any


@pure
def norm_fiber_force_partials(
    curves: Curves, unit: Muscles, x: Any, cosine: Any, activation: Any, v: Any
) -> FiberPartials:
    """`norm_fiber_force` and its partial derivatives, in the order of its arguments."""
    optimal = unit.percentage_change * (1.0 - activation) + 1.0
    fl, fl_slope = value_and_slope(curves.active_force_length, x / optimal)
    fv, fv_slope = value_and_slope(curves.force_velocity, v)
    fp, fp_slope = value_and_slope(curves.passive_force_length, x)
    along = fl * fv * activation + fp + unit.fiber_damping * v
    by_optimal = -fl_slope * x / (optimal * optimal) * fv * activation
    return FiberPartials(
        force=along * cosine,
        x=(fl_slope / optimal * fv * activation + fp_slope) * cosine,
        cosine=along,
        activation=(fl * fv - by_optimal * unit.percentage_change) * cosine,
        v=(fl * fv_slope * activation + unit.fiber_damping) * cosine,
        fiber_damping=v * cosine,
        percentage_change=by_optimal * (1.0 - activation) * cosine,
    )


@pure
def equilibrium(
    curves: Curves,
    unit: Muscles,
    w: Any,
    activation: Any,
    fiber_velocity: Any,
    musculotendon_length: Any,
) -> Any:
    """g: tendon force minus fiber force of a projected fiber length w > 0."""
    s = np.sin(unit.pennation_angle_at_optimal)
    x = np.sqrt(w * w + s * s)
    v = norm_velocity(unit, fiber_velocity)
    tendon = norm_tendon_force(curves, unit, w, musculotendon_length)
    return tendon - norm_fiber_force(curves, unit, x, w / x, activation, v)


@pure
def equilibrium_of_length(
    curves: Curves,
    unit: Muscles,
    fiber_length: Any,
    activation: Any,
    fiber_velocity: Any,
    musculotendon_length: Any,
) -> Any:
    """g of a fiber length [m], upright ones included: what CEINMS's search evaluates."""
    x, cosine = projection(unit, fiber_length)
    v = norm_velocity(unit, fiber_velocity)
    tendon = norm_tendon_force(curves, unit, x * cosine, musculotendon_length)
    return tendon - norm_fiber_force(curves, unit, x, cosine, activation, v)


class EquilibriumPartials(NamedTuple):
    """g and its slopes; `fiber_velocity` in [s/m], lengths in [1/m]."""

    residual: Any
    w: Any
    activation: Any
    fiber_velocity: Any
    musculotendon_length: Any
    optimal_fiber_length: Any
    tendon_slack_length: Any
    pennation_sine: Any
    max_contraction_velocity: Any
    fiber_damping: Any
    percentage_change: Any


@pure
def equilibrium_partials(
    curves: Curves,
    unit: Muscles,
    w: Any,
    activation: Any,
    fiber_velocity: Any,
    musculotendon_length: Any,
) -> EquilibriumPartials:
    """`equilibrium` and its partial derivatives at fixed fiber velocity."""
    s = np.sin(unit.pennation_angle_at_optimal)
    lo, lts = unit.optimal_fiber_length, unit.tendon_slack_length
    x = np.sqrt(w * w + s * s)
    x3 = x * x * x
    v = norm_velocity(unit, fiber_velocity)
    v_slope = norm_velocity_slope(v) / (lo * unit.max_contraction_velocity)
    f = norm_fiber_force_partials(curves, unit, x, w / x, activation, v)
    along = musculotendon_length - lo * w
    tendon, stiffness = value_and_slope(curves.tendon_force_strain, (along - lts) / lts)
    return EquilibriumPartials(
        residual=tendon - f.force,
        w=-stiffness * lo / lts - f.x * w / x - f.cosine * s * s / x3,
        activation=-f.activation,
        fiber_velocity=-f.v * v_slope,
        musculotendon_length=stiffness / lts,
        optimal_fiber_length=-stiffness * w / lts + f.v * v_slope * fiber_velocity / lo,
        tendon_slack_length=-stiffness * along / (lts * lts),
        pennation_sine=-f.x * s / x + f.cosine * w * s / x3,
        max_contraction_velocity=f.v * v_slope * fiber_velocity / unit.max_contraction_velocity,
        fiber_damping=-f.fiber_damping,
        percentage_change=-f.percentage_change,
    )


@pure
def norm_velocity_slope(v: Any) -> Any:
    """Slope of the clamp at a norm velocity v that has passed it: 0 at a limit, else 1."""
    return where((v > -1.0) & (v < 1.0), 1.0, 0.0)


@pure
def tendon_force(
    curves: Curves, unit: Muscles, activation: Any, fiber_length: Any, fiber_velocity: Any
) -> Any:
    """Force [N] of the fibers along the tendon. Not clamped: it may be negative."""
    x, cosine = projection(unit, fiber_length)
    v = norm_velocity(unit, fiber_velocity)
    f = norm_fiber_force(curves, unit, x, cosine, activation, v)
    return unit.max_isometric_force * unit.strength_coefficient * f


class ForcePartials(NamedTuple):
    """Slopes of `tendon_force`."""

    activation: Any
    fiber_length: Any
    fiber_velocity: Any
    optimal_fiber_length: Any
    pennation_angle_at_optimal: Any
    max_isometric_force: Any
    max_contraction_velocity: Any
    strength_coefficient: Any
    fiber_damping: Any
    percentage_change: Any


@pure
def tendon_force_partials(
    curves: Curves, unit: Muscles, activation: Any, fiber_length: Any, fiber_velocity: Any
) -> ForcePartials:
    """Partial derivatives of `tendon_force`. An upright fiber has none through pennation."""
    lo, vmax = unit.optimal_fiber_length, unit.max_contraction_velocity
    x, cosine = projection(unit, fiber_length)
    v = norm_velocity(unit, fiber_velocity)
    f = norm_fiber_force_partials(curves, unit, x, cosine, activation, v)
    strong = unit.max_isometric_force * unit.strength_coefficient
    v_slope = norm_velocity_slope(v) / (lo * vmax)
    s = np.sin(unit.pennation_angle_at_optimal)
    upright = cosine <= UPRIGHT
    tangent = where(upright, 0.0, s / x / where(upright, 1.0, cosine))
    length_slope = (f.x + f.cosine * tangent * s / (x * x)) / lo
    return ForcePartials(
        activation=strong * f.activation,
        fiber_length=strong * length_slope,
        fiber_velocity=strong * f.v * v_slope,
        optimal_fiber_length=-strong * (length_slope * x + f.v * v_slope * fiber_velocity / lo),
        pennation_angle_at_optimal=-strong
        * f.cosine
        * tangent
        / x
        * np.cos(unit.pennation_angle_at_optimal),
        max_isometric_force=unit.strength_coefficient * f.force,
        max_contraction_velocity=-strong * f.v * v_slope * fiber_velocity / vmax,
        strength_coefficient=unit.max_isometric_force * f.force,
        fiber_damping=strong * f.fiber_damping,
        percentage_change=strong * f.percentage_change,
    )
