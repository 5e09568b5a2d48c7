from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import STEP, seeds

from refnms.physics.excitation import (
    interpolate,
    interpolate_slope,
    interpolate_vjp,
    mapped,
    mapped_vjp,
    matching_rows,
)


def test_mapped_envelopes_are_weighted_sums_inside_0_and_1():
    emg = np.array([[0.2, 0.4], [0.9, 0.9], [-0.5, 0.1]])
    weights = np.array([[1.0, 0.0], [0.5, 0.5], [1.0, 1.0], [0.0, 0.0]])
    expected = [[0.2, 0.3, 0.6, 0.0], [0.9, 0.9, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    np.testing.assert_allclose(mapped(emg, weights), expected)


def test_the_pullback_of_the_mapping_is_its_transpose_inside_0_and_1(rng):
    emg, weights = rng.uniform(0.0, 0.9, (6, 2)), np.array([[1.0, 0.0], [0.5, 0.5], [0.9, 0.9]])
    emg[0] = 0.8  # the third muscle's sum is held at 1
    bar, h = rng.normal(size=(6, 3)), 1e-6
    found = mapped_vjp(emg, weights, bar)
    for at in np.ndindex(emg.shape):
        step = np.zeros_like(emg)
        step[at] = h
        rise = mapped(emg + step, weights) - mapped(emg - step, weights)
        assert np.sum(bar * rise) / (2.0 * h) == pytest.approx(found[at], rel=1e-8, abs=1e-9)
    assert mapped_vjp(np.zeros((1, 2)), weights, np.ones((1, 3))).all()  # EMG of 0 may rise
    just_above = mapped_vjp(np.array([[1.0005, 0.0]]), weights, np.ones((1, 3)))
    np.testing.assert_allclose(just_above, [[1.4, 1.4]])  # nothing from the first muscle


# ---- CEINMS's pairing of EMG rows and frames ----


def test_a_frame_takes_the_first_delayed_row_that_is_not_earlier():
    rows, lead = matching_rows(np.arange(100) * 0.001, 0.02 + np.arange(5) * 0.01, delay=0.0)
    assert lead == 20  # they charge the filter
    np.testing.assert_array_equal(rows[:lead], np.arange(20))
    np.testing.assert_array_equal(rows[lead:], [20, 30, 40, 50, 60])  # the others are lost


def test_the_delay_is_added_to_the_clock_of_the_emg():
    rows, lead = matching_rows(np.arange(100) * 0.001, 0.02 + np.arange(5) * 0.01, delay=0.0123)
    assert lead == 8
    np.testing.assert_array_equal(rows[lead:], [8, 18, 28, 38, 48])


def test_late_stamps_are_paired_like_early_ones():
    clock = 100.0 + np.arange(100) * 0.01
    rows, lead = matching_rows(clock, clock[8:50], delay=0.05)
    assert lead == 3
    np.testing.assert_array_equal(rows[lead:], np.arange(3, 45))


@pytest.mark.parametrize(("shift", "row"), [(0.9995e-4, 1), (1.0005e-4, 2), (-0.9e-4, 1)])
def test_stamps_closer_than_a_tenth_of_a_millisecond_are_equal(shift, row):
    rows, lead = matching_rows(np.arange(10) * 0.01, np.array([0.01 + shift]), delay=0.0)
    assert rows[lead] == row


def test_emg_that_starts_with_the_frames_charges_nothing():
    rows, lead = matching_rows(np.arange(10) * 0.01, np.arange(10) * 0.01, delay=0.0)
    assert lead == 0
    np.testing.assert_array_equal(rows, np.arange(10))


def test_emg_slower_than_the_frames_is_refused():
    with pytest.raises(ValueError, match="slower"):
        matching_rows(np.arange(10) * 0.02, np.arange(10) * 0.01, delay=0.0)


def test_emg_that_ends_before_the_frames_is_refused():
    with pytest.raises(ValueError, match="ends"):
        matching_rows(np.arange(10) * 0.01, np.arange(12) * 0.01, delay=0.0)


def test_emg_that_starts_after_the_first_frames_is_refused():
    with pytest.raises(ValueError, match="slower"):
        matching_rows(0.05 + np.arange(10) * 0.01, np.arange(10) * 0.01, delay=0.0)


# ---- interpolation ----

EMG_TIME = np.array([0.0, 0.1, 0.25, 0.3, 0.5])
SAMPLES = np.array([[0.0, 1.0], [0.4, 0.5], [0.1, 0.9], [0.8, 0.2], [0.6, 0.3]])


def test_between_samples_the_excitation_lies_on_their_chord():
    found = interpolate(EMG_TIME, SAMPLES, np.array([0.2, 0.375]), np.array([0.05, 0.1]))
    np.testing.assert_allclose(found[0], [0.4 - 0.3 * 0.05 / 0.15, 0.5])
    np.testing.assert_allclose(found[1], [0.8 - 0.2 * 0.025 / 0.2, 0.9 - 0.7 * 0.025 / 0.05])


@pytest.mark.parametrize("by", [1e-5, 0.4])
def test_before_the_first_and_after_the_last_sample_the_end_sample_holds(by):
    time, delay = np.array([EMG_TIME[0] - by, EMG_TIME[-1] + by]) + 0.2, np.full(2, 0.2)
    found = interpolate(EMG_TIME, SAMPLES, time, delay)
    np.testing.assert_array_equal(found, [SAMPLES[0], SAMPLES[-1]])
    np.testing.assert_array_equal(interpolate_slope(EMG_TIME, SAMPLES, time, delay), 0.0)


def test_every_muscle_has_its_own_delay_whether_shared_or_not():
    time, delay = np.array([0.2, 0.33]), np.array([0.05, 0.02, 0.05, 0.02])
    samples = np.hstack([SAMPLES, SAMPLES])
    for of in (interpolate, interpolate_slope):
        found = of(EMG_TIME, samples, time, delay)
        for m in range(4):
            alone = of(EMG_TIME, samples[:, [m]], time, delay[[m]])
            np.testing.assert_array_equal(found[:, [m]], alone)


def test_the_muscles_of_a_frame_lie_side_by_side():
    """Another layout would compile every kernel anew, and none of its loops would be wide."""
    time, samples = np.linspace(0.1, 0.4, 7), np.hstack([SAMPLES] * 2)
    for delay in (np.full(4, 0.05), np.array([0.0, 0.01, 0.02, 0.03])):
        for of in (interpolate, interpolate_slope):
            assert of(EMG_TIME, samples, time, delay).flags.c_contiguous


@given(seeds)
def test_the_slope_by_the_delay_is_that_of_a_complex_step(seed):
    rng = np.random.default_rng(seed)
    emg_time = np.cumsum(rng.uniform(0.001, 0.01, 40))
    samples = rng.uniform(size=(40, 3))
    time, delay = np.linspace(-0.02, 0.3, 15), rng.uniform(0.0, 0.1, 3)
    stepped = interpolate(emg_time, samples, time, delay + 1j * STEP).imag / STEP
    found = interpolate_slope(emg_time, samples, time, delay)
    np.testing.assert_allclose(found, stepped, rtol=1e-9, atol=1e-9)


@given(seeds, st.booleans())
def test_the_pullback_is_the_transpose_of_the_interpolation(seed, shared):
    rng = np.random.default_rng(seed)
    time, samples_dot = np.linspace(-0.1, 0.7, 15), rng.normal(size=(5, 3))
    delay = np.full(3, 0.05) if shared else rng.uniform(0.0, 0.1, 3)
    bar = rng.normal(size=(15, 3))
    found = interpolate_vjp(EMG_TIME, time, delay, bar)
    forward = interpolate(EMG_TIME, samples_dot, time, delay)
    assert np.sum(found * samples_dot) == pytest.approx(np.sum(bar * forward), rel=1e-12, abs=1e-12)


@given(st.integers(1, 3), st.sampled_from([-1e-12, 0.0, 1e-12]))
def test_on_a_sample_the_mean_of_both_slopes_is_taken_as_central_differences_see_it(k, off):
    time, delay = np.array([EMG_TIME[k] + 0.05 + off]), np.full(2, 0.05)
    found = interpolate_slope(EMG_TIME, SAMPLES, time, delay)
    h = 1e-6
    right, left = (interpolate(EMG_TIME, SAMPLES, time, delay + d) for d in (h, -h))
    np.testing.assert_allclose(found, (right - left) / (2.0 * h), rtol=1e-5)


def test_on_an_end_sample_the_inner_slope_is_taken():
    time = np.array([EMG_TIME[0]])
    found = interpolate_slope(EMG_TIME, SAMPLES, time, np.zeros(2))
    np.testing.assert_allclose(found, [-(SAMPLES[1] - SAMPLES[0]) / 0.1])
