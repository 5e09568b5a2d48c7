from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refnms.autodiff import (
    GradientCheck,
    GradientError,
    check_jacobian,
    check_vjp,
    complex_step,
    difference_sweep,
    primitive,
)
from refnms.autodiff.check import FLOOR

W = np.array([[0.3, -1.2], [2.0, 0.7], [-0.4, 0.1]])
X = np.array([[0.2, 0.5, -0.3]])
network = lambda x, w: np.tanh(x @ w) * np.exp(x[:, :1])


# ---- oracles ----


def test_the_complex_step_is_exact():
    slope = complex_step(lambda x: np.exp(np.sin(x)), 0.7, 2.0)
    assert slope == pytest.approx(2.0 * np.cos(0.7) * np.exp(np.sin(0.7)), rel=4e-16)
    jacobian_times = complex_step(lambda x: x @ W, X, np.ones((1, 3)))
    assert np.allclose(jacobian_times, np.ones((1, 3)) @ W, rtol=1e-15)


def test_the_complex_step_notices_a_function_of_the_real_part():
    with pytest.raises(TypeError, match="imaginary"):
        complex_step(lambda x: np.abs(x), 1.0, 1.0)


@given(st.floats(-3.0, 3.0), st.sampled_from([1e-6, 1e-3, 1.0, 30.0]))
def test_the_sweep_is_about_as_good_as_it_says(x, rate):
    found = difference_sweep(lambda x: np.sin(rate * x) * np.exp(x), x, 1.0)
    exact = (rate * np.cos(rate * x) + np.sin(rate * x)) * np.exp(x)
    assert abs(found.value - exact) <= 3.0 * found.error
    assert found.error <= 1e-8 * (1.0 + rate) * np.exp(x)


def test_the_sweep_chooses_a_step_for_every_element():
    rates = np.array([1e-3, 1.0, 1e2])
    found = difference_sweep(lambda x: np.exp(rates * x), 0.5, 1.0)
    assert np.all(np.abs(found.value / (rates * np.exp(0.5 * rates)) - 1.0) < 1e-9)


def test_the_sweep_knows_how_much_rounding_hides():
    found = difference_sweep(lambda x: 1e8 + 1e-3 * x, 1.0, 1.0)
    assert 1e-8 < found.error < 1e-4
    assert abs(found.value - 1e-3) <= found.error


def test_the_sweep_does_not_trust_itself_at_a_kink():
    found = difference_sweep(np.abs, 0.0, 1.0)
    assert found.error == pytest.approx(1.0)


def test_the_sweep_does_not_trust_itself_at_a_cusp():
    assert difference_sweep(np.cbrt, 0.0, 1.0).error > 1.0


def test_the_sweep_is_of_fourth_order():
    found = difference_sweep(lambda x: np.sin(x), 1.0, 1.0)
    assert abs(found.value - np.cos(1.0)) < 1e-12
    assert found.error < 1e-11


def test_the_sweep_ignores_steps_that_leave_the_domain():
    with np.errstate(invalid="ignore"):
        found = difference_sweep(np.log, 1e-3, 1.0)
    assert found.value == pytest.approx(1e3, rel=1e-8)
    assert found.error < 1e-4


# ---- checks ----


@pytest.mark.parametrize("oracle", [difference_sweep, complex_step])
def test_a_right_gradient_passes(oracle):
    check = check_vjp(network, X, W, oracle=oracle).require()
    assert check.passed
    assert str(check).startswith("passed: worst relative error")
    check_jacobian(lambda w: network(X, w), W, oracle=oracle).require()


def wrong_square(factor):
    """x^2 with a derivative that is off by `factor` in the second element alone."""
    return primitive(lambda x: x * x, lambda g, y, x: (2.0 * g * x * np.array([1.0, factor, 1.0]),))


@pytest.mark.parametrize("oracle", [difference_sweep, complex_step])
@pytest.mark.parametrize("factor", [1.001, 0.999, -1.0, 0.0, np.nan])
def test_a_wrong_gradient_fails(factor, oracle):
    # the complex step runs on the plain function, the tape on the wrong pullback
    check = check_vjp(wrong_square(factor), X[0], oracle=oracle)
    assert check.wrong
    assert not check.passed
    with pytest.raises(GradientError, match="FAILED: worst relative error"):
        check.require()
    with pytest.raises(AssertionError, match=r"element \(\d, 1\)"):  # 0 nan is nan
        check_jacobian(wrong_square(factor), X[0], oracle=oracle).require()


