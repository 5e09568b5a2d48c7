"""What a computed sample sits on: kinks, limits and slopes that make its derivative doubtful."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from refnms.physics import muscle, solve
from refnms.physics.types import (
    SLOPE_FLOOR,
    Array,
    Curve,
    Flag,
    Integers,
    Muscles,
    System,
)

NO_FORCE = 1e-9  # of the strongest: what the residual of a slack fiber's equilibrium leaves
ROUNDING = 1e-12  # a rigid tendon is at its slack length but for rounding


def sample_flags(
    system: System,
    muscles: Muscles,
    musculotendon_length: Array,
    activation: Array,
    fiber_length: Array,
    fiber_velocity: Array,
    tendon_force: Array,
) -> Integers:
    """`Flag` bits `(T, M)` of signals `(T, M)`, besides those that the solver has set.

    Velocity limits are looked for in the velocity of the force and in that of the equilibrium.
    """
    timeline, curves = system.timeline, system.curves
    unit = muscle.unit(muscles)
    x, cosine = muscle.of_length(unit, fiber_length)
    newest, past = _solver_velocity(system, fiber_length)
    v, in_solver = (
        muscle.norm_velocity(unit, velocity)
        for velocity in (fiber_velocity, newest * fiber_length + past)
    )
    asked = muscle.arguments(unit, x, cosine, activation, v, musculotendon_length)
    along = musculotendon_length - fiber_length * cosine
    has_tendon = muscles.tendon_slack_length > 0.0
    strong = muscles.strength_coefficient * muscles.max_isometric_force
    g = muscle.equilibrium_partials(
        curves, unit, x, cosine, activation, in_solver, musculotendon_length
    )
    slope = solve.total_slope(unit, g, cosine, newest)
    conditions = {
        Flag.SLACK: has_tendon & (along <= muscles.tendon_slack_length * (1.0 - ROUNDING)),
        Flag.VELOCITY_LIMIT: (np.abs(v) >= 1.0) | (np.abs(in_solver) >= 1.0),
        Flag.UPRIGHT: cosine <= muscle.UPRIGHT,
        Flag.CURVE_END: _beyond(curves.active_force_length, asked.active_force_length)
        | _beyond(curves.passive_force_length, x)
        | _beyond(curves.force_velocity, v)
        | (asked.tendon_force_strain > curves.tendon_force_strain.knots[-1]),
        Flag.NEGATIVE_FORCE: tendon_force < -NO_FORCE * strong,
        Flag.ILL_POSED: has_tendon & (np.abs(slope) < SLOPE_FLOOR),
    }
    bits = np.zeros((int(timeline.frames[-1]), x.shape[1]), np.int64)
    for flag, condition in conditions.items():
        bits |= np.where(condition, int(flag), 0)
    return bits


def _solver_velocity(system: System, fiber_length: Array) -> tuple[Array, Array]:
    """Newest weight `(T, 1)` and past part `(T, M)` of the velocity inside the equilibrium."""
    weights = system.timeline.solver_weights
    past = np.zeros_like(fiber_length)
    for k in range(1, weights.shape[1]):
        past[k:] += weights[k:, k, None] * fiber_length[:-k]
    return weights[:, :1], past


def _beyond(curve: Curve, x: Array) -> NDArray[np.bool_]:
    return np.asarray((x < curve.knots[0]) | (x > curve.knots[-1]))
