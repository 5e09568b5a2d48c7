"""The slopes of solved fiber lengths."""

from __future__ import annotations

import pytest
from people import PROFILES
from verified import draw_case, sole

from refnms.physics import implicit, muscle
from refnms.verify.solved import solved_checks


@pytest.mark.parametrize("profile", PROFILES)
def test_they_are_right_and_to_rounding_away_from_seams(profile):
    for check in solved_checks(draw_case(PROFILES[profile]).run, "here"):
        assert check.passed and check.compared > 500


@pytest.mark.parametrize("field", implicit.LengthSlopes._fields)
def test_every_slope_is_watched(case, spoil, field):
    spoil(implicit, "length_slopes", field)
    for check in solved_checks(case.run, "here"):
        assert [place.quantity for place in check.wrong] == [f"fiber_length by {field}"]
        assert 3e-4 < check.error < 1.001e-3  # the largest need not be a sample that counts


def test_a_slope_of_the_residual_that_is_wrong_shows_in_all(case, spoil):
    spoil(muscle, "equilibrium_partials", "w")
    check = sole(solved_checks(case.run, "here"), "fiber lengths, here")
    assert len(check.wrong) == len(implicit.LengthSlopes._fields)
