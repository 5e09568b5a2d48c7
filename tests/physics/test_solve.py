from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import BRACKET, balance, rigid, samples, units_of
from scipy.optimize import brentq
from strategies import CURVES, STEP
from zbrent import brent_of_ceinms

from refnms.physics import muscle, solve
from refnms.physics.profiles import NATIVE
from refnms.physics.solve import (
    Sample,
    newton,
    past_velocity,
    solve_sample,
)
from refnms.physics.types import Flag


def residual(sample, length):
    """g and its slope in w at a fiber length."""
    x, cosine = muscle.of_length(sample.unit, length)
    g, slope = solve.partials_at(CURVES, sample, x * cosine)
    return g.residual, slope


@given(samples())
def test_in_motion_the_length_is_a_root_or_flagged(drawn):
    sample, previous = drawn
    length, flag = solve_sample(CURVES, NATIVE.root, sample, previous, previous)
    assert flag in (0, Flag.HELPED, Flag.FLOOR)
    if flag == Flag.FLOOR:
        x = length / sample.unit.optimal_fiber_length
        w = np.sqrt(x**2 - sample.unit.pennation_sine**2)
        np.testing.assert_allclose(w, 0.02, rtol=1e-9)
        assert residual(sample, length)[0] < 1e-9  # it would be shorter still
    else:
        g, slope = residual(sample, length)
        assert abs(g) <= solve.RESIDUAL * max(1.0, abs(slope))


@given(samples())
def test_in_ceinms_bracket_the_length_is_a_root_or_the_rigid_length(drawn):
    sample, previous = drawn
    lo = sample.unit.optimal_fiber_length
    g_short, g_long = (
        solve.residual(CURVES, sample, end * lo) for end in (BRACKET.lower, BRACKET.upper)
    )
    length, flag = solve_sample(CURVES, BRACKET, sample, previous, previous)
    if g_short * g_long > 0.0:
        assert flag == Flag.FELL_BACK
        assert length == rigid(sample)
    else:
        assert flag in (0, Flag.HELPED)
        assert BRACKET.lower * lo * (1 - 1e-12) <= length <= BRACKET.upper * lo * (1 + 1e-12)
        g, slope = residual(sample, length)
        assert abs(g) <= solve.RESIDUAL * max(1.0, abs(slope))


@given(samples(), st.floats(0.3, 1.4))
def test_a_short_step_leads_along_the_tangent_of_the_fiber_force(drawn, w):
    sample, _ = drawn
    unit, a = sample.unit, sample.activation

    def force(w):
        x, cosine = muscle.of_projection(unit, w)
        velocity = sample.newest * unit.optimal_fiber_length * x + sample.past
        v = muscle.norm_velocity(unit, velocity)
        return muscle.norm_fiber_force(CURVES, unit, x, cosine, a, v)

    g, slope = solve.partials_at(CURVES, sample, w)
    wanted = force(np.complex128(w + 1j * STEP)).imag / STEP
    size = abs(wanted) + unit.optimal_fiber_length * g.musculotendon_length
    found = solve.near_fiber_force(unit, g, slope, force(w), 0.5) - force(w)
    np.testing.assert_allclose(found, 0.5 * wanted, rtol=0.0, atol=1e-11 * (1.0 + size))


@given(samples())
def test_brent_with_a_tight_tolerance_finds_the_root_of_newton(drawn):
    sample, previous = drawn
    tight = BRACKET._replace(tolerance=1e-15)
    by_newton, flag = solve_sample(CURVES, BRACKET, sample, previous, previous)
    by_brent, brent_flag = solve_sample(CURVES, tight, sample, previous, previous)
    assert (flag & Flag.FELL_BACK) == (brent_flag & Flag.FELL_BACK)
    g, slope = residual(sample, by_brent)
    if flag & Flag.FELL_BACK:
        assert by_brent == by_newton
    elif slope < -1e-3 and abs(by_brent - by_newton) > 1e-9:  # then both are roots
        assert abs(g) < 1e-8 * max(1.0, abs(slope))
    elif slope < -1e-3:
        np.testing.assert_allclose(by_brent, by_newton, atol=1e-12)


