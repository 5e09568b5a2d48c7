"""AdamW against the published recursion, inside its box, and on functions with known minima."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from objectives import Smooth

from refnms.optimize import AdamW, Constant, Cosine, Status, minimize

ROUNDING = 1e-14  # a few operations on numbers near one


def unit_box(n: int) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(n), np.ones(n)


def parabola(x, progress):
    """(x - 1/4)^2, summed."""
    return float(np.sum((x - 0.25) ** 2)), 2.0 * (x - 0.25)


def test_three_steps_on_a_parabola_are_those_worked_by_hand():
    """beta1 = 1/2 and beta2 = 3/4 keep the arithmetic short; the fractions were reduced on paper.

    y0 = 3/4, g1 = 1:   m1 = 1/2, v1 = 1/4; m_hat = 1, v_hat = 1; y1 = 3/4 - 1/4
    y1 = 1/2, g2 = 1/2: m2 = 1/2, v2 = 1/4; m_hat = 2/3, v_hat = 4/7; y2 = 1/2 - 1/6 / sqrt(4/7)
    """
    method = AdamW(
        steps=3, learning_rate=0.25, beta1=0.5, beta2=0.75, epsilon=0.0, schedule=Constant()
    )
    y2 = 0.5 - math.sqrt(7.0) / 12.0
    g3 = 2.0 * (y2 - 0.25)
    m3, v3 = 0.25 + g3 / 2.0, 3.0 / 16.0 + g3**2 / 4.0
    y3 = y2 - 0.25 * (m3 / (7.0 / 8.0)) / math.sqrt(v3 / (37.0 / 64.0))
    objective = Smooth(parabola)
    minimize(method, objective, np.array([0.75]), *unit_box(1))
    seen = np.concatenate(objective.points)
    np.testing.assert_allclose(seen, [0.75, 0.5, y2, y3], rtol=ROUNDING)


def published_recursion(method, gradients, y0):
    """Loshchilov and Hutter 2019, algorithm 2, line by line, on lists of floats."""
    theta, m, v = list(y0), [0.0] * len(y0), [0.0] * len(y0)
    for t, g in enumerate(gradients, start=1):
        eta = 0.5 + 0.5 * math.cos(math.pi * (t - 1) / method.steps)
        for i in range(len(theta)):
            m[i] = method.beta1 * m[i] + (1 - method.beta1) * g[i]
            v[i] = method.beta2 * v[i] + (1 - method.beta2) * g[i] ** 2
            m_hat = m[i] / (1 - method.beta1**t)
            v_hat = v[i] / (1 - method.beta2**t)
            adam = method.learning_rate * m_hat / (math.sqrt(v_hat) + method.epsilon)
            theta[i] -= eta * (adam + method.weight_decay * (theta[i] - y0[i]))
    return theta


def test_updates_agree_with_the_published_recursion(rng):
    method = AdamW(
        steps=40, learning_rate=0.03, beta1=0.8, beta2=0.95, epsilon=1e-3, weight_decay=0.1
    )
    gradients, y0 = rng.normal(size=(40, 5)), rng.uniform(size=5)
    y, state = y0, method.init(y0)
    for gradient in gradients:
        change, state = method.update(gradient, state, y)
        y = y + change
    np.testing.assert_allclose(y, published_recursion(method, gradients, y0), rtol=10 * ROUNDING)


def test_update_changes_neither_its_state_nor_its_point():
    method, y = AdamW(), np.array([0.5])
    state = method.init(y)
    first = method.update(np.ones(1), state, y)
    second = method.update(np.ones(1), state, y)
    assert first[0] == second[0]
    assert state.t == 0 and state.m == 0.0 and state.v == 0.0 and y == 0.5


@given(
    st.lists(st.tuples(st.floats(-3, 3), st.floats(0.1, 5), st.floats(-9, 9)), min_size=1),
    st.floats(0.01, 2.0),
)
def test_no_point_leaves_the_bounds(variables, learning_rate):
    lower, width, target = np.array(variables).T
    upper = lower + width
    objective = Smooth(lambda x, progress: (float(np.sum((x - target) ** 2)), 2.0 * (x - target)))
    method = AdamW(steps=30, learning_rate=learning_rate)
    fit = minimize(method, objective, np.zeros_like(lower), lower, upper)
    assert len(objective.points) == 31
    assert all(np.all((lower <= x) & (x <= upper)) for x in [*objective.points, fit.x])


@given(st.floats(1e-6, 1e6), st.floats(-1e3, 1e3))
def test_the_path_does_not_depend_on_the_units_of_x(scale, origin):
    method, x0 = AdamW(steps=20, epsilon=0.1), np.array([0.9, 0.1])
    lower, upper = unit_box(2)

    def in_other_units(x, progress):
        value, gradient = parabola((x - origin) / scale, progress)
        return value, gradient / scale

    here = minimize(method, Smooth(parabola), x0, lower, upper)
    box = (origin + scale * x for x in (x0, lower, upper))
    there = minimize(method, Smooth(in_other_units), *box)
    lost = abs(origin) / scale * 1e-15 + 1e-15  # digits lost in origin + scale x
    np.testing.assert_allclose(there.history.objective, here.history.objective, atol=1e3 * lost)


def quadratic(x):
    a = np.array([[3.0, 1.0], [1.0, 2.0]])
    d = x - [0.3, -0.4]
    return 0.5 * d @ a @ d, a @ d


def rosenbrock(x):
    a, b = x
    r = b - a * a
    return (1 - a) ** 2 + 100 * r * r, np.array([-2 * (1 - a) - 400 * a * r, 200 * r])


def beale(x):
    a, b = x
    r = np.array([1.5 - a + a * b, 2.25 - a + a * b**2, 2.625 - a + a * b**3])
    jacobian = np.array([[b - 1, a], [b**2 - 1, 2 * a * b], [b**3 - 1, 3 * a * b**2]])
    return r @ r, 2 * jacobian.T @ r


def badly_scaled(x):
    weight = 10.0 ** np.arange(-3, 4)
    return np.sum(weight * (x - 0.2) ** 2), 2 * weight * (x - 0.2)


def absolute_value(x):
    return np.abs(x - 0.3).sum(), np.sign(x - 0.3)


PROBLEMS = {  # objective, start, lower, upper, minimum, distance allowed
    "quadratic": (quadratic, (-1, 1), (-2, -2), (2, 2), (0.3, -0.4), 1e-6),
    "quadratic whose minimum the bounds cut off": (
        quadratic, (1, 1), (0.5, -2), (2, 2), (0.5, -0.5), 1e-6,
    ),
    "rosenbrock": (rosenbrock, (-1.2, 1), (-2, -2), (2, 2), (1, 1), 1e-2),
    "beale": (beale, (1, 1), (-4.5, -4.5), (4.5, 4.5), (3, 0.5), 1e-3),
    "badly scaled": (badly_scaled, (0.9,) * 7, (0,) * 7, (1,) * 7, (0.2,) * 7, 1e-6),
    "kink": (absolute_value, (-1, 1), (-2, -2), (2, 2), (0.3, 0.3), 1e-3),
}  # fmt: skip


@pytest.mark.parametrize("name", PROBLEMS)
def test_known_minima_are_found(name):
    objective, *points, distance = PROBLEMS[name]
    start, lower, upper, minimum = np.array(points, dtype=float)
    method = AdamW(steps=2000, learning_rate=0.05)
    fit = minimize(method, Smooth(lambda x, progress: objective(x)), start, lower, upper)
    np.testing.assert_allclose(fit.x, minimum, atol=distance)
    assert fit.status is Status.COMPLETED
    assert fit.objective == objective(fit.x)[0] == fit.history.objective.min()


def test_weights_decay_towards_the_start():
    method = AdamW(steps=500, learning_rate=0.0, weight_decay=0.05, schedule=Constant())
    y0 = np.array([0.2, 0.9])
    change, _ = method.update(np.ones(2), method.init(y0), y0 + 0.1)
    np.testing.assert_allclose(change, -0.005, rtol=10 * ROUNDING)


def test_schedules_start_at_one_and_the_cosine_ends_at_zero():
    assert [Constant()(p) for p in (0.0, 0.5, 1.0)] == [1.0, 1.0, 1.0]
    np.testing.assert_allclose([Cosine()(p) for p in (0.0, 0.5, 1.0)], [1.0, 0.5, 0.0], atol=1e-16)


def test_progress_runs_from_zero_to_one_with_one_evaluation_more_than_steps():
    seen = []

    def objective(x, progress):
        seen.append(progress)
        return parabola(x, progress)

    fit = minimize(AdamW(steps=4), Smooth(objective), np.array([0.9]), *unit_box(1))
    assert seen == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert fit.evaluations == 5
    assert list(fit.history.evaluations) == [1, 2, 3, 4, 5]


def test_a_gradient_that_hardens_ends_at_the_minimum_of_the_full_objective():
    """The value is the full objective's throughout, so no point of the soft start wins by it."""

    def full(x, weight=100.0):
        over = np.maximum(x - 0.5, 0.0)
        return float(np.sum((x - 0.8) ** 2 + weight * over**2)), (2 * (x - 0.8) + 2 * weight * over)

    def staged(x, progress):
        return full(x)[0], full(x, weight=100.0 if progress >= 0.5 else 1.0)[1]

    fit = minimize(AdamW(steps=600), Smooth(staged), np.array([0.1]), *unit_box(1))
    np.testing.assert_allclose(fit.x, 50.8 / 101.0, atol=1e-6)


