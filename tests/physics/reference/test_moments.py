from __future__ import annotations

import numpy as np

from refnms.physics.reference import moments


def test_a_moment_is_the_sum_of_force_times_arm(rng):
    force, arm = rng.uniform(0, 900, (4, 3)), rng.uniform(-0.05, 0.05, (4, 3, 2))
    found = moments(force, arm)
    assert np.allclose(found[2, 1], sum(force[2, m] * arm[2, m, 1] for m in range(3)), rtol=1e-14)
