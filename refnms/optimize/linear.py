"""The variables in which the residuals are linear, by one exact step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from refnms.optimize.levenberg_marquardt import scaled
from refnms.optimize.result import Status
from refnms.optimize.run import Run
from refnms.optimize.subproblem import best_step

RIDGE = 1e-12  # of the largest diagonal entry: for variables that change nothing


@dataclass(frozen=True)
class Linear:
    """Bounded least squares in some entries of x; the others keep their start."""

    entries: tuple[int, ...]

    name = "linear"

    def minimize(self, run: Run) -> Status:
        """One step."""
        run.value(run.start)
        model, width = scaled(run.model(run.start), run.upper - run.lower), run.upper - run.lower
        y = (run.start - run.lower) / width
        lower, upper = np.zeros_like(y), np.zeros_like(y)
        chosen = list(self.entries)
        lower[chosen], upper[chosen] = -y[chosen], 1.0 - y[chosen]
        damped = model.products + RIDGE * np.diag(model.products).max() * np.eye(len(y))
        step = best_step(model.gradient, damped, model.hinges, lower, upper)
        if step is not None:
            run.value(np.clip(run.start + step * width, run.lower, run.upper))
        return Status.CONVERGED
