from __future__ import annotations

import operator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from refnms.autodiff import check_jacobian, check_vjp, complex_step, grad, primitive, rules, vjp
from refnms.autodiff.check import difference_sweep
from refnms.autodiff.tape import RULES, Primitive

A = np.random.default_rng(1).uniform(0.2, 0.9, (2, 3, 4))  # inside the domain of every function
B = np.random.default_rng(2).uniform(0.2, 0.9, (3, 1))
M = np.random.default_rng(3).uniform(-1.0, 1.0, (4, 2))
MASK = A > 0.5

# one line per rule, more where there are several ways to call it; the key is the rule
ANALYTIC = [
    (np.add, lambda x: x + B),
    (np.add, lambda x: B + x),
    (np.subtract, lambda x: x - B),
    (np.subtract, lambda x: B - x),
    (np.multiply, lambda x: x * B),
    (np.multiply, lambda x: B * x),
    (np.divide, lambda x: x / B),
    (np.divide, lambda x: B / x),
    (np.power, lambda x: x**3),
    (np.power, lambda x: (x - 0.5) ** 2),
    (np.power, lambda x: x**-1.5),
    (np.power, lambda x: x ** np.array([0.0, 1.0, 2.0, 0.5])),
    (np.power, lambda x: 1.7**x),
    (np.power, lambda x: np.power(x, x * x)),
    (np.negative, lambda x: -x),
    (np.positive, lambda x: +x),
    (np.reciprocal, np.reciprocal),
    (np.square, np.square),
    (np.sqrt, np.sqrt),
    (np.exp, np.exp),
    (np.expm1, np.expm1),
    (np.log, np.log),
    (np.log1p, np.log1p),
    (np.sin, np.sin),
    (np.cos, np.cos),
    (np.tan, np.tan),
    (np.arcsin, np.arcsin),
    (np.arccos, np.arccos),
    (np.arctan, np.arctan),
    (np.sinh, np.sinh),
    (np.cosh, np.cosh),
    (np.tanh, np.tanh),
    (np.arcsinh, lambda x: np.arcsinh(3.0 * x)),
    (np.where, lambda x: np.where(MASK, x * x, np.exp(x))),
    (np.where, lambda x: np.where(MASK, B, x)),
    (np.sum, np.sum),
    (np.sum, lambda x: np.sum(x, 1)),
    (np.sum, lambda x: x.sum(axis=(0, -1))),
    (np.sum, lambda x: x.sum(axis=-1, keepdims=True)),
    (np.mean, np.mean),
    (np.mean, lambda x: x.mean(axis=(0, 2))),
    (np.mean, lambda x: np.mean(x, 1, keepdims=True)),
    (np.reshape, lambda x: x.reshape(4, -1)),
    (np.reshape, lambda x: np.reshape(x, (6, 4))),
    (np.ravel, np.ravel),
    (np.squeeze, lambda x: np.squeeze(x[:1, :, 2:3])),
    (np.squeeze, lambda x: np.squeeze(x[:, 1:2], 1)),
    (np.expand_dims, lambda x: np.expand_dims(x, (0, -1))),
    (np.broadcast_to, lambda x: np.broadcast_to(x[:, :1], (5, 2, 3, 4))),
    (np.transpose, lambda x: x.T),
    (np.transpose, lambda x: np.transpose(x, (1, 2, 0))),
    (np.transpose, lambda x: np.transpose(x, (-1, 0, 1))),
    (np.moveaxis, lambda x: np.moveaxis(x, 0, -1)),
    (np.flip, lambda x: np.flip(x, (0, 2))),
    (np.flip, np.flip),
    (np.cumsum, np.cumsum),
    (np.cumsum, lambda x: np.cumsum(x, 1)),
    (np.cumsum, lambda x: np.cumsum(x, axis=-1)),
    (np.diff, np.diff),
    (np.diff, lambda x: np.diff(x, 2, axis=1)),
    (np.concatenate, lambda x: np.concatenate([x, M[:3, :1] * x, A], axis=-2)),
    (np.concatenate, lambda x: np.concatenate((x, x[:, :1]), 1)),
    (np.stack, lambda x: np.stack([x, A, x * x], axis=1)),
    (np.stack, lambda x: np.stack([x, np.sin(x)], axis=-1)),
    (operator.getitem, lambda x: x[1]),
    (operator.getitem, lambda x: x[..., None, -2]),
    (operator.getitem, lambda x: x[::-1, 1:, ::2]),
    (operator.getitem, lambda x: x[:, [0, 2, 2, 0]]),
    (operator.getitem, lambda x: x[np.array([1, 1, 0]), :, np.array([3, 3, 0])]),
    (operator.getitem, lambda x: x[MASK]),
    (np.matmul, lambda x: x @ M),
    (np.matmul, lambda x: M.T @ np.moveaxis(x, 1, 2)),
    (np.matmul, lambda x: np.matmul(x, np.swapaxes(A, 1, 2))),
    (np.matmul, lambda x: x @ M[:, 0]),
    (np.matmul, lambda x: x[0, 0] @ M),
    (np.matmul, lambda x: x[0, 1] @ M[:, 1]),
    (np.dot, lambda x: np.dot(x[0], M)),
    (np.dot, lambda x: np.dot(x, M[:, 1])),
    (np.dot, lambda x: np.dot(x, 3.0)),
    (np.dot, lambda x: np.dot(3.0, x[0])),
    (np.einsum, lambda x: np.einsum("tm,tmd->td", x[:, :, 0], x)),
    (np.einsum, lambda x: np.einsum("ijk, kl -> lj", x, M)),
    (np.einsum, lambda x: np.einsum("ijk->j", x)),
    (np.einsum, lambda x: np.einsum("ijk,ijl,k->l", x, A * A, M[:, 0])),
]
NOT_ANALYTIC = [
    (np.absolute, lambda x: np.abs(x - 0.5)),
    (np.maximum, lambda x: np.maximum(x, B)),
    (np.maximum, lambda x: np.maximum(0.5, x * x)),
    (np.minimum, lambda x: np.minimum(x, B)),
    (np.minimum, lambda x: np.minimum(0.5, x * x)),
    (np.max, lambda x: np.max(x, axis=1)),
    (np.max, lambda x: np.max(x * x)),
    (np.min, lambda x: np.min(x, axis=(0, 2), keepdims=True)),
    (np.arctan2, lambda x: np.arctan2(x, -B)),
    (np.arctan2, lambda x: np.arctan2(B, x)),
    (np.hypot, lambda x: np.hypot(x, B)),
    (np.hypot, lambda x: np.hypot(B, x * x)),
    (np.logaddexp, lambda x: np.logaddexp(x, 3.0 * B)),
    (np.logaddexp, lambda x: np.logaddexp(B, x * x)),
]
EVERY = ANALYTIC + NOT_ANALYTIC
name_of = lambda part: getattr(part, "__name__", "")


