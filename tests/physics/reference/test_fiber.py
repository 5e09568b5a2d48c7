from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from strategies import (
    ADJOINT,
    ENGINES,
    PROFILES,
    adjoint_errors,
    draw_case,
    peak_error,
    run,
    seeds,
)

from refnms.physics import muscle, reference, solve
from refnms.physics.types import Muscles


def one_by_one(case):
    """Every sample by the search for one sample, each lane from its first frame on."""
    names = ("activation", "musculotendon_length")
    signals = [case.signals[name] for name in names]
    length, flags = np.zeros_like(signals[0]), np.zeros_like(case.flags)
    frames = case.system.timeline.frames
    for first, stop in pairwise(frames):
        for m in range(length.shape[1]):
            unit = Muscles(*(p[m] for p in case.muscles))
            for t in range(first, stop):
                length[t, m], flags[t, m] = solve.at_frame(
                    case.system, unit, *signals, length, t, m, first
                )
    return length, flags


@pytest.mark.parametrize("profile", PROFILES)
@settings(max_examples=6)
@given(seeds)
def test_a_trajectory_solved_at_once_is_that_of_its_samples_solved_one_by_one(profile, seed):
    case = draw_case(seed, PROFILES[profile])
    expected, flags = one_by_one(case)
    found = run(reference, "elastic_fiber_length", case)
    assert peak_error(found, expected) <= ENGINES
    np.testing.assert_array_equal(case.flags, flags)


@pytest.mark.parametrize("profile", PROFILES)
@settings(max_examples=4)
@given(seeds)
def test_frames_can_be_solved_in_pieces(profile, seed):
    case = draw_case(seed, PROFILES[profile])
    expected = run(reference, "elastic_fiber_length", case)
    found = np.zeros_like(expected)
    for frames in ((0, 1), (1, 2), (2, 9), (9, 40)):
        run(reference, "elastic_fiber_length", case, frames=frames, output=found)
    assert peak_error(found, expected) <= ENGINES


@pytest.mark.parametrize("profile", ["native", "online"])
@settings(max_examples=8)
@given(seeds)
def test_the_elastic_adjoint_is_that_of_complex_steps(profile, seed):
    case = draw_case(seed, PROFILES[profile])
    rng = np.random.default_rng(seed)
    for what, error in adjoint_errors(reference, reference, "elastic_fiber_length", case, rng):
        assert error <= ADJOINT, what


@pytest.mark.parametrize("profile", ["native", "online"])
@settings(max_examples=8)
@given(seeds)
def test_where_the_fiber_is_not_in_equilibrium_the_adjoint_is_that_of_its_formula(profile, seed):
    case = draw_case(seed, PROFILES[profile], corners=True)
    rng = np.random.default_rng(seed)
    for what, error in adjoint_errors(reference, reference, "elastic_fiber_length", case, rng):
        assert error <= ADJOINT, what


@pytest.mark.parametrize(("profile", "flags"), [("native", {0, 1, 8, 16}), ("online", {0, 1, 4})])
def test_the_corners_drawn_reach_every_flag_of_the_solver(profile, flags):
    cases = (draw_case(seed, PROFILES[profile], corners=True) for seed in range(30))
    assert flags <= {int(flag) for case in cases for flag in np.unique(case.flags)}


@settings(max_examples=8)
@given(seeds)
def test_the_rigid_adjoint_is_that_of_complex_steps(seed):
    case = draw_case(seed, PROFILES["native"], rigid=True)
    rng = np.random.default_rng(seed)
    for what, error in adjoint_errors(reference, reference, "rigid_fiber_length", case, rng):
        assert error <= ADJOINT, what


def test_a_rigid_tendon_leaves_the_rest_to_the_fiber():
    case = draw_case(9, PROFILES["native"], rigid=True)
    length = case.signals["musculotendon_length"]
    unit = Muscles(*(p[2] for p in case.muscles))
    expected = muscle.rigid_fiber_length(unit, length[4, 2])
    assert run(reference, "rigid_fiber_length", case)[4, 2] == expected


@pytest.mark.parametrize("profile", PROFILES)
def test_the_residual_vanishes_along_an_ordinary_trajectory(profile):
    case = draw_case(10, PROFILES[profile])
    length, weights = case.signals["fiber_length"], case.system.timeline.solver_weights
    for m in range(3):
        unit = Muscles(*(p[m] for p in case.muscles))
        for t in range(1, case.system.timeline.frames[1]):
            past = solve.past_velocity(weights, length, t, m, t)
            velocity = weights[t, 0] * length[t, m] + past
            signals = [case.signals[k][t, m] for k in ("activation", "musculotendon_length")]
            g = muscle.equilibrium_of_length(
                case.system.curves, unit, length[t, m], signals[0], velocity, signals[1]
            )
            if case.flags[t, m] & ~1 == 0:
                assert abs(g) < 1e-10
