"""What is said of a length that `solve` has found: its slopes, and that no search was needed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from samples import BRACKET, balance, many_samples, nth, rigid, samples, units_of
from scipy.optimize import brentq
from strategies import CURVES, SMOOTH, STEP, seeds

from refnms.autodiff.check import difference_sweep
from refnms.physics import muscle, solve
from refnms.physics.curves import spline_curve, value
from refnms.physics.profiles import NATIVE
from refnms.physics.solve import (
    LengthSlopes,
    Sample,
    plain_curves,
    plainly_enclosed,
    solve_sample,
)
from refnms.physics.types import SLOPE_FLOOR, Curves, Flag, Muscles

SLOPES = 1e-9  # against complex steps, relative


# ---- slopes of a length that solves its equilibrium ----


def slopes_at(sample, length, on_rigid=0, at_floor=0, curves=CURVES):
    x, cosine = muscle.of_length(sample.unit, length)
    v = muscle.norm_velocity(sample.unit, sample.newest * length + sample.past)
    return solve.length_slopes(curves, sample, x, cosine, v, on_rigid, at_floor)


def moved(sample, field, by):
    """The sample with one of its numbers or parameters moved, and that number."""
    u = sample.unit
    parameters = {
        "optimal_fiber_length": u.optimal_fiber_length,
        "pennation_angle_at_optimal": np.arcsin(u.pennation_sine),
        "tendon_slack_length": u.tendon_slack_length,
        "max_isometric_force": u.max_isometric_force,
        "max_contraction_velocity": 1.0 / u.per_velocity,
        "strength_coefficient": u.strength_coefficient,
        "fiber_damping": u.fiber_damping,
        "percentage_change": u.percentage_change,
    }
    if field in parameters:
        value = parameters[field]
        parameters[field] = value + by
        muscles = Muscles(*(parameters.get(name, 0.0) for name in Muscles._fields))
        return sample._replace(unit=muscle.unit(muscles)), value
    name = "past" if field == "past_velocity" else field
    return sample._replace(**{name: getattr(sample, name) + by}), getattr(sample, name)


def length_by_complex_step(sample, w, field):
    """Newton's method on the complex equilibrium, with the slope of the real one."""
    slope = balance(CURVES, sample, np.complex128(w + 1j * STEP)).imag / STEP
    sample, value = moved(sample, field, np.complex128(1j * STEP))
    for _ in range(3):
        w = w - balance(CURVES, sample, w) / slope
    length = sample.unit.optimal_fiber_length * muscle.of_projection(sample.unit, w)[0]
    return length.imag / STEP, value


@given(samples())
def test_the_slopes_of_a_length_are_those_of_its_equilibrium(drawn):
    sample, previous = drawn
    length, flag = solve_sample(CURVES, NATIVE.root, sample, previous, previous)
    x, cosine = muscle.of_length(sample.unit, length)
    slope = solve.partials_at(CURVES, sample, x * cosine)[1]
    if flag & Flag.FLOOR or slope > -1e-2:
        return
    for field, found in slopes_at(sample, length)._asdict().items():
        wanted, value = length_by_complex_step(sample, x * cosine, field)
        rounding = 1e-13 * sample.unit.optimal_fiber_length / max(abs(value), 0.01) / -slope
        assert abs(found - wanted) <= SLOPES * abs(wanted) + rounding, field


REGULAR = {  # stretched, pennate, and a fiber that shortens; CEINMS's bracket too
    "taut": (0.3, 0.5, 0.1, 0.105, NATIVE.root),
    "pennate": (0.305, 0.3, 0.5, 0.11, NATIVE.root),
    "shortening": (0.29, 0.9, 0.2, 0.1, BRACKET),
}


@pytest.mark.parametrize("field", LengthSlopes._fields)
@pytest.mark.parametrize("name", REGULAR)
def test_the_slopes_of_a_length_are_the_differences_of_what_is_found(name, field):
    lmt, activation, angle, previous, root = REGULAR[name]
    sample = Sample(units_of(0.1, angle, 0.2), activation, lmt, 100.0, -100.0 * previous)

    def found(by):
        return solve_sample(CURVES, root, moved(sample, field, by)[0], previous, previous)[0]

    scale = 0.01 * max(abs(moved(sample, field, 0.0)[1]), 0.1)
    wanted, error = difference_sweep(found, 0.0, scale)
    slope = getattr(slopes_at(sample, found(0.0)), field) * scale
    assert abs(slope - wanted) <= 1e-6 * abs(wanted) + error
    assert error <= 1e-5 * abs(wanted) + 1e-13
    assert wanted != 0.0


@given(samples())
def test_a_length_under_a_rigid_tendon_has_no_slopes_of_an_equilibrium(drawn):
    sample, _ = drawn
    assert set(slopes_at(sample, rigid(sample), on_rigid=1)) == {0.0}


def check_only_the_size_of_the_fiber_counts(found, sample, w):
    """A projection that stands still: l = l_o sqrt(w^2 + sin^2(pennation))."""
    for field, slope in found._asdict().items():
        stepped, _ = moved(sample, field, np.complex128(1j * STEP))
        length = stepped.unit.optimal_fiber_length * muscle.of_projection(stepped.unit, w)[0]
        np.testing.assert_allclose(slope, np.imag(length) / STEP, rtol=1e-12, atol=1e-15)


@given(samples())
def test_on_the_floor_only_the_size_of_the_fiber_counts(drawn):
    sample, _ = drawn
    length = sample.unit.optimal_fiber_length * muscle.of_projection(sample.unit, solve.FLOOR)[0]
    found = slopes_at(sample, length, at_floor=1)
    check_only_the_size_of_the_fiber_counts(found, sample, solve.FLOOR)


@pytest.mark.parametrize(("damping", "moves"), [(0.9, False), (1.1, True)])
def test_where_no_force_decides_the_projection_stands_still(damping, moves):
    """Where no curve answers to the length, damping alone gives the residual a slope."""
    flat = Curves(*[spline_curve([-9.0, 9.0], [0.5, 0.5])] * 4)
    unit = units_of(0.1, 0.0, 0.2)._replace(fiber_damping=damping * SLOPE_FLOOR * 10.0 * 0.01)
    sample = Sample(unit, 0.5, 0.3, 100.0, -10.0)
    found = slopes_at(sample, 0.1, curves=flat)
    if moves:
        np.testing.assert_allclose(found.past_velocity, -1.0 / sample.newest, rtol=1e-9)
    else:
        check_only_the_size_of_the_fiber_counts(found, sample, 1.0)


# ---- what can be said of a root without another search ----


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
