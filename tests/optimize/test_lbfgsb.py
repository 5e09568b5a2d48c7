"""L-BFGS-B: the minima it finds, the box it stays in, and where it ends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from objectives import Smooth, brown_dennis, linear, rosenbrock

from refnms.optimize import LBFGSB, Status, minimize

EXACT = LBFGSB(tolerance=1e-14)
seeds = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize(("problem", "near"), [(rosenbrock(), 1e-6), (brown_dennis(), 1e-4)])
def test_known_minima_are_found(problem, near):
    """The valley of Brown and Dennis is flat: values agree to rounding where x does to 1e-5."""
    done = minimize(EXACT, problem.objective, *problem.box)
    assert done.status is Status.CONVERGED
    np.testing.assert_allclose(done.x, problem.minimum, atol=near)


@given(seeds, st.integers(1, 6), st.integers(0, 3))
def test_a_minimum_on_bounds_is_found_and_no_point_lies_outside(seed, variables, hinges):
    problem = linear(np.random.default_rng(seed), variables, hinges)
    done = minimize(EXACT, problem.objective, *problem.box)
    points = np.array(problem.objective.points)
    assert ((problem.lower <= points) & (points <= problem.upper)).all()
    least, start = (problem.objective.value(x) for x in (problem.minimum, problem.start))
    assert done.objective - least <= 1e-6 * (start - least)


def test_every_evaluation_is_one_gradient_of_the_full_objective():
    seen = []

    def at(x, progress):
        seen.append(progress)
        return rosenbrock().objective.at(x, progress)

    objective = Smooth(at)
    done = minimize(LBFGSB(), objective, *rosenbrock().box)
    assert objective.gradients == len(objective.points) == done.evaluations
    assert set(seen) == {1.0}


@pytest.mark.parametrize("scale", [2.0**-20, 0.25, 2.0**20])
def test_the_path_does_not_depend_on_the_units_of_x(scale):
    """To the bit: powers of two lose nothing."""
    here = rosenbrock()

    def in_other_units(x, progress):
        value, gradient = here.objective.at(x / scale, progress)
        return value, gradient / scale

    box = (x * scale for x in here.box)
    there = minimize(LBFGSB(), Smooth(in_other_units), *box)
    values = minimize(LBFGSB(), here.objective, *here.box).history.objective
    np.testing.assert_array_equal(there.history.objective, values)


def test_it_says_when_its_steps_are_used_up():
    done = minimize(LBFGSB(steps=5), rosenbrock().objective, *rosenbrock().box)
    assert done.status is Status.COMPLETED and done.objective > 0.01


def test_a_greater_tolerance_ends_it_earlier():
    ends = [
        minimize(LBFGSB(tolerance), brown_dennis().objective, *brown_dennis().box)
        for tolerance in (1e-2, 1e-6, 1e-14)
    ]
    assert ends[0].evaluations < ends[1].evaluations < ends[2].evaluations
    assert ends[0].objective > ends[1].objective > ends[2].objective


def test_a_kink_ends_it_with_the_best_point():
    """No line search succeeds at the bottom of |x|: it ends, and says nothing of an error."""
    objective = Smooth(lambda x, _: (float(np.abs(x - 0.3).sum()), np.sign(x - 0.3)))
    done = minimize(LBFGSB(), objective, np.array([0.9, 0.2]), np.zeros(2), np.ones(2))
    assert done.status is Status.CONVERGED
    assert done.objective == done.history.objective.min() < 0.05


def test_what_it_remembers_of_the_curvature_matters():
    problem = brown_dennis()
    short, long = (
        minimize(LBFGSB(1e-14, memory=memory), problem.objective, *problem.box).evaluations
        for memory in (1, 20)
    )
    assert long < short


def test_a_run_repeats_bit_for_bit():
    runs = [minimize(LBFGSB(), brown_dennis().objective, *brown_dennis().box) for _ in range(2)]
    np.testing.assert_array_equal(runs[0].history.objective, runs[1].history.objective)
    np.testing.assert_array_equal(runs[0].x, runs[1].x)
