"""How well predicted moments follow measured ones, and what the samples behind them sit on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from refnms.model import Model, Trial
from refnms.physics.types import Array, Flag
from refnms.simulation import Simulation


@dataclass(frozen=True)
class Fit:
    """Goodness of one moment; None where it is not defined (a moment that does not vary)."""

    rmse: float  # [N.m]
    nrmse: float | None  # rmse / (largest - smallest measured moment)
    r2: float | None  # 1 - mean squared error / variance of the measured moment


def fit(measured: Array, predicted: Array) -> Fit:
    """Goodness of a predicted moment `(T,)` [N.m]."""
    error = float(np.mean((predicted - measured) ** 2))
    spread = float(np.ptp(measured))
    rmse = float(np.sqrt(error))
    return Fit(
        rmse=rmse,
        nrmse=rmse / spread if spread > 0.0 else None,
        r2=1.0 - error / float(np.var(measured)) if spread > 0.0 else None,
    )


def fits(model: Model, trial: Trial, simulation: Simulation) -> dict[str, Fit]:
    """Goodness for each degree of freedom, over the scored frames; empty without measurement."""
    if trial.moment is None:
        return {}
    counts = slice(None) if trial.scored is None else trial.scored
    pairs = zip(model.dof_names, trial.moment[counts].T, simulation.moment[counts].T, strict=True)
    return {name: fit(measured, predicted) for name, measured, predicted in pairs}


def flag_counts(model: Model, simulations: Sequence[Simulation]) -> dict[str, dict[str, int]]:
    """Flag -> muscle -> number of samples, for those that occur."""
    bits = np.concatenate([simulation.flags for simulation in simulations])
    counts = {flag.name or "": np.count_nonzero(bits & flag, axis=0) for flag in Flag}
    return {
        flag: {m: int(n) for m, n in zip(model.muscle_names, per_muscle, strict=True) if n}
        for flag, per_muscle in counts.items()
        if per_muscle.any()
    }
