"""The result files of CEINMS as its versions write them: names, layout, columns, time stamps.

Numbers have all their digits, or as many as asked for; CEINMS writes six.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from refnms.errors import InputWarning
from refnms.io.storage import CEINMS, MISLABELED, write_storage
from refnms.model import Model, Trial
from refnms.physics.curves import spline_curve, value
from refnms.physics.muscle import norm_velocity, of_length, unit
from refnms.physics.types import Array

TITLE = "CEINMS output"
V0_9, V0_21 = "0.9", "0.21"  # of CEINMS

# What a file holds -> its name, where the versions differ; the misspelling is CEINMS's.
NAMES = {
    V0_9: {
        "fiber_length": "FiberLenghts",
        "norm_length": "NormFiberLengths",
        "fiber_velocity": "FiberVelocities",
        "norm_velocity": "NormFiberVelocities",
    },
    V0_21: {
        "fiber_length": "FibreLengths",
        "norm_length": "NormFibreLengths",
        "fiber_velocity": "FibreVelocities",
        "norm_velocity": "NormFibreVelocities",
    },
}
COST_COLUMNS = (
    "moment_error",
    "squared_excitations",
    "squared_tracking",
    "alpha",
    "beta",
    "gamma",
)


class Simulated(Protocol):
    """What a simulation offers, muscles in the order of the model."""

    @property
    def activation(self) -> Array: ...  # (T, M)
    @property
    def fiber_length(self) -> Array: ...  # (T, M) [m]
    @property
    def fiber_velocity(self) -> Array: ...  # (T, M) [m/s]
    @property
    def tendon_force(self) -> Array: ...  # (T, M) [N]
    @property
    def moment(self) -> Array: ...  # (T, D) [N.m]


@dataclass(frozen=True, eq=False)
class Steered:
    """What a run whose excitations followed the moments has besides."""

    excitation: Array  # (T, M)
    cost: Array  # (T, 6): see COST_COLUMNS
    emg_time: Array  # (T,) of the EMG row that each frame took [s]
    delayed_time: Array  # (T,) the same and the electromechanical delay [s]


class File(NamedTuple):
    """One file to be written."""

    name: str
    time: Array  # (T,)
    columns: tuple[str, ...]
    data: Array  # (T, columns)


def write_ceinms_results(
    folder: str | os.PathLike[str],
    model: Model,
    trial: Trial,
    simulation: Simulated,
    version: str = V0_9,
    digits: int | None = None,
    steered: Steered | None = None,
) -> None:
    """Write the files of one trial into `folder`, which must exist.

    Raises InputError, naming file and column, for a value that is not finite; OSError.
    """
    for file in _files(model, trial, simulation, version, steered):
        path = Path(folder) / f"{file.name}.sto"
        write_storage(path, file.time, file.columns, file.data, TITLE, CEINMS, digits)


def _files(
    model: Model, trial: Trial, simulation: Simulated, version: str, steered: Steered | None
) -> Iterator[File]:
    """CEINMS stamps the signals of a steered run with the delayed time of the EMG."""
    time = trial.time if steered is None else steered.delayed_time
    units, names = unit(model.muscles), NAMES[version]
    norm_length, cosine = of_length(units, simulation.fiber_length)
    for name, data in (
        ("Activations", simulation.activation),
        (names["fiber_length"], simulation.fiber_length),
        (names["norm_length"], norm_length),
        (names["fiber_velocity"], simulation.fiber_velocity),
        (names["norm_velocity"], norm_velocity(units, simulation.fiber_velocity)),
        ("PennationAngles", np.arccos(cosine)),
        ("MuscleForces", simulation.tendon_force),
    ):
        yield File(name, time, model.muscle_names, data)
    yield File("Torques", time, model.dof_names, simulation.moment)
    if steered is not None:
        emg_time = time if version == V0_9 else steered.emg_time
        yield File("AdjustedEmgs", emg_time, model.muscle_names, steered.excitation)
    if version == V0_21:
        yield from _only_of_0_21(model, trial, simulation, time, cosine)
        if steered is not None:
            yield File(MISLABELED, time, COST_COLUMNS, steered.cost)


def _only_of_0_21(
    model: Model, trial: Trial, simulation: Simulated, time: Array, cosine: Array
) -> Iterator[File]:
    """Tendon lengths have the time of the frames, whatever the others have."""
    force, names = simulation.tendon_force, model.muscle_names
    tendon = trial.musculotendon_length - simulation.fiber_length * cosine
    yield File("TendonLengths", trial.time, names, tendon)
    strongest = model.muscles.max_isometric_force * model.muscles.strength_coefficient
    curve = model.curves.tendon_force_strain
    heights = value(curve, curve.knots)
    if (np.diff(heights) > 0.0).all():
        inverse = spline_curve(heights, curve.knots)
        yield File("NormTendonLengths", trial.time, names, value(inverse, force / strongest))
    else:
        message = "NormTendonLengths are not written: the tendon's curve does not rise throughout"
        warnings.warn(message, InputWarning, stacklevel=5)
    yield _contributions(model, trial, force, time)


def _contributions(model: Model, trial: Trial, force: Array, time: Array) -> File:
    """Force times moment arm. The force is that of the frame before, as CEINMS 0.21 has it."""
    before = np.concatenate([np.zeros_like(force[:1]), force[:-1]])
    parts, names = [], []
    for d, dof in enumerate(model.dof_names):
        for m in np.flatnonzero(model.crosses[:, d]):
            parts.append(before[:, m] * trial.moment_arm[:, m, d])
            names.append(f"{model.muscle_names[m]}_{dof}")
    return File("MusclesContribution", time, tuple(names), np.column_stack(parts))
