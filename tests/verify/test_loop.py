"""Work over a closed loop."""

from __future__ import annotations

import numpy as np
import pytest
from people import PROFILES
from verified import draw_case

from refnms.physics import muscle, reference
from refnms.physics.profiles import NATIVE
from refnms.verify.loop import loop_check


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("kind", [{}, {"rigid": True}])
def test_springs_do_none_and_damped_ones_take_some(profile, kind):
    case = draw_case(PROFILES[profile], **kind)
    check = loop_check(case.lanes, PROFILES[profile], reference)
    assert check.passed and check.compared == 3
    share = float(check.note.split("takes up ")[1].split(" %")[0])
    assert 0.1 < share < 50.0


def test_a_force_that_depends_on_the_way_does_work(case, monkeypatch):
    """A thousandth of a damping that nobody asked for."""
    right = muscle.tendon_force

    def wrong(curves, unit, a, length, velocity):
        drag = 1e-6 * unit.max_isometric_force * velocity * unit.per_speed
        return right(curves, unit, a, length, velocity) + drag

    monkeypatch.setattr(muscle, "tendon_force", wrong)
    check = loop_check(case.lanes, NATIVE, reference)
    assert not check.passed
    assert check.worst.muscle in case.model.muscle_names


def test_a_muscle_without_passive_force_is_named(case):
    curves = case.lanes.system.curves
    pieces = curves.passive_force_length.pieces * (np.arange(5) == 0)
    none = curves._replace(passive_force_length=curves.passive_force_length._replace(pieces=pieces))
    from dataclasses import replace

    lanes = replace(case.lanes, system=case.lanes.system._replace(curves=none, rigid=True))
    check = loop_check(lanes, NATIVE, reference)
    assert check.compared == 0 and "without passive force: muscle_0" in check.note