def off_by_a_thousandth(right):
    def pullback(g, y, *args, **options):
        bars = right.pullback(g, y, *args, **options)
        known = (bar() if callable(bar) else bar for bar in bars)
        return tuple(None if bar is None else 1.001 * bar for bar in known)

    return primitive(right.forward, pullback)


def checked(f):
    oracle = complex_step if any(f is g for _, g in ANALYTIC) else difference_sweep
    return check_vjp(f, A, oracle=oracle)


def test_every_rule_has_a_line_here():
    assert {rule for rule, _ in EVERY} == set(RULES)


@pytest.mark.parametrize(("rule", "f"), ANALYTIC, ids=name_of)
def test_a_rule_agrees_with_the_complex_step(rule, f):
    replace(check_jacobian(f, A, oracle=complex_step), tolerance=1e-13).require()


@pytest.mark.parametrize(("rule", "f"), NOT_ANALYTIC, ids=name_of)
def test_a_rule_agrees_with_differences(rule, f):
    replace(check_jacobian(f, A), tolerance=1e-8).require()


@pytest.mark.parametrize(("rule", "f"), EVERY, ids=name_of)
def test_a_var_has_the_very_value_of_the_array(rule, f):
    assert np.array_equal(vjp(f, A)[0], f(A))


@pytest.mark.parametrize(("rule", "f"), EVERY, ids=name_of)
def test_a_rule_can_be_differentiated_again(rule, f):
    weights = np.random.default_rng(4).uniform(0.5, 1.0, f(A).shape)
    loss = lambda x: np.sum(weights * np.sin(f(x)) * f(x))
    replace(check_vjp(grad(loss), A), tolerance=1e-7).require()


@pytest.mark.parametrize(
    ("rule", "f"), [line for line in EVERY if isinstance(RULES[line[0]], Primitive)], ids=name_of
)
def test_a_rule_wrong_by_a_thousandth_is_caught(rule, f, monkeypatch):
    monkeypatch.setitem(RULES, rule, off_by_a_thousandth(RULES[rule]))
    assert checked(f).wrong


@pytest.mark.parametrize("name", ["power", "power_of_constant", "dot", "concatenate", "einsum"])
def test_a_rule_behind_a_choice_wrong_by_a_thousandth_is_caught(name, monkeypatch):
    monkeypatch.setattr(rules, name, off_by_a_thousandth(getattr(rules, name)))
    rule = getattr(np, name.removesuffix("_of_constant"))
    assert any(checked(f).wrong for r, f in EVERY if r is rule)


@pytest.mark.parametrize("f", rules.CONTINUED)
def test_a_real_function_keeps_its_values_where_it_is_continued(f):
    real = (A - 0.5, 0.5 - B)[: f.nin]
    found = rules.CONTINUED[f](*(x.astype(complex) for x in real))
    np.testing.assert_allclose(found, f(*real), rtol=1e-14)


# ---- shapes ----


