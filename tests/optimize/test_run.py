"""A run: counted, timed, kept, limited, and continued to the same bits."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from objectives import QUENCHED, Boxed, Smooth, Squares, many_minima

from refnms.optimize import (
    LBFGSB,
    AdamW,
    Budget,
    DualAnnealing,
    History,
    LevenbergMarquardt,
    Method,
    MultiStart,
    Result,
    ResumeError,
    Status,
    minimize,
)

METHODS: dict[str, Method] = {
    "adamw": AdamW(steps=30),
    "corana": replace(QUENCHED, temperature=0.1),
    "dual annealing": DualAnnealing(steps=8),
    "l-bfgs-b": LBFGSB(tolerance=1e-12),
    "lm": LevenbergMarquardt(tolerance=1e-12),
    "many lm": MultiStart(starts=5, tried=4),
    "many l-bfgs-b": MultiStart(LBFGSB(), starts=5, tried=4),
}
ON_VALUES = {"corana", "dual annealing", "lm", "many lm"}


@dataclass(frozen=True)
class Walk:
    """Asks for the values at some points of one variable."""

    points: tuple[float, ...]
    name = "walk"

    def minimize(self, run):
        for x in self.points:
            run.value(np.array([x]))
        return Status.COMPLETED


def parabola(x, progress=1.0):
    return float(np.sum((x - 0.25) ** 2)), 2.0 * (x - 0.25)


def walk(*points: float, at: Callable = parabola, **options) -> Result:
    unit_box = np.array([0.5]), np.zeros(1), np.ones(1)
    return minimize(Walk(points), Smooth(at), *unit_box, **options)


# ---- what is kept ----


def test_the_best_point_is_kept_and_not_the_last():
    done = walk(0.9, 0.3, 0.7)
    assert done.x == 0.3 and done.objective == parabola(0.3)[0]
    assert done.status is Status.COMPLETED and done.evaluations == 3


def test_of_equal_points_the_first_is_kept():
    assert walk(0.9, 0.5, 0.0).x == 0.5


def test_the_history_has_a_value_and_a_mark_for_each_evaluation():
    history = walk(0.9, 0.3, 0.9).history
    np.testing.assert_array_equal(history.evaluations, [1, 2, 3])
    np.testing.assert_array_equal(history.objective, [parabola(x)[0] for x in (0.9, 0.3, 0.9)])
    assert history.mark[0] == history.mark[2] != history.mark[1]
    assert history.mark.dtype == np.uint64 and history.gradient.shape == (0, 1)


def test_a_run_that_asked_for_nothing_returns_its_start():
    done = walk()
    assert done.x == 0.5 and done.objective == math.inf and done.evaluations == 0
    assert done.history.gradient.shape == (0, 1) and len(done.history.mark) == 0


@pytest.mark.parametrize("name", METHODS)
def test_arrays_of_a_history_have_an_entry_per_evaluation_and_a_row_per_gradient(name):
    done = whole(name)
    history, n = done.history, done.evaluations
    for array in (history.evaluations, history.seconds, history.objective, history.mark):
        assert array.shape == (n,)
    assert history.gradient.shape == (0 if name in ON_VALUES else n, 2)
    assert (np.diff(history.seconds) >= 0.0).all() and history.seconds[-1] <= done.seconds


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_infinite_and_passed_over(value):
    done = walk(0.9, 0.25, 0.4, at=lambda x, _: (value if x == 0.25 else parabola(x)[0], x))
    assert done.x == 0.4 and done.status is Status.COMPLETED
    np.testing.assert_array_equal(done.history.objective[1], math.inf)


@pytest.mark.parametrize("field", ["gradient", "products"])
def test_a_model_that_is_not_finite_ends_the_run(field):
    objective = Squares(lambda x: (x, np.eye(1)))
    model = objective.model(np.array([0.5]))
    objective.model = lambda x: model._replace(**{field: math.nan * getattr(model, field)})
    done = minimize(LevenbergMarquardt(), objective, np.array([0.5]), np.zeros(1), np.ones(1))
    assert done.status is Status.DIVERGED and done.x == 0.5 and done.objective == 0.25


# ---- the box ----


def test_a_start_outside_the_box_is_moved_onto_it():
    objective = Smooth(parabola)
    minimize(AdamW(steps=1), objective, np.array([-3.0, 7.0]), np.zeros(2), np.ones(2))
    np.testing.assert_array_equal(objective.points[0], [0.0, 1.0])


@pytest.mark.parametrize(
    ("lower", "upper"), [(0.5, 0.5), (1.0, 0.0), (math.nan, 1.0), (0.0, math.inf), (-math.inf, 0.0)]
)
def test_bounds_that_span_no_box_are_refused_before_the_work(lower, upper):
    objective = Smooth(parabola)
    with pytest.raises(ValueError, match="every bound must be finite, and each lower one below"):
        minimize(
            AdamW(), objective, np.full(2, 0.5), np.array([0.0, lower]), np.array([1.0, upper])
        )
    assert objective.points == []


# ---- callback, budget, interruption ----


def test_the_callback_hears_of_every_evaluation_counted_from_one():
    heard = []
    walk(0.9, 0.3, 0.7, callback=lambda n, value, x: heard.append((n, value, float(x[0]))))
    assert heard == [(n + 1, parabola(x)[0], x) for n, x in enumerate((0.9, 0.3, 0.7))]


@given(st.sampled_from(sorted(METHODS)), st.integers(1, 25))
def test_a_budget_of_evaluations_is_spent_and_not_passed(name, count):
    problem = many_minima()
    done = minimize(METHODS[name], problem.objective, *problem.box, Budget(count))
    assert done.evaluations == len(problem.objective.points) == min(count, whole(name).evaluations)
    assert done.status is (
        Status.BUDGET if count <= whole(name).evaluations else whole(name).status
    )
    assert done.objective == done.history.objective.min() == problem.objective.value(done.x)


class Clock:
    """Time that passes only where it is told to."""

    def __init__(self, monkeypatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(
            "refnms.optimize.run.time", SimpleNamespace(perf_counter=lambda: self.now)
        )

    def slow(self, x, progress):
        """A parabola that takes a second."""
        self.now += 1.0
        return parabola(x)

    def wait(self, *_):
        self.now += 100.0


def test_a_budget_of_seconds_ends_the_run_and_the_callback_takes_none(monkeypatch):
    clock = Clock(monkeypatch)
    points = np.linspace(0.9, 0.3, 9)
    done = walk(*points, at=clock.slow, budget=Budget(seconds=3.5), callback=clock.wait)
    assert done.status is Status.BUDGET and done.evaluations == 4 and done.seconds == 4.0
    np.testing.assert_array_equal(done.history.seconds, [1.0, 2.0, 3.0, 4.0])
    assert done.x == points[3]


def test_a_continued_run_goes_on_with_its_clock(monkeypatch):
    clock = Clock(monkeypatch)
    points = tuple(np.linspace(0.9, 0.3, 9))
    past = walk(*points, at=clock.slow, budget=Budget(evaluations=3)).history
    clock.wait()
    done = walk(*points, at=clock.slow, budget=Budget(seconds=6.0), past=past, callback=clock.wait)
    np.testing.assert_array_equal(done.history.seconds, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])


def interrupt_at(count: int) -> Callable:
    def callback(n, value, x):
        if n == count:
            raise KeyboardInterrupt

    return callback


@pytest.mark.parametrize("name", METHODS)
def test_an_interruption_in_the_callback_returns_the_best_so_far(name):
    problem = many_minima()
    done = minimize(METHODS[name], problem.objective, *problem.box, callback=interrupt_at(5))
    assert done.status is Status.INTERRUPTED and done.evaluations == 5
    assert done.objective == whole(name).history.objective[:5].min()


def test_an_interruption_in_the_objective_returns_the_best_so_far():
    def at(x, progress):
        if x == 0.25:
            raise KeyboardInterrupt
        return parabola(x)

    done = walk(0.9, 0.3, 0.25, 0.2, at=at)
    assert done.status is Status.INTERRUPTED and done.x == 0.3 and done.evaluations == 2


def test_an_error_of_the_objective_passes_through():
    with pytest.raises(ZeroDivisionError):
        walk(0.9, at=lambda x, _: (1 / 0, x))


# ---- runs continued ----


@cache
def whole(name: str) -> Result:
    problem = many_minima()
    return minimize(METHODS[name], problem.objective, *problem.box)


def assert_same(one: Result, other: Result) -> None:
    """To the bit, but for the time."""
    assert (one.status, one.objective, one.evaluations) == (
        other.status,
        other.objective,
        other.evaluations,
    )
    np.testing.assert_array_equal(one.x, other.x)
    for field in ("evaluations", "objective", "mark", "gradient"):
        np.testing.assert_array_equal(
            getattr(one.history, field), getattr(other.history, field), strict=True
        )
    assert len(one.parts) == len(other.parts)
    for pair in zip(one.parts, other.parts, strict=True):
        assert_same(*pair)


def cut(name: str, count: int, **options) -> History:
    problem = many_minima()
    return minimize(
        METHODS[name], problem.objective, *problem.box, Budget(count), **options
    ).history


@given(st.sampled_from(sorted(METHODS)), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_a_run_cut_anywhere_and_again_ends_as_if_it_had_not_been(name, first, second):
    total = whole(name).evaluations
    counts = sorted(1 + int(share * (total - 1)) for share in (first, second))
    past = cut(name, counts[1], past=cut(name, counts[0]))
    problem = many_minima()
    assert_same(
        minimize(METHODS[name], problem.objective, *problem.box, past=past),
        whole(name),
    )
    asked = len(problem.objective.points)
    assert asked == total - counts[1] + 1  # the first is asked again, to see that it is the same


@pytest.mark.parametrize("name", METHODS)
def test_an_interrupted_run_is_continued(name):
    problem = many_minima()
    box = problem.objective, *problem.box
    past = minimize(METHODS[name], *box, callback=interrupt_at(7)).history
    assert_same(minimize(METHODS[name], *box, past=past), whole(name))


def test_what_was_said_is_told_to_the_callback_again():
    heard = []
    past = walk(0.9, 0.3, 0.7, budget=Budget(2)).history
    walk(0.9, 0.3, 0.7, past=past, callback=lambda n, value, x: heard.append((n, value)))
    assert heard == [(n + 1, parabola(x)[0]) for n, x in enumerate((0.9, 0.3, 0.7))]


OTHERS: dict[str, tuple[Method, Boxed, str]] = {
    "another start": (METHODS["adamw"], many_minima((0.9, 0.1 + 1e-15)), "evaluation 1 is at"),
    "another kind": (METHODS["lm"], many_minima(), "evaluation 1 is at"),
    "another setting": (AdamW(steps=30, learning_rate=0.04), many_minima(), "evaluation 2 is at"),
    "another objective": (
        METHODS["adamw"],
        many_minima()._replace(objective=Smooth(parabola)),
        "the objective is another one",
    ),
}


@pytest.mark.parametrize("what", OTHERS)
def test_a_past_of_another_run_is_refused(what):
    method, problem, message = OTHERS[what]
    with pytest.raises(ResumeError, match=message):
        minimize(method, problem.objective, *problem.box, past=cut("adamw", 5))


def test_a_gradient_at_another_progress_is_another_question():
    """Of more steps the first two points are the same ones, but the second is asked earlier."""
    slow = [AdamW(steps=steps, learning_rate=0.0) for steps in (10, 11)]
    problem = many_minima()
    past = minimize(slow[0], problem.objective, *problem.box).history
    with pytest.raises(ResumeError, match="evaluation 2 is at another point"):
        minimize(slow[1], problem.objective, *problem.box, past=past)


# ---- parts ----


@dataclass(frozen=True)
class Twice:
    """One part cut short, then another from where the first came to."""

    method: Method
    name = "twice"

    def minimize(self, run):
        first = run.part(self.method, run.start, 3)
        run.part(self.method, first.x)
        return Status.CONVERGED


def test_the_budget_of_a_part_ends_the_part_alone():
    problem = many_minima()
    done = minimize(Twice(LBFGSB()), problem.objective, *problem.box)
    first, second = done.parts
    assert done.status is Status.CONVERGED
    assert first.status is Status.BUDGET and first.evaluations == 3
    assert second.status is Status.CONVERGED
    assert done.evaluations == 3 + second.evaluations
    assert done.objective == min(first.objective, second.objective)
    halves = [part.history for part in done.parts]
    for field in ("objective", "mark", "gradient"):
        together = np.concatenate([getattr(half, field) for half in halves])
        np.testing.assert_array_equal(getattr(done.history, field), together)


def test_the_budget_of_the_run_ends_the_part_and_the_run():
    problem = many_minima()
    done = minimize(Twice(LBFGSB()), problem.objective, *problem.box, Budget(5))
    assert done.status is Status.BUDGET and done.evaluations == 5
    assert [part.evaluations for part in done.parts] == [3, 1]


# ---- what is not finite ----


class Holed(Squares):
    """Not a number where `hole(x)`."""

    def __init__(self, hole: Callable[[np.ndarray], bool]) -> None:
        super().__init__(many_minima().objective.residuals)
        self.hole = hole

    def at(self, x, progress):
        value, gradient = super().at(x, progress)
        return (math.nan if self.hole(x) else value), gradient


@pytest.mark.parametrize("name", METHODS)
def test_with_no_finite_value_at_all_the_start_is_returned(name):
    problem = many_minima()

    def at(x, progress):
        if len(objective.points) > 20_000:
            pytest.fail("it does not end")
        return math.nan, x

    objective = Smooth(at)
    objective.model = problem.objective.model
    done = minimize(METHODS[name], objective, *problem.box)
    np.testing.assert_array_equal(done.x, problem.start)
    assert done.objective == math.inf


def test_a_run_whose_start_was_not_finite_is_continued():
    problem = many_minima()
    objective = Holed(lambda x: np.array_equal(x, problem.start))
    past = minimize(QUENCHED, objective, *problem.box, Budget(10)).history
    done = minimize(QUENCHED, objective, *problem.box, Budget(20), past=past)
    assert done.evaluations == 20


def test_one_start_that_diverges_does_not_end_the_others():
    problem = many_minima()
    method = MultiStart(AdamW(steps=20), 6)
    done = minimize(method, Holed(lambda x: x[0] > 0.85), *problem.box)
    assert done.status is Status.CONVERGED
    assert done.parts[0].status is Status.DIVERGED and math.isfinite(done.objective)


def test_a_start_that_is_no_number_is_refused():
    problem = many_minima((math.nan, 0.5))
    with pytest.raises(ValueError, match="start must be finite"):
        minimize(QUENCHED, problem.objective, *problem.box)


# ---- parts and callback ----


def test_the_time_of_the_callback_does_not_count_in_parts_either(monkeypatch):
    problem = many_minima()
    done = minimize(
        MultiStart(starts=2), problem.objective, *problem.box, callback=lambda *_: time.sleep(0.01)
    )
    assert sum(part.seconds for part in done.parts) <= done.seconds


def test_a_callback_may_do_with_its_point_what_it_likes():
    def spoil(evaluations: int, value: float, x: np.ndarray) -> None:
        x[:] = math.nan

    problem = many_minima()
    done = minimize(QUENCHED, problem.objective, *problem.box, Budget(50), spoil)
    assert np.isfinite(done.x).all()
