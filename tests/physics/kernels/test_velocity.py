from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import PROFILES, seeds, times

from refnms.jit import HAVE_NUMBA
from refnms.physics.curves import knot_slopes
from refnms.physics.kernels.velocity import spline_velocity, spline_velocity_transposed
from refnms.physics.reference.trials import Trial
from refnms.physics.reference.velocity import velocity, velocity_transposed
from refnms.physics.stencils import timeline

pytestmark = pytest.mark.skipif(not HAVE_NUMBA, reason="Numba is not installed")

SPLINE = 1e-12  # of the largest velocity that lengths of about 1 may have


def draw(seed, frames, columns):
    """A clock, the trial that has it, and two arrays of its frames."""
    rng = np.random.default_rng(seed)
    clock = times(rng, frames)
    line = timeline([clock], [0], PROFILES["offline"])
    whole = slice(0, frames)
    trial = Trial(0, whole, whole, line.solver_weights, line.force_weights, line.spline)
    return clock, trial, *rng.normal(size=(2, frames, columns))


sizes = st.integers(1, 7) | st.integers(8, 60), st.integers(1, 5)


@settings(max_examples=40)
@given(seeds, *sizes)
def test_the_velocity_is_the_slope_of_the_spline_of_the_trial(seed, frames, columns):
    clock, trial, length, _ = draw(seed, frames, columns)
    found = np.full_like(length, np.nan)
    spline_velocity(trial.spline, length, found)
    scale = SPLINE * np.max(np.abs(velocity(trial, np.eye(frames))))
    np.testing.assert_allclose(found, velocity(trial, length), rtol=0.0, atol=scale)
    np.testing.assert_allclose(
        found, knot_slopes(clock[:, None], length), rtol=0.0, atol=100.0 * scale
    )


@settings(max_examples=40)
@given(seeds, *sizes)
def test_the_transpose_is_that_of_the_reference_and_is_added(seed, frames, columns):
    _, trial, bar, given_ = draw(seed, frames, columns)
    found = given_.copy()
    spline_velocity_transposed(trial.spline, bar.copy(), found)
    wanted = given_ + velocity_transposed(trial, bar)
    scale = SPLINE * np.max(np.abs(velocity(trial, np.eye(frames)))) + 1e-15
    np.testing.assert_allclose(found, wanted, rtol=0.0, atol=scale)


@settings(max_examples=20)
@given(seeds, st.integers(1, 30))
def test_velocity_and_transpose_give_the_same_inner_product(seed, frames):
    _, trial, length, bar = draw(seed, frames, 3)
    v, length_bar = np.zeros_like(length), np.zeros_like(bar)
    spline_velocity(trial.spline, length, v)
    spline_velocity_transposed(trial.spline, bar.copy(), length_bar)
    size = np.sum(np.abs(v * bar)) + np.sum(np.abs(length * length_bar))
    assert abs(np.sum(v * bar) - np.sum(length * length_bar)) <= 1e-13 * size


def test_the_bits_of_a_column_depend_on_no_other():
    _, trial, length, bar = draw(1, 40, 9)
    v, length_bar = np.zeros_like(length), np.zeros_like(bar)
    spline_velocity(trial.spline, length, v)
    spline_velocity_transposed(trial.spline, bar.copy(), length_bar)
    for k in range(9):
        alone, alone_bar = np.zeros((2, 40, 1))
        spline_velocity(trial.spline, length[:, [k]], alone)
        spline_velocity_transposed(trial.spline, bar[:, [k]], alone_bar)
        np.testing.assert_array_equal(alone, v[:, [k]])
        np.testing.assert_array_equal(alone_bar, length_bar[:, [k]])
