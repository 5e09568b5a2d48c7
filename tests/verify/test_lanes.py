"""Runs of lanes: where a sample is, and what makes its gradient doubtful."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from verified import draw_case

from refnms.physics import muscle
from refnms.physics.curves import spline_curve
from refnms.physics.profiles import ceinms_0_9
from refnms.physics.types import Flag, Muscles
from refnms.verify.lanes import (
    ON_SPLINE_END,
    ON_VELOCITY_LIMIT,
    UPRIGHT,
    _on_kinks,
    asked,
    end_jumps,
    near_knot,
    solver_velocity,
)

VMAX = Muscles._fields.index("max_contraction_velocity")


def test_a_place_names_trial_frame_time_and_coordinates(case):
    place = case.run.place("x", 24 + 5, 2)
    assert (place.muscle, place.trial, place.frame) == ("muscle_2", "jump", 5)
    assert place.time == case.trials[1].time[5]
    at = dict(place.at)
    assert at["activation"] == case.run.signals.activation[29, 2]
    x = case.run.signals.fiber_length[29, 2] / case.model.muscles.optimal_fiber_length[2]
    assert at["norm_fiber_length"] == pytest.approx(x, rel=1e-15)
    assert set(at) >= {"norm_fiber_velocity", "tendon_slack_ratio", "pennation_angle_at_optimal"}
    assert case.run.place("x", None, 1).frame is None


def test_slack_samples_are_doubtful_and_all_flagged_ones_are_no_oracles_business(case):
    slack = case.run.flags & Flag.SLACK != 0
    assert 0 < slack.sum() < slack.size
    assert not case.run.determinate[slack].any()
    assert case.run.ruled[slack].all()
    assert case.run.determinate.sum() > 0.5 * slack.size


def test_a_sample_on_the_velocity_limit_is_doubtful_and_one_beyond_is_not(case):
    lanes, v = case.lanes, np.abs(case.run.signals.fiber_velocity)
    t, m = np.unravel_index(np.argmax(v), v.shape)
    for share, doubtful in ((1.0, True), (1.01, False), (0.99, False)):
        table = lanes.table.copy()
        table[VMAX] = v[t, m] / (share * lanes.muscles.optimal_fiber_length)
        on = _on_kinks(replace(lanes, table=table), case.run.signals)[ON_VELOCITY_LIMIT]
        assert on[t, m] == doubtful


def test_an_upright_fiber_is_doubtful_and_no_oracle_follows_it():
    case = draw_case(ceinms_0_9(tolerance=0.0), pennation_angle_at_optimal=np.full(3, 1.4))
    p, signals = case.model.muscles, case.run.signals
    height = p.optimal_fiber_length * np.sin(1.4)
    upright = signals._replace(fiber_length=np.broadcast_to(height, case.run.flags.shape))
    assert _on_kinks(case.lanes, upright)[UPRIGHT].all()
    tall = signals._replace(fiber_length=np.broadcast_to(1.01 * height, case.run.flags.shape))
    assert not _on_kinks(case.lanes, tall)[UPRIGHT].any()
    doubted = replace(case.run, doubts=case.run.doubts | {UPRIGHT: np.ones_like(case.run.ruled)})
    assert not doubted.ruled.any() and not doubted.determinate.any()


def test_only_an_end_whose_slope_jumps_is_a_kink(case):
    smooth = spline_curve([0.0, 1.0, 2.0], [0.0, 1.0, 2.0], (1.0, 1.0))
    bent = spline_curve([0.0, 1.0, 2.0], [0.0, 1.0, 2.0])
    assert end_jumps(smooth) == pytest.approx((0.0, 0.0), abs=1e-15)
    assert end_jumps(bent) == pytest.approx((1.0, -1.0), abs=1e-12)
    x = case.run.signals.fiber_length[5, 1] / case.model.muscles.optimal_fiber_length[1]
    knots = np.array([x, x + 1.0, x + 2.0])
    for slope, doubtful in ((0.0, True), (1.0, False)):
        moved = spline_curve(knots, knots, (slope, slope))
        curves = case.lanes.system.curves._replace(passive_force_length=moved)
        lanes = replace(case.lanes, system=case.lanes.system._replace(curves=curves))
        assert _on_kinks(lanes, case.run.signals)[ON_SPLINE_END][5, 1] == doubtful


def test_near_a_knot_is_a_share_of_the_piece():
    curve = spline_curve([0.0, 1.0, 1.1], [0.0, 1.0, 0.0])
    found = near_knot(curve, np.array([0.009, 0.011, 1.0009, 1.0011, 1.0989, -5.0, 9.0]), 0.01)
    assert found.tolist() == [True, False, True, False, False, False, False]


def test_the_velocity_of_the_solver_begins_anew_with_each_trial(case):
    v = solver_velocity(case.lanes, case.run.signals)
    assert not v[[0, 24]].any()
    np.testing.assert_array_equal(v, case.run.signals.fiber_velocity)


def test_the_curves_are_asked_where_the_force_asks_them(case):
    at = asked(case.lanes, case.run.signals)
    unit = muscle.unit(case.model.muscles)
    np.testing.assert_allclose(
        at.passive_force_length, case.run.signals.fiber_length * unit.per_length
    )
    assert at.tendon_force_strain.shape == case.run.flags.shape
