from __future__ import annotations

import numpy as np
from geometry.people import fitted, grid

from refnms.autodiff import check_vjp, complex_step


def angles(rng, count=12):
    """Within the range, and beyond it on all sides."""
    low, high = grid().min(axis=0), grid().max(axis=0)
    return rng.uniform(low - 0.3, high + 0.3, (count, 3))


def test_moment_arms_are_the_slopes_of_lengths(rng):
    geometry, q = fitted().geometry, angles(rng)
    for d in range(3):
        slope = complex_step(geometry.length, q, np.eye(3)[d] * np.ones_like(q))
        assert np.abs(geometry.moment_arm(q)[:, :, d] + slope).max() < 1e-13


def test_lengths_and_arms_are_differentiable_on_the_tape(rng):
    geometry, q = fitted().geometry, angles(rng)
    check_vjp(geometry.length, q, oracle=complex_step).require()
    check_vjp(geometry.moment_arm, q, oracle=complex_step).require()


def test_beyond_the_range_lengths_go_on_in_straight_lines():
    geometry = fitted().geometry
    q = np.tile(geometry.upper, (4, 1)) + np.array([0.0, 0.1, 0.2, 0.3])[:, None] * [1.0, 0.0, 0.0]
    steps = np.diff(geometry.length(q), axis=0)
    assert np.abs(np.diff(steps, axis=0)).max() < 1e-14 and np.abs(steps).max() > 1e-4
    assert geometry.outside(q).tolist() == [False, True, True, True]
