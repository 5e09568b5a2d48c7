from __future__ import annotations

import numpy as np
import pytest
from ceinms_points import POINTS
from hypothesis import given
from hypothesis import strategies as st
from strategies import CURVES, STEP, seeds

from refnms.jit import HAVE_NUMBA, kernel
from refnms.physics import curves
from refnms.physics.curves import (
    holds,
    knot_slopes,
    near_segment,
    piece,
    piece_numbered,
    sampled_curve,
    segment,
    spline_curve,
    value,
    value_and_slope,
    value_slope,
)

FIELDS = CURVES._fields
# Computed by CEINMS 0.9 itself from its default points: curve, x, value, slope.
CEINMS = [
    ("active_force_length", 0.6, 0.524953235441, 4.13568003176),
    ("active_force_length", 1.3, 0.583579811792, -2.42237209501),
    ("passive_force_length", 1.25, 0.17774055968, 1.34219737081),
    ("force_velocity", -0.45, 0.125068043059, 0.371289624558),
    ("force_velocity", 0.5, 1.66285813961, 0.389720086402),
    ("tendon_force_strain", 0.009, 0.127462393028, 23.7953211725),
    ("tendon_force_strain", 0.05, 1.69318778292, 39.0336304999),
]


def inner_pieces(curve):
    """Origins and four coefficients `(5, n - 1)` of the pieces between knots."""
    return curve.pieces[1:-1].T


