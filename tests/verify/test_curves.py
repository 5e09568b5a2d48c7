"""Curves: a slope that is not the value's is found, on its curve, at its place, with its muscle."""

from __future__ import annotations

import numpy as np
import pytest
from verified import sole

from refnms.physics.curves import ceinms_default
from refnms.physics.types import Curves
from refnms.verify import curves
from refnms.verify.curves import curve_checks
from refnms.verify.lanes import asked


def broken(name: str, piece: int, coefficient: int, factor: float = 1.001) -> Curves:
    """CEINMS's curves with one coefficient of one piece off."""
    found = ceinms_default()
    curve = getattr(found, name)
    pieces = curve.pieces.copy()
    pieces[piece, 1 + coefficient] *= factor
    return found._replace(**{name: curve._replace(pieces=pieces)})


def test_the_curves_of_ceinms_pass(case):
    for check in curve_checks(ceinms_default(), case.run):
        assert check.passed and check.error < 1e-11 and check.compared > 100


@pytest.mark.parametrize("name", Curves._fields)
@pytest.mark.parametrize("coefficient", [0, 1, 2, 3])
def test_a_piece_that_is_off_shows_at_its_knots(case, name, coefficient):
    visits = getattr(asked(case.lanes, case.run.signals), name)
    knots = getattr(ceinms_default(), name).knots
    pieces = np.unique(np.searchsorted(knots, visits))
    cubics = getattr(ceinms_default(), name).pieces
    piece = next(int(i) for i in pieces[::-1] if abs(cubics[i, 1 + coefficient]) > 1e-3)
    check = sole(curve_checks(broken(name, piece, coefficient), case.run), "curve joints")
    assert not check.passed
    assert {place.curve for place in check.wrong} == {name}
    x = dict(check.worst.at)["x"]
    assert x in knots[[piece - 1, piece]]


def test_the_muscle_and_sample_that_ask_there_most_are_named(case):
    name = "active_force_length"
    visits = getattr(asked(case.lanes, case.run.signals), name)
    knots = getattr(ceinms_default(), name).knots
    pieces = np.searchsorted(knots, visits)
    counts = [np.bincount(column, minlength=len(knots) + 1) for column in pieces.T]
    piece = int(np.argmax(np.sum(counts, axis=0)))
    check = sole(curve_checks(broken(name, piece, 2), case.run), "curve joints")
    place = check.worst
    m = case.model.muscle_names.index(place.muscle)
    start = {"walk": 0, "jump": 24}[place.trial]
    assert abs(pieces[start + place.frame, m] - piece) <= 1


def test_a_slope_that_is_not_the_values_shows_inside_the_pieces(case, monkeypatch):
    right = curves.value_slope
    monkeypatch.setattr(curves, "value_slope", lambda curve, x: 1.001 * right(curve, x))
    check = sole(curve_checks(ceinms_default(), case.run), "curve slopes")
    assert check.error == pytest.approx(1e-3, rel=1e-6)
    assert {place.curve for place in check.wrong} == {*Curves._fields}


def test_a_kink_at_an_end_is_no_fault(case):
    curve = ceinms_default().force_velocity
    pieces = curve.pieces.copy()
    pieces[0, 2] = 0.3
    bent = ceinms_default()._replace(force_velocity=curve._replace(pieces=pieces))
    assert all(check.passed for check in curve_checks(bent, case.run))
