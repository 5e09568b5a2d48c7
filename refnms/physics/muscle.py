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

`curves` are the four curves, or the piece of each that holds its argument (see `arguments`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from refnms.jit import pure, where
from refnms.physics.curves import value, value_and_slope
from refnms.physics.types import Curves, Muscles, Unit

# cos(pi / 2) as computers have it: CEINMS's search needs the sign it leaves to a vanishing force
UPRIGHT = 6.123233995736766e-17
ENDLESS = 1e300  # strain of a tendon without length, by its elongation [1/m]


@pure
def unit(muscles: Muscles) -> Unit:
    """The numbers of muscles as the formulas below want them."""
    lo, lts = muscles.optimal_fiber_length, muscles.tendon_slack_length
    elastic = lts != 0.0
    return Unit(
        optimal_fiber_length=lo,
        per_length=1.0 / lo,
        pennation_sine=np.sin(muscles.pennation_angle_at_optimal),
        pennation_cosine=np.cos(muscles.pennation_angle_at_optimal),
        tendon_slack_length=lts,
        per_tendon=where(elastic, 1.0 / where(elastic, lts, 1.0), 0.0),
        per_velocity=1.0 / muscles.max_contraction_velocity,
        per_speed=1.0 / (lo * muscles.max_contraction_velocity),
        max_isometric_force=muscles.max_isometric_force,
        strength_coefficient=muscles.strength_coefficient,
        fiber_damping=muscles.fiber_damping,
        percentage_change=muscles.percentage_change,
    )


@pure
def without_tendon(unit: Unit) -> Unit:
    """The unit as CEINMS divides by a slack length of 0: any strain is beyond all curves."""
    return Unit(
        unit.optimal_fiber_length,
        unit.per_length,
        unit.pennation_sine,
        unit.pennation_cosine,
        unit.tendon_slack_length,
        ENDLESS,
        unit.per_velocity,
        unit.per_speed,
        unit.max_isometric_force,
        unit.strength_coefficient,
        unit.fiber_damping,
        unit.percentage_change,
    )


# ---- geometry and velocity ----


@pure
def of_projection(unit: Unit, w: Any) -> Any:
    """x and w/x of a projected fiber length w > 0."""
    x = np.sqrt(w * w + unit.pennation_sine * unit.pennation_sine)
    return x, w * (1.0 / x)


@pure
def near_projection(unit: Unit, x: Any, cosine: Any, step: Any) -> Any:
    """x and w/x a short step of w away, to first order: dx/dw = w/x, d(w/x)/dw = s^2 / x^3."""
    per_x = 1.0 / x
    sine = unit.pennation_sine * per_x
    return x + cosine * step, cosine + sine * sine * per_x * step


@pure
def of_length(unit: Unit, fiber_length: Any) -> Any:
    """x and w/x of a fiber length [m]; a fiber no longer than its height stands upright."""
    x = fiber_length * unit.per_length
    sine = unit.optimal_fiber_length * unit.pennation_sine / fiber_length
    squared = sine * sine
    inside = where(squared < 1.0, 1.0 - squared, 1.0)
    return x, where(squared < 1.0, np.sqrt(inside), UPRIGHT)


@pure
def norm_velocity(unit: Unit, fiber_velocity: Any) -> Any:
    """Fiber velocity [m/s] over the maximal one, held inside [-1, 1]."""
    v = fiber_velocity * unit.per_speed
    v = where(v <= -1.0, -1.0, v)
    return where(v >= 1.0, 1.0, v)


@pure
def norm_velocity_slope(v: Any) -> Any:
    """Slope of the clamp at a norm velocity v that has passed it: 0 at a limit, else 1."""
    return where((v > -1.0) & (v < 1.0), 1.0, 0.0)


@pure
def rigid_fiber_length(unit: Unit, musculotendon_length: Any) -> Any:
    """Fiber length [m] under a tendon that stays at its slack length.

    As in CEINMS, a musculotendon unit shorter than its tendon gives a positive length too.
    """
    height = unit.optimal_fiber_length * unit.pennation_sine
    along = musculotendon_length - unit.tendon_slack_length
    return np.sqrt(height * height + along * along)


class RigidPartials(NamedTuple):
    """Slopes of `rigid_fiber_length`."""

    musculotendon_length: Any
    optimal_fiber_length: Any
    pennation_angle_at_optimal: Any
    tendon_slack_length: Any


@pure
def rigid_fiber_length_partials(unit: Unit, musculotendon_length: Any) -> RigidPartials:
    """Partial derivatives of `rigid_fiber_length`; where the length is 0, a kink, they are 0."""
    height = unit.optimal_fiber_length * unit.pennation_sine
    along = musculotendon_length - unit.tendon_slack_length
    length = np.sqrt(height * height + along * along)
    per_length = where(length > 0.0, 1.0 / where(length > 0.0, length, 1.0), 0.0)
    by_height = height * per_length
    return RigidPartials(
        musculotendon_length=along * per_length,
        optimal_fiber_length=by_height * unit.pennation_sine,
        pennation_angle_at_optimal=by_height * unit.optimal_fiber_length * unit.pennation_cosine,
        tendon_slack_length=-along * per_length,
    )


@pure
def rigid_projection(unit: Unit, musculotendon_length: Any) -> Any:
    """w of a fiber whose tendon stays at its slack length: |l_mt - l_ts| / l_o."""
    along = musculotendon_length - unit.tendon_slack_length
    return where(along < 0.0, -along, along) * unit.per_length


class ProjectionPartials(NamedTuple):
    """Slopes of `rigid_projection`."""

    musculotendon_length: Any
    optimal_fiber_length: Any
    tendon_slack_length: Any


@pure
def rigid_projection_partials(unit: Unit, musculotendon_length: Any) -> ProjectionPartials:
    """Partial derivatives of `rigid_projection`; where it is 0, a kink, they are 0."""
    along = musculotendon_length - unit.tendon_slack_length
    by_along = where(along > 0.0, unit.per_length, where(along < 0.0, -unit.per_length, 0.0))
    return ProjectionPartials(
        musculotendon_length=by_along,
        optimal_fiber_length=-by_along * along * unit.per_length,
        tendon_slack_length=-by_along,
    )


# ---- what the curves are asked ----


@pure
def per_optimal_length(unit: Unit, activation: Any) -> Any:
    """Optimal fiber length at full activation, over that at a given one."""
    return 1.0 / (unit.percentage_change * (1.0 - activation) + 1.0)


@pure
def strain(unit: Unit, w: Any, musculotendon_length: Any) -> Any:
    """Strain of the tendon at a projected fiber length w."""
    along = musculotendon_length - unit.optimal_fiber_length * w
    return (along - unit.tendon_slack_length) * unit.per_tendon


@pure
def arguments(
    unit: Unit, x: Any, cosine: Any, activation: Any, v: Any, musculotendon_length: Any
) -> Curves:
    """Where each of the four curves is asked, in the places of the curves."""
    return Curves(
        active_force_length=x * per_optimal_length(unit, activation),
        passive_force_length=x,
        force_velocity=v,
        tendon_force_strain=strain(unit, x * cosine, musculotendon_length),
    )


# ---- forces in units of the strongest ----


@pure
def norm_fiber_force(
    curves: Curves, unit: Unit, x: Any, cosine: Any, activation: Any, v: Any
) -> Any:
    """f of norm fiber length x, pennation cosine, activation and norm velocity v."""
    per_optimal = per_optimal_length(unit, activation)
    active = value(curves.active_force_length, x * per_optimal) * value(curves.force_velocity, v)
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
    curves: Curves, unit: Unit, x: Any, cosine: Any, activation: Any, v: Any
) -> FiberPartials:
    """`norm_fiber_force` and its partial derivatives, in the order of its arguments."""
    per_optimal = per_optimal_length(unit, activation)
    fl, fl_slope = value_and_slope(curves.active_force_length, x * per_optimal)
    fv, fv_slope = value_and_slope(curves.force_velocity, v)
    fp, fp_slope = value_and_slope(curves.passive_force_length, x)
    along = fl * fv * activation + fp + unit.fiber_damping * v
    by_length = fl_slope * per_optimal * fv * activation
    by_optimal = -by_length * (x * per_optimal)
    return FiberPartials(
        force=along * cosine,
        x=(by_length + fp_slope) * cosine,
        cosine=along,
        activation=(fl * fv - by_optimal * unit.percentage_change) * cosine,
        v=(fl * fv_slope * activation + unit.fiber_damping) * cosine,
        fiber_damping=v * cosine,
        percentage_change=by_optimal * (1.0 - activation) * cosine,
    )


