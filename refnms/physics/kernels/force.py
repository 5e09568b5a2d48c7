"""Loops of the tendon force."""

from __future__ import annotations

from refnms.jit import kernel
from refnms.physics import muscle
from refnms.physics.kernels.lanes import place, unit_of
from refnms.physics.types import Array, Integers, Muscles, System


@kernel
def tendon_force(
    system: System,
    muscles: Muscles,
    lanes: Integers,
    begin: int,
    end: int,
    activation: Array,
    fiber_length: Array,
    fiber_velocity: Array,
    force: Array,
) -> None:
    """Force of each sample along the tendon."""
    for lane in lanes:
        m, first, stop, _ = place(system.timeline, lane, muscles.c1.size)
        unit = unit_of(muscles, m)
        for t in range(first + begin, min(stop, first + end)):
            force[t, m] = muscle.tendon_force(
                system.curves, unit, activation[t, m], fiber_length[t, m], fiber_velocity[t, m]
            )


@kernel
def tendon_force_vjp(
    system: System,
    muscles: Muscles,
    lanes: Integers,
    activation: Array,
    fiber_length: Array,
    fiber_velocity: Array,
    force: Array,
    force_bar: Array,
    muscles_bar: Muscles,
    activation_bar: Array,
    fiber_length_bar: Array,
    fiber_velocity_bar: Array,
) -> None:
    """Adjoint of `tendon_force`."""
    for lane in lanes:
        m, first, stop, _ = place(system.timeline, lane, muscles.c1.size)
        unit = unit_of(muscles, m)
        for t in range(first, stop):
            bar = force_bar[t, m]
            d = muscle.tendon_force_partials(
                system.curves, unit, activation[t, m], fiber_length[t, m], fiber_velocity[t, m]
            )
            activation_bar[t, m] += bar * d.activation
            fiber_length_bar[t, m] += bar * d.fiber_length
            fiber_velocity_bar[t, m] += bar * d.fiber_velocity
            muscles_bar.optimal_fiber_length[m] += bar * d.optimal_fiber_length
            muscles_bar.pennation_angle_at_optimal[m] += bar * d.pennation_angle_at_optimal
            muscles_bar.max_isometric_force[m] += bar * d.max_isometric_force
            muscles_bar.max_contraction_velocity[m] += bar * d.max_contraction_velocity
            muscles_bar.strength_coefficient[m] += bar * d.strength_coefficient
            muscles_bar.fiber_damping[m] += bar * d.fiber_damping
            muscles_bar.percentage_change[m] += bar * d.percentage_change
