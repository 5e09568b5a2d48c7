"""The quadratic in a box against its optimality conditions, and against a search of all corners."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from refnms.assistance import box

SMALL = 1e-10


def drawn(seed: int, n: int = 6, columns: int = 2, lowest: float = 0.1) -> box.Quadratic:
    rng = np.random.default_rng(seed)
    return box.Quadratic(
        slope=rng.normal(0.0, 3.0, n),
        curvature=rng.uniform(lowest, 2.0, n),
        coupling=rng.normal(0.0, 1.0, (n, columns)),
        kink=rng.uniform(-0.1, 1.1, n).clip(0.0, 1.0),
        weight=np.where(rng.random(n) < 0.6, rng.uniform(0.0, 2.0, n), 0.0),
        lower=np.zeros(n),
        upper=np.ones(n),
    )


def value(q: box.Quadratic, start: np.ndarray, x: np.ndarray) -> float:
    d = x - start
    smooth = q.slope @ d + 0.5 * (q.curvature @ d**2 + np.sum((q.coupling.T @ d) ** 2))
    return float(smooth + q.weight @ np.abs(x - q.kink))


def minimum(q: box.Quadratic, start: np.ndarray) -> np.ndarray:
    x = start.copy()
    box.minimize(q, start, x, SMALL, box.room(*q.coupling.shape))
    return x


def slopes(q: box.Quadratic, start: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of the value to the left and to the right, by the definition."""
    d = x - start
    smooth = q.slope + q.curvature * d + q.coupling @ (q.coupling.T @ d)
    left = smooth + np.where(x > q.kink, q.weight, -q.weight)
    return left, smooth + np.where(x >= q.kink, q.weight, -q.weight)


@pytest.mark.parametrize("seed", range(40))
def test_no_variable_can_go_downhill_from_the_minimum(seed):
    q = drawn(seed)
    start = np.random.default_rng([seed, 1]).uniform(0.0, 1.0, 6)
    if seed % 2:
        start[:3] = q.kink[:3]
    x = minimum(q, start)
    left, right = slopes(q, start, x)
    assert ((x >= 0.0) & (x <= 1.0)).all()
    assert (right[x < 1.0] >= -1e-9).all()
    assert (left[x > 0.0] <= 1e-9).all()


@pytest.mark.parametrize("seed", range(5))
def test_the_minimum_is_below_every_point_of_a_grid(seed):
    q = drawn(seed, n=3)
    start = np.full(3, 0.5)
    lowest = value(q, start, minimum(q, start))
    grid = [np.unique([*np.linspace(0.0, 1.0, 21), k]) for k in q.kink]
    assert all(lowest <= value(q, start, np.array(x)) + 1e-9 for x in itertools.product(*grid))


@pytest.mark.parametrize("seed", range(20))
def test_with_curvatures_below_zero_it_falls_and_ends_where_nothing_goes_downhill(seed):
    q = drawn(seed, lowest=-3.0)
    start = np.full(6, 0.5)
    x = minimum(q, start)
    left, right = slopes(q, start, x)
    assert value(q, start, x) <= value(q, start, start)
    assert (right[x < 1.0] >= -1e-9).all() and (left[x > 0.0] <= 1e-9).all()


def test_a_variable_close_to_its_bound_does_not_hold_the_others_up():
    """Its step, cut off at once, would have the others climb; it stands, and they go on."""
    q = box.Quadratic(
        slope=np.array([-1.0, 1.0]),
        curvature=np.array([1e-3, 1e-3]),
        coupling=np.array([[3.0], [2.9]]),
        kink=np.zeros(2),
        weight=np.zeros(2),
        lower=np.zeros(2),
        upper=np.ones(2),
    )
    start = np.array([0.2, 1e-9])
    x = minimum(q, start)
    left, right = slopes(q, start, x)
    assert x[1] == 0.0 and abs(left[0]) < 1e-9 and right[1] > 0.0


@pytest.mark.parametrize(
    ("x", "slope", "expected"),
    [
        (0.6, 1.0, (1.5, 0.4, 1.0)),
        (0.2, 1.0, (0.5, 0.0, 0.4)),
        (0.4, 0.3, (0.0, 0.0, 1.0)),
        (0.4, -0.7, (-0.7 + 0.5, 0.4, 1.0)),
        (0.4, 0.7, (0.7 - 0.5, 0.0, 0.4)),
    ],
)
def test_an_absolute_value_has_a_slope_in_each_half_and_holds_at_its_kink(x, slope, expected):
    assert box.half(x, slope, 0.4, 0.5, 0.0, 1.0) == pytest.approx(expected)


def test_a_kink_outside_the_bounds_leaves_one_half():
    assert box.half(0.01, -1.0, 0.0, 0.5, 0.01, 0.99) == (-0.5, 0.01, 0.99)
    assert box.half(0.99, 1.0, 1.0, 0.5, 0.01, 0.99) == (0.5, 0.01, 0.99)
