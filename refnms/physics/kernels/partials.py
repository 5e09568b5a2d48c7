"""Derivatives of one step of a stream: each muscle's signals by its own inputs, past, parameters.

The first-order relations of `linear` with every earlier value held: those of the step alone. What
earlier values owe to parameters is in the columns of those values.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refnms.jit import pure, section
from refnms.physics import activation as act
from refnms.physics.kernels import row
from refnms.physics.kernels.adjoint import take_past
from refnms.physics.kernels.block import load, width
from refnms.physics.kernels.linear import length_slopes, rigid_slopes, take_frame
from refnms.physics.kernels.stream import system_at
from refnms.physics.kernels.struct import (
    FILTERED,
    PARAMETERS,
    Described,
    Stream,
)
from refnms.physics.kernels.tangents import (
    keep_both,
    keep_forces,
    keep_lengths,
    keep_rigid,
    slopes_of_activation,
)
from refnms.physics.types import Array, FilterStart

SIGNALS = 5  # neural activation, activation, fiber length, fiber velocity, tendon force
EXCITATION, LENGTH, U1, U2, FIRST_PARAMETER = 0, 1, 2, 3, 4
FIRST_PAST = FIRST_PARAMETER + PARAMETERS  # the last fiber length, then those before it


@pure
def partials(model: Described, stream: Stream, found: Array) -> None:
    """Partials `(5, inputs, M)` of the newest frame; inputs in the order of the constants above."""
    system = system_at(model, stream)
    t, r = stream.time.shape[0] - 1, stream.excitation.shape[0] - 1
    first, neural = stream.bounds[0, 0], stream.signals.neural_activation
    k = int(stream.counters[FILTERED]) - 1
    found[:] = 0.0
    for i in range(stream.share.shape[0]):
        m, memory = np.uint64(stream.share[i, 1]), stream.scratch[: row.END + stream.share[i, 2]]
        load(system, model.table, m, memory)
        take_past(system.start, stream.excitation, neural, r, r - k, m, memory)
        on_rigid = take_frame(
            system,
            True,
            stream.musculotendon_length,
            stream.signals,
            stream.flags,
            t,
            m,
            first,
            r - t,
            memory,
        )
        solver, force = system.timeline.solver_weights[t], system.timeline.force_weights[t]
        one_velocity = system.timeline.one_velocity
        if one_velocity:
            keep_both(solver[0], memory)
        else:
            keep_lengths(solver[0], memory)
            keep_forces(memory)
        if on_rigid > 0:
            keep_rigid(memory)
        of_filter(system.start, stream.excitation, stream.by_delay, r, k, m, found, memory)
        slopes_of_activation(memory)
        of_inputs(solver[0], force[0], found, m, memory)
        for p in range(PARAMETERS):
            of_parameter(p, force[0], found, m, memory)
        for n in range(1, min(found.shape[1] - FIRST_PAST, t - first) + 1):
            by_solver = solver[n] if n < solver.shape[0] else 0.0
            by_force = force[n] if n < force.shape[0] else 0.0
            of_past(n, by_solver, force[0], by_force, found, m, memory)


@section
def of_filter(
    start: FilterStart,
    excitation: Array,
    by_delay: Array,
    r: int,
    k: int,
    m: Any,
    found: Array,
    memory: Array,
) -> None:
    """Slopes of neural activation. At the first row the past is the excitation itself."""
    for j in range(width(memory)):
        e, u1, u2 = excitation[r, m + j], memory[row.U1 + j], memory[row.U2 + j]
        by_c1, by_c2 = act.filter_partials(memory[row.C1 + j], memory[row.C2 + j], e, u1, u2)
        beta1, beta2 = memory[row.BETA1 + j], memory[row.BETA2 + j]
        by_e = memory[row.ALPHA + j]
        if k == 0:
            by_e -= start.rest * (beta1 + beta2)
        if k != 0 and k != start.restart:
            found[0, U1, m + j], found[0, U2, m + j] = -beta1, -beta2
        of_delay = by_e * by_delay[0, m + j]
        memory[row.U1_C1 + j], memory[row.U1_C2 + j] = by_c1, by_c2
        memory[row.U1_D + j] = of_delay
        found[0, EXCITATION, m + j] = by_e
        found[0, FIRST_PARAMETER, m + j] = by_c1
        found[0, FIRST_PARAMETER + 1, m + j] = by_c2
        found[0, FIRST_PARAMETER + 9, m + j] = of_delay


@section
def of_inputs(newest: float, newest_of_force: float, found: Array, m: Any, memory: Array) -> None:
    """Slopes by excitation, the neural activations before, and musculotendon length."""
    for j in range(width(memory)):
        for i in (EXCITATION, U1, U2):
            a = memory[row.A_U + j] * found[0, i, m + j]
            length = memory[row.L_A + j] * a
            velocity = newest_of_force * length
            found[1, i, m + j], found[2, i, m + j], found[3, i, m + j] = a, length, velocity
            found[4, i, m + j] = (
                memory[row.F_A + j] * a
                + memory[row.F_L + j] * length
                + memory[row.F_V + j] * velocity
            )
        length = length_slopes(newest, memory, j).musculotendon_length
        if memory[row.ON_RIGID + j] > 0.0:
            length = rigid_slopes(memory, j).musculotendon_length
        velocity = newest_of_force * length
        found[2, LENGTH, m + j], found[3, LENGTH, m + j] = length, velocity
        found[4, LENGTH, m + j] = memory[row.F_L + j] * length + memory[row.F_V + j] * velocity


@pure
def of_parameter(p: int, newest_of_force: float, found: Array, m: Any, memory: Array) -> None:
    """Slopes by parameter p."""
    i, behind = FIRST_PARAMETER + p, np.uint64(p * row.LANES)
    for j in range(width(memory)):
        a = memory[row.A_P[0] + behind + j]
        length = memory[row.L_P[0] + behind + j] + memory[row.L_A + j] * a
        velocity = newest_of_force * length
        found[1, i, m + j], found[2, i, m + j], found[3, i, m + j] = a, length, velocity
        found[4, i, m + j] = (
            memory[row.F_P[0] + behind + j]
            + memory[row.F_A + j] * a
            + memory[row.F_L + j] * length
            + memory[row.F_V + j] * velocity
        )


@section
def of_past(
    n: int,
    by_solver: float,
    newest_of_force: float,
    by_force: float,
    found: Array,
    m: Any,
    memory: Array,
) -> None:
    """Slopes by the fiber length n frames ago."""
    i = FIRST_PAST + n - 1
    for j in range(width(memory)):
        length = memory[row.L_V + j] * by_solver
        velocity = newest_of_force * length + by_force
        found[2, i, m + j], found[3, i, m + j] = length, velocity
        found[4, i, m + j] = memory[row.F_L + j] * length + memory[row.F_V + j] * velocity
