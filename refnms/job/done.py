"""What jobs share: what they did, their checks before the work, their runs, what went wrong."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from refnms.errors import DivergedError, InputError, Problem
from refnms.io.files import check_replaceable
from refnms.io.setups import read_input_data
from refnms.model import Model, Trial
from refnms.physics.profiles import Profile
from refnms.simulation import Simulation, simulate_all


@dataclass(frozen=True)
class Done:
    """What a job did, after writing it."""

    summary: dict[str, Any]  # what `--json` prints
    folder: Path
    interrupted: bool = False
    failure: str | None = None  # why the numbers are not what was asked for


def as_json(found: Mapping[str, Any]) -> str:
    return json.dumps(found, indent=2, allow_nan=False) + "\n"


def simulated(model: Model, trials: Sequence[Trial], profile: Profile) -> list[Simulation]:
    """`simulate_all`, refusing moments that are not finite."""
    with np.errstate(all="ignore"):
        simulations = simulate_all(model, trials, profile)
    refuse_infinite(model, trials, simulations)
    return simulations


def refuse_infinite(
    model: Model, trials: Sequence[Trial], simulations: Sequence[Simulation]
) -> None:
    """Raise DivergedError, naming muscles and times, where a force is not finite."""
    bad = []
    for trial, simulation in zip(trials, simulations, strict=True):
        for m, name in enumerate(model.muscle_names):
            wrong = np.flatnonzero(~np.isfinite(simulation.tendon_force[:, m]))
            if wrong.size:
                bad.append(f"{name} from {trial.time[wrong[0]]:g} s of trial {trial.name!r}")
    if bad:
        raise DivergedError(f"the force is not finite: {', '.join(bad)}")


def failure_of(found: Mapping[str, Any]) -> str | None:
    failed = found["flags"].get("FAILED")
    return f"no fiber equilibrium was found (samples by muscle): {failed}" if failed else None


def data_files(input_data: Iterable[Path]) -> list[Path]:
    """The files of trials, and those that they name."""
    found = []
    for path in input_data:
        files = read_input_data(path)
        found += [path, files.lengths, files.excitations, *files.moment_arms.values()]
        found += [files.moments] if files.moments is not None else []
    return found


def check_target(folder: Path, inputs: Iterable[Path]) -> None:
    """Refuse, before the work, a folder that a result may not replace, or that holds an input."""
    check_replaceable(folder)
    for path in inputs:
        if folder.resolve() in path.resolve().parents:
            message = f"holds {path.name}, which is read, and would be replaced as a whole"
            raise InputError(Problem(f"{message}; choose another --out", folder))