@given(hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=3))
def test_cotangents_have_the_shapes_of_broadcast_arguments(shapes):
    rng = np.random.default_rng(5)
    args = [rng.uniform(0.5, 1.0, shape) for shape in shapes.input_shapes]
    check = check_vjp(lambda a, b, c: a * np.exp(b) / c + np.where(c > 0.7, a, b), *args)
    check.require()
    bars = vjp(lambda a, b, c: a * b - c, *args)[1](np.ones(shapes.result_shape))
    assert [bar.shape for bar in bars] == list(shapes.input_shapes)


@given(hnp.mutually_broadcastable_shapes(signature=np.matmul.signature, max_dims=2, max_side=3))
def test_matmul_of_vectors_matrices_and_stacks(shapes):
    rng = np.random.default_rng(6)
    a, b = (rng.uniform(-1.0, 1.0, shape) for shape in shapes.input_shapes)
    check_vjp(np.matmul, a, b, oracle=complex_step).require()
    jvp = lambda args, tangents: tangents[0] @ args[1] + args[0] @ tangents[1]
    check_vjp(np.matmul, a, b, jvp=jvp).require()


@given(st.data())
def test_any_index_scatters_back_what_it_took(data):
    shape = data.draw(hnp.array_shapes(max_dims=3, max_side=4))
    index = data.draw(
        hnp.basic_indices(shape, allow_newaxis=True)
        | hnp.integer_array_indices(shape)
        | hnp.arrays(bool, shape)
    )
    x = np.arange(1.0, 1.0 + np.prod(shape)).reshape(shape)
    jvp = lambda args, tangents: tangents[0][index]
    check_vjp(lambda x: x[index], x, jvp=jvp).require()


@given(st.sampled_from([(), (0,), (2,), (0, 1), (2, 0), None]), st.booleans())
def test_reductions_over_any_axes(axis, keepdims):
    for reduction in (np.sum, np.mean):
        f = lambda x: reduction(x * x, axis=axis, keepdims=keepdims)  # noqa: B023
        check_vjp(f, A, oracle=complex_step).require()


# ---- where a derivative does not exist ----


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (np.abs, 0.0, 1.0),
        (lambda x: np.maximum(x, 2.0), 2.0, 1.0),
        (lambda x: np.maximum(2.0, x), 2.0, 0.0),
        (lambda x: np.minimum(x, 2.0), 2.0, 1.0),
        (lambda x: np.minimum(2.0, x), 2.0, 0.0),
        (lambda x: x**0, 0.0, 0.0),
        (lambda x: x**1, 0.0, 1.0),
        (lambda x: x**2, 0.0, 0.0),
        (lambda x: 0.0**x, 2.0, 0.0),
    ],
)
def test_the_side_taken_is_the_one_stated(f, x, slope):
    assert grad(f)(x) == slope


def test_elements_that_tie_for_the_extremum_share():
    assert grad(np.max)(np.array([3.0, 1.0, 3.0])).tolist() == [0.5, 0.0, 0.5]
    assert grad(np.min)(np.array([3.0, 1.0, 1.0])).tolist() == [0.0, 0.5, 0.5]


def test_where_gives_each_branch_its_own_cotangent_even_beside_nan():
    taken = np.array([True, False, False])
    _, pullback = vjp(lambda a, b: np.where(taken, a, b), np.ones(3), np.ones(3))
    a_bar, b_bar = pullback(np.array([np.nan, np.inf, 1.0]))
    assert np.array_equal(a_bar, [np.nan, 0.0, 0.0], equal_nan=True)
    assert np.array_equal(b_bar, [0.0, np.inf, 1.0])


def test_where_with_a_harmless_argument_hides_an_infinite_slope():
    safe = lambda x: np.sum(np.where(x > 0.0, np.sqrt(np.where(x > 0.0, x, 1.0)), 0.0))
    assert grad(safe)(np.array([-1.0, 0.0, 4.0])).tolist() == [0.0, 0.0, 0.25]


def test_a_constant_exponent_asks_for_no_logarithm_of_the_base():
    assert grad(lambda x: x**3.0)(-2.0) == 12.0


# ---- what a rule does not cover is refused ----


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.einsum("ij,jk", x, x),
        lambda x: np.einsum("...j->...", x),
        lambda x: np.einsum("ii->i", x),
        lambda x: np.einsum(x, [0, 1], [1]),
        lambda x: np.dot(x[None], x[None]),
        lambda x: np.concatenate([x, x], axis=None),
        lambda x: np.sum(x, where=np.array([True, False])),
        lambda x: np.cumsum(x, dtype=np.float64),
        lambda x: np.reshape(x, (4,), order="F"),
        lambda x: np.where(x, 1.0, 2.0),
    ],
)
def test_a_call_beyond_its_rule_is_refused(call):
    with pytest.raises(TypeError):
        grad(lambda x: np.sum(call(x)))(np.ones((2, 2)))
