from __future__ import annotations

import numpy as np

from refnms.physics import compiled, reference
from refnms.physics.kernels.moments import moment


def test_moments_are_those_of_the_reference_and_of_one_frame_at_a_time(rng):
    force, arm = rng.uniform(0, 900, (50, 17)), rng.uniform(-0.05, 0.05, (50, 17, 3))
    found = compiled.moments(force, arm)
    assert np.abs(found - reference.moments(force, arm)).max() < 1e-12
    alone = np.zeros((50, 3))
    for t in range(50):
        moment(force, arm, t, t, alone)
    assert np.array_equal(found, alone)