@pytest.mark.parametrize("tolerance", [1e-4, 1e-6, 1e-9])
@given(samples())
def test_brent_stays_within_its_tolerance_of_a_change_of_sign(tolerance, drawn):
    sample, previous = drawn
    length, flag = solve_sample(
        CURVES, BRACKET._replace(tolerance=tolerance), sample, previous, previous
    )
    if flag == 0:
        low, high = (solve.residual(CURVES, sample, length + d * tolerance) for d in (-1, 1))
        assert low * high <= 0.0 or abs(residual(sample, length)[0]) < 1e-12


def kinked(root, _, steep):
    """A function that is so many times steeper below its root."""
    return lambda l: (l - root) * (1.0 if l > root else steep)


def stepped(root, knee, steep):
    """A function with a root here and a step there."""
    return lambda l: l - root + math.tanh(steep * (l - knee)) - math.tanh(steep * (root - knee))


@pytest.mark.parametrize("tolerance", [0.03, 1e-3, 1e-6, 1e-15])
@pytest.mark.parametrize("kind", [kinked, stepped])
def test_brent_takes_the_path_of_ceinms_to_the_bit(kind, tolerance, monkeypatch):
    """On so many functions, of a seed so chosen, that each of its decisions is close in some."""
    low, high = 0.02, 0.2
    limits = (low, low, 5.0), (high, high, 300.0)
    for numbers in np.random.default_rng(4).uniform(*limits, (5000, 3)):
        g = kind(*map(float, numbers))
        monkeypatch.setattr(solve, "residual", lambda curves, sample, l, g=g: g(l))
        found = solve.brent(None, None, low, high, g(low), g(high), tolerance)
        assert found == (brent_of_ceinms(g, low, high, tolerance), True)


@given(samples(), st.floats(0.01, 1.7))
def test_the_total_slope_is_that_of_the_residual_with_the_velocity_that_follows(drawn, w):
    sample, _ = drawn
    expected = balance(CURVES, sample, np.complex128(w + 1j * STEP)).imag / STEP
    g, found = solve.partials_at(CURVES, sample, w)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    cosine = muscle.of_projection(sample.unit, w)[1]
    assert solve.total_slope(sample.unit, g, cosine, sample.newest) == found
    np.testing.assert_allclose(g.residual, balance(CURVES, sample, w), rtol=1e-13, atol=1e-13)


@given(samples(), st.floats(0.01, 1.7))  # a shorter one has lost its digits in the length
def test_the_residual_of_a_length_is_that_of_its_projection(drawn, w):
    sample, _ = drawn
    length = sample.unit.optimal_fiber_length * muscle.of_projection(sample.unit, w)[0]
    found = solve.residual(CURVES, sample, length)
    np.testing.assert_allclose(found, balance(CURVES, sample, w), rtol=1e-9, atol=1e-9)


def test_the_residual_of_an_upright_fiber_has_the_sign_of_what_is_left_of_its_force():
    sample = Sample(units_of(0.1, 0.9, 0.2), 1.0, 0.2, 0.0, 0.0)
    height = sample.unit.optimal_fiber_length * sample.unit.pennation_sine
    assert 0.0 > solve.residual(CURVES, sample, 0.9 * height) > -1e-14


@given(samples())
def test_newton_keeps_inside_its_bracket_and_says_when_it_needed_help(drawn):
    sample, _ = drawn
    for lower, upper in ((0.5, 0.6), (0.1, 1.7)):
        w, flag = newton(CURVES, sample, lower, upper, upper)
        assert lower <= w <= upper
        inside = lower < w < upper and not np.isclose(w, (lower, upper), atol=1e-9).any()
        if inside and not flag & Flag.FAILED:
            length = solve._length(sample.unit, w)
            g, slope = residual(sample, length)
            assert abs(g) <= solve.RESIDUAL * max(1.0, abs(slope))


