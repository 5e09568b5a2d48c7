"""Residuals: every length is an equilibrium, is flagged, or is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from people import PROFILES
from verified import draw_case

from refnms.physics.types import Flag
from refnms.verify.equilibrium import at_last_digit, equilibrium_check, residuals


@pytest.mark.parametrize("profile", PROFILES)
def test_every_fiber_is_in_equilibrium(profile):
    case = draw_case(PROFILES[profile])
    check = equilibrium_check(case.run, "here")
    assert check.passed and check.compared > 100
    assert check.note.startswith("by a rule and no equilibrium: ")


def moved(case, t, m, by):
    length = case.run.signals.fiber_length.copy()
    length[t, m] += by
    return replace(case.run, signals=case.run.signals._replace(fiber_length=length))


def test_a_length_that_is_a_nanometre_off_is_named(case):
    t, m = np.argwhere(case.run.determinate)[-1]
    check = equilibrium_check(moved(case, t, m, 1e-9), "here")
    assert not check.passed
    assert (check.worst.muscle, check.worst.frame) == (case.model.muscle_names[m], t - 24)
    assert check.worst.quantity == "residual of the equilibrium"


def test_a_flagged_one_is_counted_and_does_not_count(case):
    t, m = np.argwhere(case.run.determinate)[-1]
    off = moved(case, t, m, 1e-3)
    flags = off.flags.copy()
    flags[t, m] |= Flag.FAILED
    check = equilibrium_check(replace(off, flags=flags), "here")
    assert check.passed and "1 FAILED" in check.note


def test_the_last_digit_is_no_excuse_for_more(case):
    t, m = np.argwhere(case.run.determinate)[-1]
    some = np.zeros_like(case.run.determinate)
    some[t, m] = True
    ulp = np.spacing(case.run.signals.fiber_length[t, m])
    assert at_last_digit(case.run, some)[t, m]
    assert not at_last_digit(moved(case, t, m, 20.0 * ulp), some)[t, m]
    assert residuals(case.run).shape == case.run.flags.shape


def test_a_rigid_tendon_has_none():
    check = equilibrium_check(draw_case(rigid=True).run, "here")
    assert check.passed and check.compared == 0
