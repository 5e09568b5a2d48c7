"""What a certificate is made of: checks, the place where each is worst, and the tolerances.

An error is relative to the largest magnitude of the quantity that was compared: of one derivative
of one muscle, over all samples compared. Where that quantity vanishes (pennation of a muscle that
has none), it is relative to `VANISHING` of what its units make of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refnms.autodiff import Estimate
from refnms.physics.types import Array

EVERYWHERE = 1e-9  # an exact derivative against the complex step, or another exact derivative
AWAY = 1e-12  # the same where no seam is near: knots, limits, flat equilibria, upright fibers
DIFFERENCES = 1e-6  # what differences can promise
INNER_PRODUCT = 1e-11  # <u, J v> and <J'u, v>, relative to the terms of their sums
RESIDUAL = 1e-12  # of an equilibrium, in units of the strongest force
WORK = 1e-9  # of a closed loop, relative to what goes in and out of it
UNSURE = 1e-3  # differences that are good to no more than this cannot tell
VANISHING = 1e-3  # of a quantity's natural size: where it is smaller, it counts as that
TOLERANCES = {
    "everywhere": EVERYWHERE,
    "away from seams": AWAY,
    "differences": DIFFERENCES,
    "inner product": INNER_PRODUCT,
    "residual": RESIDUAL,
    "work": WORK,
}


@dataclass(frozen=True)
class Place:
    """Where a check is worst; what does not apply is None."""

    quantity: str  # "tendon_force by fiber_damping", or what else was compared
    muscle: str | None = None
    trial: str | None = None  # None: not a recorded sample but a drawn one
    frame: int | None = None  # of the trial, from 0
    time: float | None = None  # [s]
    curve: str | None = None
    at: tuple[tuple[str, float], ...] = ()  # coordinates of the sample

    def __str__(self) -> str:
        parts = [self.quantity]
        if self.curve is not None:
            parts.append(f"curve {self.curve}")
        if self.muscle is not None:
            parts.append(self.muscle)
        if self.trial is not None:
            parts.append(self.trial)
        if self.frame is not None:
            parts.append(f"frame {self.frame}")
        if self.time is not None:
            parts.append(f"{self.time:.3f} s")
        where = ", ".join(parts)
        return where + (f" ({', '.join(f'{k} {v:.4g}' for k, v in self.at)})" if self.at else "")


@dataclass(frozen=True)
class Check:
    """One comparison of many numbers: how far off the worst is, and where."""

    name: str  # unique in a certificate
    claim: str
    error: float  # of the worst; NaN fails
    tolerance: float
    compared: int  # numbers
    worst: Place | None = None  # None: nothing was off at all
    wrong: tuple[Place, ...] = ()  # worst place of each quantity beyond the tolerance, worst first
    undecided: tuple[str, ...] = ()  # quantities whose oracle could not tell
    note: str = ""

    @property
    def passed(self) -> bool:
        """Within the tolerance."""
        return self.error <= self.tolerance


class Worst:
    """Collects comparisons of several quantities into one check."""

    def __init__(self, name: str, claim: str, tolerance: float) -> None:
        self.name, self.claim, self.tolerance = name, claim, tolerance
        self.found: list[tuple[float, Place]] = []
        self.undecided: list[str] = []
        self.compared = 0

    def add(
        self,
        error: Array,
        place: Any,
        counts: NDArray[np.bool_] | None = None,
    ) -> None:
        """Relative errors of one quantity, any shape; `place(index)` tells where one of them is.

        With `counts` only some of them count.
        """
        size = np.where(np.isfinite(error), np.abs(error), np.inf)
        if counts is not None:
            size = np.where(counts, size, -1.0)
        count = int(np.count_nonzero(size >= 0.0))
        self.compared += count
        if count:
            index = np.unravel_index(int(np.argmax(size)), size.shape)
            self.found.append((float(size[index]), place(tuple(int(i) for i in index))))

    def check(self, note: str = "") -> Check:
        """The check of all that was added."""
        ranked = sorted(self.found, key=lambda pair: -pair[0])
        error, worst = ranked[0] if ranked else (0.0, None)
        wrong = tuple(place for size, place in ranked if not size <= self.tolerance)
        return Check(
            self.name,
            self.claim,
            error,
            self.tolerance,
            self.compared,
            worst if error > 0.0 else None,
            wrong,
            tuple(self.undecided),
            note,
        )


def against(estimate: Estimate, exact: Any, scale: Any) -> tuple[Array, NDArray[np.bool_]]:
    """Relative error of an exact derivative against differences, and where these can tell.

    What the differences' own uncertainty may explain, twice over, counts up to the tolerance.
    """
    scale = np.where(np.asarray(scale) > 0.0, scale, 1.0)
    error, doubt = np.abs(exact - estimate.value) / scale, estimate.error / scale
    explained = np.minimum(error, DIFFERENCES)
    return np.where(error > 2.0 * doubt, error, explained), np.asarray(doubt <= UNSURE)


def relative(found: Any, wanted: Any, floor: Any) -> Array:
    """|found - wanted| over the largest |wanted| of all frames, or over `floor` if that is larger.

    Samples that are not to count should be zero in both.
    """
    largest = np.max(np.abs(wanted), axis=0, keepdims=True, initial=0.0)
    scale = np.maximum(largest, floor)
    return np.asarray(np.abs(found - wanted) / np.where(scale > 0.0, scale, 1.0))
