"""From excitation to tendon force, frame after frame, up to LANES muscles side by side."""

from __future__ import annotations

from typing import Any

import numpy as np

from refnms.jit import kernel, pure, section, spliced
from refnms.physics import activation as act
from refnms.physics import muscle
from refnms.physics.curves import holds
from refnms.physics.kernels import row
from refnms.physics.kernels.block import (
    AHEAD,
    ask,
    fetch,
    force_pieces_of,
    load,
    look_up,
    node_of,
    pieces_of,
    shape_of,
    unit_of,
    width,
)
from refnms.physics.kernels.equilibrium import find_length
from refnms.physics.types import (
    Array,
    FilterStart,
    Integers,
    MuscleSignals,
    System,
)


@kernel
def forward(
    system: System,
    table: Array,
    blocks: Integers,
    begin: int,
    end: int,
    lengths: bool,
    forces: bool,
    excitation: Array,
    musculotendon_length: Array,
    signals: MuscleSignals,
    flags: Integers,
    memories: Array,
) -> None:
    """Frames [begin, end) of the trials of some blocks; `memories` keep what the next call needs.

    `lengths`: neural activation, activation and fiber length; `forces`: velocity and tendon force.
    """
    timeline = system.timeline
    for i in range(blocks.shape[0]):
        trial, m = blocks[i, 0], np.uint64(blocks[i, 1])
        memory = memories[i, : row.END + blocks[i, 2]]
        first, stop = timeline.frames[trial], timeline.frames[trial + 1]
        start, offset = timeline.rows[trial], timeline.rows[trial + 1] - stop
        if begin == 0:
            load(system, table, m, memory)
        for t in range(first + begin, min(stop, first + end)):
            inputs = (excitation, musculotendon_length)
            fetch_frame(*inputs, signals, flags, t + AHEAD, offset, m, memory)
            fetch(signals.fiber_velocity, t + AHEAD, m, memory)
            fetch(signals.tendon_force, t + AHEAD, m, memory)
            if lengths:
                if t == first:
                    for r in range(start, first + offset):
                        start_filter(system.start, excitation, r, r - start, m, memory)
                        filter_row(excitation, signals.neural_activation, r, m, memory)
                r = t + offset
                start_filter(system.start, excitation, r, r - start, m, memory)
                activate(system.piecewise, excitation, signals, t, r, m, memory)
                if system.rigid:
                    rigid_length(musculotendon_length, signals.fiber_length, flags, t, m, memory)
                else:
                    find_length(
                        system, table, musculotendon_length, signals, flags, t, m, first, memory
                    )
            else:
                take_length(signals, t, m, memory)
            if forces and lengths and timeline.one_velocity and not system.rigid:
                pull(signals, t, m, memory)
            elif forces:
                find_velocity(system, signals, t, m, first, memory)
                if pull_apart(signals, t, m, memory) > 0:
                    look_up(system.curves, memory)
                    pull_apart(signals, t, m, memory)


@pure
def fetch_frame(
    excitation: Array,
    musculotendon_length: Array,
    signals: MuscleSignals,
    flags: Integers,
    t: int,
    offset: int,
    m: Any,
    memory: Array,
) -> None:
    """What every kernel reads or writes of frame t, before its turn comes."""
    fetch(excitation, t + offset, m, memory)
    fetch(signals.neural_activation, t + offset, m, memory)
    fetch(musculotendon_length, t, m, memory)
    fetch(signals.activation, t, m, memory)
    fetch(signals.fiber_length, t, m, memory)
    fetch(flags, t, m, memory)


@pure
def start_filter(
    start: FilterStart, excitation: Array, r: int, k: int, m: Any, memory: Array
) -> None:
    """The past of excitation row r, row k of its trial, where it is not that of the row before."""
    if k == 0:
        for j in range(width(memory)):
            memory[row.U1 + j] = memory[row.U2 + j] = start.rest * excitation[r, m + j]
    if k == start.restart:
        for j in range(width(memory)):
            mean = 0.5 * (excitation[r - 1, m + j] + excitation[r - 2, m + j])
            memory[row.U1 + j] = memory[row.U2 + j] = mean


@pure
def next_neural_activation(e: float, memory: Array, j: Any) -> float:
    """u of lane j at excitation e; its past moves on."""
    u1, u2 = memory[row.U1 + j], memory[row.U2 + j]
    u = memory[row.ALPHA + j] * e - memory[row.BETA1 + j] * u1 - memory[row.BETA2 + j] * u2
    memory[row.U1 + j], memory[row.U2 + j] = u, u1
    return float(u)


