"""Corana's annealing: what it finds, how it steps, what it accepts, and where it ends."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from objectives import Smooth, Squares, linear, many_minima

from refnms.optimize import Budget, Corana, Status, minimize
from refnms.optimize.corana import _widened

HOT = Corana(temperature=1.0, cycles=10, rounds=2)
seeds = st.integers(0, 2**32 - 1)


def flat(x, progress):
    return 1.0, np.zeros_like(x)


def unit_box(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.full(n, 0.5), np.zeros(n), np.ones(n)


@pytest.mark.parametrize("seed", range(4))
def test_it_leaves_a_local_minimum_for_the_least(seed):
    problem = many_minima()
    done = minimize(replace(HOT, seed=seed), problem.objective, *problem.box)
    assert done.status is Status.CONVERGED
    np.testing.assert_allclose(done.x, problem.minimum, atol=1e-3)
    assert done.objective == pytest.approx(0.01, abs=2e-5)


@settings(max_examples=30)
@given(seeds)
def test_a_minimum_on_bounds_is_approached_from_inside(seed):
    problem = linear(np.random.default_rng(seed), 2)
    done = minimize(Corana(tolerance=1e-8), problem.objective, *problem.box, Budget(1500))
    least, start = (problem.objective.value(x) for x in (problem.minimum, problem.start))
    assert done.objective - least <= 0.01 * (start - least)


@given(seeds, st.integers(1, 5), st.floats(1e-3, 1e3))
def test_each_try_changes_one_coordinate_in_turn_and_stays_in_the_box(seed, variables, heat):
    """Of the point that the try before came to, or of the one that this started from."""
    problem = linear(np.random.default_rng(seed), variables)
    method = Corana(temperature=heat, rounds=1000, seed=seed)
    minimize(method, problem.objective, *problem.box, Budget(100))
    points = problem.objective.points
    current = points[0]
    for n, tried in enumerate(points[1:]):
        assert ((problem.lower <= tried) & (tried <= problem.upper)).all()
        if n and (np.delete(points[n], n % variables) == np.delete(tried, n % variables)).all():
            current = points[n]
        others = np.arange(variables) != n % variables
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
            changed = (self.asked + 1) % 2  # the coordinate of the try before
            if x[changed] == self.tried[changed]:
                self.accepted += 1
                self.level += self.rise
        self.tried = x
        return self.level if self.asked == 1 else self.level + self.rise


@pytest.mark.parametrize("rise", [0.1, 0.7, 2.0])
def test_worse_points_are_accepted_as_often_as_the_temperature_says(rise):
    objective, tries = Stairs(2.0 * rise), 4000
    method = Corana(temperature=2.0, cycles=tries)
    minimize(method, objective, *unit_box(2), Budget(tries))
    share = math.exp(-rise)
    deviation = math.sqrt(share * (1.0 - share) / tries)
    assert abs(objective.accepted / tries - share) < 4.0 * deviation


def test_the_first_reach_is_half_of_the_box():
    tries = []
    for seed in range(200):
        objective = Smooth(flat)
        minimize(Corana(seed=seed), objective, *unit_box(1), Budget(2))
        tries.append(objective.points[1][0])
    assert min(tries) < 0.02 and max(tries) > 0.98
    assert np.mean(np.array(tries) < 0.5) == pytest.approx(0.5, abs=0.15)


def test_a_try_outside_the_box_is_drawn_anew_from_the_whole_side():
    """From a bound, half of the tries are. Evenly drawn, a quarter of all lie past the middle."""
    tries = []
    for seed in range(400):
        objective = Smooth(flat)
        minimize(Corana(seed=seed), objective, np.zeros(1), np.zeros(1), np.ones(1), Budget(2))
        tries.append(objective.points[1][0])
    assert np.mean(np.array(tries) > 0.5) == pytest.approx(0.25, abs=0.08)
    assert min(tries) > 0.0


def test_the_reach_grows_and_shrinks_as_in_the_paper():
    """Corana et al. 1987, step 5, with c = 2."""
    share = np.array([1.0, 0.8, 0.6, 0.5, 0.4, 0.2, 0.0])
    np.testing.assert_allclose(_widened(share), [3.0, 2.0, 1.0, 1.0, 1.0, 0.5, 1.0 / 3.0])


def test_where_few_tries_are_accepted_they_come_closer():
    """From the least point, and cold, none is: a third of the reach after every round."""
    objective = Squares(lambda x: (x - 0.5, np.eye(1)))
    method = Corana(temperature=1e-9, cycles=50, rounds=4, remembered=1)
    minimize(method, objective, *unit_box(1), Budget(201))
    rounds = np.abs(np.array(objective.points[1:]).reshape(4, 50) - 0.5).max(axis=1)
    np.testing.assert_allclose(rounds, 0.5 / 3.0 ** np.arange(4), rtol=0.15)


def test_a_new_temperature_starts_from_the_best_point():
    objective = Smooth(lambda x, _: (float(np.sum(x)), np.ones_like(x)))
    minimize(Corana(temperature=1e9, cycles=10), objective, *unit_box(2), Budget(22))
    best = min(objective.points[:21], key=np.sum)
    assert not np.array_equal(best, objective.points[20])
    assert objective.points[21][1] == best[1]


@pytest.mark.parametrize("remembered", [1, 3])
def test_it_ends_when_the_remembered_temperatures_agree(remembered):
    method = Corana(cycles=2, rounds=3, remembered=remembered)
    done = minimize(method, Smooth(flat), *unit_box(2))
    assert done.evaluations == 1 + remembered * 3 * 2 * 2
    assert done.status is Status.CONVERGED


def test_it_repeats_from_its_seed_and_differs_between_seeds():
    problem = many_minima()
    first, again, other = (
        minimize(Corana(seed=seed), problem.objective, *problem.box, Budget(50)).history.mark
        for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, again)
    assert first[0] == other[0] and not np.any(first[1:] == other[1:])
