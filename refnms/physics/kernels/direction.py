"""Derivatives of the signals of a trial along one direction of its parameters and inputs.

The relations of `tangents` with a single column: the directional derivative stands where those by
one parameter stand there, in the rows of c1, which moves neither length nor force by itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refnms.jit import kernel, pure, section
from refnms.physics import activation as act
from refnms.physics.kernels import row
from refnms.physics.kernels.block import load, width
from refnms.physics.kernels.forward import next_neural_activation, start_filter
from refnms.physics.kernels.linear import length_slopes, rigid_slopes, take_frame
from refnms.physics.kernels.tangents import (
    clear,
    give_activation,
    keep_both,
    keep_forces,
    keep_lengths,
    keep_rigid,
    slopes_of_both,
    slopes_of_force,
    slopes_of_length,
    slopes_of_velocity,
    start_slopes,
    sum_past,
)
from refnms.physics.types import Array, Integers, Muscles, MuscleSignals, System


@kernel
def direction(
    system: System,
    table: Array,
    blocks: Integers,
    frames: int,
    excitation: Array,
    musculotendon_length: Array,
    signals: MuscleSignals,
    flags: Integers,
    parameters_dot: Array,
    excitation_dot: Array,
    musculotendon_length_dot: Array,
    dots: MuscleSignals,
    memories: Array,
) -> None:
    """Derivatives `(T, 1, M)` of the signals of one trial, of which each frame has its row, along
    `parameters_dot (12, M)`, `excitation_dot` and `musculotendon_length_dot (T, M)`.

    That of the electromechanical delay is in the excitations.
    """
    timeline, one_velocity = system.timeline, system.timeline.one_velocity
    for i in range(blocks.shape[0]):
        memory, m = memories[i, : row.END + blocks[i, 2]], np.uint64(blocks[i, 1])
        load(system, table, m, memory)
        for t in range(frames):
            start_filter(system.start, excitation, t, t, m, memory)
            start_slopes(system.start, excitation_dot, t, t, m, memory)
            advance(
                excitation, excitation_dot, parameters_dot, dots.neural_activation, t, m, memory
            )
            newest = timeline.solver_weights[t, 0]
            on_rigid = take_frame(
                system, True, musculotendon_length, signals, flags, t, m, 0, 0, memory
            )
            if one_velocity:
                keep_both(newest, memory)
            else:
                keep_lengths(newest, memory)
                keep_forces(memory)
            if on_rigid > 0:
                keep_rigid(memory)
            add_up(newest, parameters_dot, musculotendon_length_dot, t, m, memory)
            solver, weights = timeline.solver_weights, timeline.force_weights
            p = np.uint64(0)  # the direction stands in the rows of c1
            if t == 0:
                clear(dots.fiber_length, -1, 0, m, memory)  # the last row, still to be written
            give_activation(p, dots.activation, t, 0, m, memory)
            if one_velocity:
                slopes_of_both(newest, solver[t, 1], p, dots, t, 0, m, memory)
                slopes_of_velocity(newest, solver[t, 1], dots, t, 0, m, memory)
            else:
                sum_past(solver, dots.fiber_length, t, 0, t, 0, m, memory)
                slopes_of_length(p, dots.fiber_length, t, 0, m, memory)
                sum_past(weights, dots.fiber_length, t, 0, t, 0, m, memory)
                slopes_of_velocity(weights[t, 0], 0.0, dots, t, 0, m, memory)
                slopes_of_force(p, dots, t, 0, m, memory)


@section
def advance(
    excitation: Array,
    excitation_dot: Array,
    parameters_dot: Array,
    neural_dot: Array,
    t: int,
    m: Any,
    memory: Array,
) -> None:
    """Neural activation of row t, and its derivative."""
    for j in range(width(memory)):
        c1, c2, e = memory[row.C1 + j], memory[row.C2 + j], excitation[t, m + j]
        by_c1, by_c2 = act.filter_partials(c1, c2, e, memory[row.U1 + j], memory[row.U2 + j])
        u1, u2 = memory[row.U1_D + j], memory[row.U2_D + j]
        u = memory[row.ALPHA + j] * excitation_dot[t, m + j]
        u += by_c1 * parameters_dot[0, m + j] + by_c2 * parameters_dot[1, m + j]
        u = u - memory[row.BETA1 + j] * u1 - memory[row.BETA2 + j] * u2
        memory[row.U1_D + j], memory[row.U2_D + j] = u, u1
        neural_dot[t, 0, m + j] = u
        next_neural_activation(e, memory, j)


@pure
def along(rows: Muscles, parameters_dot: Array, m: Any, memory: Array, j: Any) -> float:
    """The slopes of lane j by the parameters that move fibers and forces, along the direction."""
    total = 0.0
    for p in range(3, len(rows)):
        total += memory[rows[p] + j] * parameters_dot[p, m + j]
    return total


@section
def add_up(
    newest: float, parameters_dot: Array, lengths_dot: Array, t: int, m: Any, memory: Array
) -> None:
    """A_P, L_P and F_P of the direction into the rows of c1; that of the length has l_lmt dl_mt."""
    for j in range(width(memory)):
        by_lmt = length_slopes(newest, memory, j).musculotendon_length
        if memory[row.ON_RIGID + j] > 0.0:
            by_lmt = rigid_slopes(memory, j).musculotendon_length
        length = along(row.L_P, parameters_dot, m, memory, j) + by_lmt * lengths_dot[t, m + j]
        force = along(row.F_P, parameters_dot, m, memory, j)
        a = memory[row.A_U + j] * memory[row.U1_D + j]
        a += memory[row.A_SHAPE + j] * parameters_dot[2, m + j]
        memory[row.A_P[0] + j], memory[row.L_P[0] + j], memory[row.F_P[0] + j] = a, length, force
