"""The record of a result: what its summary leaves out and a page about it shows (`io.details`)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from refnms.calibration import Calibration
from refnms.ceinms_terms import JUMP, FiberLengthPower, LengthJump
from refnms.fit import fits
from refnms.io.details import write_compared, write_record
from refnms.model import Model, Trial
from refnms.objective import Objective
from refnms.optimize import History, Result
from refnms.physics.muscle import of_length, unit
from refnms.provenance import provenance
from refnms.simulation import Simulation
from refnms.terms import FiberLengthRange

Trials = Mapping[str, tuple[str, Trial]]


def write_calibration(
    folder: Path,
    model: Model,
    trials: Trials,
    calibrations: Sequence[Calibration],
    simulations: tuple[Sequence[Simulation], Sequence[Simulation]],
    inputs: Iterable[Path],
    settings: Mapping[str, Any],
) -> None:
    """Write the record of a calibration into its folder of results.

    `model` is the uncalibrated one, `calibrations` are the steps, one after the other, and
    `simulations` those of all trials before and after. Raises OSError.
    """
    before, after = simulations
    inputs = list(inputs)
    last = calibrations[-1]
    record = {
        "settings": _settings(settings),
        "dofs": list(last.objective.dofs or model.dof_names),
        "windows": _windows(trials),
        "fits_before": {
            name: {dof: asdict(f) for dof, f in fits(model, trial, run).items()}
            for (name, (_, trial)), run in zip(trials.items(), before, strict=True)
        },
        "parameters": _parameters(model, calibrations),
        "fiber_length_range": _range(last.objective),
        "terms": _terms(last),
        "runs": [run for part in calibrations for run in _runs(part.result)],
        "provenance": provenance(inputs, inputs[0].parent),
    }
    write_record(folder, record)
    for (_, trial), old, new in zip(trials.values(), before, after, strict=True):
        norm_length, _ = of_length(unit(model.muscles), old.fiber_length)
        # A start may be so far off that its numbers are none; then there is no signal to show.
        whole = np.isfinite(norm_length).all() and np.isfinite(old.moment).all()
        uncalibrated = (old.moment, norm_length) if whole else None
        write_compared(folder, model, trial, new.excitation, uncalibrated)


def write_run(
    folder: Path, model: Model, trial: Trial, simulation: Simulation, inputs: Iterable[Path]
) -> None:
    """Write the record of a run into its folder of results. Raises OSError."""
    inputs = list(inputs)
    record = {
        "windows": _windows({trial.name: ("run", trial)}),
        "provenance": provenance(inputs, inputs[0].parent),
    }
    write_record(folder, record)
    write_compared(folder, model, trial, simulation.excitation)


def _windows(trials: Trials) -> dict[str, list[float]]:
    """First and last time that counts [s]."""
    found = {}
    for name, (_, trial) in trials.items():
        counted = trial.time if trial.scored is None else trial.time[trial.scored]
        found[name] = [float(counted[0]), float(counted[-1])]
    return found


def _parameters(model: Model, calibrations: Sequence[Calibration]) -> list[dict[str, Any]]:
    """Each free parameter once, as the subject had it and as the last step with it left it."""
    found = {}
    for calibration in calibrations:
        packing, x = calibration.packing, calibration.result.x
        for p, (name, side) in enumerate(zip(packing.names, packing.sides(x), strict=True)):
            field, muscles = packing.place(p)
            found[name] = {
                "name": name,
                "field": field,
                "muscles": list(muscles),
                "before": model.value(field, muscles[0]),
                "after": float(x[p]),
                "lower": float(packing.lower[p]),
                "upper": float(packing.upper[p]),
                "on_bound": side,
            }
    return list(found.values())


def _settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """How it was calibrated; a budget as its two limits, and no limit or prior left out."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        found |= _settings(value) if isinstance(value, Mapping) else {name: value}
    return found


def _range(objective: Objective) -> list[float] | None:
    """What the first penalty of norm fiber lengths leaves free."""
    for term in objective.terms:
        if isinstance(term, FiberLengthRange | FiberLengthPower):
            return [term.lower, term.upper]
        if isinstance(term, LengthJump):
            return [1.0 - JUMP, 1.0 + JUMP]
    return None


def _terms(calibration: Calibration) -> list[dict[str, Any]]:
    """What each term contributes to the objective, before and after."""
    objective = calibration.objective
    with np.errstate(all="ignore"):
        before, after = (
            objective.weights() * objective.parts(x)
            for x in (calibration.packing.start, calibration.result.x)
        )
    return [
        {
            "name": re.sub(r"(?<!^)([A-Z])", r" \1", type(term).__name__).lower(),
            "weight": float(term.weight_at(1.0)),
            "before": _finite(old),
            "after": _finite(new),
        }
        for term, old, new in zip(objective.terms, before, after, strict=True)
    ]


def _runs(result: Result) -> list[dict[str, Any]]:
    """The way down of a search, and then of each run it consists of."""
    return [_descent(part.history) for part in (result, *result.parts)]


def _descent(history: History) -> dict[str, list[float]]:
    """The best objective so far, where it got better and at the end."""
    value = np.where(np.isfinite(history.objective), history.objective, np.inf)
    best = np.minimum.accumulate(value)
    kept = np.isfinite(best)
    kept[1:-1] &= best[1:-1] < best[:-2]
    return {
        "evaluations": history.evaluations[kept].tolist(),
        "seconds": history.seconds[kept].tolist(),
        "objective": best[kept].tolist(),
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
