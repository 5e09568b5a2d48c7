from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from strategies import EVERY_PROFILE, draw_case, seeds

from refnms.physics.reference.trials import trials
from refnms.physics.reference.velocity import velocity, velocity_transposed


@pytest.mark.parametrize("profile", EVERY_PROFILE)
@given(seeds)
def test_velocity_is_linear_and_its_transpose_that_of_its_matrix(profile, seed):
    rng = np.random.default_rng(seed)
    for trial in trials(draw_case(seed, EVERY_PROFILE[profile]).system):
        matrix = velocity(trial, np.eye(trial.size))
        length, bar = rng.normal(size=(2, trial.size, 2))
        bound = {"rtol": 0.0, "atol": 1e-12 * np.max(np.abs(matrix))}
        np.testing.assert_allclose(velocity(trial, length), matrix @ length, **bound)
        np.testing.assert_allclose(velocity_transposed(trial, bar), matrix.T @ bar, **bound)


@pytest.mark.parametrize("profile", EVERY_PROFILE)
def test_a_cubic_in_time_has_its_own_slope_as_velocity(profile):
    """Before, a trailing stencil has fewer points; a backward difference needs a straight line."""
    trial = next(trials(draw_case(8, EVERY_PROFILE[profile]).system))
    time = np.concatenate([[0.0], np.cumsum(trial.spline.steps[:-1])])[:, None]
    degree = 1 if profile == "native" else 3
    found = velocity(trial, 0.1 + time**degree * np.ones(3))
    expected = degree * time ** (degree - 1) * np.ones(3)
    start = 0 if profile == "offline" else 4
    np.testing.assert_allclose(found[start:], expected[start:], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("profile", EVERY_PROFILE)
def test_a_single_frame_stands_still(profile):
    single = list(trials(draw_case(8, EVERY_PROFILE[profile]).system))[1]
    length = np.array([[0.1, 0.2]])
    np.testing.assert_array_equal(velocity(single, length), 0.0)
    np.testing.assert_array_equal(velocity_transposed(single, length), 0.0)
