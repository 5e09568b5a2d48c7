from __future__ import annotations

import numpy as np
import pytest

from refnms.jit import HAVE_NUMBA, kernel
from refnms.physics.kernels.slope import ROOM, last_slope
from refnms.physics.stencils import trailing_weights


@kernel
def every_frame(time, points, weights, memory):
    for t in range(time.size):
        last_slope(time, t, min(t + 1, points), weights[t], memory)


@pytest.mark.skipif(not HAVE_NUMBA, reason="Numba is not installed")
@pytest.mark.parametrize("points", [2, 3, 4, 5, 15])
def test_the_weights_are_those_of_whole_trials_to_the_bit(points, rng):
    time = np.cumsum(rng.uniform(0.5e-3, 20e-3, 40))
    weights = np.zeros((40, points))
    every_frame(time, points, weights, np.zeros((ROOM, points)))
    assert np.array_equal(weights, trailing_weights(time, points))
