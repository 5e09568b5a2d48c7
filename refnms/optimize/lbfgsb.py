"""SciPy's L-BFGS-B."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from refnms.optimize.result import Array, Status
from refnms.optimize.run import Run


@dataclass(frozen=True)
class LBFGSB:
    """The settings. It ends after a step that makes the objective smaller by less than `tolerance`
    of itself, or by a line search that fails, as at a kink."""

    tolerance: float = 1e-6
    steps: int = 1000
    memory: int = 20

    name = "l-bfgs-b"

    def minimize(self, run: Run) -> Status:
        """Steps on variables whose box has sides of length one."""
        from scipy.optimize import minimize

        lower, width = run.lower, run.upper - run.lower

        def gradient(y: Array) -> tuple[float, Array]:
            x = np.clip(lower + y * width, lower, run.upper)
            value, gradient = run.gradient(x)
            return value, gradient * width

        done = minimize(
            gradient,
            (run.start - lower) / width,
            jac=True,
            method="L-BFGS-B",
            bounds=[(0.0, 1.0)] * len(lower),
            options={
                "maxiter": self.steps,
                "maxfun": 10**9,  # the budget of the run decides
                "maxcor": self.memory,
                "ftol": self.tolerance,
                "gtol": 0.0,
            },
        )
        return Status.COMPLETED if done.nit >= self.steps else Status.CONVERGED
