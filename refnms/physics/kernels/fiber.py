"""Loops of the fiber length, under a rigid tendon and in equilibrium with an elastic one.

The adjoint of the equilibrium g(w[t], l[t-1], ...; p) = 0 never passes through iterations. With
l = l_o x(w), the velocity P l + Q (P the newest weight, Q the past) and G its total slope in w,

    w_bar = l_bar l_o w/x,   lambda = w_bar / G,   p_bar -= lambda dg/dp (P l(p) included),
    Q_bar = -lambda dg/dv,   l_bar[t-k] += weights[t, k] Q_bar,

scanned from the last frame to the first.
"""

from __future__ import annotations

import numpy as np

from refnms.jit import kernel, pure
from refnms.physics import muscle, solve
from refnms.physics.kernels.lanes import place, unit_of
from refnms.physics.types import (
    SLOPE_FLOOR,
    Array,
    Flag,
    Integers,
    Muscles,
    System,
)

ON_RIGID_LENGTH = int(Flag.FELL_BACK | Flag.TAUT)
AT_FLOOR = int(Flag.FLOOR)


@kernel
def rigid_fiber_length(
    system: System,
    muscles: Muscles,
    lanes: Integers,
    begin: int,
    end: int,
    musculotendon_length: Array,
    fiber_length: Array,
) -> None:
    """Fiber length under a rigid tendon."""
    for lane in lanes:
        m, first, stop, _ = place(system.timeline, lane, muscles.c1.size)
        unit = unit_of(muscles, m)
        for t in range(first + begin, min(stop, first + end)):
            fiber_length[t, m] = muscle.rigid_fiber_length(unit, musculotendon_length[t, m])


@pure
def add_rigid(unit: Muscles, m: int, length: float, bar: float, muscles_bar: Muscles) -> float:
    """Cotangents of one rigid-tendon fiber length; returns that of the musculotendon length."""
    d = muscle.rigid_fiber_length_partials(unit, length)
    muscles_bar.optimal_fiber_length[m] += bar * d.optimal_fiber_length
    muscles_bar.pennation_angle_at_optimal[m] += bar * d.pennation_angle_at_optimal
    muscles_bar.tendon_slack_length[m] += bar * d.tendon_slack_length
    return float(bar * d.musculotendon_length)


@kernel
def rigid_fiber_length_vjp(
    system: System,
    muscles: Muscles,
    lanes: Integers,
    musculotendon_length: Array,
    fiber_length: Array,
    fiber_length_bar: Array,
    muscles_bar: Muscles,
    musculotendon_length_bar: Array,
) -> None:
    """Adjoint of `rigid_fiber_length`."""
    for lane in lanes:
        m, first, stop, _ = place(system.timeline, lane, muscles.c1.size)
        unit = unit_of(muscles, m)
        for t in range(first, stop):
            musculotendon_length_bar[t, m] += add_rigid(
                unit, m, musculotendon_length[t, m], fiber_length_bar[t, m], muscles_bar
            )


@kernel
def elastic_fiber_length(
    system: System,
    muscles: Muscles,
    lanes: Integers,
    begin: int,
    end: int,
    activation: Array,
    musculotendon_length: Array,
    fiber_length: Array,
    flags: Integers,
) -> None:
    """Fiber length in equilibrium with an elastic tendon, and a flag for each solve."""
    for lane in lanes:
        m, first, stop, _ = place(system.timeline, lane, muscles.c1.size)
        unit = unit_of(muscles, m)
        for t in range(first + begin, min(stop, first + end)):
            fiber_length[t, m], flags[t, m] = solve.at_frame(
                system, unit, activation, musculotendon_length, fiber_length, t, m, first
            )


@kernel
def elastic_fiber_length_vjp(
    system: System,
    muscles: Muscles,
    lanes: Integers,
    activation: Array,
    musculotendon_length: Array,
    fiber_length: Array,
    flags: Integers,
    fiber_length_bar: Array,
    muscles_bar: Muscles,
    activation_bar: Array,
    musculotendon_length_bar: Array,
) -> None:
    """Adjoint of `elastic_fiber_length`; `fiber_length_bar` is used up.

    A sample whose slope is below `SLOPE_FLOOR` has no derivative; none is passed on through it.
    """
    weights = system.timeline.solver_weights
    for lane in lanes:
        m, first, stop, _ = place(system.timeline, lane, muscles.c1.size)
        unit = unit_of(muscles, m)
        lo, s = unit.optimal_fiber_length, np.sin(unit.pennation_angle_at_optimal)
        sine_bar = 0.0
        for t in range(stop - 1, first - 1, -1):
            bar = fiber_length_bar[t, m]
            if flags[t, m] & ON_RIGID_LENGTH or unit.tendon_slack_length == 0.0:
                musculotendon_length_bar[t, m] += add_rigid(
                    unit, m, musculotendon_length[t, m], bar, muscles_bar
                )
                continue
            x, cosine = muscle.projection(unit, fiber_length[t, m])
            muscles_bar.optimal_fiber_length[m] += bar * x
            sine_bar += bar * lo * s / x
            if flags[t, m] & AT_FLOOR:
                continue
            w = x * cosine
            past = solve.past_velocity(weights, fiber_length, t, m, t - first)
            velocity = weights[t, 0] * fiber_length[t, m] + past
            g = muscle.equilibrium_partials(
                system.curves, unit, w, activation[t, m], velocity, musculotendon_length[t, m]
            )
            slope = solve.total_slope(unit, g, w, weights[t, 0])
            if abs(slope) < SLOPE_FLOOR:
                continue
            ratio = -bar * lo * cosine / slope
            by_velocity = ratio * g.fiber_velocity
            newest = by_velocity * weights[t, 0]
            activation_bar[t, m] += ratio * g.activation
            musculotendon_length_bar[t, m] += ratio * g.musculotendon_length
            muscles_bar.optimal_fiber_length[m] += ratio * g.optimal_fiber_length + newest * x
            muscles_bar.tendon_slack_length[m] += ratio * g.tendon_slack_length
            muscles_bar.max_contraction_velocity[m] += ratio * g.max_contraction_velocity
            muscles_bar.fiber_damping[m] += ratio * g.fiber_damping
            muscles_bar.percentage_change[m] += ratio * g.percentage_change
            sine_bar += ratio * g.pennation_sine + newest * lo * s / x
            for k in range(1, min(weights.shape[1], t - first + 1)):
                fiber_length_bar[t - k, m] += weights[t, k] * by_velocity
        muscles_bar.pennation_angle_at_optimal[m] += sine_bar * np.cos(
            unit.pennation_angle_at_optimal
        )
