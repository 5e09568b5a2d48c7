from __future__ import annotations

import math
import threading

import numpy as np
import pytest

from refnms.autodiff import Var, grad, jacobian, primitive, value_and_grad, vjp

X = np.array([0.5, -1.0, 2.0])


def captured(x):
    """The Var that `vjp` makes of x."""
    caught = []
    vjp(lambda v: caught.append(v) or v, x)
    return caught[0]


# ---- functions of functions ----


def test_vjp_gives_the_value_with_a_pullback_for_every_argument():
    a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    y, pullback = vjp(lambda a, b: a * b, a, b)
    assert y.tolist() == [3.0, 8.0]
    a_bar, b_bar = pullback(np.array([1.0, 10.0]))
    assert (a_bar.tolist(), b_bar.tolist()) == ([3.0, 40.0], [1.0, 20.0])
    again = pullback(np.array([1.0, 10.0]))
    assert again[0].tolist() == [3.0, 40.0]


def test_grad_takes_the_argument_that_argnums_names():
    f = lambda a, b, scale=1.0: scale * np.sum(a * a * b)
    assert grad(f)(2.0, 3.0) == 12.0
    assert grad(f, 1)(2.0, 3.0) == 4.0
    assert grad(f, (1, 0))(2.0, 3.0, scale=2.0) == (8.0, 24.0)
    value, bar = value_and_grad(f)(2.0, 3.0)
    assert (value, bar) == (12.0, 12.0)


def test_grad_refuses_a_value_that_is_not_a_scalar():
    with pytest.raises(ValueError, match=r"not \(3,\)"):
        grad(np.exp)(X)


def test_a_jacobian_has_the_shape_of_the_value_then_of_the_argument():
    matrix = np.arange(6.0).reshape(2, 3)
    assert np.array_equal(jacobian(lambda x: matrix @ x)(X), matrix)
    f = lambda x, y: x[:, None] * y
    assert jacobian(f)(X, np.ones(2)).shape == (3, 2, 3)


def test_a_constant_function_has_gradient_zero():
    y, pullback = vjp(lambda x: np.ones(2), X)
    assert pullback(y)[0].tolist() == [0.0, 0.0, 0.0]


def test_the_identity_hands_its_cotangent_back():
    assert vjp(lambda x: x, X)[1](X)[0].tolist() == X.tolist()


def test_a_cotangent_of_the_wrong_shape_is_refused():
    with pytest.raises(ValueError, match=r"cotangent of shape \(2,\) for a value of shape \(3,\)"):
        vjp(np.exp, X)[1](np.ones(2))


def test_what_is_handed_in_or_out_may_be_written_to():
    a, b, g = X.copy(), X.copy(), np.ones(3)
    y, pullback = vjp(lambda a, b: np.exp(np.sin(a) + b + a), a, b)
    expected = pullback(g)
    a[:] = b[:] = y[:] = 0.0
    a_bar, b_bar = pullback(g)
    assert np.array_equal(a_bar, expected[0])
    a_bar[:] = 0.0
    assert np.array_equal(b_bar, expected[1])

    a_bar, b_bar = vjp(lambda a, b: a + b, a, b)[1](g)
    a_bar[:] = 7.0
    assert b_bar.tolist() == g.tolist() == [1.0, 1.0, 1.0]
    np.copyto(grad(np.sum)(X), 0.0)


def test_both_uses_of_a_value_count():
    assert grad(lambda x: x * x * x + x)(2.0) == 13.0


# ---- derivatives of derivatives ----


def test_derivatives_nest():
    f = lambda x: np.sin(x) * x**3
    x = 1.3
    fourth = (x**3 - 36.0 * x) * np.sin(x) + (24.0 - 12.0 * x**2) * np.cos(x)
    assert grad(grad(grad(grad(f))))(x) == pytest.approx(fourth, rel=1e-13)


def test_a_hessian_is_the_jacobian_of_the_gradient():
    matrix = np.array([[2.0, 1.0], [1.0, 3.0]])
    f = lambda x: 0.5 * x @ matrix @ x + np.sum(np.concatenate([x, x]) ** 3) / 6.0
    x = np.array([1.0, -2.0])
    assert np.allclose(jacobian(grad(f))(x), matrix + np.diag(2.0 * x), rtol=1e-14)


