from __future__ import annotations

import numpy as np
import pytest

from refnms.geometry.basis import Basis, paths_of, paths_over, tensors_of
from refnms.physics.reference.paths import local

KINDS = [(1, 1), (2, 1), (8, 1), (3, 2), (3, 7)]


def dense(basis: Basis, q: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Value, slope and curvature `(N, size)` of all functions."""
    at = local(paths_of([basis], np.zeros((0, 1), int), []), 0, q)
    found = np.zeros((3, len(q), basis.size))
    places = at.first[:, None] + np.arange(basis.degree + 1)
    for part, values in zip(found, at[1:], strict=True):
        np.put_along_axis(part, places, values, axis=1)
    return tuple(found)


@pytest.mark.parametrize(("degree", "intervals"), KINDS)
def test_the_functions_are_scipys(degree, intervals):
    from scipy.interpolate import BSpline

    basis = Basis(0, degree, intervals, -0.3, 1.7)
    q = np.linspace(-0.2999, 1.6999, 41)  # at no knot: there the second slope jumps
    knots = np.concatenate([[-0.3] * degree, np.linspace(-0.3, 1.7, intervals + 1), [1.7] * degree])
    spline = BSpline(knots, np.eye(basis.size), degree)
    value, slope, curvature = dense(basis, q)
    assert np.abs(value - spline(q)).max() < 1e-13
    assert np.abs(slope - spline.derivative(1)(q)).max() < 1e-12
    if degree > 2:
        assert np.abs(curvature - spline.derivative(2)(q)).max() < 1e-10


@pytest.mark.parametrize(("degree", "intervals"), KINDS)
def test_beyond_the_range_they_are_the_lines_of_their_ends(degree, intervals):
    basis = Basis(0, degree, intervals, -0.3, 1.7)
    for end, out in ((-0.3 + 1e-13, -0.8), (1.7, 2.1)):
        value, slope, _ = dense(basis, np.array([end]))
        beyond, same, flat = dense(basis, np.array([out]))
        assert np.abs(beyond - value - (out - end) * slope).max() < 1e-10
        assert np.abs(same - slope).max() < 1e-10 and not flat.any()


def test_tensors_are_found_again_in_their_struct():
    first, second = Basis(0, 4, 1, -0.3, 1.7), Basis(2, 3, 5, 0.1, 0.9)
    tensors = [
        ([second], np.arange(8.0)),
        ([], np.array([0.4])),
        ([first, second], np.arange(40.0)),
    ]
    found = tensors_of(paths_over(tensors, 3))
    for (bases, values), (own, again) in zip(tensors, found, strict=True):
        assert bases == own and np.array_equal(values, again)
