"""Where each trial lies in the joined arrays."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from refnms.physics.types import Array, SplineFactors, System


class Trial(NamedTuple):
    """One trial of a system."""

    number: int
    frames: slice
    rows: slice  # of excitation; the last row belongs to the last frame
    solver_weights: Array  # (n, K)
    force_weights: Array  # (n, K)
    spline: SplineFactors  # of this trial alone

    @property
    def size(self) -> int:
        """How many frames."""
        return int(self.frames.stop - self.frames.start)


def trials(system: System) -> Iterator[Trial]:
    """The trials of a system, one after the other."""
    timeline, spline = system.timeline, system.timeline.spline
    spans = zip(pairwise(timeline.frames), pairwise(timeline.rows), strict=True)
    for i, (frames, rows) in enumerate(spans):
        at = slice(*frames)
        own = SplineFactors(
            spline.steps[at], spline.pivots[at], spline.first[i : i + 1], spline.last[i : i + 1]
        )
        weights = timeline.solver_weights[at], timeline.force_weights[at]
        yield Trial(i, at, slice(*rows), *weights, own)
