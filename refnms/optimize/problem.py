"""What methods ask of an objective, and what a method is.

An objective is a function of a vector x in a box. It offers what it can: a value, a gradient, or a
quadratic model; each method says which it needs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from refnms.optimize.result import Array, Status

if TYPE_CHECKING:
    from refnms.optimize.run import Run

Callback: TypeAlias = Callable[[int, float, Array], None]


class Hinges(NamedTuple):
    """One-sided squares, sum of weight max(0, offset + slopes . d)^2 over R of them.

    Each depends on few entries of the step d (P,): those in `columns`.
    """

    offset: Array  # (R,)
    slopes: Array  # (R, K)
    columns: NDArray[np.int64]  # (R, K)
    weight: Array  # (R,)


class Quadratic(NamedTuple):
    """An objective near x: value + gradient . d + d' products d / 2 + the hinges' change.

    The value is that of the whole objective at x, hinges included.
    """

    value: float
    gradient: Array  # (P,)
    products: Array  # (P, P), symmetric and nowhere negative
    hinges: Hinges


class Objective(Protocol):
    """A function of x (P,) that methods minimise. `progress` runs from 0 to 1 over a run."""

    def value(self, x: Array) -> float:
        """The objective at x."""

    def gradient(self, x: Array, progress: float = 1.0) -> tuple[float, Array]:
        """The objective, and a gradient (P,).

        Early in a run the gradient may be that of a softened objective, say with a smaller penalty,
        which hardens as `progress` grows. The value is that of the full objective throughout, so
        all values compare.
        """

    def model(self, x: Array) -> Quadratic:
        """The objective near x."""


class Method(Protocol):
    """A way to minimise: its settings, and nothing that changes."""

    @property
    def name(self) -> str:
        """What it is called."""

    def minimize(self, run: Run) -> Status:
        """Work from `run.start` until done; the run keeps what is found."""
