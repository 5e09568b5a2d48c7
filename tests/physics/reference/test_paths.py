from __future__ import annotations

import numpy as np
from geometry.people import fitted, grid

from refnms.physics.reference.paths import path_curvature, path_lengths


def test_the_curvature_is_the_slope_of_the_arms(rng):
    paths = fitted().geometry.paths
    q = rng.uniform(grid().min(axis=0) - 0.2, grid().max(axis=0) + 0.2, (15, 3))
    bend = path_curvature(paths, q)
    for d in range(3):
        slope = path_lengths(paths, q + 1e-30j * np.eye(3)[d])[1].imag / 1e-30
        assert np.abs(bend[..., d] - slope).max() < 1e-12
        assert np.abs(slope).max() > 1e-3
