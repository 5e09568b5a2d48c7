"""Derivatives of each muscle's signals by its own parameters.

Those of the fiber length solve dl[t] = drive[t] + l_v[t] sum over k > 0 of W[t, k] dl[t-k], a
banded system, with the local slopes as drive. Everything else is local, or linear in them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from refnms.physics import muscle
from refnms.physics.reference.bands import solve_forward
from refnms.physics.reference.fiber import length_slopes
from refnms.physics.reference.filter import filtered, filtered_slopes
from refnms.physics.reference.shape import shaped_partials
from refnms.physics.reference.trials import Trial, trials
from refnms.physics.reference.velocity import velocity
from refnms.physics.types import Array, Integers, Muscles, MuscleSignals, System

Consume: TypeAlias = Callable[[int, slice, MuscleSignals], None]


def tangents(
    system: System,
    table: Array,
    excitation: Array,
    excitation_by_delay: Array | None,
    musculotendon_length: Array,
    signals: MuscleSignals,
    flags: Integers,
    fields: Integers,
    consume: Consume,
    wanted: tuple[bool, bool] = (True, True),
) -> None:
    """Derivatives by the parameters `fields (F,)`, at what `forward` found.

    They come as `consume(trial, frames, slopes)`: consecutive frames of one trial and the slopes
    `(n, F, M)` of activation, fiber length, velocity and tendon force there. Those of activation
    and velocity may be None where they are not `wanted`. `excitation_by_delay (K, M)` is needed
    where the delay is among the fields.
    """
    muscles = Muscles(*table)
    for trial in trials(system):
        rows, frames = trial.rows, trial.frames
        own = MuscleSignals(signals[0][rows], *(s[frames] for s in signals[1:]))
        e = excitation[rows]
        by_delay = None if excitation_by_delay is None else excitation_by_delay[rows]
        lmt = musculotendon_length[frames]
        found = [
            _slopes(system, trial, muscles, int(f), e, by_delay, lmt, own, flags[frames])
            for f in fields
        ]
        stacked = (np.stack(parts, axis=1) for parts in zip(*found, strict=True))
        consume(trial.number, frames, MuscleSignals(None, *stacked))


def _slopes(
    system: System,
    trial: Trial,
    muscles: Muscles,
    field: int,
    e: Array,
    by_delay: Array | None,
    lmt: Array,
    signals: MuscleSignals,
    flags: Integers,
) -> tuple[Array, Array, Array, Array]:
    """Slopes of activation, length, velocity and force by one parameter, `(n, M)` each."""
    name, (u, a, length, v, _) = Muscles._fields[field], signals
    frames = slice(len(u) - trial.size, None)
    by_u, by_shape = shaped_partials(system, muscles, u[frames], a)
    a_p = np.zeros_like(a)
    if name in ("c1", "c2"):
        a_p = by_u * filtered_slopes(system.start, muscles.c1, muscles.c2, e, u)[field][frames]
    elif name == "electromechanical_delay" and by_delay is not None:
        a_p = by_u * filtered(system.start, muscles.c1, muscles.c2, by_delay)[frames]
    elif name == "shape_factor":
        a_p = by_shape
    of_length, rigid = length_slopes(system, trial, muscles, a, lmt, length, flags)
    drive = of_length.activation * a_p
    drive = drive + getattr(of_length, name, 0.0) + getattr(rigid, name, 0.0)
    l_p = solve_forward(trial.solver_weights, -of_length.past_velocity, drive)
    v_p = velocity(trial, l_p)
    d = muscle.tendon_force_partials(system.curves, muscle.unit(muscles), a, length, v)
    through = d.activation * a_p + d.fiber_length * l_p + d.fiber_velocity * v_p
    return a_p, l_p, v_p, through + getattr(d, name, 0.0)
