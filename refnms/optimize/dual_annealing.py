"""SciPy's dual annealing."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from refnms.optimize.result import Array, Status
from refnms.optimize.run import Run


@dataclass(frozen=True)
class DualAnnealing:
    """The settings: SciPy's own, with or without its local search.

    The local search is L-BFGS-B with forward differences: one of its gradients costs as many values
    as there are variables.
    """

    steps: int = 1000
    local_search: bool = True
    seed: int = 0

    name = "dual-annealing"

    def minimize(self, run: Run) -> Status:
        """Anneal for `steps` steps, on variables whose box has sides of length one."""
        from scipy.optimize import dual_annealing

        lower, width = run.lower, run.upper - run.lower

        def value(y: Array) -> float:
            return run.value(np.clip(lower + y * width, lower, run.upper))

        try:
            dual_annealing(
                value,
                [(0.0, 1.0)] * len(lower),
                maxiter=self.steps,
                maxfun=10**9,  # the budget of the run decides
                x0=(run.start - lower) / width,
                no_local_search=not self.local_search,
                seed=np.random.default_rng(self.seed),
            )
        except ValueError:  # SciPy has found no finite value to begin with
            if math.isfinite(run.best):
                raise
            return Status.DIVERGED
        return Status.COMPLETED
