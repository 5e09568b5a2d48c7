from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import STEP

from refnms.physics import activation as act

DIGITS = 2e-10  # the notes print ten digits

neurals = st.floats(-0.2, 1.2)
shape_factors = st.floats(-2.999, -0.001) | st.sampled_from([-2.999, -0.001, -0.5, 0.0])
node_shapes = st.floats(0.005, 0.15)
# around the seam of the series at |z| = 0.5
arguments = st.floats(-4.0, 4.0) | st.sampled_from(
    [s * z for s in (-1, 1) for z in (0.0, 1e-300, 1e-9, 0.5, 0.5 - 1e-15, 0.5 + 1e-15)]
)


def test_the_gain_at_rest_is_one():
    alpha, beta1, beta2 = act.filter_gains(-0.5, -0.4)
    np.testing.assert_allclose((alpha, beta1, beta2), (0.3, -0.9, 0.2))
    np.testing.assert_allclose(alpha / (1.0 + beta1 + beta2), 1.0)


@given(st.floats(-0.95, 0.95), st.floats(-0.95, 0.95), st.tuples(*[st.floats(-2, 2)] * 3))
def test_the_cotangents_of_the_gains_are_those_of_complex_steps(c1, c2, bars):
    found = act.filter_gains_vjp(c1, c2, *bars)
    for got, step1, step2 in ((found[0], 1, 0), (found[1], 0, 1)):
        stepped = act.filter_gains(c1 + 1j * STEP * step1, c2 + 1j * STEP * step2)
        wanted = sum(bar * np.imag(x) / STEP for bar, x in zip(bars, stepped, strict=True))
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-12)


@given(arguments)
def test_phi_keeps_its_digits_across_the_seam_of_its_series(z):
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(40):
        exact = mpmath.mpf(1) if z == 0 else mpmath.expm1(mpmath.mpf(z)) / mpmath.mpf(z)
        slope = (
            mpmath.mpf(1) / 2
            if z == 0
            else sum(mpmath.mpf(z) ** k * (k + 1) / mpmath.factorial(k + 2) for k in range(60))
        )
    np.testing.assert_allclose(act.phi(np.float64(z)), float(exact), rtol=2e-15)
    np.testing.assert_allclose(act.phi_slope(np.float64(z)), float(slope), rtol=1e-14)


def test_phi_and_its_slope_join_without_a_step():
    for z in (-0.5, 0.5):
        either = np.array([np.nextafter(z, 0.0), np.nextafter(z, 2.0 * z)])
        for function in (act.phi, act.phi_slope):
            np.testing.assert_allclose(*function(either), rtol=3e-15)


@given(neurals, shape_factors)
def test_the_exponential_shape_is_that_of_lloyd_and_besier(u, shape):
    expected = u if shape == 0.0 else np.expm1(shape * u) / np.expm1(shape)
    np.testing.assert_allclose(
        act.exponential(np.float64(u), np.float64(shape)), expected, rtol=1e-13, atol=1e-16
    )


@given(neurals, shape_factors)
def test_the_partials_of_the_exponential_shape_are_those_of_complex_steps(u, shape):
    by_u, by_shape = act.exponential_partials(np.float64(u), np.float64(shape))
    stepped = act.exponential(np.complex128(u + 1j * STEP), np.float64(shape)).imag / STEP
    np.testing.assert_allclose(by_u, stepped, rtol=1e-11)
    if abs(shape) > 1e-6:  # there the complex oracle itself is sound
        stepped = act.exponential(np.float64(u), np.complex128(shape + 1j * STEP)).imag / STEP
        np.testing.assert_allclose(by_shape, stepped, rtol=1e-9, atol=1e-13)
    else:  # a = u + A u (u - 1) / 2 + ...
        np.testing.assert_allclose(by_shape, u * (u - 1.0) / 2.0, rtol=1e-9, atol=1e-13)


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
