"""AdamW with projection onto a box: the method, then the loop that runs it.

With gradient g_t, t = 1, 2, ... (Kingma and Ba 2015, algorithm 1; Loshchilov and Hutter 2019,
algorithm 2):

    m_t = beta1 m_{t-1} + (1 - beta1) g_t          m_hat = m_t / (1 - beta1^t)
    v_t = beta2 v_{t-1} + (1 - beta2) g_t^2        v_hat = v_t / (1 - beta2^t)
    y_t = y_{t-1} - eta_t (alpha m_hat / (sqrt(v_hat) + epsilon) + lambda (y_{t-1} - y_0))

alpha is the learning rate, eta_t the schedule, lambda the weight decay. Departures from the papers:

- y is x scaled so that the box has sides of length one: one learning rate serves unlike units.
- Weights decay towards the start y_0, not towards zero, a corner of the box and nobody's guess.
- After each step y is projected onto the box. The moments m and v do not see the projection.
- No warm restarts: the schedule spans the run once (Loshchilov and Hutter 2017, equation 5).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np

from refnms.optimize.result import Array, History, Result, Status

Objective: TypeAlias = Callable[[Array, float], tuple[float, Array]]
Callback: TypeAlias = Callable[[int, float, Array], None]


@dataclass(frozen=True)
class Constant:
    """The same learning rate throughout."""

    def __call__(self, progress: float) -> float:
        return 1.0


@dataclass(frozen=True)
class Cosine:
    """From one to zero along half a cosine."""

    def __call__(self, progress: float) -> float:
        return 0.5 * (1.0 + math.cos(math.pi * progress))


class State(NamedTuple):
    """What AdamW remembers between steps."""

    t: int  # steps taken
    m: Array  # (P,) running mean of the gradient
    v: Array  # (P,) running mean of its square
    start: Array  # (P,) where the run began


@dataclass(frozen=True)
class AdamW:
    """The settings of the method, for variables whose box has sides of length one.

    `learning_rate` is a fraction of the box and about the length of a first step; `beta1` and
    `epsilon` are those of Kingma and Ba 2015. A `beta2` below theirs (0.999) forgets the large
    first gradients sooner, in time for a run of a few hundred steps. Weight decay is off, since a
    prior belongs to the objective, where it can be seen.
    """

    steps: int = 250
    learning_rate: float = 0.05
    beta1: float = 0.9
    beta2: float = 0.95
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    schedule: Constant | Cosine = Cosine()

    def init(self, y: Array) -> State:
        """The state before the first step from `y` (P,)."""
        return State(0, np.zeros_like(y), np.zeros_like(y), y)

    def update(self, gradient: Array, state: State, y: Array) -> tuple[Array, State]:
        """The change of `y` for its `gradient`, each (P,), and the next state."""
        t = state.t + 1
        m = self.beta1 * state.m + (1.0 - self.beta1) * gradient
        v = self.beta2 * state.v + (1.0 - self.beta2) * gradient**2
        m_hat = m / (1.0 - self.beta1**t)
        v_hat = v / (1.0 - self.beta2**t)
        descent = self.learning_rate * m_hat / (np.sqrt(v_hat) + self.epsilon)
        decay = self.weight_decay * (y - state.start)
        eta = self.schedule(state.t / self.steps)
        return -eta * (descent + decay), State(t, m, v, state.start)


def minimize(
    method: AdamW,
    objective: Objective,
    x0: Array,
    lower: Array,
    upper: Array,
    callback: Callback | None = None,
) -> Result:
    """The point of least value that `method` meets between the finite bounds, each (P,).

    `objective(x, progress)` returns the value and a gradient (P,); `progress` runs from 0 to 1.
    Early in the run the gradient may be that of a softened objective, say with a smaller penalty,
    which hardens as `progress` grows. The value must be that of the full objective throughout: then
    all values compare, and the best point is the best of the whole run, also when the last steps
    make it worse or the run is cut short.

    `callback(evaluations, value, x)` is called after every evaluation; its time does not count. A
    value or gradient that is not finite ends the run as `Status.DIVERGED`, a KeyboardInterrupt as
    `Status.INTERRUPTED`. With no finite value at all the result is the start, with an infinite
    objective. ValueError: bounds that span no box.
    """
    if not np.all(np.isfinite(lower) & np.isfinite(upper) & (lower < upper)):
        raise ValueError("every bound must be finite, and each lower one below its upper one")
    width = upper - lower
    x = np.clip(x0, lower, upper)
    best_x, best_value = x, math.inf
    state = method.init((x - lower) / width)
    status = Status.BUDGET
    log: list[tuple[float, float]] = []  # (seconds, value): one append, whole when interrupted
    started = time.perf_counter()
    try:
        for progress in np.linspace(0.0, 1.0, method.steps + 1):
            value, gradient = objective(x, float(progress))
            log.append((time.perf_counter() - started, value))
            if math.isfinite(value) and value < best_value:
                best_x, best_value = x, value
            if callback is not None:
                called = time.perf_counter()
                callback(len(log), value, x)
                started += time.perf_counter() - called
            if not (math.isfinite(value) and np.all(np.isfinite(gradient))):
                status = Status.DIVERGED
                break
            change, state = method.update(gradient * width, state, (x - lower) / width)
            x = np.clip(x + change * width, lower, upper)
    except KeyboardInterrupt:
        status = Status.INTERRUPTED
    seconds, values = np.array(log, dtype=np.float64).reshape(-1, 2).T
    return Result(
        x=best_x,
        objective=best_value,
        status=status,
        evaluations=len(log),
        seconds=time.perf_counter() - started,
        history=History(np.arange(1, len(log) + 1), seconds, values),
    )
