"""How well predicted moments follow measured ones, and what the samples behind them sit on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from refnms.display import by_name, over_time, side_by_side, stacked
from refnms.physics.types import Array, Flag

if TYPE_CHECKING:
    from refnms.display import DataFrame
    from refnms.model import Model, Trial
    from refnms.simulation import Simulation

    Run: TypeAlias = tuple[Trial, Simulation, Simulation]  # a trial, and what two models make of it


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


def moment_frame(runs: Sequence[Run]) -> DataFrame:
    """Measured and predicted moments of several trials: see `Calibration.moments`."""
    return stacked("trial", {trial.name: _moments(trial, *pair) for trial, *pair in runs})


def _moments(trial: Trial, before: Simulation, after: Simulation) -> DataFrame:
    counts = slice(None) if trial.scored is None else trial.scored
    measured = np.full_like(after.moment, np.nan) if trial.moment is None else trial.moment
    signals = {"measured": measured, "before": before.moment, "after": after.moment}
    frames = {
        name: over_time(trial.time[counts], after.dof_names, moment[counts])
        for name, moment in signals.items()
    }
    return side_by_side(("dof", "signal"), frames)


def goodness_frame(model: Model, runs: Sequence[Run]) -> DataFrame:
    """Goodness of several trials before and after: see `Calibration.goodness`."""
    return stacked("trial", {run[0].name: _goodness(model, *run) for run in runs})


def _goodness(model: Model, trial: Trial, before: Simulation, after: Simulation) -> DataFrame:
    frames = {}
    for name, simulation in (("before", before), ("after", after)):
        of_dofs = fits(model, trial, simulation)
        columns = {
            field: np.array([getattr(f, field) for f in of_dofs.values()], dtype=float)
            for field in ("rmse", "nrmse", "r2")
        }
        frames[name] = by_name("dof", list(of_dofs), columns)
    return side_by_side(("measure", "model"), frames)