def test_nan_is_a_failure_and_not_a_number():
    unit = plain_unit()
    sample = Sample(unit, np.nan, 0.32, 100.0, -10.0)
    assert solve_sample(CURVES, NATIVE.root, sample, 0.1, 0.1)[1] & Flag.FAILED


def plain_unit():
    return units_of(0.1, 0.2, 0.2)


# ---- the first frame ----


def start(unit, activation, length, root=NATIVE.root):
    return solve_sample(CURVES, root, Sample(unit, activation, length, 0.0, 0.0), 0.0, 0.0)


def test_the_first_frame_is_in_static_equilibrium():
    unit = plain_unit()
    length, flag = start(unit, 0.5, 0.3)
    assert flag in (0, Flag.HELPED)
    sample = Sample(unit, 0.5, 0.3, 0.0, 0.0)
    assert abs(residual(sample, length)[0]) < 1e-12
    assert length < rigid(sample)  # the tendon is stretched


def test_a_passive_fiber_that_cannot_stretch_its_tendon_starts_with_it_just_taut():
    unit = units_of(0.1, 0.2, 0.2)
    length, flag = start(unit, 0.0, 0.2 + 0.05)
    assert flag == Flag.TAUT
    assert length == rigid(Sample(unit, 0.0, 0.25, 0.0, 0.0))


def test_a_unit_shorter_than_its_tendon_starts_at_the_floor():
    unit = plain_unit()
    length, flag = start(unit, 0.5, 0.15)
    assert flag == Flag.FLOOR
    np.testing.assert_allclose(length, 0.1 * np.hypot(0.02, np.sin(0.2)), rtol=1e-14)


def test_a_fiber_that_would_shorten_beyond_the_floor_starts_there():
    """Its tendon is a little longer than slack, and still it pulls harder than the tendon."""
    unit = units_of(0.06, 1.4, 0.39)
    length, flag = start(unit, 0.956, 0.3917)
    floor = solve._length(unit, solve.FLOOR)
    assert solve.residual(CURVES, Sample(unit, 0.956, 0.3917, 0.0, 0.0), floor) < 0.0
    assert flag == Flag.FLOOR
    assert length == floor


def test_in_ceinms_bracket_the_first_frame_is_looked_for_too():
    length, flag = start(plain_unit(), 0.5, 0.3, BRACKET)
    assert flag in (0, Flag.HELPED)
    np.testing.assert_allclose(length, start(plain_unit(), 0.5, 0.3)[0], rtol=1e-12)


# ---- limits ----


def test_a_fiber_that_would_vanish_is_held_at_the_floor():
    unit = plain_unit()
    sample = Sample(unit, 1.0, 0.1, 100.0, -100.0 * 0.03)
    length, flag = solve_sample(CURVES, NATIVE.root, sample, 0.03, 0.03)
    assert flag == Flag.FLOOR
    np.testing.assert_allclose(length, 0.1 * np.hypot(0.02, np.sin(0.2)), rtol=1e-14)


def test_an_overstretched_unit_falls_back_in_ceinms_bracket():
    unit = plain_unit()
    sample = Sample(unit, 0.5, 0.2 + 0.25, 0.0, 0.0)
    length, flag = solve_sample(CURVES, BRACKET, sample, 0.1, 0.1)
    assert flag == Flag.FELL_BACK
    assert length == rigid(sample)