def test_an_inner_derivative_does_not_confuse_outer_variables_with_its_own():
    # d/dx [ x * d/dy (x + y) ] = 1, and 2 if the two were one
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert grad(lambda x: grad(lambda y: x * x * y * y)(3.0))(2.0) == 24.0
    assert grad(lambda x: grad(lambda y: x * y)(x * x))(2.0) == 1.0


def test_an_outer_derivative_goes_through_a_pullback_called_late():
    def f(x):
        _, pullback = vjp(lambda y: y**3, x)
        return pullback(x * x)[0]  # 3 x^4

    assert grad(f)(2.0) == 96.0


def test_a_gradient_inside_a_plain_program_is_plain():
    result = grad(lambda x: grad(lambda y: y * y)(3.0) * x)(2.0)
    assert type(result) is np.ndarray
    assert result == 6.0


def test_a_var_that_escapes_its_vjp_is_refused():
    with pytest.raises(TypeError, match="outside the vjp that made it"):
        vjp(lambda x: captured(2.0 * x) * x, X)


# ---- long programs ----


def test_a_chain_of_a_hundred_thousand_steps_neither_recurses_nor_leaks():
    def f(x):
        for _ in range(100_000):
            x = x * 1.00001
        return x

    assert grad(f)(1.0) == pytest.approx(1.00001**100_000, rel=1e-9)


def test_two_sweeps_give_the_same_bits():
    x = np.random.default_rng(0).normal(size=200)
    f = lambda x: np.sum(np.tanh(x[:100] @ np.sin(x[100:] * x[:100])) * np.exp(x / 7.0))
    assert np.array_equal(grad(f)(x), grad(f)(x))


def test_threads_do_not_disturb_one_another():
    f = lambda x: np.sum(np.sin(x) * x)
    expected, found = grad(grad(lambda s: f(s * X)))(1.0), []
    work = lambda: found.extend(grad(grad(lambda s: f(s * X)))(1.0) for _ in range(50))
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 200
    assert all(value == expected for value in found)


# ---- a Var looks like its array ----


def test_a_var_tells_its_shape():
    v = captured(np.ones((2, 3)))
    assert (v.shape, v.ndim, v.size, len(v), v.dtype) == ((2, 3), 2, 6, 2, np.float64)
    assert (np.shape(v), np.ndim(v), np.size(v)) == ((2, 3), 2, 6)
    assert repr(captured(1.5)) == "Var(array(1.5))"


def test_a_var_iterates_over_its_first_axis():
    assert grad(lambda x: [row for row in x][1] * 2.0)(X).tolist() == [0.0, 2.0, 0.0]
    assert grad(lambda x: sum(x))(X).tolist() == [1.0, 1.0, 1.0]
    with pytest.raises(TypeError, match="iterated"):
        list(captured(1.0))


def test_numpy_scalars_as_well_as_arrays_on_the_left_leave_the_work_to_the_var():
    assert grad(lambda x: np.float64(2.0) * x)(1.0) == 2.0
    assert grad(lambda x: np.sum(X * x))(1.0) == np.sum(X)
    assert grad(lambda x: X @ (X * x))(1.0) == X @ X


@pytest.mark.parametrize(
    "compare",
    [
        lambda v: v < 0.7,
        lambda v: 0.7 <= v,
        lambda v: v > X,
        lambda v: v >= v,
        lambda v: v == 0.5,
        lambda v: v != 0.5,
        np.isfinite,
        np.isnan,
        np.signbit,
        lambda v: np.searchsorted(np.array([-2.0, 0.0, 1.0]), v, side="right"),
        np.argmax,
        np.argsort,
        np.zeros_like,
    ],
)
def test_comparisons_answer_with_plain_arrays(compare):
    found = compare(captured(X))
    assert not isinstance(found, Var)
    assert np.array_equal(found, compare(X))


def test_comparisons_answer_plainly_inside_nested_derivatives():
    f = lambda x: np.sum(np.where(x > 0.0, x * x, -x))
    assert grad(lambda x: np.sum(grad(f)(x)))(X).tolist() == [2.0, 0.0, 2.0]


# ---- what would lose the gradient is refused ----

