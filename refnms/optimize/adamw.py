"""AdamW with projection onto a box.

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
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from refnms.optimize.result import Array, Status
from refnms.optimize.run import Run


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

    name = "adamw"

    def minimize(self, run: Run) -> Status:
        """`steps` updates, and one gradient more."""
        lower, width = run.lower, run.upper - run.lower
        x, state = run.start, self.init((run.start - lower) / width)
        for progress in np.linspace(0.0, 1.0, self.steps + 1):
            _, gradient = run.gradient(x, float(progress))
            change, state = self.update(gradient * width, state, (x - lower) / width)
            x = np.clip(x + change * width, lower, run.upper)
        return Status.COMPLETED

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
