"""Dual annealing: what it finds with and without its local search, in the box and from its seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from objectives import linear, many_minima, rosenbrock

from refnms.optimize import Budget, DualAnnealing, Status, minimize

seeds = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("local", "steps", "near"), [(True, 100, 1e-6), (False, 600, 5e-3)])
def test_it_leaves_a_local_minimum_for_the_least(seed, local, steps, near):
    """Without local search it knows the least point only as closely as it happens to step."""
    problem = many_minima()
    done = minimize(DualAnnealing(steps, local, seed), problem.objective, *problem.box)
    assert done.status is Status.COMPLETED
    np.testing.assert_allclose(done.x, problem.minimum, atol=near)


def test_the_local_search_follows_a_valley_to_its_end():
    ends = [
        minimize(DualAnnealing(100, local), rosenbrock().objective, *rosenbrock().box).objective
        for local in (True, False)
    ]
    assert ends[0] < 1e-8 < ends[1]


def test_without_local_search_a_step_takes_two_values_per_variable():
    """SciPy's chain moves all variables at once P times, then each by itself."""
    problem = many_minima()
    done = minimize(DualAnnealing(25, local_search=False), problem.objective, *problem.box)
    assert done.evaluations == 1 + 25 * 2 * 2


@settings(max_examples=20)
@given(seeds, st.integers(1, 4), st.booleans())
def test_a_minimum_on_bounds_is_found_and_no_point_lies_outside(seed, variables, local):
    problem = linear(np.random.default_rng(seed), variables)
    done = minimize(DualAnnealing(20, local, seed), problem.objective, *problem.box)
    points = np.array(problem.objective.points)
    assert ((problem.lower <= points) & (points <= problem.upper)).all()
    if local:
        least, start = (problem.objective.value(x) for x in (problem.minimum, problem.start))
        assert done.objective - least <= 1e-4 * (start - least)


def test_the_search_begins_at_the_start():
    problem = linear(np.random.default_rng(1), 3)
    minimize(DualAnnealing(), problem.objective, *problem.box, Budget(1))
    width = problem.upper - problem.lower
    # It comes back from the unit box but for rounding.
    assert (np.abs(problem.objective.points[0] - problem.start) <= 1e-14 * width).all()


def test_it_repeats_from_its_seed_and_differs_between_seeds():
    problem = many_minima()
    first, again, other = (
        minimize(DualAnnealing(seed=s), problem.objective, *problem.box, Budget(50)).history.mark
        for s in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, again)
    assert first[0] == other[0] and not np.any(first[1:] == other[1:])


def test_chance_drawn_elsewhere_does_not_matter():
    """SciPy would draw from NumPy's global state if it were not given a generator."""
    problem, marks = many_minima(), []
    for seed in (1, 2):
        np.random.seed(seed)  # noqa: NPY002
        done = minimize(DualAnnealing(), problem.objective, *problem.box, Budget(30))
        marks.append(done.history.mark)
    np.testing.assert_array_equal(*marks)
