"""CEINMS 0.9's own objective of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from refnms.errors import InputError
from refnms.model import Model, Trial
from refnms.physics.profiles import CEINMS_TOLERANCE, ceinms_0_9
from refnms.physics.types import Flag
from refnms.simulation import simulate_all


@dataclass(frozen=True)
class CeinmsObjective:
    """CEINMS 0.9's own objective and its two parts."""

    moment: float
    penalty: float

    @property
    def total(self) -> float:
        return self.moment + self.penalty


def ceinms_objective(
    model: Model, trials: Sequence[Trial], dofs: Sequence[str] | None = None
) -> CeinmsObjective:
    """CEINMS 0.9's `minimizeTorqueError` of a model, by its own rules.

    Sum over trials and degrees of freedom of [sum of squared errors / variance + penalty] / frames,
    with its offline velocity and its Brent search to 1e-6 m. The penalty of every frame and muscle,
    once per degree of freedom: 100 (l / l_o - 1)^2 beyond 0.5, and 100 for a search that fell back.
    """
    profile = ceinms_0_9(online=False, tolerance=CEINMS_TOLERANCE)
    wanted = model.wanted(dofs)
    moment = penalty = 0.0
    for trial, run in zip(trials, simulate_all(model, trials, profile), strict=True):
        if trial.moment is None:
            raise InputError(f"trial {trial.name!r} has no measured moments")
        measured = trial.moment[:, wanted]
        if (np.ptp(measured, axis=0) == 0.0).any():
            raise InputError(f"trial {trial.name!r}: a moment does not vary")
        error = np.sum((run.moment[:, wanted] - measured) ** 2, axis=0)
        deviation = np.abs(run.fiber_length / model.muscles.optimal_fiber_length - 1.0)
        pen = np.sum(np.where(deviation > 0.5, 100.0 * deviation**2, 0.0))
        pen += 100.0 * np.count_nonzero(run.flags & Flag.FELL_BACK)
        variance = np.var(measured, axis=0, ddof=1)
        moment += float(np.sum(error / variance)) / len(trial.time)
        penalty += float(pen) * int(wanted.sum()) / len(trial.time)
    return CeinmsObjective(moment, penalty)
