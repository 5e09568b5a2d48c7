from __future__ import annotations

import numpy as np
import pytest
from strategies import CURVES, PROFILES, draw_case, run

from refnms.physics import muscle, reference
from refnms.physics.reference.bands import stencil
from refnms.physics.reference.trajectory import Window, solve_window
from refnms.physics.reference.trials import trials
from refnms.physics.types import Unit


def window_of(case, start, activation=None):
    """Frames 3 to 9 of the first trial, two of its muscles; the lengths before; and all runs."""
    signals, flags = run(reference, case)
    trial, rest, lanes = next(trials(case.system)), slice(start, 10), slice(1, 3)
    given = signals.fiber_length[:10, lanes].copy()
    given[start:] = 0.0
    a = signals.activation if activation is None else activation
    window = Window(
        curves=case.system.curves,
        unit=Unit(*(p[lanes] for p in muscle.unit(case.muscles))),
        weights=trial.solver_weights[rest],
        past=stencil(trial.solver_weights[:10], given)[rest],
        activation=a[rest, lanes],
        musculotendon_length=case.musculotendon_length[rest, lanes],
    )
    found = signals.fiber_length[rest, lanes], flags[rest, lanes]
    return window, given[start - 2 : start], found


def elastic_cases(profile):
    cases = (draw_case(seed, PROFILES[profile]) for seed in range(9))
    return [case for case in cases if case.muscles.tendon_slack_length.all()]


@pytest.mark.parametrize("profile", PROFILES)
def test_whole_trajectory_newton_settles_most_lanes_and_none_of_them_wrongly(profile):
    lanes, cases = 0, elastic_cases(profile)
    for case in cases:
        window, before, (expected, expected_flags) = window_of(case, 3)
        length, flags, settled = solve_window(window, case.system.root, before)
        at = settled.all(axis=0)
        lanes += at.sum()
        np.testing.assert_allclose(length[:, at], expected[:, at], rtol=1e-12)
        np.testing.assert_array_equal(flags[:, at], expected_flags[:, at])
    assert len(cases) >= 6
    assert lanes >= 2 * len(cases) - 3


def test_a_sample_without_equilibrium_is_not_settled():
    case = elastic_cases("online")[0]
    far = case.musculotendon_length
    far[5, 1] += 3.0 * case.muscles.optimal_fiber_length[1]
    window, before, _ = window_of(case, 3)
    _, _, settled = solve_window(window, case.system.root, before)
    assert not settled[2, 0]
    assert settled[:, 1].all()


def test_a_fiber_that_would_vanish_is_not_settled():
    case = elastic_cases("native")[0]
    case.musculotendon_length[4:, 1] = 0.3 * case.muscles.tendon_slack_length[1]
    activation = run(reference, case)[0].activation
    activation[4:, 1] = 1.0
    window, before, _ = window_of(case, 3, activation)
    _, _, settled = solve_window(window, case.system.root, before)
    assert not settled[:, 0].all()


def test_the_curves_of_the_window_are_those_of_the_system():
    assert window_of(draw_case(0, PROFILES["native"]), 3)[0].curves is CURVES