@pure
def norm_tendon_force_and_slope(
    curves: Curves, unit: Unit, w: Any, musculotendon_length: Any
) -> Any:
    """T at a projected fiber length w, and its slope by the musculotendon length [1/m]."""
    strained = strain(unit, w, musculotendon_length)
    force, slope = value_and_slope(curves.tendon_force_strain, strained)
    return force, slope * unit.per_tendon


@pure
def equilibrium(
    curves: Curves,
    unit: Unit,
    x: Any,
    cosine: Any,
    activation: Any,
    v: Any,
    musculotendon_length: Any,
) -> Any:
    """g: tendon force minus fiber force."""
    tendon = value(curves.tendon_force_strain, strain(unit, x * cosine, musculotendon_length))
    return tendon - norm_fiber_force(curves, unit, x, cosine, activation, v)


class EquilibriumPartials(NamedTuple):
    """g and its slopes at fixed fiber velocity, which is in [m/s]; lengths in [m]."""

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
    unit: Unit,
    x: Any,
    cosine: Any,
    activation: Any,
    v: Any,
    musculotendon_length: Any,
) -> EquilibriumPartials:
    """`equilibrium` along w, x^2 = w^2 + s^2, and its partial derivatives."""
    w, per_x = x * cosine, 1.0 / x
    sine = unit.pennation_sine * per_x  # of the pennation
    f = norm_fiber_force_partials(curves, unit, x, cosine, activation, v)
    by_v = f.v * norm_velocity_slope(v)
    tendon, by_length = norm_tendon_force_and_slope(curves, unit, w, musculotendon_length)
    along = musculotendon_length - unit.optimal_fiber_length * w
    return EquilibriumPartials(
        residual=tendon - f.force,
        w=-by_length * unit.optimal_fiber_length - f.x * cosine - f.cosine * (sine * sine * per_x),
        activation=-f.activation,
        fiber_velocity=-by_v * unit.per_speed,
        musculotendon_length=by_length,
        optimal_fiber_length=-by_length * w + by_v * v * unit.per_length,
        tendon_slack_length=-by_length * along * unit.per_tendon,
        pennation_sine=(f.cosine * cosine * per_x - f.x) * sine,
        max_contraction_velocity=by_v * v * unit.per_velocity,
        fiber_damping=-f.fiber_damping,
        percentage_change=-f.percentage_change,
    )