@pytest.mark.parametrize("hair", [1e-4, -1e-4])
@pytest.mark.parametrize("end", BRACKET[:2])
def test_ceinms_bracket_ends_at_these_norm_lengths_to_a_hair(end, hair):
    unit, previous = units_of(0.1, 0.1, 0.2), 0.1
    length = end * unit.optimal_fiber_length * (1.0 + hair)

    def of(musculotendon_length):
        return Sample(unit, 0.5, musculotendon_length, 0.0, 0.0)

    sample = of(brentq(lambda lmt: solve.residual(CURVES, of(lmt), length), 0.2, 0.6, xtol=1e-15))
    found, flag = solve_sample(CURVES, BRACKET, sample, previous, previous)
    inside = (hair > 0.0) == (end == BRACKET.lower)
    assert solve.bracketed(CURVES, BRACKET, sample) == inside
    assert (flag == Flag.FELL_BACK) != inside
    if inside:
        np.testing.assert_allclose(found, length, rtol=1e-9)


@pytest.mark.parametrize("root", [NATIVE.root, BRACKET])
def test_a_tendon_of_no_length_is_rigid(root):
    """Where roots are found to rounding; CEINMS's path is tested with the whole chain."""
    unit = units_of(0.1, 0.2, 0.0)
    for previous in (0.0, 0.1):
        sample = Sample(unit, 0.5, 0.09, 100.0, -10.0)
        length, flag = solve_sample(CURVES, root, sample, previous, previous)
        assert (length, flag) == (rigid(sample), 0)


@given(samples(), st.floats(0.02, 2.0))
def test_the_guess_does_not_decide_the_length(drawn, guess):
    """Where the residual falls everywhere, as for a tendon that carries force."""
    sample, previous = drawn
    first, flag = solve_sample(CURVES, NATIVE.root, sample, previous, previous)
    second, _ = solve_sample(
        CURVES, NATIVE.root, sample, previous, guess * sample.unit.optimal_fiber_length
    )
    w = np.linspace(solve.FLOOR, 2.0, 400)
    lengths = solve._length(sample.unit, w)
    if flag != Flag.FLOOR and (residual(sample, lengths)[1] < -1e-3).all():
        np.testing.assert_allclose(second, first, rtol=1e-11)


def test_the_past_velocity_uses_what_the_trial_has_so_far():
    weights = np.array([[1.0, 2.0, 3.0]] * 4)
    lengths = np.array([[10.0], [100.0], [1000.0], [0.0]])
    found = [past_velocity(weights, lengths, 3, 0, available) for available in (0, 1, 2, 3)]
    assert found == [0.0, 2000.0, 2300.0, 2300.0]


def at_frame(unit, activation, lmt, lengths, t, first=0, root=NATIVE.root):
    """Frame t of one muscle whose signals do not change; frames are 10 ms apart."""
    weights = np.array([[0.0, 0.0]] + [[100.0, -100.0]] * (len(lengths) - 1))
    signals = np.full((2, len(lengths), 1), [[[activation]], [[lmt]]])
    return solve.at_frame(CURVES, root, weights, unit, *signals, lengths, t, 0, first)


def test_a_guess_that_points_beyond_zero_is_not_followed():
    """Extrapolating a fiber that halves in one frame; its search starts at the last length."""
    lengths = np.array([[0.16], [0.06], [0.0]])
    length, flag = at_frame(units_of(0.1, 0.5, 0.2), 0.5, 0.26, lengths, 2)
    assert np.isfinite(length)
    assert not flag & Flag.FAILED


def test_a_frame_knows_the_lengths_before_it_and_none_of_an_earlier_trial():
    unit = plain_unit()
    lengths = np.array([[0.05], [0.11], [0.10], [0.0]])
    static = solve_sample(CURVES, NATIVE.root, Sample(unit, 0.5, 0.3, 0.0, 0.0), 0.0, 0.0)
    assert at_frame(unit, 0.5, 0.3, lengths, 0) == static
    for t, first, past, guess in (
        (3, 0, 0.10, 2.0 * 0.10 - 0.11),
        (3, 2, 0.10, 0.10),
        (2, 1, 0.11, 0.11),
    ):
        sample = Sample(unit, 0.5, 0.3, 100.0, -100.0 * past)
        wanted = solve_sample(CURVES, NATIVE.root, sample, past, guess)
        assert at_frame(unit, 0.5, 0.3, lengths, t, first) == wanted
