"""Many starts: where they are, which are followed, and what they find."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from objectives import many_minima, rosenbrock

from refnms.optimize import (
    LBFGSB,
    AdamW,
    Budget,
    LevenbergMarquardt,
    MultiStart,
    Result,
    Status,
    minimize,
)

seeds = st.integers(0, 2**32 - 1)
SINGLE = {"lm": LevenbergMarquardt(), "adamw": AdamW(steps=60)}


def searched(method: MultiStart) -> tuple[Result, list[np.ndarray], list[float]]:
    """The result, and point and value at which each of its parts began."""
    problem = many_minima()
    done = minimize(method, problem.objective, *problem.box)
    ends = np.cumsum([part.evaluations for part in done.parts])
    first = [0, *ends[:-1]]
    values = [float(part.history.objective[0]) for part in done.parts]
    return done, [problem.objective.points[i] for i in first], values


@pytest.mark.parametrize("name", SINGLE)
def test_the_least_minimum_is_found_where_one_start_finds_another(name):
    problem = many_minima()
    box = problem.objective, *problem.box
    assert minimize(SINGLE[name], *box).objective > 0.03
    done = minimize(MultiStart(SINGLE[name]), *box)
    assert done.status is Status.CONVERGED
    assert done.objective == pytest.approx(0.01, abs=1e-4)
    np.testing.assert_allclose(done.x, problem.minimum, atol=5e-3)


@pytest.mark.parametrize(
    ("starts", "tried", "followed", "near"),
    [(1, 1, 1, 0), (2, 1, 1, 1), (7, 4, 1, 3), (20, 10, 2, 10)],
)
def test_half_of_the_starts_are_tried_a_quarter_of_them_followed_and_half_begin_near(
    starts, tried, followed, near
):
    done, _, values = searched(MultiStart(starts=starts, tried=3))
    assert len(done.parts) == tried + followed + near
    assert all(part.evaluations == 3 for part in done.parts[:tried])
    assert all(part.status is Status.CONVERGED for part in done.parts[tried:])
    best = sorted(part.objective for part in done.parts[:tried])
    assert values[tried : tried + followed] == best[:followed]


@given(seeds, st.floats(0.1, 1.0))
def test_far_starts_lie_part_of_the_way_from_the_start_to_anywhere(seed, far):
    """Undone, the move leads into the box."""
    _, points, _ = searched(MultiStart(starts=12, tried=1, far=far, seed=seed))
    start = many_minima().start
    np.testing.assert_array_equal(points[0], start)
    drawn = start + (np.array(points[1:6]) - start) / far
    assert (drawn >= -1e-12).all() and (drawn <= 1.0 + 1e-12).all()
    assert (drawn.std(axis=0) > 0.02).all()


def test_far_starts_spread_over_the_box():
    _, points, _ = searched(MultiStart(starts=400, tried=1, far=0.5))
    np.testing.assert_allclose(np.min(points[1:200], axis=0), [0.45, 0.05], atol=0.02)
    np.testing.assert_allclose(np.max(points[1:200], axis=0), [0.95, 0.55], atol=0.02)


@given(seeds)
def test_near_starts_lie_near_the_best_point_so_far(seed):
    near = 0.2
    done, points, _ = searched(MultiStart(starts=8, tried=2, near=near, seed=seed))
    for i in range(5, 9):
        best = min(done.parts[:i], key=lambda part: part.objective).x
        drawn = best + (points[i] - best) / near
        assert (drawn >= -1e-12).all() and (drawn <= 1.0 + 1e-12).all()


@settings(max_examples=15)
@given(seeds, st.sampled_from([LevenbergMarquardt(), LBFGSB(), AdamW(steps=8)]))
def test_the_run_is_that_of_its_parts_and_stays_in_the_box(seed, method):
    problem = rosenbrock()
    done = minimize(MultiStart(method, 6, tried=5, seed=seed), problem.objective, *problem.box)
    values = np.concatenate([part.history.objective for part in done.parts])
    np.testing.assert_array_equal(done.history.objective, values)
    assert done.objective == min(part.objective for part in done.parts)
    points = np.array(problem.objective.points)
    assert len(points) == done.evaluations
    assert ((problem.lower <= points) & (points <= problem.upper)).all()


def test_more_starts_find_no_worse_than_the_one():
    problem = rosenbrock()
    one = minimize(LBFGSB(), problem.objective, *problem.box)
    many = minimize(MultiStart(LBFGSB(), 2, tried=100), problem.objective, *problem.box)
    np.testing.assert_array_equal(many.history.objective[: one.evaluations], one.history.objective)
    assert many.objective <= one.objective


def test_a_budget_ends_all_of_it():
    problem = many_minima()
    done = minimize(MultiStart(tried=6), problem.objective, *problem.box, Budget(20))
    assert done.status is Status.BUDGET and done.evaluations == 20
    assert [part.evaluations for part in done.parts] == [6, 6, 6, 1]
    assert done.objective == done.history.objective.min()


def test_it_repeats_from_its_seed_and_differs_between_seeds():
    first, again, other = (searched(MultiStart(starts=6, seed=s))[1] for s in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.any(np.array(first[1:3]) == np.array(other[1:3]))


def test_it_is_called_after_its_method():
    assert MultiStart(AdamW(), 7).name == "adamw, 7 starts"
