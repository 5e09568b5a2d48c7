"""Derivatives by what is recorded."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from people import PROFILES
from verified import draw_case

from refnms.physics import excitation, implicit, muscle, reference
from refnms.verify.inputs import delay_check, direction_check, sample_check, spread_frames


@pytest.mark.parametrize("profile", PROFILES)
def test_they_are_right(profile):
    case = draw_case(PROFILES[profile])
    for check in (sample_check(case.run), direction_check(case.run)):
        assert check.passed and check.error < 1e-11 and check.compared > 100


def test_the_frames_are_spread_from_first_to_last_of_each_trial(case):
    walk, jump = spread_frames(case.run)
    assert (walk[0], walk[-1], jump[0], jump[-1]) == (0, 23, 24, 47)
    assert len(walk) == len(jump) == 16


@pytest.mark.parametrize(
    ("field", "name"),
    [("activation", "excitation"), ("musculotendon_length", "musculotendon_length")],
)
def test_a_wrong_slope_of_the_length_is_named(case, spoil, field, name):
    spoil(implicit, "length_slopes", field)
    for check in (sample_check(case.run), direction_check(case.run)):
        assert not check.passed
        wrong = {place.quantity.rpartition(" by ")[2] for place in check.wrong}
        assert wrong == {name}


def test_a_filter_run_backwards_wrongly_is_found(case):
    def adjoint(*args):
        table_bar, excitation_bar, length_bar = reference.adjoint(*args)
        return table_bar, 1.001 * excitation_bar, length_bar

    run = replace(case.run, engine=SimpleNamespace(adjoint=adjoint, tangents=reference.tangents))
    for check in (sample_check(run), direction_check(run)):
        assert [place.quantity for place in check.wrong][-1] == "tendon_force by excitation"


def test_a_force_that_forgets_the_velocity_of_other_frames_is_found(case, spoil):
    spoil(muscle, "tendon_force_partials", "fiber_velocity")
    assert not sample_check(case.run).passed


@pytest.mark.parametrize("delay", [0.02, 0.0213])  # on EMG samples, for some frames, and between
def test_the_slope_by_the_delay_is_right_on_samples_and_between(delay):
    case = draw_case(electromechanical_delay=np.full(3, delay))
    check = delay_check(case.joined, case.run)
    assert check.passed and check.compared == 48 * 3


def test_a_wrong_slope_by_the_delay_is_found(case, monkeypatch):
    right = excitation.interpolate_slope
    monkeypatch.setattr(excitation, "interpolate_slope", lambda *args: 1.001 * right(*args))
    check = delay_check(case.joined, case.run)
    assert not check.passed and check.worst.muscle is not None
    assert check.worst.quantity == "excitation by electromechanical_delay"
