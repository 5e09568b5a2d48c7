"""How one sample moves: derivatives of the length that solves its equilibrium, and their transpose.

By the implicit function theorem, at the root that `solve` has found. On the floor both hold too.
Under a rigid tendon the slopes are zero, and what `pull` owes to w goes on by the partials of
`muscle.rigid_projection`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from refnms.jit import pure, where
from refnms.physics import muscle
from refnms.physics.solve import Sample, total_slope
from refnms.physics.types import SLOPE_FLOOR, Curves, Muscles, Unit


class LengthSlopes(NamedTuple):
    """Slopes of a fiber length [m] that solves its equilibrium."""

    activation: Any
    musculotendon_length: Any
    past_velocity: Any  # the part of the velocity that earlier lengths determine
    optimal_fiber_length: Any
    pennation_angle_at_optimal: Any
    tendon_slack_length: Any
    max_contraction_velocity: Any
    fiber_damping: Any
    percentage_change: Any


@pure
def length_slopes(
    curves: Curves, sample: Sample, x: Any, cosine: Any, v: Any, on_rigid: Any, at_floor: Any
) -> LengthSlopes:
    """Slopes of the fiber length of a sample at norm length x, pennation cosine, norm velocity v.

    The length l = l_o x(w) moves with the root w of g, and w by the implicit function theorem:
    with G the total slope of g, and R = -(dl/dw) / G, by any argument q

        dl/dq = R dg/dq,     dl/dp = (dl/dp at fixed w) (1 + R newest dg/dv) + R dg/dp

    for parameters p that l_o x(w) contains. On the floor, and where |G| is below `SLOPE_FLOOR`, so
    that the root moves freely, w stands still. All is zero where the length is that under a rigid
    tendon, which has slopes of its own.
    """
    unit = sample.unit
    g = muscle.equilibrium_partials(
        curves, unit, x, cosine, sample.activation, v, sample.musculotendon_length
    )
    slope = total_slope(unit, g, cosine, sample.newest)
    moves = ((slope >= SLOPE_FLOOR) | (slope <= -SLOPE_FLOOR)) & (on_rigid == 0) & (at_floor == 0)
    along = where(moves, unit.optimal_fiber_length * cosine, 0.0)
    ratio = -along / where(moves, slope, 1.0)
    by_v = ratio * g.fiber_velocity
    share = where(on_rigid == 0, 1.0 + by_v * sample.newest, 0.0)
    by_sine = unit.optimal_fiber_length * unit.pennation_sine / x * share
    of_sine = by_sine + ratio * g.pennation_sine
    return LengthSlopes(
        activation=ratio * g.activation,
        musculotendon_length=ratio * g.musculotendon_length,
        past_velocity=by_v,
        optimal_fiber_length=x * share + ratio * g.optimal_fiber_length,
        pennation_angle_at_optimal=of_sine * unit.pennation_cosine,
        tendon_slack_length=ratio * g.tendon_slack_length,
        max_contraction_velocity=ratio * g.max_contraction_velocity,
        fiber_damping=ratio * g.fiber_damping,
        percentage_change=ratio * g.percentage_change,
    )


class Cotangents(NamedTuple):
    """What one sample owes to its arguments; of `w`, where the equilibrium does not decide it.

    What differs by a factor from the cotangents of parameters is as in `Sums`.
    """

    w: Any
    activation: Any
    musculotendon_length: Any  # [m]
    past_velocity: Any
    optimal_fiber_length: Any  # by all but the velocity
    fiber_damping: Any
    percentage_change: Any
    strongest_force: Any
    pennation_sine: Any
    log_per_speed: Any
    log_per_tendon: Any


class Sums(NamedTuple):
    """Cotangents that many samples may add up before `parameters_owed` makes of them, once, those
    of the parameters.
    """

    strongest_force: Any  # max_isometric_force times strength_coefficient
    pennation_sine: Any  # of the pennation angle at optimal
    log_per_speed: Any  # of the logarithm of 1 / (l_o max_contraction_velocity)
    log_per_tendon: Any  # of that of 1 / l_ts


@pure
def parameters_owed(unit: Unit, sums: Sums) -> Muscles:
    """The cotangents of a muscle's twelve parameters that are in some `Sums`."""
    return Muscles(
        c1=0.0,
        c2=0.0,
        shape_factor=0.0,
        optimal_fiber_length=-sums.log_per_speed * unit.per_length,
        pennation_angle_at_optimal=sums.pennation_sine * unit.pennation_cosine,
        tendon_slack_length=-sums.log_per_tendon * unit.per_tendon,
        max_isometric_force=sums.strongest_force * unit.strength_coefficient,
        max_contraction_velocity=-sums.log_per_speed * unit.per_velocity,
        strength_coefficient=sums.strongest_force * unit.max_isometric_force,
        fiber_damping=0.0,
        percentage_change=0.0,
        electromechanical_delay=0.0,
    )


