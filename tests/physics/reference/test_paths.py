from __future__ import annotations

import numpy as np
from geometry.people import fitted, grid
from scipy.interpolate import NdBSpline

from refnms.geometry.basis import Basis, paths_over
from refnms.physics.reference.paths import path_curvature, path_lengths


def test_the_curvature_is_the_slope_of_the_arms(rng):
    paths = fitted().geometry.paths
    q = rng.uniform(grid().min(axis=0) - 0.2, grid().max(axis=0) + 0.2, (15, 3))
    bend = path_curvature(paths, q)
    for d in range(3):
        slope = path_lengths(paths, q + 1e-30j * np.eye(3)[d])[1].imag / 1e-30
        assert np.abs(bend[..., d] - slope).max() < 1e-12
        assert np.abs(slope).max() > 1e-3


def test_lengths_and_arms_are_those_of_scipys_tensor_splines(rng):
    bases = [Basis(0, 3, 2, -0.3, 1.7), Basis(2, 4, 1, 0.1, 0.9)]
    values = rng.normal(size=[basis.size for basis in bases])
    knots = [np.pad(np.linspace(*b[3:], b.intervals + 1), b.degree, mode="edge") for b in bases]
    spline = NdBSpline(tuple(knots), values, [basis.degree for basis in bases])
    q = rng.uniform((-0.3, -9.0, 0.1), (1.7, 9.0, 0.9), (20, 3))
    length, arm = path_lengths(paths_over([(bases, values.ravel())], 3), q)
    at = q[:, [0, 2]]
    np.testing.assert_allclose(length[:, 0], spline(at), rtol=1e-12, atol=1e-12)
    wanted = np.column_stack([-spline(at, nu=(1, 0)), np.zeros(20), -spline(at, nu=(0, 1))])
    np.testing.assert_allclose(arm[:, 0], wanted, rtol=1e-11, atol=1e-11)
