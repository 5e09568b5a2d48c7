"""The stated domain: how far drawn samples go beyond the recorded ones, and how they are drawn.

No activation and all of it; a fiber at its floor and at twice its optimal length, along the tendon;
half as fast again as its limit; a tendon from a tenth of its fiber to fifteen times as long, slack
and stretched far beyond its strain at full force; pennation from none to 80 degrees; steps of 1 to
50 ms. A fifth of the draws of each coordinate sits in a corner.
"""

from __future__ import annotations

import numpy as np

from refnms.physics.types import Array, Muscles

CORNERS = {
    "activation": (0.0, 1.0),
    "w": (0.02, 2.0),  # projected fiber length [optimal fiber lengths]
    "v": (-1.5, 1.5),  # fiber velocity over the maximal one
    "ratio": (0.1, 15.0),  # tendon slack length over optimal fiber length
    "pennation": (0.0, 1.4),  # at optimal fiber length [rad]
}
STRAINS = (-0.3, 0.15)  # of the tendon
TIME_STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)  # [s]
AT_CORNER = 0.2
OWN = 0.3  # of the draws keep what the muscle itself has


def draw(name: str, count: int, rng: np.random.Generator) -> Array:
    """A coordinate `(count,)`, some of it in its corners."""
    low, high = CORNERS[name]
    edge = rng.random(count) < AT_CORNER
    return np.where(edge, rng.choice([low, high], count), rng.uniform(low, high, count))


def carried(p: Muscles, ratio: Array, pennation: Array, rng: np.random.Generator) -> Muscles:
    """Muscles with other tendons and pennations, but for some that keep their own.

    A rigid tendon stays rigid.
    """
    lo, own = p.optimal_fiber_length, rng.random((2, len(ratio))) < OWN
    elastic = p.tendon_slack_length > 0.0
    return p._replace(
        tendon_slack_length=np.where(elastic & ~own[0], ratio * lo, p.tendon_slack_length),
        pennation_angle_at_optimal=np.where(own[1], p.pennation_angle_at_optimal, pennation),
    )


def corners(muscles: int) -> Array:
    """Every corner of the coordinates `(5, 32 muscles)`, as often as there are muscles."""
    grid = np.array(np.meshgrid(*CORNERS.values(), indexing="ij")).reshape(len(CORNERS), -1)
    return np.repeat(grid, muscles, axis=1)