REFUSED = {
    "float": lambda v, s: float(s),
    "math": lambda v, s: math.exp(s),
    "int": lambda v, s: int(s),
    "bool": lambda v, s: bool(s),
    "complex": lambda v, s: complex(s),
    "index": lambda v, s: [1, 2][s],
    "range": lambda v, s: range(s),
    "asarray": lambda v, s: np.asarray(v),
    "array": lambda v, s: np.array([s, 1.0]),
    "array of objects": lambda v, s: np.array([v, s], dtype=object),
    "full": lambda v, s: np.full(3, s),
    "full_like": lambda v, s: np.full_like(X, s),
    "float64": lambda v, s: np.float64(s),
    "vectorize": lambda v, s: np.vectorize(math.sin)(v),
    "frompyfunc": lambda v, s: np.frompyfunc(math.sin, 1, 1)(v),
    "assignment": lambda v, s: v.__setitem__(0, 1.0),
    "assignment in place": lambda v, s: v.__iadd__(1.0),
    "array in place": lambda v, s: np.ones(3).__iadd__(v),
    "out": lambda v, s: np.exp(v, out=np.ones(3)),
    "out of a reduction": lambda v, s: np.sum(v, out=np.array(0.0)),
    "dtype": lambda v, s: np.exp(v, dtype=np.float32),
    "keyword": lambda v, s: np.sum(a=v),
    "reduce": lambda v, s: np.add.reduce(v),
    "outer": lambda v, s: np.multiply.outer(v, v),
    "at": lambda v, s: np.add.at(np.ones(3), 0, s),
    "sign": lambda v, s: np.sign(v),
    "floor": lambda v, s: np.floor(v),
    "remainder": lambda v, s: v % 2.0,
    "clip": lambda v, s: np.clip(v, 0.0, 1.0),
    "round": lambda v, s: round(s),
    "interp": lambda v, s: np.interp(s, X, X),
    "linspace": lambda v, s: np.linspace(0.0, s),
    "norm": lambda v, s: np.linalg.norm(v),
    "copyto": lambda v, s: np.copyto(np.ones(3), v),
    "dot of an array": lambda v, s: X.dot(v),
    "subscript": lambda v, s: X[s],
    "format": lambda v, s: f"{s:.3f}",
    "complex number": lambda v, s: v + 1j,
    "truth of an array": lambda v, s: 1.0 if s else 0.0,
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_lose_the_gradient_is_refused(name):
    with pytest.raises(TypeError):
        REFUSED[name](captured(X), captured(2.0))


def test_storing_a_var_in_an_array_is_refused():
    array = np.ones(3)
    with pytest.raises((TypeError, ValueError)):
        array[0] = captured(2.0)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda v: np.sign(v), r"np\.sign, which has no rule"),
        (lambda v: np.clip(v, 0.0, 1.0), r"np\.clip, which has no rule"),
        (lambda v: np.add.reduce(v), r"np\.add\.reduce"),
        (lambda v: np.exp(v, out=np.ones(3)), "out="),
        (lambda v: float(v), r"float\(\)"),
        (lambda v: v.__setitem__(0, 1.0), "assignment to its items"),
    ],
)
def test_a_refusal_names_what_was_asked_with_a_way_out(call, text):
    with pytest.raises(TypeError, match=text) as refusal:
        call(captured(X))
    assert "primitive" in str(refusal.value)


@pytest.mark.parametrize("x", [np.array([1, 2]), 3, np.ones(2, np.float32), True, "a"])
def test_an_input_that_is_not_float64_is_refused(x):
    with pytest.raises(TypeError, match="must be float64"):
        vjp(lambda x: x * 2.0, x)


def test_a_complex_input_carries_complex_numbers_all_the_way():
    y, pullback = vjp(lambda x: np.exp(x) * X[0], X + 1j)
    assert y.dtype == np.complex128
    np.testing.assert_allclose(pullback(np.ones(3))[0], np.exp(X + 1j) * X[0], rtol=1e-15)


def test_of_real_inputs_nothing_complex_is_accepted():
    p = primitive(lambda x: x + 1j, lambda g, y, x: (g,))
    with pytest.raises(TypeError, match="not complex128"):
        grad(p)(1.0)
    with pytest.raises(TypeError, match="not complex128"):
        vjp(lambda x: 1j * X, X)


def test_a_value_of_several_arrays_is_refused():
    with pytest.raises(TypeError, match="one float64 array, not a tuple"):
        vjp(lambda x: (x, x), X)


# ---- primitives ----


