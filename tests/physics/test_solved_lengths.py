"""What is said of a length that `solve` has found: that no search was needed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from samples import BRACKET, many_samples, nth, samples, units_of
from scipy.optimize import brentq
from strategies import CURVES, SMOOTH, seeds

from refnms.physics import muscle, solve
from refnms.physics.curves import spline_curve, value
from refnms.physics.profiles import NATIVE
from refnms.physics.solve import (
    Sample,
    plain_curves,
    plainly_enclosed,
    solve_sample,
)
from refnms.physics.types import Flag


@given(samples())
def test_what_the_search_in_motion_finds_it_could_reach(drawn):
    sample, previous = drawn
    unit, lmt = sample.unit, sample.musculotendon_length
    length, flag = solve_sample(CURVES, NATIVE.root, sample, previous, previous)
    along = np.sqrt((length * unit.per_length) ** 2 - unit.pennation_sine**2)
    last = np.prod(muscle.of_length(unit, previous))
    if flag & Flag.FLOOR:
        assert not solve.reaches(unit, last, lmt, solve.FLOOR)
    elif along > 1.001 * solve.FLOOR:
        assert solve.reaches(unit, last, lmt, along * (1.0 - 1e-9))
    farthest = max(last, solve.taut_length(unit, lmt)) + solve.MARGIN
    assert not solve.reaches(unit, last, lmt, max(farthest, solve.FLOOR) * (1.0 + 1e-9))


@pytest.mark.parametrize("curves", [CURVES, SMOOTH], ids=["ceinms", "smooth"])
@given(seeds)
def test_a_plainly_enclosed_root_is_bracketed(curves, seed):
    sample, w = many_samples(np.random.default_rng(seed))
    plain = plainly_enclosed(curves, BRACKET, sample, w)
    lo = sample.unit.optimal_fiber_length
    short, long = (solve.residual(curves, sample, end * lo) for end in BRACKET[:2])
    assert not (plain & (short * long > 0.0)).any()
    assert np.mean(plain) > 0.1
    for i in np.flatnonzero(plain)[:2]:
        one = nth(sample, i)
        assert plainly_enclosed(curves, BRACKET, one, w[i])
        assert solve.bracketed(curves, BRACKET, one)


def at_a_condition(why, hair):
    """A sample and w that are plainly enclosed but for one condition, nearly broken or just so."""
    unit, lo, speed = units_of(0.1, 0.1, 1.0), 0.1, 1.0  # 10 optimal fiber lengths a second
    x, newest, slowest, strain = 1.0, 50.0, -2.0, 0.01  # norm velocity, strain at the short end
    if why == "short":
        x = BRACKET.lower * (1.0 + hair)
    if why == "long":
        x = BRACKET.upper * (1.0 - hair)
    if why == "slow at the short end":
        slowest = -1.0 * (1.0 + hair)
    if why == "fast at the long end":
        slowest = 1.0 * (1.0 + hair) - newest * lo * (BRACKET.upper - BRACKET.lower) / speed
    if why == "taut":
        strain = 0.001 * (1.0 + hair)
    w = np.sqrt(x**2 - unit.pennation_sine**2)
    lmt = 1.0 + strain + lo * BRACKET.lower
    if why == "pull":
        curve = CURVES.tendon_force_strain
        pulls = brentq(lambda s: value(curve, s) - (1.0 - hair), 0.0, 0.1, xtol=1e-15)
        w, lmt = 0.3, 1.0 + pulls + lo * 0.3
    past = speed * slowest - newest * lo * BRACKET.lower
    return Sample(unit, 0.5, lmt, newest, past), w


@pytest.mark.parametrize(
    "why", ["short", "long", "slow at the short end", "fast at the long end", "taut", "pull"]
)
def test_a_root_is_plainly_enclosed_to_a_hair(why):
    for hair in (1e-4, -1e-4):
        sample, w = at_a_condition(why, hair)
        assert plainly_enclosed(CURVES, BRACKET, sample, w) == (hair > 0.0)


@given(samples())
def test_a_root_is_bracketed_where_the_residual_changes_its_sign(drawn):
    sample, previous = drawn
    found = solve.bracketed(CURVES, BRACKET, sample)
    flag = solve_sample(CURVES, BRACKET, sample, previous, previous)[1]
    assert found == (not flag & Flag.FELL_BACK)


def test_ceinms_default_curves_are_plain_in_its_bracket_and_none_are_without_one():
    assert plain_curves(CURVES, BRACKET) and plain_curves(SMOOTH, BRACKET)
    assert not plain_curves(CURVES, NATIVE.root)


OTHERWISE = {  # x, y of a curve that breaks one condition
    "a tendon that yields": ("tendon_force_strain", [-1, 0, 0.05, 0.1, 1.5], [0, 0, 2, 1, 40]),
    "a tendon that pulls when slack": ("tendon_force_strain", [-1, 0, 1], [0, 0.01, 40]),
    "a tendon that is slack when long": ("tendon_force_strain", [-1, 0.1, 0.2, 1], [0, 0, 2, 40]),
    "a fiber active at its limit": ("force_velocity", [-1, 0, 1], [0.1, 1, 1.5]),
    "a fiber far stronger at its limit": ("force_velocity", [-1, 0, 1], [0, 1, 2.5]),
    "an active fiber that pushes": ("active_force_length", [0, 0.5, 1, 2], [0, -0.5, 1, 0]),
    "a short passive fiber that pulls": ("passive_force_length", [0, 1, 2], [1, 3, 5]),
    "a long passive fiber that does not": ("passive_force_length", [0, 1, 2], [0, 0, 0.5]),
}


@pytest.mark.parametrize("why", OTHERWISE)
def test_curves_are_not_plain_with(why):
    name, x, y = OTHERWISE[why]
    assert not plain_curves(SMOOTH._replace(**{name: spline_curve(x, y)}), BRACKET)
