"""Where a lane lies in the joined arrays, and the numbers of its muscle."""

from __future__ import annotations

from refnms.jit import pure
from refnms.physics.types import Muscles, Timeline


@pure
def unit_of(muscles: Muscles, m: int) -> Muscles:
    """The numbers of muscle m."""
    return Muscles(
        muscles.c1[m],
        muscles.c2[m],
        muscles.shape_factor[m],
        muscles.optimal_fiber_length[m],
        muscles.pennation_angle_at_optimal[m],
        muscles.tendon_slack_length[m],
        muscles.max_isometric_force[m],
        muscles.max_contraction_velocity[m],
        muscles.strength_coefficient[m],
        muscles.electromechanical_delay[m],
        muscles.fiber_damping[m],
        muscles.percentage_change[m],
    )


@pure
def place(timeline: Timeline, lane: int, count: int) -> tuple[int, int, int, int]:
    """Muscle, first and past-last frame, and the offset from a frame to its excitation row."""
    trial, m = lane // count, lane % count
    return (
        m,
        timeline.frames[trial],
        timeline.frames[trial + 1],
        timeline.rows[trial + 1] - timeline.frames[trial + 1],
    )
