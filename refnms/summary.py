"""What a job found, as the plain numbers of `refnms.json`."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from refnms import __version__
from refnms.assistance import Assisted
from refnms.calibration import Calibration
from refnms.errors import InputError, InputWarning
from refnms.fit import fits, flag_counts
from refnms.io import read_trial
from refnms.model import Model, Trial
from refnms.physics.profiles import ceinms_0_9
from refnms.resampling import PriorChoice
from refnms.score import ceinms_objective
from refnms.simulation import Simulation
from refnms.steps import Stepped
from refnms.uncertainty import Uncertainty

UNSETTLED = 1e-6  # slope of the cost of a frame that an excitation could still follow


def of_run(
    model: Model,
    profile: str,
    trial: Trial,
    simulation: Simulation,
    assisted: Assisted | None = None,
) -> dict[str, Any]:
    """The summary of one trial that was run."""
    steered = {} if assisted is None else {"assistance": of_assistance(assisted)}
    return {
        "profile": profile,
        "trials": of_trials(model, {trial.name: ("run", trial)}, [simulation]),
        **steered,
        "flags": flag_counts(model, [simulation]),
        "version": __version__,
    }


def of_assistance(assisted: Assisted) -> dict[str, Any]:
    """The cost that excitations were adjusted to, mean over the frames, and how it was reached."""
    error, excitations, tracking = assisted.parts.mean(axis=0).tolist()
    return {
        "cost": float(assisted.cost.mean()),
        "moment_error": error,
        "squared_excitations": excitations,
        "tracking": tracking,
        "steps": float(assisted.rounds.mean()),
        "unsettled": int(np.count_nonzero(assisted.slope > UNSETTLED)),
    }


def of_calibration(
    steps: Sequence[Stepped], method: str, simulations: Sequence[Simulation]
) -> dict[str, Any]:
    """The summary of a calibration: its last step, and all of them where there are several."""
    task, done = steps[-1].task, steps[-1].done
    result, results = done.result, [step.done.result for step in steps]
    bound_hits = [name for step in steps for name in step.done.at_bounds]
    found: dict[str, Any] = {
        "method": method,
        "profile": task.profile.name,
        "status": result.status.value,
        "seconds": sum(result.seconds for result in results),
        "evaluations": sum(result.evaluations for result in results),
        "starts": [_finite(part.objective) for part in result.parts],
        "objective": {
            "initial": _finite(done.initial),
            "final": _finite(done.final),
            **_score(done.model, task.file.trials, task.step.dofs),
        },
    }
    if len(task.file.steps) > 1:
        found["steps"] = [_of_step(step) for step in steps]
    return found | {
        "trials": of_trials(done.model, task.trials, simulations),
        "bound_hits": list(dict.fromkeys(bound_hits)),
        "flags": flag_counts(done.model, simulations),
        "version": __version__,
    }


def _of_step(step: Stepped) -> dict[str, Any]:
    result = step.done.result
    return {
        "dofs": list(step.task.dofs or step.task.model.dof_names),
        "initial": _finite(step.done.initial),
        "final": _finite(step.done.final),
        "status": result.status.value,
        "evaluations": result.evaluations,
        "seconds": result.seconds,
        "bound_hits": step.done.at_bounds,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def of_choice(choice: PriorChoice) -> dict[str, Any]:
    """How the weight of the prior was chosen."""
    rows = zip(choice.weights.tolist(), choice.errors.mean(axis=1).tolist(), strict=True)
    return {"weight": choice.best, "left_out_error": {f"{w:g}": error for w, error in rows}}


def of_uncertainty(doubt: Uncertainty, done: Calibration) -> dict[str, Any]:
    """How far the parameters are known."""
    low, high = doubt.interval()
    columns = (done.packing.names, done.result.x, doubt.center, doubt.deviation, low, high)
    return {
        "parameters": {
            name: dict(
                zip(
                    ("value", "center", "deviation", "low", "high"),
                    map(float, numbers),
                    strict=True,
                )
            )
            for name, *numbers in zip(*columns, strict=True)
        },
        "trade_offs": doubt.trade_offs(),
        "undetermined": doubt.undetermined(),
        "noise": {
            dof: float(noise)
            for dof, noise in zip(done.model.dof_names, doubt.noise, strict=True)
            if np.isfinite(noise)
        },
    }


def of_trials(
    model: Model, trials: Mapping[str, tuple[str, Trial]], simulations: Sequence[Simulation]
) -> dict[str, Any]:
    """Role and goodness of fit of each trial."""
    rows = zip(trials.items(), simulations, strict=True)
    return {
        name: {
            "role": role,
            "dofs": {dof: asdict(f) for dof, f in fits(model, trial, simulation).items()},
        }
        for (name, (role, trial)), simulation in rows
    }


def _score(model: Model, paths: Sequence[Path], dofs: Sequence[str]) -> dict[str, Any]:
    """CEINMS 0.9's objective of the result, by its own rules; null where these refuse a trial."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InputWarning)  # the files were warned of when first read
        try:
            trials = [read_trial(path, model, ceinms_0_9()) for path in paths]
            score = ceinms_objective(model, trials, dofs or None)
        except InputError as error:
            reason = str(error)
        else:
            return {
                "ceinms": score.total,
                "ceinms_moment": score.moment,
                "ceinms_penalty": score.penalty,
            }
    warnings.warn(f"no score in CEINMS's terms: {reason}", InputWarning, stacklevel=2)
    return {"ceinms": None, "ceinms_moment": None, "ceinms_penalty": None}
