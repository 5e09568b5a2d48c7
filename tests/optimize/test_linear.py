"""Linear: the least squares of some entries, exactly, and the others left alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from objectives import Squares, linear
from scipy.optimize import lsq_linear

from refnms.optimize import Linear, Status, minimize

seeds = st.integers(0, 2**32 - 1)
LEFT = 1e-6  # of a side of the box: the damping for what changes nothing shifts the step by less


def entries(rng: np.random.Generator, variables: int) -> tuple[int, ...]:
    """At least one, in any order."""
    return tuple(rng.permutation(variables)[: rng.integers(1, variables + 1)].tolist())


@given(seeds, st.integers(1, 8), st.integers(0, 5))
def test_the_minimum_is_found_in_one_step(seed, variables, hinges):
    problem = linear(np.random.default_rng(seed), variables, hinges)
    done = minimize(Linear(tuple(range(variables))), problem.objective, *problem.box)
    off = np.abs(done.x - problem.minimum) / (problem.upper - problem.lower)
    assert off.max() < LEFT
    assert done.status is Status.CONVERGED and done.evaluations == 2


@given(seeds, st.integers(1, 8), st.integers(0, 5))
def test_entries_are_fitted_when_the_others_are_right_already(seed, variables, hinges):
    rng = np.random.default_rng(seed)
    problem, chosen = linear(rng, variables, hinges), entries(rng, variables)
    start = problem.minimum.copy()
    start[list(chosen)] = problem.start[list(chosen)]
    done = minimize(Linear(chosen), problem.objective, start, problem.lower, problem.upper)
    off = np.abs(done.x - problem.minimum) / (problem.upper - problem.lower)
    assert off.max() < LEFT


@given(seeds, st.integers(2, 8))
def test_entries_make_the_best_of_others_that_are_wrong(seed, variables):
    """Against SciPy's bounded least squares of those columns alone."""
    rng = np.random.default_rng(seed)
    problem, chosen = linear(rng, variables), list(entries(rng, variables))
    done = minimize(Linear(tuple(chosen)), problem.objective, *problem.box)
    r, a = problem.objective.residuals(problem.start)
    b = a[:, chosen] @ problem.start[chosen] - r
    width = (problem.upper - problem.lower)[chosen]
    lower, upper = np.zeros(len(chosen)), np.ones(len(chosen))
    scaled, b = a[:, chosen] * width, b - a[:, chosen] @ problem.lower[chosen]
    oracle = lsq_linear(scaled, b, (lower, upper), method="bvls", tol=1e-15)
    found = (done.x - problem.lower)[chosen] / width
    np.testing.assert_allclose(found, oracle.x, atol=LEFT)


@given(seeds, st.integers(2, 8), st.integers(0, 5))
def test_the_other_entries_keep_their_start_to_the_bit(seed, variables, hinges):
    rng = np.random.default_rng(seed)
    problem, chosen = linear(rng, variables, hinges), entries(rng, variables)
    done = minimize(Linear(chosen), problem.objective, *problem.box)
    others = np.setdiff1d(np.arange(variables), chosen)
    np.testing.assert_array_equal(done.x[others], problem.start[others])
    assert ((problem.lower <= done.x) & (done.x <= problem.upper)).all()


def test_an_entry_that_changes_nothing_stays():
    a = np.array([[1.0, 0.0], [2.0, 0.0]])
    objective = Squares(lambda x: (a @ x - np.array([0.3, 0.6]), a))
    done = minimize(Linear((0, 1)), objective, np.array([0.8, 0.7]), np.zeros(2), np.ones(2))
    np.testing.assert_allclose(done.x, [0.3, 0.7], atol=1e-9)


def test_a_start_that_is_best_is_kept():
    """A step that is only rounding may be worse than none."""
    objective = Squares(lambda x: (np.array([x[0] - 0.1, 2.0]), np.array([[1.0], [0.0]])))
    done = minimize(Linear((0,)), objective, np.array([0.1]), np.zeros(1), np.ones(1))
    assert done.x == 0.1 and done.objective == 4.0
