"""CEINMS's annealing: its random numbers, how it steps, what it accepts, and where it ends.

That it follows CEINMS number by number is shown on CEINMS's own problem: tests/test_incremental.py.
"""

from __future__ import annotations

import ctypes
import math
import sys
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from objectives import QUENCHED, Smooth, Squares, linear, many_minima

from refnms.optimize import Budget, Status, minimize
from refnms.optimize.ceinms_annealing import HYBRID, RAND

HOT = replace(QUENCHED, temperature=1.0, ns=10, nt=2)
seeds = st.integers(1, 2**31 - 1)


def flat(x, progress):
    return 1.0, np.zeros_like(x)


def unit_box(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.full(n, 0.5), np.zeros(n), np.ones(n)


def numbers(library: str, seed: int, count: int) -> list[int]:
    return list(islice(RAND[library][0](seed), count))


# ---- random numbers ----


def test_the_random_numbers_are_those_of_the_c_libraries():
    """The first ones, as their authors print them."""
    assert numbers("glibc", 1, 3) == [1804289383, 846930886, 1681692777]
    assert numbers("msvc", 1, 5) == [41, 18467, 6334, 26500, 19169]
    assert [RAND[library][1] for library in ("glibc", "msvc")] == [2**31 - 1, 2**15 - 1]


@pytest.mark.skipif(sys.platform != "linux", reason="asks the C library of this machine")
@pytest.mark.parametrize("seed", [0, 1, 12345])
def test_glibc_agrees(seed):
    try:
        library = ctypes.CDLL("libc.so.6")
    except OSError:
        pytest.skip("another C library than glibc")
    library.srand(seed)
    assert numbers("glibc", seed, 2000) == [library.rand() for _ in range(2000)]


# ---- what it finds ----


@pytest.mark.parametrize("seed", range(1, 5))
@pytest.mark.parametrize("random", RAND)
def test_it_leaves_a_local_minimum_for_the_least(random, seed):
    problem = many_minima()
    method = replace(HOT, seed=seed, random=random)
    done = minimize(method, problem.objective, *problem.box)
    assert done.status is Status.CONVERGED
    np.testing.assert_allclose(done.x, problem.minimum, atol=2e-3)
    assert done.objective == pytest.approx(0.01, abs=1e-4)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_a_minimum_on_bounds_is_approached_from_inside(seed):
    problem = linear(np.random.default_rng(seed), 2)
    method = replace(QUENCHED, epsilon=1e-8)
    done = minimize(method, problem.objective, *problem.box, Budget(1500))
    least, start = (problem.objective.value(x) for x in (problem.minimum, problem.start))
    assert done.objective - least <= 0.01 * (start - least)


def test_it_finds_the_same_as_a_plain_function():
    """`anneal` for a function, `minimize` for a run; the start is evaluated by neither."""
    problem = many_minima()
    box = problem.start, problem.lower, problem.upper
    run = minimize(HOT, problem.objective, *box)
    points = list(problem.objective.points)
    plain = many_minima().objective
    x, value, evaluations = HOT.anneal(plain.value, problem.lower, problem.upper, problem.start)
    np.testing.assert_array_equal(plain.points, points)
    assert not np.array_equal(points[0], problem.start)
    np.testing.assert_array_equal(x, run.x)
    assert (value, evaluations) == (run.objective, run.evaluations)


# ---- how it steps ----


@given(seeds, st.integers(1, 5), st.floats(1e-3, 1e3))
def test_each_try_changes_one_coordinate_in_turn_and_stays_in_the_box(seed, variables, heat):
    """Of the point that the try before came to, or of the one that this started from."""
    problem = linear(np.random.default_rng(seed), variables)
    method = replace(QUENCHED, temperature=heat, nt=1000, seed=seed)
    minimize(method, problem.objective, *problem.box, Budget(100))
    points = problem.objective.points
    current = problem.start
    for n, tried in enumerate(points):
        assert ((problem.lower <= tried) & (tried <= problem.upper)).all()
        others = np.arange(variables) != n % variables
        if n and not np.array_equal(tried[others], current[others]):
            current = points[n - 1]
        np.testing.assert_array_equal(tried[others], current[others])


class Stairs:
    """Every try is higher than where the search stands by the same rise, and tells what became of
    the one before. With two variables the next try shows it: it changes the other of them."""

    def __init__(self, rise: float) -> None:
        self.rise, self.level, self.accepted, self.asked = rise, 0.0, 0, 0
        self.tried = np.zeros(0)

    def value(self, x: np.ndarray) -> float:
        self.asked += 1
        if self.asked > 2:
            changed = self.asked % 2  # the coordinate of the try before
            if x[changed] == self.tried[changed]:
                self.accepted += 1
                self.level += self.rise
        self.tried = x
        return self.level if self.asked == 1 else self.level + self.rise


@pytest.mark.parametrize("rise", [0.1, 0.7, 2.0])
def test_worse_points_are_accepted_as_often_as_the_temperature_says(rise):
    objective, tries = Stairs(2.0 * rise), 4000
    method = replace(QUENCHED, temperature=2.0, ns=tries)
    minimize(method, objective, *unit_box(2), Budget(tries))
    share = math.exp(-rise)
    deviation = math.sqrt(share * (1.0 - share) / tries)
    assert abs(objective.accepted / tries - share) < 4.0 * deviation


@pytest.mark.parametrize("random", RAND)
def test_the_first_reach_is_half_of_the_box(random):
    tries = []
    for seed in range(1, 200):
        objective = Smooth(flat)
        method = replace(QUENCHED, random=random, seed=seed * 9973)
        minimize(method, objective, *unit_box(1), Budget(1))
        tries.append(objective.points[0][0])
    assert min(tries) < 0.02 and max(tries) > 0.98
    assert np.mean(np.array(tries) < 0.5) == pytest.approx(0.5, abs=0.15)


def test_a_try_outside_the_box_is_drawn_anew_from_the_whole_side():
    """From a bound, half of the tries are. Evenly drawn, a quarter of all lie past the middle."""
    tries = []
    for seed in range(1, 400):
        objective, method = Smooth(flat), replace(QUENCHED, seed=seed * 9973)
        minimize(method, objective, np.zeros(1), np.zeros(1), np.ones(1), Budget(1))
        tries.append(objective.points[0][0])
    assert np.mean(np.array(tries) > 0.5) == pytest.approx(0.25, abs=0.08)
    assert min(tries) > 0.0


def test_where_few_tries_are_accepted_they_come_closer():
    """From the least point, and cold, none is: a third of the reach after every round."""
    objective = Squares(lambda x: (x - 0.5, np.eye(1)))
    method = replace(QUENCHED, temperature=1e-9, rt=1e-9, ns=50, nt=4, no_epsilon=1)
    x, _, _ = method.anneal(objective.value, np.zeros(1), np.ones(1), np.full(1, 0.5))
    rounds = np.abs(np.array(objective.points).reshape(-1, 50) - x).max(axis=1)
    assert (rounds[1:4] < 0.6 * rounds[:3]).all()


@pytest.mark.parametrize(
    ("share", "factor", "whole"),
    [(1.0, 3.0, 3.0), (0.8, 2.0, 1 / 3), (0.6, 1.0, 1 / 3), (0.5, 1.0, 1 / 3), (0.4, 1.0, 1 / 3),
     (0.2, 0.5, 1 / 3), (0.0, 1 / 3, 1 / 3)],
)  # fmt: skip
def test_the_reach_grows_and_shrinks_as_in_the_paper(share, factor, whole):
    """Corana et al. 1987, step 5, with c = 2; in CEINMS's hybrid mode the share is a whole one."""
    from refnms.optimize.ceinms_annealing import _Search

    for rules, expected in ((QUENCHED.rules, factor), (HYBRID, whole)):
        method = replace(QUENCHED, ns=10, rules=rules)
        search = _Search(method, lambda x: 0.0, np.zeros(1), np.full(1, 8.0), np.zeros(1))
        search.reach[:] = 1.0
        search._adapt(np.array([10.0 * share]))
        np.testing.assert_allclose(search.reach, [expected])
        search.reach[:] = 7.0
        search._adapt(np.array([10.0]))
        np.testing.assert_allclose(search.reach, [8.0])  # no wider than the box


def test_the_hybrid_form_takes_ties_and_values_that_are_no_number():
    values = iter([1.0, 1.0, math.nan])
    method = replace(QUENCHED, ns=3, nt=1, max_evaluations=1, rules=HYBRID)
    points = []

    def f(x):
        points.append(x)
        return next(values)

    x, value, evaluations = method.anneal(f, np.zeros(1), np.ones(1), np.full(1, 0.5))
    assert evaluations == 3 and math.isnan(value)
    np.testing.assert_array_equal(x, points[-1])


def test_values_that_are_no_number_are_rejected_otherwise():
    method = replace(QUENCHED, ns=3, nt=1, max_evaluations=1)
    x, value, _ = method.anneal(lambda x: math.nan, np.zeros(1), np.ones(1), np.full(1, 0.5))
    assert x[0] == 0.5 and value == sys.float_info.max
    done = minimize(method, Smooth(lambda x, _: (math.nan, x)), *unit_box(1))
    assert done.status is Status.DIVERGED


def test_a_new_temperature_starts_from_the_best_point():
    objective = Smooth(lambda x, _: (float(np.sum(x)), np.ones_like(x)))
    method = replace(QUENCHED, temperature=1e9, ns=10)
    minimize(method, objective, *unit_box(2), Budget(21))
    best = min(objective.points[:20], key=np.sum)
    assert not np.array_equal(best, objective.points[19])
    assert objective.points[20][1] == best[1]


@pytest.mark.parametrize("remembered", [1, 3])
def test_it_ends_when_the_remembered_temperatures_agree(remembered):
    method = replace(QUENCHED, ns=2, nt=3, no_epsilon=remembered)
    done = minimize(method, Smooth(flat), *unit_box(2))
    assert done.evaluations == remembered * 3 * 2 * 2
    assert done.status is Status.CONVERGED


def test_the_limit_is_looked_at_between_temperatures_only():
    """So CEINMS overshoots it to a multiple of nt ns P."""
    method = replace(QUENCHED, ns=2, nt=3, no_epsilon=9, max_evaluations=13)
    done = minimize(method, Smooth(flat), *unit_box(2))
    assert done.evaluations == 24
    assert done.status is Status.COMPLETED


def test_it_repeats_from_its_seed_and_differs_between_seeds_and_libraries():
    problem = many_minima()
    methods = [replace(QUENCHED, seed=3), replace(QUENCHED, seed=3), replace(QUENCHED, seed=4),
               replace(QUENCHED, seed=3, random="msvc")]  # fmt: skip
    first, again, *others = (
        minimize(method, problem.objective, *problem.box, Budget(50)).history.mark
        for method in methods
    )
    np.testing.assert_array_equal(first, again)
    for other in others:
        assert not np.any(first == other)
