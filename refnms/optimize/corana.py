"""Corana's simulated annealing (Corana et al. 1987, ACM TOMS 13:262), the method of CEINMS.

One cycle tries a step along each coordinate in turn, evenly drawn within its reach; a try outside
the box is drawn anew from the whole side (Goffe et al. 1994, J Econometrics 60:65). Worse points
are accepted with probability exp(-rise / temperature). After `cycles` cycles each reach is widened
where more than 60 % of the tries were accepted, and narrowed where fewer than 40 % were. After
`rounds` of that the temperature falls, and the search goes on from the best point so far. It ends
when the last values of `remembered` temperatures all lie within `tolerance` of the best.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from refnms.optimize.result import Array, Status
from refnms.optimize.run import Run

MANY, FEW, CHANGE = 0.6, 0.4, 2.0  # shares of accepted tries; Corana's c


@dataclass(frozen=True)
class Corana:
    """The settings; by default quenched, the fastest that was found for calibrations."""

    temperature: float = 0.01
    cooling: float = 0.85
    cycles: int = 5
    rounds: int = 1
    tolerance: float = 1e-5
    remembered: int = 4
    seed: int = 0

    name = "corana"

    def minimize(self, run: Run) -> Status:
        """Anneal until it is frozen."""
        random = np.random.default_rng(self.seed)
        width = run.upper - run.lower
        x, value, reach = run.start, run.value(run.start), 0.5 * width
        temperature, last = self.temperature, [math.inf] * self.remembered
        while True:
            for _ in range(self.rounds):
                accepted = np.zeros(len(x))
                for _ in range(self.cycles):
                    x, value = self._cycle(run, x, value, reach, temperature, accepted, random)
                reach = np.minimum(reach * _widened(accepted / self.cycles), width)
            if not math.isfinite(run.best):
                return Status.DIVERGED
            last = [value, *last[:-1]]
            if all(abs(old - run.best) <= self.tolerance for old in last):
                return Status.CONVERGED
            temperature *= self.cooling
            x, value = run.best_x, run.best

    def _cycle(
        self,
        run: Run,
        x: Array,
        value: float,
        reach: Array,
        temperature: float,
        accepted: Array,
        random: np.random.Generator,
    ) -> tuple[Array, float]:
        for k in range(len(x)):
            tried = x.copy()
            tried[k] += reach[k] * random.uniform(-1.0, 1.0)
            if not run.lower[k] <= tried[k] <= run.upper[k]:
                tried[k] = random.uniform(run.lower[k], run.upper[k])
            new = run.value(tried)
            if new < value or random.random() < math.exp((value - new) / temperature):
                x, value = tried, new
                accepted[k] += 1.0
        return x, value


def _widened(share: Array) -> Array:
    """Factor of the reach of each coordinate."""
    wider = 1.0 + CHANGE * (share - MANY) / (1.0 - MANY)
    narrower = 1.0 / (1.0 + CHANGE * (FEW - share) / FEW)
    return np.where(share > MANY, wider, np.where(share < FEW, narrower, 1.0))
