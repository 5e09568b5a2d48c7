"""The step of the model in its box: the conditions of a minimum, and the model's value there."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from objectives import NO_HINGES, draw_hinges, one_sided

from refnms.optimize import Hinges
from refnms.optimize.subproblem import best_step, change

seeds = st.integers(0, 2**32 - 1)
LEFT = 1e-7  # the search ends with a change of 1e-9; entries that depend on each other add to it


class Drawn(NamedTuple):
    """A model and a box around zero."""

    gradient: np.ndarray
    products: np.ndarray
    hinges: Hinges
    lower: np.ndarray
    upper: np.ndarray


def draw(seed: int, hinges: bool, near: float | None = None) -> Drawn:
    """A box with sides of one whose origin lies inside, on bounds, or `near` to them."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 12))
    jacobian = rng.normal(size=(n + rng.integers(0, 5), n))
    products = jacobian.T @ jacobian * 10.0 ** rng.uniform(-2.0, 2.0)
    y, where = rng.uniform(size=n), rng.integers(0, 4, n)
    inside = np.nan if near is None else near
    y = np.choose(where, [0.0, 1.0, y, y if near is None else np.full(n, inside)])
    return Drawn(
        rng.normal(size=n) * 10.0 ** rng.uniform(-2.0, 2.0),
        products + np.eye(n) * 10.0 ** rng.uniform(-6.0, 0.0),
        draw_hinges(rng, int(rng.integers(1, 9)) if hinges else 0, n),
        -y,
        1.0 - y,
    )


def opened(hinges: Hinges, d: np.ndarray) -> Hinges:
    return hinges._replace(offset=hinges.offset + np.sum(hinges.slopes * d[hinges.columns], axis=1))


def value(model: Drawn, d: np.ndarray) -> float:
    """q(d) - q(0), by its definition."""
    gradient, products, hinges = model[:3]
    n = len(d)
    walls = one_sided(opened(hinges, d), n)[0] - one_sided(hinges, n)[0]
    return float(gradient @ d + 0.5 * d @ products @ d + walls)


def distance(model: Drawn, d: np.ndarray) -> float:
    """How far d is from a minimum: what a projected step along the slope changes of it.

    Each entry's step has the length of Newton's by itself, in a box with sides of one.
    """
    gradient, products, hinges, lower, upper = model
    slope = gradient + products @ d + one_sided(opened(hinges, d), len(d))[1]
    curvature = np.diag(products).copy()
    np.add.at(curvature, hinges.columns, 2.0 * hinges.weight[:, None] * hinges.slopes**2)
    return float(np.abs(d - np.clip(d - slope / curvature, lower, upper)).max())


@settings(max_examples=400)
@given(seeds, st.booleans())
def test_the_step_is_a_minimum_in_the_box(seed, hinges):
    model = draw(seed, hinges)
    d = best_step(*model)
    assert np.all((model.lower <= d) & (d <= model.upper))
    assert distance(model, d) < LEFT


@settings(max_examples=400)
@given(seeds, st.booleans(), st.sampled_from([1e-12, 1e-9, 1e-6, 1.0 - 2e-16, 1.0 - 1e-9]))
def test_a_bound_close_by_holds_nothing_up(seed, hinges, near):
    model = draw(seed, hinges, near)
    assert distance(model, best_step(*model)) < LEFT


@given(seeds, st.booleans())
def test_the_change_is_that_of_its_definition(seed, hinges):
    model = draw(seed, hinges)
    d = np.random.default_rng(seed).uniform(model.lower, model.upper)
    parts = np.abs(model.gradient * d).sum() + np.abs(d) @ np.abs(model.products) @ np.abs(d)
    parts += sum(one_sided(h, len(d))[0] for h in (model.hinges, opened(model.hinges, d)))
    found = change(model.gradient, model.products, model.hinges, d)
    assert abs(found - value(model, d)) <= 1e-13 * parts


def test_without_hinges_and_bounds_in_the_way_it_is_newtons_step(rng):
    j = rng.normal(size=(9, 6))
    products, gradient = j.T @ j, 0.01 * rng.normal(size=6)
    d = best_step(gradient, products, NO_HINGES, -np.ones(6), np.ones(6))
    np.testing.assert_allclose(d, -np.linalg.solve(products, gradient), rtol=1e-11)


def test_every_active_set_of_three_bounds_is_found(rng):
    """The least point is chosen first: each entry on a bound, or inside with a slope of zero."""
    j = rng.normal(size=(5, 3))
    products = j.T @ j
    for where in itertools.product((-1.0, 0.0, 1.0), repeat=3):
        sides = np.array(where)
        least = np.where(sides == 0.0, [0.1, -0.2, 0.3], 0.5 * sides)
        gradient = -sides - products @ least
        d = best_step(gradient, products, NO_HINGES, np.full(3, -0.5), np.full(3, 0.5))
        np.testing.assert_allclose(d, least, atol=1e-12)


@pytest.mark.parametrize(("offset", "least"), [(-2.0, 0.5), (-0.5, 0.5), (-0.2, 0.4), (0.7, 0.1)])
def test_a_hinge_counts_where_it_is_open_at_the_end(offset, least):
    """(d - 1/2)^2 + max(0, c + d)^2 / 2, least at 1/2 or, where that opens the hinge, (1 - c)/3."""
    hinges = Hinges(
        np.array([offset]), np.ones((1, 1)), np.zeros((1, 1), np.int64), np.full(1, 0.5)
    )
    d = best_step(np.array([-1.0]), np.array([[2.0]]), hinges, -np.ones(1), np.ones(1))
    np.testing.assert_allclose(d, least, rtol=1e-14)


def test_a_bound_almost_reached_holds_up_no_other_entry():
    """The least point is on the bound of the first entry, a hair away; the second moves far."""
    products, gradient = np.array([[1.0, 0.9], [0.9, 1.0]]), np.array([1.0, 0.5])
    lower, upper = np.array([-1e-9, -0.5]), np.array([1.0, 0.5])
    d = best_step(gradient, products, NO_HINGES, lower, upper)
    np.testing.assert_allclose(d, [-1e-9, -0.5 + 0.9e-9], atol=1e-9)


@given(seeds)
def test_an_indefinite_matrix_has_no_step(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 8))
    q, _ = np.linalg.qr(rng.normal(size=(n, n)))
    values = rng.uniform(0.1, 2.0, n)
    values[rng.integers(n)] = -0.1
    assert (
        best_step(rng.normal(size=n), q * values @ q.T, NO_HINGES, -np.ones(n), np.ones(n)) is None
    )


@given(seeds)
def test_the_model_and_the_box_are_left_as_they_were(seed):
    model = draw(seed, True)
    before = [x.copy() for x in (*model[:2], *model.hinges, *model[3:])]
    best_step(*model)
    for old, new in zip(before, (*model[:2], *model.hinges, *model[3:]), strict=True):
        np.testing.assert_array_equal(old, new)
