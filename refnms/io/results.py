"""The result files of CEINMS 0.9: its names, its layout, but every number with all its digits."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np

from refnms.io.storage import CEINMS, write_storage
from refnms.model import Model
from refnms.physics.muscle import norm_velocity, of_length, unit
from refnms.physics.types import Array

TITLE = "CEINMS output"


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


def write_ceinms_results(folder: Path, model: Model, time: Array, simulation: Simulated) -> None:
    """Write eight .sto files into `folder`, which must exist. `time (T,)` are the length frames.

    Raises InputError, naming file and column, for a value that is not finite; OSError.
    """
    units = unit(model.muscles)
    norm_length, cosine = of_length(units, simulation.fiber_length)
    by_muscle = {
        "Activations": simulation.activation,
        "FiberLenghts": simulation.fiber_length,  # the misspelling is CEINMS's
        "NormFiberLengths": norm_length,
        "FiberVelocities": simulation.fiber_velocity,
        "NormFiberVelocities": norm_velocity(units, simulation.fiber_velocity),
        "PennationAngles": np.arccos(cosine),
        "MuscleForces": simulation.tendon_force,
    }
    for name, data in by_muscle.items():
        write_storage(folder / f"{name}.sto", time, model.muscle_names, data, TITLE, CEINMS)
    write_storage(folder / "Torques.sto", time, model.dof_names, simulation.moment, TITLE, CEINMS)
