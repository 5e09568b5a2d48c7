"""The chain on the tape."""

from __future__ import annotations

import numpy as np
import pytest
from people import PROFILES
from verified import draw_case

from refnms import primitives
from refnms.physics import reference
from refnms.verify import tape
from refnms.verify.lanes import DELAY
from refnms.verify.parameters import derivatives
from refnms.verify.tape import tape_check


def check(case):
    by_delay = None
    if case.joined.rows is None:
        by_delay = case.joined.excitation_by_delay(case.lanes.table[DELAY])
    return tape_check(derivatives(case.run, by_delay, np.random.default_rng(0)), case.joined)


@pytest.fixture(autouse=True)
def one_engine(monkeypatch):
    """The tape's engine is the run's: another might settle on another root of a slack tendon."""
    monkeypatch.setattr(primitives, "pick", lambda *arrays: reference)


@pytest.mark.parametrize("profile", PROFILES)
def test_it_is_right(profile):
    found = check(draw_case(PROFILES[profile]))
    assert found.passed and found.error < 1e-11
    assert found.compared >= 48 * 3 * 2


def test_a_pullback_that_is_wrong_is_found(case, monkeypatch):
    right = primitives.emg.interpolate_slope
    monkeypatch.setattr(primitives.emg, "interpolate_slope", lambda *a: 1.001 * right(*a))
    by_delay = case.joined.excitation_by_delay(case.lanes.table[DELAY]) / 1.001
    d = derivatives(case.run, by_delay, np.random.default_rng(0))
    wrong = tape_check(d, case.joined).wrong
    assert [place.quantity for place in wrong] == ["moment by electromechanical_delay"]


@pytest.mark.parametrize("argument", [0, 1, 2])
def test_a_tape_that_is_wrong_is_found(case, monkeypatch, argument):
    right = tape.vjp

    def wrong(f, *args):
        y, pullback = right(f, *args)

        def pulled(bar):
            bars = list(pullback(bar))
            if argument < len(bars):
                bars[argument] = 1.001 * bars[argument]
            return tuple(bars)

        return y, pulled

    monkeypatch.setattr(tape, "vjp", wrong)
    quantities = {place.quantity for place in check(case).wrong}
    names = ("strength_coefficient", "musculotendon_length", "moment_arm")
    assert f"moment by {names[argument]}" in quantities
