"""Tendon force."""

from __future__ import annotations

from refnms.physics import muscle
from refnms.physics.reference.lanes import add_all, parts
from refnms.physics.types import Array, Integers, Muscles, System


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
    for part in parts(system, muscles, lanes, begin, end):
        at = part.asked
        force[at] = muscle.tendon_force(
            system.curves, part.unit, activation[at], fiber_length[at], fiber_velocity[at]
        )


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
    for part in parts(system, muscles, lanes):
        at = part.asked
        bar = force_bar[at]
        d = muscle.tendon_force_partials(
            system.curves, part.unit, activation[at], fiber_length[at], fiber_velocity[at]
        )
        activation_bar[at] += bar * d.activation
        fiber_length_bar[at] += bar * d.fiber_length
        fiber_velocity_bar[at] += bar * d.fiber_velocity
        add_all(part, bar, d, muscles_bar)
