"""Partials at instants: each wrong one is found, with the curve that makes it wrong."""

from __future__ import annotations

import numpy as np
import pytest
from people import person
from verified import sole

from refnms.physics import muscle
from refnms.physics.curves import ceinms_default
from refnms.verify import domain
from refnms.verify.instants import FORMULAS, _arguments, drawn, instant_checks, of_run

MODEL = person(4)
DRAWN = drawn(MODEL.table(), 400, np.random.default_rng(0))


def checks(instants=DRAWN):
    place = lambda quantity, i: instants.place(quantity, i, MODEL.muscle_names)
    return list(instant_checks(ceinms_default(), instants, place, "here"))


def test_all_partials_are_right_here_and_away_from_seams_and_on_the_tape(case):
    for instants in (DRAWN, of_run(case.run)):
        found = checks(instants)
        assert [check.passed for check in found] == [True] * 3
        assert all(check.compared > 20 * len(instants.owner) for check in found)


def test_the_draws_reach_every_corner_of_every_muscle():
    p, muscles = DRAWN.muscles, len(MODEL.muscle_names)
    first = slice(0, muscles * 2 ** len(domain.CORNERS))
    v = DRAWN.fiber_velocity / (p.optimal_fiber_length * p.max_contraction_velocity)
    reached = {
        (int(m), *np.round([a, v], 9))
        for m, a, v in zip(DRAWN.owner[first], DRAWN.activation[first], v[first], strict=True)
    }
    assert reached == {(m, a, v) for m in range(muscles) for a in (0, 1) for v in (-1.5, 1.5)}
    ratio = p.tendon_slack_length / p.optimal_fiber_length
    assert ratio.min() == pytest.approx(0.1) and ratio.max() == pytest.approx(15.0)


CURVE_OF = {
    "x": ("active_force_length", "passive_force_length", None),
    "v": ("force_velocity", None),
    "activation": (None,),
    "cosine": (None,),
    "fiber_damping": (None,),
    "percentage_change": ("active_force_length", None),
}


@pytest.mark.parametrize("field", CURVE_OF)
def test_a_partial_of_the_fiber_force_that_is_off_is_named(spoil, field):
    spoil(muscle, "norm_fiber_force_partials", field)
    check = sole(checks(), "partials, here")
    assert not check.passed
    assert {place.quantity.partition(" ")[0] for place in check.wrong} <= {
        "tendon_force",
        "equilibrium",
    }
    assert {place.curve for place in check.wrong} <= {*CURVE_OF[field]}
    assert check.worst.muscle in MODEL.muscle_names and len(check.worst.at) == 5


@pytest.mark.parametrize("formula", FORMULAS)
def test_every_partial_of_every_formula_is_watched(formula):
    name, few = f"{formula}_partials", drawn(MODEL.table(), 300, np.random.default_rng(1))
    for field in FORMULAS[formula][1](ceinms_default(), _arguments(few)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(muscle, name, scaled(getattr(muscle, name), field))
            wrong = sole(checks(few), "partials, here").wrong
        assert [place.quantity for place in wrong] == [f"{formula} by {field}"]


def scaled(right, field):
    def wrong(*args):
        found = right(*args)
        return found._replace(**{field: 1.001 * getattr(found, field)})

    return wrong


def test_the_slope_of_one_curve_that_is_off_names_that_curve(monkeypatch):
    """As if somebody had mistyped the slope of the force-velocity curve in the partials."""
    right = muscle.value_and_slope
    curves = ceinms_default()

    def wrong(curve, x):
        y, slope = right(curve, x)
        same = getattr(curve, "knots", None) is not None
        if same and np.array_equal(curve.knots, curves.force_velocity.knots):
            return y, 1.001 * slope
        return y, slope

    monkeypatch.setattr(muscle, "value_and_slope", wrong)
    check = sole(checks(), "partials, here")
    assert {place.curve for place in check.wrong} == {"force_velocity"}
    assert "tendon_force by fiber_velocity" in {place.quantity for place in check.wrong}


def test_a_number_that_is_not_finite_fails(monkeypatch):
    monkeypatch.setattr(muscle, "tendon_force_partials", scaled_nan(muscle.tendon_force_partials))
    check = sole(checks(), "partials, here")
    assert check.error == np.inf and not check.passed


def scaled_nan(right):
    def wrong(*args):
        found = right(*args)
        bad = np.array(found.activation)
        bad[-1] = np.nan
        return found._replace(activation=bad)

    return wrong
