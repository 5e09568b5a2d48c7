from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from oracles import ENGINES, peak_error
from strategies import CURVES, EVERY_PROFILE, PROFILES, draw_case, run, seeds

from refnms.physics import muscle, reference, solve
from refnms.physics.reference.fiber import fiber_length, length_slopes
from refnms.physics.reference.trials import trials
from refnms.physics.types import Flag, Unit


def unit_of(case, m):
    return Unit(*(p[m] for p in muscle.unit(case.muscles)))


def one_by_one(case, activation):
    """Every sample by the search for one sample, each lane from its first frame on."""
    lmt, timeline = case.musculotendon_length, case.system.timeline
    length, flags = np.zeros_like(lmt), np.zeros(lmt.shape, np.int64)
    fixed = case.system.curves, case.system.root, timeline.solver_weights
    for first, stop in pairwise(timeline.frames):
        for m in range(lmt.shape[1]):
            unit = unit_of(case, m)
            for t in range(first, stop):
                length[t, m], flags[t, m] = solve.at_frame(
                    *fixed, unit, activation, lmt, length, t, m, first
                )
    return length, flags


@pytest.mark.parametrize("profile", EVERY_PROFILE)
@pytest.mark.parametrize("corners", [False, True])
@settings(max_examples=3)
@given(seeds)
def test_a_trajectory_solved_at_once_is_that_of_its_samples_solved_one_by_one(
    profile, corners, seed
):
    case = draw_case(seed, EVERY_PROFILE[profile], corners=corners)
    signals, flags = run(reference, case)
    expected, wanted = one_by_one(case, signals.activation)
    assert peak_error(signals.fiber_length, expected) <= ENGINES
    np.testing.assert_array_equal(flags, wanted)


@pytest.mark.parametrize(("profile", "flags"), [("native", {0, 1, 8, 16}), ("online", {0, 1, 4})])
def test_the_corners_drawn_reach_every_flag_of_the_solver(profile, flags):
    cases = (draw_case(seed, PROFILES[profile], corners=True) for seed in range(12))
    assert flags <= {int(flag) for case in cases for flag in np.unique(run(reference, case)[1])}


def test_the_lanes_drawn_are_elastic_and_rigid():
    tendons = [
        draw_case(seed, PROFILES["native"]).muscles.tendon_slack_length for seed in range(20)
    ]
    assert 0.0 < np.mean(np.array(tendons) == 0.0) < 0.5


def test_a_rigid_tendon_leaves_the_rest_to_the_fiber():
    case = draw_case(9, PROFILES["native"], rigid=True)
    signals, flags = run(reference, case)
    expected = muscle.rigid_fiber_length(unit_of(case, 2), case.musculotendon_length[4, 2])
    assert signals.fiber_length[4, 2] == expected
    assert not flags.any()


def test_a_tendon_of_no_length_is_rigid_among_elastic_ones():
    case = draw_case(9, PROFILES["native"])
    case.muscles.tendon_slack_length[1] = 0.0
    trial = next(trials(case.system))
    lmt = case.musculotendon_length[trial.frames]
    length, flags = fiber_length(case.system, trial, case.muscles, np.full(lmt.shape, 0.3), lmt)
    expected = muscle.rigid_fiber_length(unit_of(case, 1), lmt[:, 1])
    np.testing.assert_array_equal(length[:, 1], expected)
    assert not flags[:, 1].any()
    assert (
        length[:, [0, 2]] != muscle.rigid_fiber_length(muscle.unit(case.muscles), lmt)[:, [0, 2]]
    ).any()


@pytest.mark.parametrize("profile", PROFILES)
def test_the_residual_vanishes_along_an_ordinary_trajectory(profile):
    case = draw_case(10, PROFILES[profile])
    (_, a, length, *_), flags = run(reference, case)
    weights = case.system.timeline.solver_weights
    for m in range(3):
        unit = unit_of(case, m)
        for t in range(1, case.system.timeline.frames[1]):
            past = solve.past_velocity(weights, length, t, m, t)
            lmt = case.musculotendon_length[t, m]
            sample = solve.Sample(unit, a[t, m], lmt, weights[t, 0], past)
            if flags[t, m] & ~1 == 0 and unit.per_tendon > 0.0:
                assert abs(solve.residual(CURVES, sample, length[t, m])) < 1e-10


@pytest.mark.parametrize("profile", PROFILES)
def test_slopes_are_those_of_an_equilibrium_or_of_a_rigid_tendon_never_of_both(profile):
    seen = set()
    for seed in range(6):
        case = draw_case(seed, PROFILES[profile], corners=True)
        signals, flags = run(reference, case)
        for trial in trials(case.system):
            at = trial.frames
            inputs = signals.activation[at], case.musculotendon_length[at]
            elastic, rigid = length_slopes(
                case.system, trial, case.muscles, *inputs, signals.fiber_length[at], flags[at]
            )
            on_rigid = flags[at] & (Flag.FELL_BACK | Flag.TAUT) != 0
            on_rigid |= case.muscles.tendon_slack_length == 0.0
            for slopes, none in ((elastic, on_rigid), (rigid, ~on_rigid)):
                assert not any(np.any(slope[none]) for slope in slopes)
            assert (rigid.tendon_slack_length[on_rigid] != 0.0).all()
            seen |= set(on_rigid.ravel().tolist())
    assert seen == {False, True}
