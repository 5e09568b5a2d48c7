from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import STEP

from refnms.physics import activation as act
from refnms.physics.elementary import phi

DIGITS = 2e-10  # the notes print ten digits

neurals = st.floats(-0.2, 1.2)
shape_factors = st.floats(-2.999, -0.001) | st.sampled_from([-2.999, -0.001, -0.5, 0.0])
node_shapes = st.floats(0.005, 0.15)


def test_the_gain_at_rest_is_one():
    alpha, beta1, beta2 = act.filter_gains(-0.5, -0.4)
    np.testing.assert_allclose((alpha, beta1, beta2), (0.3, -0.9, 0.2))
    np.testing.assert_allclose(alpha / (1.0 + beta1 + beta2), 1.0)


@given(*[st.floats(-0.95, 0.95)] * 2, *[st.floats(-2.0, 2.0)] * 3)
def test_the_partials_of_the_filter_are_those_of_complex_steps(c1, c2, e, u1, u2):
    def filtered(c1, c2):
        alpha, beta1, beta2 = act.filter_gains(c1, c2)
        return alpha * e - beta1 * u1 - beta2 * u2

    found = act.filter_partials(c1, c2, e, u1, u2)
    wanted = filtered(c1 + 1j * STEP, c2).imag / STEP, filtered(c1, c2 + 1j * STEP).imag / STEP
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


@given(neurals, shape_factors)
def test_the_exponential_shape_is_that_of_lloyd_and_besier(u, factor):
    expected = u if factor == 0.0 else np.expm1(factor * u) / np.expm1(factor)
    found = act.exponential(np.float64(u), act.exponential_shape(np.float64(factor)))
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-16)


def exponential(u, factor):
    return act.exponential(u, act.exponential_shape(factor))


@given(neurals, shape_factors)
def test_the_partials_of_the_exponential_shape_are_those_of_complex_steps(u, factor):
    u, factor = np.float64(u), np.float64(factor)
    shape = act.exponential_shape(factor)
    by_u, by_factor = act.exponential_partials(u, act.exponential(u, shape), shape)
    stepped = exponential(np.complex128(u + 1j * STEP), factor).imag / STEP
    np.testing.assert_allclose(by_u, stepped, rtol=1e-11)
    stepped = exponential(u, np.complex128(factor + 1j * STEP)).imag / STEP
    np.testing.assert_allclose(by_factor, stepped, rtol=1e-9, atol=1e-13)


@given(neurals)
def test_a_shape_factor_that_vanishes_leaves_the_first_terms_of_the_series(u):
    """a = u + A u (u - 1) / 2 + ..."""
    for factor in (0.0, 1e-300, -1e-12):
        shape = act.exponential_shape(np.float64(factor))
        np.testing.assert_allclose(act.exponential(u, shape), u, rtol=1e-11)
        by_u, by_factor = act.exponential_partials(u, act.exponential(u, shape), shape)
        np.testing.assert_allclose(by_u, 1.0, rtol=1e-11)
        np.testing.assert_allclose(by_factor, u * (u - 1.0) / 2.0, rtol=1e-9, atol=1e-13)


@given(neurals, st.sampled_from([-1.0, 1.0]))
def test_the_partials_of_the_exponential_join_without_a_step(u, sign):
    """A curve that is nearly straight has the series."""
    seam = sign * act.NEARLY_STRAIGHT
    either = np.array([np.nextafter(seam, 0.0), np.nextafter(seam, 2.0 * seam)])
    shape = act.exponential_shape(either)
    assert (shape.per_rise == 0.0).tolist() == [True, False]
    for partial in act.exponential_partials(u, act.exponential(u, shape), shape):
        np.testing.assert_allclose(*partial, rtol=1e-12, atol=1e-14)


