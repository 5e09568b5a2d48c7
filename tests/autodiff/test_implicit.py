from __future__ import annotations

import numpy as np
import pytest

from refnms.autodiff import check_vjp, grad, implicit, jacobian, primitive, vjp
from refnms.errors import DivergedError

A = np.array([[0.5, 2.0, 3.0], [1.0, -4.0, 0.1]])
B = np.array([1.0, 2.0, 0.5])


def newton(a, b):
    x = np.zeros(np.broadcast_shapes(np.shape(a), np.shape(b)))
    for _ in range(60):
        x = x - (x**3 + b * x - a) / (3.0 * x * x + b)
    return x


root = implicit(newton, lambda x, a, b: x**3 + b * x - a)


def test_the_root_of_plain_arrays_is_the_solvers_own():
    assert np.array_equal(root(A, B), newton(A, B))


def test_the_derivative_is_that_of_the_solve():
    check_vjp(root, A, B).require()
    jvp = lambda args, tangents: (
        (tangents[0] - newton(*args) * tangents[1]) / (3.0 * newton(*args) ** 2 + args[1])
    )
    check_vjp(root, A, B, jvp=jvp).require()


def test_a_derivative_of_one_element_reaches_only_its_own_arguments():
    assert np.count_nonzero(jacobian(lambda a: root(a, B))(A)) == A.size


def test_the_solver_is_not_differentiated():
    calls = []
    solve = lambda a: calls.append(a) or np.sqrt(a)
    half = implicit(solve, lambda x, a: x * x - a)
    assert grad(half)(4.0) == 0.25
    assert len(calls) == 1
    assert type(calls[0]) is np.ndarray


def test_a_root_can_be_differentiated_twice():
    x = float(root(2.0, 1.0))
    second = grad(grad(lambda a: root(a, 1.0)))(2.0)
    assert second == pytest.approx(-6.0 * x / (1.0 + 3.0 * x * x) ** 3, rel=1e-13)


def test_a_residual_made_of_a_kernel_serves_once():
    cube = primitive(lambda x: x**3, lambda g, y, x: (3.0 * g * x * x,))
    once = implicit(np.cbrt, lambda x, a: cube(x) - a)
    assert grad(once)(8.0) == pytest.approx(1.0 / 12.0, rel=1e-14)
    with pytest.raises(TypeError, match="second derivative"):
        grad(grad(once))(8.0)


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf])
def test_a_slope_of_zero_or_not_finite_is_an_error_that_names_the_element(bad):
    slopes = np.array([[1.0, 2.0, 3.0], [1.0, bad, bad]])
    lost = implicit(lambda a: a * 1.0, lambda x, a: slopes * x - a)
    with pytest.raises(DivergedError, match=r"index \(1, 1\) \(and 1 more\)"):
        vjp(lost, A)[1](A)


def test_a_residual_that_couples_elements_is_an_error():
    matrix = np.array([[2.0, 1e-5], [0.0, 2.0]])
    coupled = implicit(lambda a: np.linalg.solve(matrix, a), lambda x, a: matrix @ x - a)
    with pytest.raises(DivergedError, match="couples"):
        vjp(coupled, np.ones(2))[1](np.array([1.0, 2.0]))


def test_a_residual_of_another_shape_is_an_error():
    wrong = implicit(lambda a: a * 1.0, lambda x, a: np.sum(x - a))
    with pytest.raises(ValueError, match="residual of shape"):
        vjp(wrong, B)[1](B)
