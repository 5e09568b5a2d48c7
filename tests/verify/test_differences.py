"""The adjoint against differences; the compiled engine runs forward, being hundreds of runs."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from people import PROFILES
from verified import draw_case

from refnms.autodiff import Estimate
from refnms.physics import implicit, reference
from refnms.physics.engine import pick
from refnms.verify import differences
from refnms.verify.differences import input_check, parameter_check
from refnms.verify.lanes import run

PULLED_BY_NUMPY = SimpleNamespace(forward=pick().forward, adjoint=reference.adjoint)


def quick(profile="native"):
    return run(PULLED_BY_NUMPY, draw_case(PROFILES[profile], seed=3).lanes)


@pytest.mark.parametrize("profile", ["native", "offline"])
def test_they_agree(profile):
    for check, count in ((parameter_check(quick(profile)), 33), (input_check(quick(profile)), 6)):
        assert check.passed and check.worst is not None
        assert check.compared + len(check.undecided) == count
        assert len(check.undecided) <= 0.3 * count


def test_a_wrong_slope_is_found(spoil):
    spoil(implicit, "length_slopes", "tendon_slack_length")
    check = parameter_check(quick())
    assert [place.quantity for place in check.wrong] == ["tendon_force by tendon_slack_length"]
    spoil(implicit, "length_slopes", "musculotendon_length")
    check = input_check(quick())
    assert [place.quantity for place in check.wrong] == ["tendon_force by musculotendon_length"]


def test_what_differences_cannot_tell_is_said(case, monkeypatch):
    unsure = lambda f, x, v: Estimate(np.zeros(3), np.full(3, np.inf))
    monkeypatch.setattr(differences, "difference_sweep", unsure)
    check = input_check(replace(case.run, engine=PULLED_BY_NUMPY))
    assert check.compared == 0 and len(check.undecided) == 6
    assert "tendon_force by excitation of muscle_1" in check.undecided
