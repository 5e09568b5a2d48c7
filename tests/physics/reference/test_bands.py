from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import seeds

from refnms.physics.reference.bands import (
    solve_forward,
    solve_transposed,
    stencil,
    stencil_transposed,
)


def dense(weights: np.ndarray) -> np.ndarray:
    """The stencil of one lane as a matrix."""
    count, points = weights.shape
    matrix = np.zeros((count, count))
    for t in range(count):
        for k in range(min(points, t + 1)):
            matrix[t, t - k] = weights[t, k]
    return matrix


@st.composite
def systems(draw):
    rng = np.random.default_rng(draw(seeds))
    count, points, lanes = (
        draw(st.integers(1, 12)),
        draw(st.integers(2, 5)),
        draw(st.integers(1, 3)),
    )
    weights = rng.normal(size=(count, points))
    return weights, 0.3 * rng.normal(size=(count, lanes)), rng.normal(size=(count, lanes))


@given(systems())
def test_a_stencil_is_its_matrix_and_its_transpose_the_transposed_one(drawn):
    weights, _, x = drawn
    np.testing.assert_allclose(stencil(weights, x), dense(weights) @ x, atol=1e-13)
    np.testing.assert_allclose(stencil_transposed(weights, x), dense(weights).T @ x, atol=1e-13)


@given(systems())
def test_the_solves_are_those_of_the_matrix_of_each_lane(drawn):
    weights, h, right = drawn
    forward, transposed = solve_forward(weights, h, right), solve_transposed(weights, h, right)
    for lane in range(h.shape[1]):
        matrix = dense(weights) * h[:, [lane]]
        np.fill_diagonal(matrix, 1.0)
        for solution, a in ((forward, matrix), (transposed, matrix.T)):
            terms = np.abs(a) @ np.abs(solution[:, lane]) + np.abs(right[:, lane])
            difference = a @ solution[:, lane] - right[:, lane]
            assert (np.abs(difference) <= 1e-13 * terms).all()


@pytest.mark.parametrize("solve", [solve_forward, solve_transposed])
def test_a_lane_does_not_change_its_neighbor(solve, rng):
    weights, h, right = rng.normal(size=(6, 4)), 0.3 * rng.normal(size=(6, 2)), np.zeros((6, 2))
    right[:, 0] = rng.normal(size=6)
    np.testing.assert_array_equal(solve(weights, h, right)[:, 1], 0.0)
