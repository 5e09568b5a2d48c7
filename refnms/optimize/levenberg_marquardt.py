"""Levenberg and Marquardt's method in a box, with Dennis, Gay and Welsch's second-order term.

The objective is a sum of squares, and near x it is m(d) = f + g . d + d'B d / 2 plus its one-sided
squares (`Hinges`), which stay what they are. A step minimises m(d) + lambda d'D d / 2 in the box
(`subproblem`), D the diagonal of the Gauss-Newton matrix with a floor (Marquardt 1963).

B is the Gauss-Newton matrix A = 2 J'J, or A + S. S stands for the sum of r times the second
derivative of r, which matters where residuals stay large. It is learnt from how the gradient
changed (Dennis, Gay and Welsch 1981, ACM TOMS 7:348): for a step s with change of gradient y it
shall satisfy S s = y - A s =: z, so it is sized down to |s.z| / |s.S s| and then

    S += ((z - S s) y' + y (z - S s)') / (s.y) - (s.(z - S s)) y y' / (s.y)^2.

Both models are always there; the one that foretold the last change better makes the next step.

lambda follows the gain, the change achieved over the one foretold (Nielsen 1999, IMM-REP-1999-05).
Variables are scaled to a box with sides of length one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from refnms.optimize.problem import Hinges, Quadratic
from refnms.optimize.result import Array, Status
from refnms.optimize.run import Run
from refnms.optimize.subproblem import best_step, change

LEAST_GAIN = 1e-3  # of a step that is taken
STRONGEST = 1e10  # damping: beyond it no step is left to take
GENTLEST = 1e-9
STIFFEN, STIFFENED = 4.0, 1e-3  # where A + S is not positive definite


class State(NamedTuple):
    """Where the method is."""

    x: Array
    value: float
    damping: float
    model: Quadratic  # of the scaled variables
    second: Array  # S (P, P)
    trusts_second: bool


class Step(NamedTuple):
    """Where a step leads to."""

    x: Array
    value: float
    d: Array  # how far that is, of the scaled variables
    damping: float  # of the next step


@dataclass(frozen=True)
class LevenbergMarquardt:
    """The settings of the method.

    The run has converged when `patience` steps in a row have each made the objective smaller by
    less than `tolerance` of itself. `damping` is the first one: large enough that the first steps
    are careful, since that decides which of several minima is found. `floor` is the least entry of
    D, as a share of its largest.
    """

    tolerance: float = 2e-4
    patience: int = 2
    damping: float = 1.0
    floor: float = 1e-3

    name = "lm"

    def minimize(self, run: Run) -> Status:
        """Steps until they no longer pay."""
        value = run.value(run.start)
        count = len(run.start)
        model = scaled(run.model(run.start), run.upper - run.lower)
        state = State(run.start, value, self.damping, model, np.zeros((count, count)), False)
        small = 0
        while (step := self._step(run, state)) is not None:
            small = small + 1 if state.value - step.value < self.tolerance * state.value else 0
            if small == self.patience:
                break
            state = self._moved(run, state, step)
        return Status.CONVERGED

    def _step(self, run: Run, state: State) -> Step | None:
        """A step to a better point; None where there is none."""
        width, model = run.upper - run.lower, state.model
        y = (state.x - run.lower) / width
        diagonal = np.diag(model.products)
        scale = np.maximum(diagonal, self.floor * max(float(diagonal.max()), 1e-300))
        matrix = model.products + state.second if state.trusts_second else model.products
        damping, growth = state.damping, 2.0
        while damping < STRONGEST:
            damped = matrix + damping * np.diag(scale)
            d = best_step(model.gradient, damped, model.hinges, -y, 1.0 - y)
            if d is None:
                damping = max(STIFFEN * damping, STIFFENED)
                continue
            x = np.clip(run.lower + (y + d) * width, run.lower, run.upper)
            value = run.value(x)
            foretold = -change(model.gradient, matrix, model.hinges, d)
            gain = (state.value - value) / foretold if foretold > 0.0 else -1.0
            if gain > LEAST_GAIN:
                softer = max(1.0 / 3.0, 1.0 - (2.0 * gain - 1.0) ** 3)
                return Step(x, value, d, max(damping * softer, GENTLEST))
            damping, growth = damping * growth, 2.0 * growth
        return None

    def _moved(self, run: Run, state: State, step: Step) -> State:
        """The state after a step."""
        x, value, d, damping = step
        old, model = state.model, scaled(run.model(x), run.upper - run.lower)
        fall = state.value - value
        errors = [
            abs(-change(old.gradient, matrix, old.hinges, d) - fall)
            for matrix in (old.products, old.products + state.second)
        ]
        second = learnt(state.second, model.products, d, model.gradient - old.gradient)
        return State(x, value, damping, model, second, errors[1] < errors[0])


def learnt(second: Array, products: Array, step: Array, change_of_gradient: Array) -> Array:
    """S after a step; as it was where the gradient did not grow along it."""
    s, y = step, change_of_gradient
    along = float(np.sum(s * y))
    if along <= 1e-12 * float(np.sqrt(np.sum(s * s) * np.sum(y * y))):
        return second
    z = y - np.einsum("ij,j->i", products, s)
    times = np.einsum("ij,j->i", second, s)
    known = abs(float(np.sum(s * times)))
    size = min(1.0, abs(float(np.sum(s * z))) / known) if known > 0.0 else 1.0
    rest = z - size * times
    half = np.outer(rest / along - 0.5 * np.sum(s * rest) / along**2 * y, y)
    return np.asarray(size * second + half + half.T)


def scaled(model: Quadratic, width: Array) -> Quadratic:
    """The model of variables whose box has sides of length one."""
    offset, slopes, columns, weight = model.hinges
    return Quadratic(
        model.value,
        model.gradient * width,
        model.products * width[:, None] * width,
        Hinges(offset, slopes * width[columns], columns, weight),
    )