# ---- force ----


@pure
def tendon_force(
    curves: Curves, unit: Unit, activation: Any, fiber_length: Any, fiber_velocity: Any
) -> Any:
    """Force [N] of the fibers along the tendon. Not clamped: it may be negative."""
    x, cosine = of_length(unit, fiber_length)
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
    curves: Curves, unit: Unit, activation: Any, fiber_length: Any, fiber_velocity: Any
) -> ForcePartials:
    """Partial derivatives of `tendon_force`. An upright fiber has none through pennation."""
    x, cosine = of_length(unit, fiber_length)
    v = norm_velocity(unit, fiber_velocity)
    return force_slopes(curves, unit, x, cosine, activation, v)


@pure
def force_slopes(
    curves: Curves, unit: Unit, x: Any, cosine: Any, activation: Any, v: Any
) -> ForcePartials:
    """`tendon_force_partials` of a norm length, pennation and norm velocity found before."""
    f = norm_fiber_force_partials(curves, unit, x, cosine, activation, v)
    strong = unit.max_isometric_force * unit.strength_coefficient
    by_v = strong * f.v * norm_velocity_slope(v)
    upright = cosine <= UPRIGHT
    per_x = 1.0 / x
    sine = unit.pennation_sine * per_x
    tangent = where(upright, 0.0, sine / where(upright, 1.0, cosine))
    by_x = strong * (f.x + f.cosine * tangent * sine * per_x)
    return ForcePartials(
        activation=strong * f.activation,
        fiber_length=by_x * unit.per_length,
        fiber_velocity=by_v * unit.per_speed,
        optimal_fiber_length=-(by_x * x + by_v * v) * unit.per_length,
        pennation_angle_at_optimal=-strong * f.cosine * tangent * per_x * unit.pennation_cosine,
        max_isometric_force=unit.strength_coefficient * f.force,
        max_contraction_velocity=-by_v * v * unit.per_velocity,
        strength_coefficient=unit.max_isometric_force * f.force,
        fiber_damping=strong * f.fiber_damping,
        percentage_change=strong * f.percentage_change,
    )
