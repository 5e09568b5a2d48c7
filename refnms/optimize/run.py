"""A run of a method: its evaluations counted, timed, kept, and limited.

A run can be continued: what an objective has said is kept with a mark of where it was asked, and
said again. Methods draw no chance from anywhere but their seeds, so they take the same steps again,
to the same bits, until what was said is used up.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import numpy as np

from refnms.optimize.problem import Callback, Method, Quadratic
from refnms.optimize.result import Array, History, Result, Status


@dataclass(frozen=True)
class Budget:
    """When a run must end at the latest; None: when its method ends it."""

    evaluations: int | None = None
    seconds: float | None = None


class ResumeError(ValueError):
    """A past that is not that of this run."""


class Stop(Exception):
    """A run ends here: no error, but the way out of a method."""

    def __init__(self, run: Run, status: Status) -> None:
        super().__init__(status.value)
        self.run, self.status = run, status


@dataclass(eq=False)
class Run:
    """An objective being minimised, from a start in a box: this is what a method is given.

    It offers the functions of `Objective`. Time spent in the callback does not count.
    """

    objective: Any
    start: Array
    lower: Array
    upper: Array
    budget: Budget = field(default_factory=Budget)
    callback: Callback | None = None
    past: History | None = None
    clock: Callable[[], float] = lambda: time.perf_counter()

    def __post_init__(self) -> None:
        self.best_x, self.best = self.start, math.inf
        self.parts: list[Result] = []
        self._log: list[tuple[int, float, float]] = []  # mark, seconds, value
        self._gradients: list[Array] = []
        self._began = self.clock()

    def value(self, x: Array) -> float:
        """The objective at x; a value that is not finite is infinite."""
        mark = _mark(x, -1.0)
        value = self._recalled(mark, x)
        return self._note(x, mark, float(self.objective.value(x)) if value is None else value)

    def gradient(self, x: Array, progress: float = 1.0) -> tuple[float, Array]:
        """The objective and its gradient. Raises Stop where they are not finite."""
        mark = _mark(x, progress)
        value = self._recalled(mark, x)
        if value is None:
            value, gradient = self.objective.gradient(x, progress)
        else:
            assert self.past is not None
            gradient = self.past.gradient[len(self._gradients)]
        self._gradients.append(gradient)
        value = self._note(x, mark, float(value))
        if not (math.isfinite(value) and np.all(np.isfinite(gradient))):
            raise Stop(self, Status.DIVERGED)
        return value, gradient

    def model(self, x: Array) -> Quadratic:
        """The objective near a point whose value is known: this is no further evaluation."""
        model: Quadratic = self.objective.model(x)
        if not (np.all(np.isfinite(model.gradient)) and np.all(np.isfinite(model.products))):
            raise Stop(self, Status.DIVERGED)
        return model

    @property
    def evaluations(self) -> int:
        """How many values were asked for."""
        return len(self._log)

    @property
    def seconds(self) -> float:
        """How long the run has taken, without its callback."""
        return self.clock() - self._began

    def _recalled(self, mark: int, x: Array) -> float | None:
        """What was said to this question in the past; None where that is used up."""
        n = len(self._log)
        if self.past is None or n >= len(self.past.mark):
            return None
        if mark != int(self.past.mark[n]):
            raise ResumeError(f"evaluation {n + 1} is at another point than in that run")
        value = float(self.past.objective[n])
        if n == 0 and value != _finite(float(self.objective.value(x))):
            raise ResumeError("the objective is another one than in that run")
        self._began = self.clock() - float(self.past.seconds[n])
        return value

    def _note(self, x: Array, mark: int, value: float) -> float:
        value = _finite(value)
        self._log.append((mark, self.seconds, value))
        if value < self.best:
            self.best_x, self.best = x, value
        if self.callback is not None:
            called = self.clock()
            self.callback(len(self._log), value, x.copy())
            self._began += self.clock() - called
        limits = self.budget
        spent = limits.evaluations is not None and len(self._log) >= limits.evaluations
        if spent or (limits.seconds is not None and self.seconds >= limits.seconds):
            raise Stop(self, Status.BUDGET)
        return value

    def follow(self, method: Method) -> Status:
        """Let a method work until it ends, or must."""
        try:
            return method.minimize(self)
        except Stop as stop:
            if stop.run is not self:
                raise
            return stop.status

    def part(self, method: Method, start: Array, evaluations: int | None = None) -> Result:
        """What a method finds from another start, within a budget of its own and of this run."""
        part = Run(
            self, start, self.lower, self.upper, Budget(evaluations), clock=lambda: self.seconds
        )
        try:
            self.parts.append(part.result(part.follow(method)))
        except Stop as stop:  # of this run: only its budget ends it, too
            self.parts.append(part.result(stop.status))
            if stop.status is not Status.DIVERGED:
                raise
        return self.parts[-1]

    def result(self, status: Status) -> Result:
        """What was found, and how."""
        marks, seconds, values = zip(*self._log, strict=True) if self._log else ((), (), ())
        history = History(
            np.arange(1, len(self._log) + 1),
            np.array(seconds),
            np.array(values),
            np.array(marks, np.uint64),
            np.reshape(self._gradients, (-1, len(self.start))),
        )
        return Result(
            x=self.best_x,
            objective=self.best,
            status=status,
            evaluations=len(self._log),
            seconds=self.seconds,
            history=history,
            parts=tuple(self.parts),
        )


def _finite(value: float) -> float:
    return value if math.isfinite(value) else math.inf


def _mark(x: Array, progress: float) -> int:
    """A number that tells questions apart."""
    return int.from_bytes(blake2b(np.append(x, progress).tobytes(), digest_size=8).digest())


def minimize(
    method: Method,
    objective: Any,
    x0: Array,
    lower: Array,
    upper: Array,
    budget: Budget | None = None,
    callback: Callback | None = None,
    past: History | None = None,
) -> Result:
    """The point of least value that `method` meets between the finite bounds, each (P,).

    `callback(evaluations, value, x)` is called after every evaluation; its time does not count. A
    run ends when its method does, when the budget is used up, when what it needs is not finite
    (`Status.DIVERGED`), or on a KeyboardInterrupt; whatever the reason, the best point it has met
    is returned. With no finite value at all that is the start, with an infinite objective.

    `past`, the history of a run of the same method on the same problem, continues that run.

    Raises ValueError for bounds that span no box or a start that is no number, ResumeError for a
    past of another run.
    """
    if not np.all(np.isfinite(x0)):
        raise ValueError("every entry of the start must be finite")
    if not np.all(np.isfinite(lower) & np.isfinite(upper) & (lower < upper)):
        raise ValueError("every bound must be finite, and each lower one below its upper one")
    start = np.clip(x0, lower, upper)
    run = Run(objective, start, lower, upper, budget or Budget(), callback, past)
    try:
        status = run.follow(method)
    except KeyboardInterrupt:
        status = Status.INTERRUPTED
    return run.result(status)