def test_the_best_point_is_kept_when_later_ones_are_worse():
    method = AdamW(steps=30, learning_rate=0.5, schedule=Constant())
    fit = minimize(method, Smooth(parabola), np.array([0.3]), *unit_box(1))
    assert fit.objective == fit.history.objective.min() < fit.history.objective[-1]
    assert parabola(fit.x, 1.0)[0] == fit.objective


NOT_FINITE = {
    "value not a number": lambda f, g: (math.nan, g),
    "value infinite": lambda f, g: (math.inf, g),
    "value minus infinite": lambda f, g: (-math.inf, g),
    "gradient not a number": lambda f, g: (f, g * math.nan),
}


@pytest.mark.parametrize("name", NOT_FINITE)
def test_what_is_not_finite_ends_the_run_with_its_best_point(name):
    calls = iter(range(1, 7))

    def objective(x, progress):
        value, gradient = parabola(x, progress)
        return NOT_FINITE[name](value, gradient) if next(calls) == 6 else (value, gradient)

    fit = minimize(AdamW(steps=50), Smooth(objective), np.array([0.9]), *unit_box(1))
    assert fit.status is Status.DIVERGED and fit.evaluations == 6
    assert parabola(fit.x, 1.0)[0] == fit.objective < parabola(np.array([0.9]), 1.0)[0]


def test_a_run_repeats_bit_for_bit():
    runs = [
        minimize(AdamW(steps=50), Smooth(parabola), np.array([0.9, 0.1]), *unit_box(2))
        for _ in range(2)
    ]
    np.testing.assert_array_equal(runs[0].history.objective, runs[1].history.objective)
    np.testing.assert_array_equal(runs[0].x, runs[1].x)
