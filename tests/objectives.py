"""Objectives with known minima, for the tests of the methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from refnms.optimize import CoranaAnnealing, Hinges, Quadratic

# Annealing that starts cold and cools in small steps: few evaluations.
QUENCHED = CoranaAnnealing(rt=0.85, temperature=0.01, ns=5, nt=1)

NO_HINGES = Hinges(np.zeros(0), np.zeros((0, 1)), np.zeros((0, 1), np.int64), np.zeros(0))


class Asked:
    """Remembers every point at which it was asked for a value, with or without a gradient."""

    at: Callable[[np.ndarray, float], tuple[float, np.ndarray]]  # of x and progress

    def __init__(self) -> None:
        self.points: list[np.ndarray] = []
        self.gradients = 0

    def value(self, x: np.ndarray) -> float:
        self.points.append(x.copy())
        return self.at(x, 1.0)[0]

    def gradient(self, x: np.ndarray, progress: float = 1.0) -> tuple[float, np.ndarray]:
        self.points.append(x.copy())
        self.gradients += 1
        return self.at(x, progress)


class Smooth(Asked):
    """A function of x and progress that returns value and gradient."""

    def __init__(self, function: Callable[[np.ndarray, float], tuple[float, np.ndarray]]) -> None:
        super().__init__()
        self.at = function


class Squares(Asked):
    """The sum of r(x)^2, and of one-sided squares whose offsets are those at x = 0.

    `residuals(x)` returns r and its Jacobian.
    """

    def __init__(
        self,
        residuals: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
        hinges: Hinges = NO_HINGES,
    ) -> None:
        super().__init__()
        self.residuals, self.hinges = residuals, hinges

    def hinges_at(self, x: np.ndarray) -> Hinges:
        offset, slopes, columns, _ = self.hinges
        return self.hinges._replace(offset=offset + np.sum(slopes * x[columns], axis=1))

    def at(self, x: np.ndarray, progress: float) -> tuple[float, np.ndarray]:
        r, jacobian = self.residuals(x)
        value, slope = one_sided(self.hinges_at(x), len(x))
        return float(r @ r + value), 2.0 * r @ jacobian + slope

    def model(self, x: np.ndarray) -> Quadratic:
        r, jacobian = self.residuals(x)
        hinges = self.hinges_at(x)
        value = float(r @ r + one_sided(hinges, len(x))[0])
        return Quadratic(value, 2.0 * r @ jacobian, 2.0 * jacobian.T @ jacobian, hinges)


def one_sided(hinges: Hinges, count: int) -> tuple[float, np.ndarray]:
    """The sum of weight max(0, offset)^2, and its gradient `(count,)`."""
    over = np.maximum(hinges.offset, 0.0)
    slope = np.zeros(count)
    np.add.at(slope, hinges.columns, (2.0 * hinges.weight * over)[:, None] * hinges.slopes)
    return float(np.sum(hinges.weight * over**2)), slope


class Boxed(NamedTuple):
    """An objective, where to start, the box, and the least point in it."""

    objective: Squares
    start: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    minimum: np.ndarray

    @property
    def box(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What `minimize` takes after the objective."""
        return self.start, self.lower, self.upper


def draw_hinges(rng: np.random.Generator, count: int, variables: int) -> Hinges:
    """One-sided squares, some open and some not at zero."""
    few = min(3, variables)
    columns = [rng.choice(variables, few, replace=False) for _ in range(count)]
    return Hinges(
        rng.normal(size=count),
        rng.normal(size=(count, few)),
        np.array(columns, np.int64).reshape(count, few),
        10.0 ** rng.uniform(-2.0, 2.0, count),
    )


def linear(rng: np.random.Generator, variables: int, hinges: int = 0) -> Boxed:
    """Linear residuals whose least point was chosen first: about a third on each kind of bound.

    There the gradient is zero along the entries inside, and points out of the box along the others:
    the residuals are chosen such that it does.
    """
    lower = rng.normal(size=variables) * 10.0 ** rng.uniform(-2.0, 2.0, variables)
    upper = lower + 10.0 ** rng.uniform(-2.0, 2.0, variables)
    width = upper - lower
    where = rng.integers(0, 3, variables)
    minimum = np.choose(where, [lower + width * rng.uniform(0.1, 0.9, variables), lower, upper])
    outward = np.choose(where, [0.0, 1.0, -1.0]) * rng.uniform(0.5, 2.0, variables) / width
    drawn = draw_hinges(rng, hinges, variables)
    slopes = drawn.slopes / width[drawn.columns]
    at_minimum = drawn._replace(slopes=slopes)
    offset = drawn.offset - np.sum(slopes * minimum[drawn.columns], axis=1)
    a = rng.normal(size=(variables + 5, variables)) / width
    needed = outward - one_sided(at_minimum, variables)[1]
    b = a @ minimum - a @ np.linalg.solve(a.T @ a, 0.5 * needed)
    start = lower + width * rng.uniform(size=variables)
    objective = Squares(lambda x: (a @ x - b, a), at_minimum._replace(offset=offset))
    return Boxed(objective, start, lower, upper, minimum)


def rosenbrock() -> Boxed:
    """Zero at (1, 1), at the end of a curved valley."""

    def residuals(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        a, b = x
        return np.array([1.0 - a, 10.0 * (b - a * a)]), np.array([[-1.0, 0.0], [-20.0 * a, 10.0]])

    corner = np.array([2.0, 2.0])
    return Boxed(Squares(residuals), np.array([-1.2, 1.0]), -corner, corner, np.ones(2))


def brown_dennis() -> Boxed:
    """Residuals stay large: 85822.2016 (Moré, Garbow and Hillstrom 1981, problem 16)."""
    t = np.arange(1.0, 21.0) / 5.0

    def residuals(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        a, b = x[0] + t * x[1] - np.exp(t), x[2] + x[3] * np.sin(t) - np.cos(t)
        jacobian = 2.0 * np.stack([a, a * t, b, b * np.sin(t)], axis=1)
        return a * a + b * b, jacobian

    least = np.array([-11.59443990, 13.20363005, -0.40343949, 0.23677877])
    corner = np.full(4, 30.0)
    return Boxed(Squares(residuals), np.array([25.0, 5.0, -5.0, -1.0]), -corner, corner, least)


def many_minima(start: tuple[float, ...] = (0.9, 0.1)) -> Boxed:
    """About thirty minima; that of 0.01 at (0.3, 0.6) is the least."""
    center, waves = np.array([0.3, 0.6]), 5.0 * np.pi

    def residuals(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        d = x - center
        r = np.concatenate([d, 0.5 * np.sin(waves * d), [0.1]])
        slopes = [np.eye(2), np.diag(0.5 * waves * np.cos(waves * d)), np.zeros((1, 2))]
        return r, np.concatenate(slopes)

    return Boxed(Squares(residuals), np.array(start), np.zeros(2), np.ones(2), center)
