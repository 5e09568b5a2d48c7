"""Many starts: some far and tried briefly, the best of them followed, then some near the best."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from refnms.optimize.levenberg_marquardt import LevenbergMarquardt
from refnms.optimize.problem import Method
from refnms.optimize.result import Array, Status
from refnms.optimize.run import Run


@dataclass(frozen=True)
class MultiStart:
    """The settings: a method, and how often it starts.

    A start is a point of the run moved part of the way, `far` or `near`, towards a point drawn
    evenly from the box. The first half of the starts, with that of the run among them, begins far
    from the start of the run; each is tried for some evaluations, and the best quarter is followed
    to the end. The second half begins near the best point so far, one after the other.
    """

    method: Method = field(default_factory=LevenbergMarquardt)
    starts: int = 20
    tried: int = 20  # evaluations
    far: float = 0.5
    near: float = 0.35
    seed: int = 0

    @property
    def name(self) -> str:
        """What the method is called."""
        return f"{self.method.name}, {self.starts} starts"

    def minimize(self, run: Run) -> Status:
        """Try, follow the best, and search around what they found."""
        random = np.random.default_rng(self.seed)

        def moved(x: Array, share: float) -> Array:
            return x + share * (random.uniform(run.lower, run.upper) - x)

        first = (self.starts + 1) // 2
        starts = [run.start, *(moved(run.start, self.far) for _ in range(first - 1))]
        tried = [run.part(self.method, x, self.tried) for x in starts]
        tried.sort(key=lambda part: part.objective)
        for part in tried[: max(1, first // 4)]:
            run.part(self.method, part.x)
        for _ in range(self.starts - first):
            run.part(self.method, moved(run.best_x, self.near))
        return Status.CONVERGED