@given(shape_factors)
def test_the_numbers_of_the_exponential_shape_are_what_they_say(factor):
    shape = act.exponential_shape(np.float64(factor))
    logarithm = np.log(phi(np.complex128(factor + 1j * STEP)))
    assert shape.factor == factor
    np.testing.assert_allclose(shape.per_phi * phi(np.float64(factor)), 1.0, rtol=1e-15)
    if abs(factor) < act.NEARLY_STRAIGHT:
        assert shape.per_rise == 0.0
        np.testing.assert_allclose(shape.drift, logarithm.imag / STEP, rtol=1e-12)
    else:
        np.testing.assert_allclose(shape.per_rise * np.expm1(factor), 1.0, rtol=1e-14)
        assert shape.drift == 0.0


# X0, slope, offset, P, b of CEINMS 0.9 for three shape factors
NODES = {
    0.02: (0.294358, 0.9599173519, 0.04008264814, 1.18859714, 1.059466038),
    0.05: (0.273145, None, None, 0.486664146, 3.759894102),
    0.12: (0.223648, None, None, 0.2047312628, 26.06726802),
}


@pytest.mark.parametrize("shape", NODES)
def test_the_node_is_found_as_ceinms_finds_it(shape):
    x0, slope, offset, p, b = NODES[shape]
    node = act.piecewise_node(shape, act.solve_node(shape, 1e-4))
    np.testing.assert_allclose((node.x, node.p, node.b), (x0, p, b), rtol=DIGITS * 5)
    if slope is not None:
        np.testing.assert_allclose((node.slope, node.offset), (slope, offset), rtol=DIGITS)


@given(node_shapes)
def test_a_node_solved_to_rounding_joins_value_and_slope(shape):
    node = act.piecewise_node(shape, act.solve_node(shape, 0.0))
    assert abs(act.node_mismatch(node.p, shape)) < 1e-13
    below, above = node.x * (1.0 - 1e-9), node.x * (1.0 + 1e-9)
    np.testing.assert_allclose(act.piecewise(below, node), act.piecewise(above, node), rtol=1e-8)
    slopes = [act.piecewise_partials(u, shape, node)[0] for u in (below, above)]
    np.testing.assert_allclose(*slopes, rtol=1e-6)
    np.testing.assert_allclose(act.piecewise(1.0, node), 1.0, rtol=1e-14)


@given(st.floats(0.1, 3.0), node_shapes)
def test_the_slopes_of_the_mismatch_are_those_of_complex_steps(p, shape):
    by_p, by_shape = act.node_mismatch_slopes(p, shape)
    stepped_p = act.node_mismatch(p + 1j * STEP, shape).imag / STEP
    stepped_shape = act.node_mismatch(p, shape + 1j * STEP).imag / STEP
    np.testing.assert_allclose((by_p, by_shape), (stepped_p, stepped_shape), rtol=1e-9, atol=1e-12)


def piecewise_of(u, shape):
    return act.piecewise(u, act.piecewise_node(shape, act.solve_node(shape, 0.0)))


@given(neurals, node_shapes)
def test_the_partials_of_the_piecewise_shape_are_those_of_complex_steps(u, shape):
    node = act.piecewise_node(shape, act.solve_node(shape, 0.0))
    by_u, by_shape = act.piecewise_partials(u, shape, node)
    stepped = piecewise_of(np.complex128(u + 1j * STEP), shape).imag / STEP
    np.testing.assert_allclose(by_u, stepped, rtol=1e-10)
    stepped = piecewise_of(u, np.complex128(shape + 1j * STEP)).imag / STEP
    np.testing.assert_allclose(by_shape, stepped, rtol=1e-9, atol=1e-12)


def test_at_the_node_the_slope_of_the_line_holds():
    node = act.piecewise_node(0.05, act.solve_node(0.05, 0.0))
    assert act.piecewise_partials(node.x, 0.05, node)[0] == node.slope


def test_where_the_logarithm_is_not_defined_the_activation_is_zero():
    node = act.piecewise_node(0.12, act.solve_node(0.12, 0.0))
    assert act.piecewise(-0.1, node) == 0.0
    assert act.piecewise_partials(-0.1, 0.12, node) == (0.0, 0.0)
