"""From excitation to tendon force."""

from __future__ import annotations

import numpy as np

from refnms.physics import muscle
from refnms.physics.reference.fiber import fiber_length
from refnms.physics.reference.filter import filtered
from refnms.physics.reference.shape import shaped
from refnms.physics.reference.trials import Trial, trials
from refnms.physics.reference.velocity import velocity
from refnms.physics.types import Array, Integers, Muscles, MuscleSignals, System


def forward(
    system: System,
    table: Array,
    excitation: Array,
    musculotendon_length: Array,
    signals: MuscleSignals,
    flags: Integers,
) -> None:
    """Write the signals, and what each solve needed `(T, M)` (see `Flag`)."""
    muscles = Muscles(*table)
    for trial in trials(system):
        rows, frames = trial.rows, trial.frames
        inputs = excitation[rows], musculotendon_length[frames]
        found, flags[frames] = _run(system, trial, muscles, *inputs)
        signals.neural_activation[rows] = found.neural_activation
        for signal, part in zip(signals[1:], found[1:], strict=True):
            signal[frames] = part


def _run(
    system: System, trial: Trial, muscles: Muscles, e: Array, lmt: Array
) -> tuple[MuscleSignals, Integers]:
    u = filtered(system.start, muscles.c1, muscles.c2, e)
    a = shaped(system, muscles, u[len(u) - trial.size :])
    length, flags = fiber_length(system, trial, muscles, a, lmt)
    v = velocity(trial, length)
    force = muscle.tendon_force(system.curves, muscle.unit(muscles), a, length, v)
    return MuscleSignals(u, a, length, v, np.asarray(force)), flags