def test_the_argument_that_is_wrong_is_named():
    product = primitive(lambda a, b: a * b, lambda g, y, a, b: (g * b, 1.001 * g * a))
    assert check_vjp(product, X, X + 1.0).where == "argument 1"


def test_a_users_own_forward_derivative_is_compared_by_the_inner_product():
    jvp = lambda args, tangents: tangents[0] @ args[1] + args[0] @ tangents[1]
    assert check_vjp(np.matmul, X, W, jvp=jvp).require().tolerance == 1e-11
    off = lambda args, tangents: jvp(args, tangents) * (1.0 + 1e-9)
    assert check_vjp(np.matmul, X, W, jvp=off).wrong


def test_a_users_own_jacobian_is_compared_element_by_element():
    f = lambda x: x**2 * np.array([1.0, 1e-5, 1e3])
    matrix = np.diag(2.0 * X[0] * np.array([1.0, 1e-5, 1e3]))
    check_jacobian(f, X[0], matrix, oracle=complex_step).require()
    matrix[1, 1] *= 1.001
    assert check_jacobian(f, X[0], matrix).where == "element (1, 1)"
    with pytest.raises(ValueError, match="shape"):
        check_jacobian(f, X[0], matrix[0])


@pytest.mark.parametrize("oracle", [difference_sweep, complex_step])
def test_a_slope_where_there_is_none_fails(oracle):
    f = lambda x: 1.0 + 0.0 * x
    assert check_jacobian(f, X[0], np.zeros((3, 3)), oracle=oracle).passed
    assert check_jacobian(f, X[0], 1e-3 * np.eye(3), oracle=oracle).wrong


def test_a_small_element_of_a_row_is_measured_against_the_row():
    f = lambda x: np.array([1.0, 1e-8]) @ x
    off = np.array([1.0, 1.1e-8])
    assert check_jacobian(f, np.ones(2), off, oracle=complex_step).error == pytest.approx(
        1e-9 / FLOOR, rel=1e-6
    )


def test_arguments_of_every_size_are_moved_by_their_own_size():
    force = lambda p: p[0] * np.exp(-(((p[1] - 0.06) / 0.03) ** 2)) * np.cos(p[2])
    check_vjp(force, np.array([4000.0, 0.055, 0.1])).require()
    check_jacobian(force, np.array([4000.0, 0.055, 0.0])).require()


def test_no_argument_is_moved_by_more_than_a_64th_of_itself():
    x, seen = np.array([4000.0, 0.055]), []
    f = lambda x: np.sum(x) if type(x) is not np.ndarray else seen.append(x) or np.sum(x)
    check_vjp(f, x).require()
    check_jacobian(f, x).require()
    assert np.max(np.abs(np.array(seen) / x - 1.0)) <= 1.0 / 64.0 + 1e-12


def test_an_oracle_that_cannot_tell_is_no_pass():
    assert GradientCheck(0.0, 1e-9, "", 1e-6).passed
    assert not GradientCheck(0.0, 1e-3, "", 1e-6).passed


def test_a_wrong_argument_is_named_before_an_undecided_one():
    product = primitive(lambda a, b: a * b, lambda g, y, a, b: (g * b, 1.001 * g * a))
    check = check_vjp(lambda a, b: product(np.abs(a) + 1.0, b), np.array([0.0]), np.array([1.0]))
    assert check.wrong
    assert check.where == "argument 1"


@pytest.mark.parametrize("x", [0.0, 1.0])
def test_at_a_kink_differences_do_not_decide(x):
    check = check_vjp(lambda x: np.abs(x) + np.maximum(x, 1.0), np.array([x]))
    assert not check.passed
    assert not check.wrong
    assert str(check).startswith("UNDECIDED")


def test_a_value_that_is_not_finite_does_not_pass():
    with np.errstate(divide="ignore", invalid="ignore"):
        assert not check_vjp(lambda x: x / 0.0, np.array([1.0])).passed


def test_another_tolerance_is_another_check():
    check = check_vjp(network, X, W)
    assert not replace(check, tolerance=0.0).passed


def test_directions_are_seeded():
    assert check_vjp(network, X, W) == check_vjp(network, X, W)
    assert check_vjp(network, X, W) != check_vjp(network, X, W, seed=1)
