"""The stated domain and its draws."""

from __future__ import annotations

import numpy as np
import pytest
from people import person

from refnms.verify import domain
from refnms.verify.domain import AT_CORNER, CORNERS, OWN


@pytest.mark.parametrize("name", CORNERS)
def test_a_coordinate_fills_its_range_and_sits_in_its_corners(name):
    found = domain.draw(name, 4000, np.random.default_rng(0))
    low, high = CORNERS[name]
    assert found.min() == low and found.max() == high
    at_corner = np.mean((found == low) | (found == high))
    assert at_corner == pytest.approx(AT_CORNER, abs=0.03)


def test_muscles_are_carried_away_and_some_keep_their_own():
    p = person(1, 3).muscles
    p = type(p)(*(np.tile(field, 1000) for field in p))
    p.tendon_slack_length[:5] = 0.0
    rng = np.random.default_rng(0)
    ratio, pennation = (domain.draw(name, 3000, rng) for name in ("ratio", "pennation"))
    moved = domain.carried(p, ratio, pennation, rng)
    for field in ("tendon_slack_length", "pennation_angle_at_optimal"):
        kept = np.mean(getattr(moved, field) == getattr(p, field))
        assert kept == pytest.approx(OWN, abs=0.2)
    assert not moved.tendon_slack_length[:5].any()
    assert moved.c1 is p.c1


def test_all_corners_come_as_often_as_there_are_muscles():
    found = domain.corners(3)
    assert found.shape == (5, 96)
    assert len(np.unique(found, axis=1).T) == 32
