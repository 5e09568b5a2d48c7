"""The parts of a calibration's objective: each gives residuals r and contributes weight * sum r^2.

To add one, write a class like those below. Its `kind` says what a residual may depend on, which is
what a Gauss-Newton method needs to know; gradients need no kind.

The moment error is, for every trial and degree of freedom, the mean squared error over the variance
of the measured moment (CEINMS normalises so, with n - 1), averaged over trials and degrees of
freedom.

The range of the fiber length is a one-sided quadratic, C1, whose edges lie just inside CEINMS's
jump of the penalty at |l / l_o - 1| = 0.5: optima like to lie on that edge, and a weak penalty
leaves fibers beyond it. For methods that go by gradients alone its weight is raised over the run
from `soft` to `weight`; the value is always that of the full one, so that all values compare.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Protocol, runtime_checkable

import numpy as np

from refnms.parameters import Packing
from refnms.physics.types import Array, Integers, Muscles
from refnms.simulation import Joined, Signals

LO = Muscles._fields.index("optimal_fiber_length")


@dataclass(frozen=True, eq=False)
class Problem:
    """What terms may look at besides the signals."""

    packing: Packing
    joined: Joined
    measured: Array  # (T, D)
    scale: Array  # (T, D) of a moment residual; 0 where it does not count
    spanning: Array  # (M,) 1 for a muscle that spans a degree of freedom that counts, else 0
    muscle: Integers  # (M,) the number of each muscle
    flags: Integers  # (T, M) what each solve needed, by the run that gave the signals

    def of_muscles(self, m: Integers) -> Problem:
        """The same with one muscle for each of some samples."""
        return replace(self, spanning=self.spanning[m], muscle=self.muscle[m])


class Kind(Enum):
    """What the residuals of a term are, and what one of them may depend on."""

    MOMENTS = "(T, D), each by the moment of its frame and degree of freedom"
    SAMPLES = "(T, M), each by the signals of its frame and muscle and that muscle's parameters"
    PARAMETERS = "any shape, by x alone"


class Term(Protocol):
    """One part of the objective."""

    def residuals(self, x: Any, table: Any, signals: Signals, problem: Problem) -> Any:
        """Residuals for x `(P,)` and the `(12, M)` table it unpacks to."""

    def weight_at(self, progress: float) -> float:
        """Weight of the sum of squares at a progress of 0 to 1 of the run; at 1 the full one."""


@runtime_checkable
class OneSided(Protocol):
    """A term of kind SAMPLES whose residuals are share * max(0, excess)."""

    reach: float  # a sample whose excess is above -reach may come to count within a step

    def excess(self, x: Any, table: Any, signals: Signals, problem: Problem) -> Any:
        """By how much a sample exceeds its limit; negative within."""

    def share(self, problem: Problem) -> Any:
        """Factor of each muscle."""


def one_sided(terms: Sequence[Term]) -> tuple[OneSided | None, ...]:
    """Each term as what it is, or None. To ask is slow: it is asked once, not at every point."""
    return tuple(term if isinstance(term, OneSided) else None for term in terms)


@dataclass(frozen=True)
class MomentError:
    """Predicted minus measured moment, over the measured one's standard deviation."""

    kind = Kind.MOMENTS

    def residuals(self, x: Any, table: Any, signals: Signals, problem: Problem) -> Any:
        return (signals.moment - problem.measured) * problem.scale

    def weight_at(self, progress: float) -> float:
        return 1.0


@dataclass(frozen=True)
class FiberLengthRange:
    """How far the norm fiber length l / l_o leaves a range, mean over frames, summed over muscles.

    Muscles count that span a degree of freedom that counts. The default range lies just inside the
    one that CEINMS 0.9 leaves without penalty.
    """

    lower: float = 0.5005
    upper: float = 1.4995
    weight: float = 1e6
    soft: float = 1e3
    reach: float = 0.06

    kind = Kind.SAMPLES

    def residuals(self, x: Any, table: Any, signals: Signals, problem: Problem) -> Any:
        return np.maximum(self.excess(x, table, signals, problem), 0.0) * self.share(problem)

    def excess(self, x: Any, table: Any, signals: Signals, problem: Problem) -> Any:
        middle, half = 0.5 * (self.lower + self.upper), 0.5 * (self.upper - self.lower)
        return np.abs(signals.fiber_length / table[LO] - middle) - half

    def share(self, problem: Problem) -> Any:
        return problem.spanning / np.sqrt(len(problem.measured))

    def weight_at(self, progress: float) -> float:
        return float(self.soft * (self.weight / self.soft) ** progress)


@dataclass(frozen=True)
class Prior:
    """Distance from the start, in shares of the room between the bounds, mean over parameters."""

    weight: float = 0.0

    kind = Kind.PARAMETERS

    def residuals(self, x: Any, table: Any, signals: Signals, problem: Problem) -> Any:
        packing = problem.packing
        room = (packing.upper - packing.lower) * np.sqrt(len(packing.start))
        return (x - packing.start) / room

    def weight_at(self, progress: float) -> float:
        return self.weight


TERMS: tuple[Term, ...] = (MomentError(), FiberLengthRange(), Prior())
