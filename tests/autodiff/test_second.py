"""Derivatives along a direction and of second order, against formulas and other oracles."""

from __future__ import annotations

import numpy as np
import pytest

from refnms.autodiff import complex_step, grad, hessian_vector, jacobian, jvp, primitive

X = np.array([0.5, -1.0, 2.0])
V = np.array([1.0, 3.0, -0.5])
W = np.array([[0.3, -1.2, 0.7], [1.1, 0.4, -0.6]])


def network(x, w):
    """A layer, its activation and a norm."""
    return np.log1p(np.exp(np.tanh(w @ x) * np.array([1.0, 2.0]))) / (1.0 + np.sum(x * x))


def test_a_jvp_is_the_complex_step():
    found = jvp(network, (X, W), (V, 2.0 * W))
    along_x = complex_step(lambda x: network(x, W), X, V)
    along_w = complex_step(lambda w: network(X, w), W, 2.0 * W)
    np.testing.assert_allclose(found, along_x + along_w, rtol=1e-13)


def test_a_jvp_goes_through_what_no_complex_number_passes():
    f = lambda x: np.maximum(np.abs(x), np.hypot(x, 1.5) - 1.0)
    np.testing.assert_allclose(jvp(f, (X,), (V,)), jacobian(f)(X) @ V, rtol=1e-14)


def test_a_jvp_may_be_differentiated():
    f = lambda x: np.sum(np.exp(x) * x)
    along = grad(lambda x: jvp(f, (x,), (V,)))(X)
    np.testing.assert_allclose(along, np.exp(X) * (X + 2.0) * V, rtol=1e-14)


def test_a_jvp_needs_a_pullback_that_can_be_differentiated():
    kernel = primitive(lambda x: x * x, lambda g, y, x: (2.0 * g * x,))
    with pytest.raises(TypeError, match="second derivative through"):
        jvp(kernel, (X,), (V,))


def test_a_hessian_times_a_vector_is_that_of_the_whole_hessian():
    f = lambda x: np.sum(network(x, W) ** 2) + x[0] * x[1] ** 3
    hessian = jacobian(grad(f))(X)
    np.testing.assert_allclose(hessian_vector(f, X, V), hessian @ V, rtol=1e-12)


def test_second_order_goes_through_a_kernel():
    kernel = primitive(lambda x: x**3, lambda g, y, x: (3.0 * g * x * x,))
    found = hessian_vector(lambda x: np.sum(kernel(x)), X, V)
    np.testing.assert_allclose(found, 6.0 * X * V, rtol=1e-15)


@pytest.mark.parametrize("x", [0.7, -0.7])
def test_at_a_kink_the_curvature_is_that_of_the_side_one_is_on(x):
    f = lambda x: np.abs(x) ** 3 + np.maximum(x, 0.0) ** 2
    expected = 6.0 * abs(x) + (2.0 if x > 0.0 else 0.0)
    assert hessian_vector(f, x, 1.0) == pytest.approx(expected, rel=1e-14)


def test_real_functions_are_continued_where_numpy_does_not():
    f = lambda x: np.sum(np.logaddexp(x, 0.3) * np.hypot(x, 2.0) + np.abs(x) ** 3)
    np.testing.assert_allclose(hessian_vector(f, X, V), jacobian(grad(f))(X) @ V, rtol=1e-13)
