"""The terms of CEINMS's own objectives (see `terms` for what a term is).

`minimizeTorqueError` of CEINMS 0.9 is, summed over trials and degrees of freedom, the squared error
over the variance, and 100 (l / l_o - 1)^2 for every muscle and frame where |l / l_o - 1| > 0.5, and
100 where the search for the length fell back to a rigid tendon, all over the number of frames. That
penalty jumps, so it has no derivative: it is for methods that go by values alone.

The formulas of CEINMS 0.21's `torqueErrorNormalised` and `penalty` are not public. Those here
agree with its description and with 0.9 where their exponents are 1 and 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from refnms.physics.types import Flag
from refnms.simulation import Signals
from refnms.terms import LO, Kind, Problem

JUMP = 0.5  # of |l / l_o - 1|
COST = 100.0


@dataclass(frozen=True)
class SummedMomentError:
    """The moment error of CEINMS 0.9: summed over trials and degrees of freedom, not averaged."""

    kind = Kind.MOMENTS

    def residuals(self, x: Any, table: Any, signals: Signals, problem: Problem) -> Any:
        count = len(problem.joined.names) * problem.scale.any(axis=0).sum()
        return (signals.moment - problem.measured) * (problem.scale * np.sqrt(count))

    def weight_at(self, progress: float) -> float:
        return 1.0


@dataclass(frozen=True)
class LengthJump:
    """The penalty of CEINMS 0.9, of all muscles and once for each degree of freedom.

    It has no `kind`: it cannot be differentiated.
    """

    def residuals(self, x: Any, table: Any, signals: Signals, problem: Problem) -> Any:
        away = np.abs(signals.fiber_length / table[LO] - 1.0)
        away = np.where(away > JUMP, away, 0.0)
        fell_back = problem.flags & Flag.FELL_BACK != 0
        away[fell_back] = np.hypot(away[fell_back], 1.0)
        frames = np.diff(problem.joined.system.timeline.frames)
        share = problem.scale.any(axis=0).sum() / np.repeat(frames, frames)
        return away * np.sqrt(COST * share)[:, None]

    def weight_at(self, progress: float) -> float:
        return 1.0


@dataclass(frozen=True)
class MomentErrorPower:
    """`torqueErrorNormalised`: weight times the mean of (squared error / variance)^exponent.

    The mean over frames, trials and degrees of freedom; `exponent` is 1 or more.
    """

    weight: float
    exponent: float

    kind = Kind.MOMENTS

    def residuals(self, x: Any, table: Any, signals: Signals, problem: Problem) -> Any:
        counts, frames = problem.scale != 0.0, problem.joined.system.timeline.frames
        rows = np.add.reduceat(counts.any(axis=1).astype(float), frames[:-1])
        terms = len(rows) * counts.any(axis=0).sum()
        share = 1.0 / np.sqrt(terms * np.repeat(rows, np.diff(frames)))[:, None]
        error = (signals.moment - problem.measured) * (problem.scale / share)  # in deviations
        return error * np.abs(error) ** (self.exponent - 1.0) * share

    def weight_at(self, progress: float) -> float:
        return self.weight


@dataclass(frozen=True)
class FiberLengthPower:
    """`penalty`: weight times (way of l / l_o out of a range)^exponent, a mean over frames.

    Summed over the muscles `targets`, None for all that span a degree of freedom that counts;
    `exponent` is 2 or more.
    """

    lower: float
    upper: float
    weight: float
    exponent: float
    targets: tuple[str, ...] | None = None

    kind = Kind.SAMPLES

    def residuals(self, x: Any, table: Any, signals: Signals, problem: Problem) -> Any:
        middle, half = 0.5 * (self.lower + self.upper), 0.5 * (self.upper - self.lower)
        out = np.maximum(np.abs(signals.fiber_length / table[LO] - middle) - half, 0.0)
        share = problem.spanning
        if self.targets is not None:
            names = problem.packing.model.muscle_names
            share = np.isin(np.array(names), self.targets)[problem.muscle].astype(float)
        return out ** (0.5 * self.exponent) * (share / np.sqrt(len(problem.measured)))

    def weight_at(self, progress: float) -> float:
        return self.weight
