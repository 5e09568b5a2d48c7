from __future__ import annotations

import numpy as np
import pytest
from strategies import CURVES, PROFILES, draw_case

from refnms.physics.reference import fiber
from refnms.physics.reference.lanes import parts
from refnms.physics.reference.trajectory import solve_window


def window_of(case, start):
    (part,) = parts(case.system, case.muscles, np.arange(1, 3), start, 10)
    names = ("activation", "musculotendon_length", "fiber_length")
    signals = fiber.Signals(*(case.signals[name] for name in names))
    before = case.signals["fiber_length"][start - 2 : start, 1:]
    return part, fiber._window(case.system, part, signals), before


ELASTIC = [0, 2, 3, 4, 5, 6]  # seeds of cases without a rigid tendon


@pytest.mark.parametrize("profile", PROFILES)
def test_whole_trajectory_newton_settles_most_lanes_and_none_of_them_wrongly(profile):
    lanes = 0
    for seed in ELASTIC:
        case = draw_case(seed, PROFILES[profile])
        part, window, before = window_of(case, 3)
        length, flags, settled = solve_window(window, case.system.root, before)
        at = settled.all(axis=0)
        lanes += at.sum()
        expected = case.signals["fiber_length"][part.asked]
        np.testing.assert_allclose(length[:, at], expected[:, at], rtol=1e-12)
        np.testing.assert_array_equal(flags[:, at], case.flags[part.asked][:, at])
    assert lanes >= 2 * len(ELASTIC) - 3


def test_a_sample_without_equilibrium_is_not_settled():
    case = draw_case(0, PROFILES["online"])
    far = case.signals["musculotendon_length"]
    far[5, 1] += 3.0 * case.muscles.optimal_fiber_length[1]
    _, window, before = window_of(case, 3)
    _, _, settled = solve_window(window, case.system.root, before)
    assert not settled[2, 0]
    assert settled[:, 1].all()


def test_a_fiber_that_would_vanish_is_not_settled():
    case = draw_case(0, PROFILES["native"])
    near = case.signals["musculotendon_length"]
    near[4:, 1] = 0.3 * case.muscles.tendon_slack_length[1]
    case.signals["activation"][4:, 1] = 1.0
    _, window, before = window_of(case, 3)
    _, _, settled = solve_window(window, case.system.root, before)
    assert not settled[:, 0].all()


def test_the_curves_of_the_window_are_those_of_the_system():
    _, window, _ = window_of(draw_case(0, PROFILES["native"]), 3)
    assert window.curves is CURVES