@pure
def pull(
    curves: Curves,
    sample: Sample,
    x: Any,
    cosine: Any,
    v: Any,
    held: Any,
    length_bar: Any,
    velocity_bar: Any,
    force_bar: Any,
) -> Cotangents:
    """Cotangents of a sample from those of its length [m], velocity [m/s] and force [N].

    The transpose of `length_slopes` and of the force of the same velocity: with w_bar what all
    three owe to w, the implicit function theorem gives g the cotangent g_bar = -w_bar / G. Since
    g = T - f, that is all T has, and f has g_bar less. `held`: no equilibrium decides w.
    """
    unit, newest, lmt = sample.unit, sample.newest, sample.musculotendon_length
    f = muscle.norm_fiber_force_partials(curves, unit, x, cosine, sample.activation, v)
    w, per_x, lever = x * cosine, 1.0 / x, unit.optimal_fiber_length * cosine
    _, stiffness = muscle.norm_tendon_force_and_slope(curves, unit, w, lmt)
    sine, by_v = unit.pennation_sine * per_x, f.v * muscle.norm_velocity_slope(v)
    # df/dw. Not as T - g: where the tendon is stiff, that has lost its digits.
    by_w = f.x * cosine + f.cosine * (sine * sine * per_x) + by_v * unit.per_speed * newest * lever
    slope = by_w + stiffness * unit.optimal_fiber_length  # -G
    f_bar = force_bar * (unit.max_isometric_force * unit.strength_coefficient)
    w_bar = f_bar * by_w + lever * (length_bar + newest * velocity_bar)
    w_bar = where(cosine > muscle.UPRIGHT, w_bar, 0.0)  # an upright fiber stands as it is
    moves = ((slope >= SLOPE_FLOOR) | (slope <= -SLOPE_FLOOR)) & (held == 0)
    g_bar = where(moves, w_bar, 0.0) / where(moves, slope, 1.0)
    f_bar = f_bar - g_bar
    v_bar = f_bar * by_v
    velocity_bar = velocity_bar + v_bar * unit.per_speed
    length_bar = length_bar + newest * velocity_bar
    x_bar = unit.optimal_fiber_length * length_bar + f_bar * f.x
    lmt_bar = g_bar * stiffness
    return Cotangents(
        w=w_bar,
        activation=f_bar * f.activation,
        musculotendon_length=lmt_bar,
        past_velocity=velocity_bar,
        optimal_fiber_length=x * length_bar - lmt_bar * w,
        fiber_damping=f_bar * f.fiber_damping,
        percentage_change=f_bar * f.percentage_change,
        strongest_force=force_bar * f.force,
        pennation_sine=(x_bar - f_bar * f.cosine * cosine * per_x) * sine,
        log_per_speed=v_bar * v,
        log_per_tendon=lmt_bar * (lmt - unit.optimal_fiber_length * w),
    )