@pytest.mark.parametrize("name", FIELDS)
def test_the_default_curves_pass_every_published_point(name):
    x, y = (np.array(row.split(), float) for row in POINTS[name])
    curve = getattr(CURVES, name)
    np.testing.assert_array_equal(curve.knots, x)
    np.testing.assert_array_equal(inner_pieces(curve)[:2], (x[:-1], y[:-1]))
    np.testing.assert_allclose(value(curve, x[-1]), y[-1], rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize(("name", "x", "y", "slope"), CEINMS)
def test_the_default_curves_are_those_of_ceinms(name, x, y, slope):
    found = value_and_slope(getattr(CURVES, name), x)
    np.testing.assert_allclose(found, (y, slope), rtol=2e-11)


@pytest.mark.parametrize(
    ("name", "lower", "upper", "lowest", "highest"),
    [
        ("active_force_length", -5.0, 5.0, -1.16e-4, 1.000433),
        ("passive_force_length", 0.2, 2.0, -2.32e-4, 2.00434),
    ],
)
def test_the_default_curves_overshoot_their_points_as_in_ceinms(
    name, lower, upper, lowest, highest
):
    y = value(getattr(CURVES, name), np.linspace(lower, upper, 1_000_001))
    np.testing.assert_allclose(y.min(), lowest, atol=5e-7)
    np.testing.assert_allclose(y.max(), highest, atol=5e-6)


def test_the_default_curves_pass_the_published_key_points():
    assert value(CURVES.force_velocity, 0.0) == 1.0
    np.testing.assert_allclose(value(CURVES.force_velocity, 1.0), 1.78244518, rtol=3e-9)
    np.testing.assert_allclose(value(CURVES.tendon_force_strain, -1.0), -0.439869, rtol=1e-6)
    np.testing.assert_allclose(value(CURVES.active_force_length, 1.045), 0.993333)
    np.testing.assert_allclose(value(CURVES.passive_force_length, 1.5), 1.17)


@st.composite
def points(draw):
    rng = np.random.default_rng(draw(seeds))
    count = draw(st.integers(2, 17))
    x = np.cumsum(10.0 ** rng.uniform(-3.0, 1.0, count))  # steps as uneven as CEINMS's
    return x, rng.normal(size=count)


@given(points())
def test_a_spline_passes_its_points_with_continuous_slope_and_curvature(drawn):
    x, y = drawn
    curve = spline_curve(x, y)
    h = np.diff(x)
    _, c0, c1, c2, c3 = inner_pieces(curve)
    terms = np.abs([c0, c1 * h, c2 * h**2, c3 * h**3]).max(axis=0)
    rounding = 1e-13 * np.array([terms, 3 * terms / h, 6 * terms / h**2]).T
    end = np.array(
        [((c3 * h + c2) * h + c1) * h + c0, (3 * c3 * h + 2 * c2) * h + c1, 6 * c3 * h + 2 * c2]
    ).T
    start = np.array([c0, c1, 2.0 * c2]).T
    np.testing.assert_array_equal(c0, y[:-1])
    assert (np.abs(end[:, 0] - y[1:]) <= rounding[:, 0]).all()
    assert (np.abs(end[:-1] - start[1:]) <= rounding[:-1] + rounding[1:]).all()


@given(points())
def test_the_spline_ends_with_the_third_derivative_of_four_points(drawn):
    x, y = drawn
    if len(x) < 4:
        return
    curve = spline_curve(x, y)
    thirds = inner_pieces(curve)[4]
    for ends, c3 in ((slice(None, 4), thirds[0]), (slice(-4, None), thirds[-1])):
        d = [
            y[ends][i] / np.prod(np.delete(x[ends][i] - x[ends], i)) for i in range(4)
        ]  # Lagrange's form: another way to the divided difference
        np.testing.assert_allclose(c3, np.sum(d), rtol=1e-6, atol=1e-9 * np.max(np.abs(d)))


@pytest.mark.parametrize("name", FIELDS)
def test_the_slope_is_the_derivative_of_the_curve_in_every_segment(name):
    curve = getattr(CURVES, name)
    inner = curve.knots[:-1, None] + np.diff(curve.knots)[:, None] * [0.001, 0.3, 0.5, 0.999]
    x = np.concatenate([inner.ravel(), [curve.knots[0] - 1.0, curve.knots[-1] + 1.0]])
    stepped = value(curve, x + 1j * STEP).imag / STEP
    np.testing.assert_allclose(curves.value_slope(curve, x), stepped, rtol=1e-12, atol=1e-12)


@given(points(), st.tuples(st.floats(-3, 3), st.floats(-3, 3)))
def test_beyond_its_knots_a_curve_is_straight_and_at_the_end_knot_the_inner_slope_holds(
    drawn, outer
):
    curve = spline_curve(*drawn, outer_slopes=outer)
    _, _, c1, c2, c3 = inner_pieces(curve)[:, -1]
    h = np.diff(curve.knots)[-1]
    for knot, step, outside, inside in (
        (curve.knots[0], -2.0, outer[0], inner_pieces(curve)[2, 0]),
        (curve.knots[-1], 2.0, outer[1], (3 * c3 * h + 2 * c2) * h + c1),
    ):
        y, slope = value_and_slope(curve, knot)
        np.testing.assert_allclose(slope, inside, rtol=1e-9, atol=1e-9 * abs(c2 * h))
        beyond = value_and_slope(curve, knot + step)
        np.testing.assert_allclose(beyond, (y + outside * step, outside), atol=1e-12)
        assert value_and_slope(curve, np.nextafter(knot, knot + step))[1] == outside


# ---- which piece holds a number ----


def everywhere(curve):
    """Numbers on and beside all knots, between and beyond them."""
    knots = curve.knots
    between = np.linspace(knots[0] - 1.0, knots[-1] + 1.0, 101)
    beside = [knots, np.nextafter(knots, np.inf), np.nextafter(knots, -np.inf)]
    return np.concatenate([*beside, between, [np.inf, -np.inf]])


def test_the_pieces_lie_side_by_side_from_minus_to_plus_infinity():
    curve = CURVES.active_force_length
    np.testing.assert_array_equal(curve.edges[[0, -1]], (-np.inf, np.inf))
    np.testing.assert_array_equal(curve.edges[2:-1], curve.knots[1:])
    assert curve.edges[1] == np.nextafter(curve.knots[0], -np.inf)
    assert len(curve.pieces) == len(curve.edges) - 1 == len(curve.knots) + 1


def test_a_knot_belongs_to_the_segment_on_its_left_and_the_first_knot_to_the_first():
    curve = CURVES.active_force_length
    inner = np.arange(1, curve.knots.size)
    np.testing.assert_array_equal(segment(curve, curve.knots), [1, *inner])
    beyond = np.nextafter(curve.knots[[0, -1]], (-np.inf, np.inf))
    np.testing.assert_array_equal(segment(curve, beyond), [0, curve.knots.size])


@given(points())
def test_the_piece_of_a_number_is_the_one_that_holds_it(drawn):
    curve = spline_curve(*drawn)
    for x in everywhere(curve):
        i = segment(curve, x)
        found = [holds(piece_numbered(curve, k), x) for k in range(len(curve.pieces))]
        if np.isfinite(x) or x > 0.0:
            np.testing.assert_array_equal(np.flatnonzero(found), [i])
        np.testing.assert_array_equal(piece(curve, x), piece_numbered(curve, i))


@given(points())
def test_a_search_that_starts_at_any_piece_ends_where_a_plain_one_does(drawn):
    curve = spline_curve(*drawn)
    for x in everywhere(curve):
        wanted = segment(curve, x)
        found = [near_segment(curve, x, i) for i in range(len(curve.pieces))]
        assert found == [wanted] * len(curve.pieces)


def test_a_search_for_what_is_no_number_ends():
    curve = CURVES.force_velocity
    for i in range(len(curve.pieces)):
        assert 0 <= near_segment(curve, np.nan, i) < len(curve.pieces)
    assert not holds(piece(curve, 0.5), np.nan)
    assert np.isnan(value_and_slope(curve, np.nan)).all()


@pytest.mark.parametrize("name", FIELDS)
def test_a_piece_stands_for_its_curve_wherever_it_holds(name):
    curve = getattr(CURVES, name)
    x = np.concatenate([curve.knots, np.linspace(curve.knots[0] - 1.0, curve.knots[-1] + 1.0, 301)])
    pieces = piece(curve, x)
    assert piece(pieces, x) is pieces
    assert holds(pieces, x).all()
    np.testing.assert_array_equal(value_and_slope(pieces, x), value_and_slope(curve, x))
    np.testing.assert_array_equal(value(pieces, x), value(curve, x))
    np.testing.assert_array_equal(curves.value_slope(pieces, x), curves.value_slope(curve, x))


@kernel
def look_up(curve, x, found, near, y):
    for i in range(x.size):
        found[i] = segment(curve, x[i])
        near[i] = near_segment(curve, x[i], near[max(i - 1, 0)])
        y[i, 0], y[i, 1] = value_and_slope(curve, x[i])
        y[i, 2], y[i, 3] = value_and_slope(piece(curve, x[i]), x[i])


@pytest.mark.skipif(not HAVE_NUMBA, reason="Numba is not installed")
@given(points(), seeds)
def test_compiled_code_finds_the_segment_that_a_search_finds_also_next_to_a_knot(drawn, seed):
    curve = spline_curve(*drawn)
    x = np.random.default_rng(seed).permutation(everywhere(curve))
    found, near = np.zeros((2, x.size), np.int64)
    y = np.empty((x.size, 4))
    look_up(curve, x, found, near, y)
    np.testing.assert_array_equal(found, segment(curve, x))
    np.testing.assert_array_equal(near, found)
    finite = np.isfinite(x)
    for pair in (y[finite, :2], y[finite, 2:]):
        np.testing.assert_array_equal(pair.T, value_and_slope(curve, x[finite]))


def test_a_sampled_curve_follows_its_function_to_1e_8():
    function = lambda x: np.exp(-(((x - 1.0) / 0.45) ** 2))
    curve = sampled_curve(function, 0.0, 2.0)
    x = np.linspace(0.0, 2.0, 4001)
    y, slope = value_and_slope(curve, x)
    np.testing.assert_allclose(y, function(x), atol=1e-8)
    np.testing.assert_allclose(slope, -2 * (x - 1) / 0.45**2 * function(x), atol=2e-5)


@pytest.mark.parametrize("n", [3, 4, 9])
def test_the_slopes_at_the_knots_are_those_of_the_cubics_beside_them(n, rng):
    x, y = np.cumsum(rng.uniform(0.5, 1.5, n)), rng.normal(size=n)
    inner = [value_slope(spline_curve(x, y), at) for at in x]
    np.testing.assert_allclose(knot_slopes(x, y), inner, rtol=1e-12)


def test_a_sampled_curve_goes_on_along_its_end_slopes():
    curve = sampled_curve(np.exp, 0.0, 1.0)
    np.testing.assert_allclose(value_and_slope(curve, 2.0), (2.0 * np.e, np.e), rtol=1e-6)
    np.testing.assert_allclose(value_and_slope(curve, -1.0), (0.0, 1.0), atol=1e-6)


def test_two_points_give_a_line_three_a_parabola_four_a_cubic():
    for count in (2, 3, 4):
        x = np.array([0.3, 1.0, 1.2, 2.5])[:count]
        polynomial = np.polynomial.Polynomial([1.0, -2.0, 0.5, 0.7][:count])
        wanted = np.linspace(0.3, x[-1], 21)
        found = value_and_slope(spline_curve(x, polynomial(x)), wanted)
        expected = polynomial(wanted), polynomial.deriv()(wanted)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_curve_can_be_used_in_the_code_that_a_user_compiles():
    numba = pytest.importorskip("numba")
    theirs = numba.njit(lambda curve, x: 2.0 * value(curve, x))
    assert theirs(CURVES.force_velocity, 0.5) == 2.0 * value(CURVES.force_velocity, 0.5)


@pytest.mark.parametrize(
    ("x", "y"),
    [([0], [0]), ([0, 1], [0]), ([0, 0], [0, 1]), ([1, 0], [0, 1]), ([0, np.nan], [0, 1])],
)
def test_points_that_are_no_curve_are_refused(x, y):
    with pytest.raises(ValueError, match="curve"):
        spline_curve(x, y)
