from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import EVERY_PROFILE, draw_case, seeds, times

from refnms.physics.curves import spline_curve, value_slope
from refnms.physics.profiles import NATIVE, ceinms_0_9
from refnms.physics.reference.trials import trials
from refnms.physics.reference.velocity import velocity
from refnms.physics.stencils import spline_factors, timeline, trailing_weights

UNIT = np.arange(20.0)


def test_four_points_on_a_uniform_grid_are_bdf3():
    expected = [11 / 6, -3.0, 3 / 2, -1 / 3]
    np.testing.assert_allclose(trailing_weights(UNIT, 4)[3:], [expected] * 17, atol=1e-14)
    np.testing.assert_allclose(trailing_weights(0.01 * UNIT, 4)[9], 100.0 * np.array(expected))


def test_two_points_are_the_backward_difference():
    np.testing.assert_allclose(trailing_weights(UNIT, 2)[1:], [[1.0, -1.0]] * 19)


def test_the_weights_are_those_of_ceinms():
    """Newest first; CEINMS 0.9's spline on a unit grid."""
    weights = trailing_weights(UNIT, 15)
    np.testing.assert_allclose(weights[2, :3], [1.5, -2.0, 0.5], atol=1e-14)
    five = [67 / 36, -28 / 9, 5 / 3, -4 / 9, 1 / 36]
    np.testing.assert_allclose(weights[4, :5], five, atol=1e-14)
    newest = [1.861645497, -3.120834875, 1.702250588, -0.5007748692, 0.07317798783, -0.01960798274]
    np.testing.assert_allclose(weights[14, :6], newest, rtol=3e-10)
    np.testing.assert_allclose(weights[19], weights[14], atol=1e-13)


def test_the_first_frame_of_a_trial_stands_still_and_the_next_ones_use_what_there_is():
    weights = trailing_weights(UNIT, 4)
    np.testing.assert_array_equal(weights[0], 0.0)
    np.testing.assert_allclose(weights[1], [1.0, -1.0, 0.0, 0.0])
    np.testing.assert_allclose(weights[2], [1.5, -2.0, 0.5, 0.0])


@given(seeds, st.sampled_from([2, 4, 5, 15]))
def test_the_weights_are_exact_for_polynomials_up_to_the_third_degree(seed, points):
    rng = np.random.default_rng(seed)
    time = times(rng, 20)
    weights = trailing_weights(time, points)
    for t in range(1, 20):
        known = min(t + 1, points)
        degree = min(known - 1, 3)  # a spline with such ends reproduces a cubic
        polynomial = np.polynomial.Polynomial(rng.normal(size=degree + 1))
        lengths = polynomial(time[t::-1][:known])
        terms = weights[t, :known] * lengths
        wanted = polynomial.deriv()(time[t])
        assert abs(terms.sum() - wanted) <= 1e-12 * (np.abs(terms).sum() + abs(wanted))


@given(seeds, st.sampled_from([4, 15]))
def test_the_weights_give_the_last_slope_of_the_spline_of_the_last_points(seed, points):
    rng = np.random.default_rng(seed)
    time, lengths = times(rng, 20), rng.normal(size=20)
    window = slice(20 - points, 20)
    expected = value_slope(spline_curve(time[window], lengths[window]), time[-1])
    found = trailing_weights(time, points)[-1] @ lengths[window][::-1]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 30])
def test_whole_trial_slopes_are_those_of_the_spline_of_the_trial(count, rng):
    time, lengths = times(rng, count), rng.normal(size=(count, 2))
    case = draw_case(0, ceinms_0_9())
    (trial,) = trials(case.system._replace(timeline=timeline([time], [0], ceinms_0_9())))
    found = velocity(trial, lengths)
    if count == 1:
        np.testing.assert_array_equal(found, 0.0)
        return
    for m in range(2):
        curve = spline_curve(time, lengths[:, m])
        expected = value_slope(curve, np.clip(time, time[0], time[-1]))
        np.testing.assert_allclose(found[:, m], expected, rtol=1e-9, atol=1e-9 * np.ptp(expected))


def test_the_factors_of_each_trial_are_its_own(rng):
    clocks = [times(rng, count) for count in (3, 6, 1)]
    joined = spline_factors(clocks)
    for i, (clock, first) in enumerate(zip(clocks, (0, 3, 9), strict=True)):
        alone = spline_factors([clock])
        frames = slice(first, first + len(clock))
        np.testing.assert_array_equal(joined.steps[frames], alone.steps)
        np.testing.assert_array_equal(joined.pivots[frames], alone.pivots)
        np.testing.assert_array_equal(
            (joined.first[i], joined.last[i]), (alone.first[0], alone.last[0])
        )


def test_a_timeline_lays_trials_end_to_end_and_starts_each_anew():
    line = timeline([UNIT[:5], 10.0 * UNIT[:3]], [2, 0], ceinms_0_9(online=True))
    np.testing.assert_array_equal(line.frames, [0, 5, 8])
    np.testing.assert_array_equal(line.rows, [0, 7, 10])
    assert line.solver_weights.shape == (8, 4)
    assert line.force_weights.shape == (8, 15)
    np.testing.assert_array_equal(line.solver_weights[[0, 5]], 0.0)
    np.testing.assert_allclose(line.solver_weights[6], [0.1, -0.1, 0.0, 0.0])


def test_solver_and_force_take_the_weights_of_their_own_number_of_points(rng):
    clock = times(rng, 20)
    line = timeline([clock], [0], ceinms_0_9(online=True))
    np.testing.assert_array_equal(line.solver_weights, trailing_weights(clock, 4))
    np.testing.assert_array_equal(line.force_weights, trailing_weights(clock, 15))


def test_the_pivots_are_those_of_the_elimination_of_the_spline(rng):
    """Their product is the determinant of the system; first steps by hand."""
    clock = times(rng, 6)
    h = np.diff(clock)
    matrix = np.diag(np.concatenate([-h[:1], 2.0 * (h[1:] + h[:-1]), -h[-1:]]))
    matrix += np.diag(h, 1) + np.diag(h, -1)
    pivots = spline_factors([clock]).pivots
    np.testing.assert_allclose(np.prod(pivots), np.linalg.det(matrix), rtol=1e-12)
    np.testing.assert_allclose(pivots[:2], [-h[0], 3.0 * h[0] + 2.0 * h[1]], rtol=1e-14)


def test_a_profile_of_the_whole_trial_has_no_trailing_weights():
    assert timeline([UNIT], [0], ceinms_0_9()).force_weights.shape == (20, 0)
    assert timeline([UNIT], [0], NATIVE).force_weights.shape == (20, 2)


@pytest.mark.parametrize("name", EVERY_PROFILE)
def test_a_timeline_knows_whether_force_and_equilibrium_have_one_velocity(name):
    line = timeline([UNIT], [0], EVERY_PROFILE[name])
    same = np.array_equal(line.solver_weights, line.force_weights)
    assert line.one_velocity == same == (name == "native")


def test_more_than_two_lengths_are_two_velocities():
    three = replace(NATIVE, name="three points", solver_points=3, force_points=3)
    assert not timeline([UNIT], [0], three).one_velocity