@section
def filter_row(excitation: Array, neural: Array, r: int, m: Any, memory: Array) -> None:
    """Neural activation of row r."""
    for j in range(width(memory)):
        neural[r, m + j] = next_neural_activation(excitation[r, m + j], memory, j)


@section
def activate(
    piecewise: bool,
    excitation: Array,
    signals: MuscleSignals,
    t: int,
    r: int,
    m: Any,
    memory: Array,
) -> None:
    """Neural activation and activation of frame t, whose excitation is row r."""
    neural, activation = signals.neural_activation, signals.activation
    if piecewise:
        for j in range(width(memory)):
            u = next_neural_activation(excitation[r, m + j], memory, j)
            neural[r, m + j] = u
            activation[t, m + j] = memory[row.A + j] = act.piecewise(u, node_of(memory, j))
    else:
        for j in range(width(memory)):
            u = next_neural_activation(excitation[r, m + j], memory, j)
            neural[r, m + j] = u
            activation[t, m + j] = memory[row.A + j] = act.exponential(u, shape_of(memory, j))


@section
def rigid_length(
    musculotendon_length: Array,
    fiber_length: Array,
    flags: Integers,
    t: int,
    m: Any,
    memory: Array,
) -> None:
    """Fiber length of frame t under a rigid tendon."""
    for j in range(width(memory)):
        unit = unit_of(memory, j)
        length = muscle.rigid_fiber_length(unit, musculotendon_length[t, m + j])
        fiber_length[t, m + j] = memory[row.L + j] = length
        memory[row.X + j], memory[row.COSINE + j] = muscle.of_length(unit, length)
        flags[t, m + j] = 0


@section
def take_length(signals: MuscleSignals, t: int, m: Any, memory: Array) -> None:
    """What `find_length` found in an earlier call."""
    for j in range(width(memory)):
        length = signals.fiber_length[t, m + j]
        memory[row.X + j], memory[row.COSINE + j] = muscle.of_length(unit_of(memory, j), length)
        memory[row.L + j], memory[row.A + j] = length, signals.activation[t, m + j]


@spliced
def find_velocity(
    system: System, signals: MuscleSignals, t: int, m: Any, first: int, memory: Array
) -> None:
    """Fiber velocity of the force."""
    timeline, length = system.timeline, signals.fiber_length
    weights = timeline.force_weights
    if weights.shape[1] == 0:  # found before, from the whole trial
        for j in range(width(memory)):
            memory[row.V + j] = signals.fiber_velocity[t, m + j]
    else:
        for j in range(width(memory)):
            memory[row.V + j] = weights[t, 0] * memory[row.L + j]
        for k in range(1, min(weights.shape[1], t - first + 1)):
            for j in range(width(memory)):
                memory[row.V + j] += weights[t, k] * length[t - k, m + j]


@section
def pull(signals: MuscleSignals, t: int, m: Any, memory: Array) -> None:
    """Velocity and force of frame t, where the force has the velocity of the solver."""
    for j in range(width(memory)):
        unit = unit_of(memory, j)
        strong = unit.max_isometric_force * unit.strength_coefficient
        signals.fiber_velocity[t, m + j] = memory[row.V + j]
        signals.tendon_force[t, m + j] = strong * memory[row.F + j]


@section
def pull_apart(signals: MuscleSignals, t: int, m: Any, memory: Array) -> int:
    """Velocity and force of frame t; how many lanes are outside of their pieces."""
    away = 0
    for j in range(width(memory)):
        unit, pieces = unit_of(memory, j), force_pieces_of(memory, j)
        x, cosine, a = memory[row.X + j], memory[row.COSINE + j], memory[row.A + j]
        v = muscle.norm_velocity(unit, memory[row.V + j])
        asked = muscle.arguments(unit, x, cosine, a, memory[row.VS + j], memory[row.LMT + j])
        held = ask(asked, pieces_of(memory, j), j, memory)
        held &= holds(pieces.force_velocity, v)
        f = muscle.norm_fiber_force(pieces, unit, x, cosine, a, v)
        memory[row.VF + j] = v
        memory[row.AWAY + j] = 0.0 if held else 1.0
        signals.fiber_velocity[t, m + j] = memory[row.V + j]
        signals.tendon_force[t, m + j] = unit.max_isometric_force * unit.strength_coefficient * f
        away += 0 if held else 1
    return away