def doubling(forward=lambda x, y: x * y, pullback=lambda g, z, x, y: (g * y, g * x), **options):
    return primitive(forward, pullback, **options)


def test_a_primitive_answers_arrays_with_arrays_but_a_var_with_a_var():
    p = doubling()
    assert type(p(X, X)) is np.ndarray
    assert type(p(X, captured(X))) is Var
    assert type(p(captured(X), 2.0)) is Var


def test_the_forward_of_a_primitive_sees_plain_arrays_however_deep_the_nesting():
    seen = []
    p = doubling(lambda x, y: seen.append((type(x), type(y))) or x * y, transparent=True)
    assert grad(grad(lambda x: p(x, p(x, x))))(2.0) == 12.0
    assert set(seen) == {(np.ndarray, np.ndarray)}


def test_a_kernel_refuses_to_be_differentiated_twice():
    kernel = doubling()
    assert grad(lambda x: kernel(x, x))(3.0) == 6.0
    with pytest.raises(TypeError, match="second derivative through"):
        grad(grad(lambda x: kernel(x, x)))(3.0)
    # its cotangent alone may carry the outer variable, too
    with pytest.raises(TypeError, match="second derivative through"):
        grad(lambda x: vjp(lambda y: kernel(y, 2.0), 1.0)[1](x)[0])(3.0)


def test_a_kernel_that_the_outer_variable_does_not_reach_may_be_nested():
    kernel = doubling()
    assert grad(lambda x: x * grad(lambda y: kernel(y, 2.0))(1.0))(3.0) == 2.0


@pytest.mark.parametrize("bars", [(np.ones(3), None), (np.ones(3),)])
def test_a_var_where_the_pullback_has_nothing_is_refused(bars):
    p = doubling(pullback=lambda g, z, x, y: bars)
    assert vjp(lambda x: p(x, X), X)[1](X)[0].tolist() == [1.0, 1.0, 1.0]
    with pytest.raises(TypeError, match="no pullback"):
        vjp(lambda y: p(X, y), X)[1](X)


@pytest.mark.parametrize(
    ("bars", "error", "text"),
    [
        (np.ones(3), TypeError, "tuple"),
        ((np.ones(2), None), ValueError, "cotangent"),
        ((np.array(1.0), None), ValueError, "cotangent"),
        ((np.ones((3, 1)), None), ValueError, "cotangent"),
        ((np.ones(3, int), None), TypeError, "float64"),
        ((1j * np.ones(3), None), TypeError, "float64"),
    ],
)
def test_a_pullback_that_returns_something_else_is_told_so(bars, error, text):
    p = doubling(pullback=lambda g, z, x, y: bars)
    with pytest.raises(error, match=text):
        vjp(lambda x: p(x, X), X)[1](X)


@pytest.mark.parametrize("value", [np.ones(3, int), (X, 1j * X), [1.0], 1j * X])
def test_a_forward_that_returns_something_else_is_told_so(value):
    p = doubling(forward=lambda x, y: value)
    with pytest.raises(TypeError, match="float64"):
        p(captured(X), X)


def test_a_var_may_not_hide_in_a_keyword_or_inside_a_container():
    p = primitive(lambda x, k=1.0: x * k, lambda g, z, x, k=1.0: (g * k,))
    assert grad(lambda x: p(x, k=3.0))(1.0) == 3.0
    with pytest.raises(TypeError, match="by keyword"):
        grad(lambda x: p(1.0, k=x))(1.0)
    with pytest.raises(TypeError, match="other="):
        grad(lambda x: p(x, other=2.0))(1.0)
    free = primitive(lambda x, **k: x * k["k"], lambda g, z, x, **k: (g * k["k"],))
    assert grad(lambda x: free(x, k=3.0))(1.0) == 3.0
    hidden = primitive(lambda x, pair: x * pair[0], lambda g, z, x, pair: (g * pair[0],))
    with pytest.raises(TypeError, match="hiding"):
        grad(lambda x: hidden(x, (x,)))(1.0)


def test_a_costly_cotangent_is_computed_only_where_it_is_wanted():
    called = []
    p = doubling(pullback=lambda g, z, x, y: (lambda: g * y, lambda: called.append(0) or g * x))
    assert grad(lambda x: p(x, 5.0))(2.0) == 5.0 and called == []
    assert grad(lambda x: p(x, x))(2.0) == 4.0 and called == [0]
