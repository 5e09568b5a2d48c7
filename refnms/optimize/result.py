"""What every method of optimisation returns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]


class Status(Enum):
    """Why a method stopped. Whatever the reason, `Result.x` is the best point it has seen."""

    CONVERGED = "converged"
    COMPLETED = "all steps done"
    BUDGET = "budget used up"
    INTERRUPTED = "interrupted"
    DIVERGED = "diverged"


@dataclass(frozen=True, eq=False)
class History:
    """The run, one entry per evaluation: how it went, and all that it takes to continue it."""

    evaluations: NDArray[np.int64]  # (N,) counted from 1
    seconds: Array  # (N,) since the start
    objective: Array  # (N,)
    mark: NDArray[np.uint64]  # (N,) tells where the objective was asked
    gradient: Array  # (G, P) of those evaluations that had one

    def __repr__(self) -> str:
        return f"<History: {len(self.evaluations)} evaluations>"


@dataclass(frozen=True, eq=False)
class Result:
    """The best point found, and how."""

    x: Array  # (P,)
    objective: float
    status: Status
    evaluations: int
    seconds: float  # the optimization alone, without what the callback took
    history: History
    parts: tuple[Result, ...] = ()  # the runs it consists of, for a method that starts many times

    def __repr__(self) -> str:
        parts = f", {len(self.parts)} starts" if self.parts else ""
        return (
            f"<Result: {self.status.value}, objective {self.objective:.6g} of {len(self.x)} "
            f"variables in {self.evaluations} evaluations and {self.seconds:.2f} s{parts}>"
        )
