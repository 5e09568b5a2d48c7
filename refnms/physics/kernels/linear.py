"""The local derivatives of one frame: what `tangents` runs forward (see `adjoint` for backward).

At the signals that `forward` found, each signal of a lane is, to first order,

    da = a_u du                              + A_P dp
    dl = l_a da + l_lmt dl_mt + l_v dv_past  + L_P dp      v_past: velocity from earlier lengths
    dF = f_a da + f_l dl + f_v dv            + F_P dp      v: velocity of the force

with slopes A_P, L_P, F_P by the twelve parameters p. Those of the length are those of `implicit`,
or those of `rigid_fiber_length` under a rigid tendon and where a search fell back on it.
"""

from __future__ import annotations

from typing import Any

from refnms.jit import pure, section, spliced
from refnms.physics import activation as act
from refnms.physics import implicit, muscle
from refnms.physics.curves import holds
from refnms.physics.kernels import row
from refnms.physics.kernels.block import (
    ask,
    force_pieces_of,
    look_up,
    node_of,
    piece_of,
    pieces_of,
    shape_of,
    unit_of,
    width,
)
from refnms.physics.kernels.equilibrium import find_past, sample_of
from refnms.physics.types import Array, Flag, Integers, MuscleSignals, System

ON_RIGID_LENGTH, AT_FLOOR = int(Flag.FELL_BACK | Flag.TAUT), int(Flag.FLOOR)


@spliced
def take_frame(
    system: System,
    lengths: bool,
    musculotendon_length: Array,
    signals: MuscleSignals,
    flags: Integers,
    t: int,
    m: Any,
    first: int,
    offset: int,
    memory: Array,
) -> int:
    """The signals of frame t, what follows from them, and the pieces of the curves there.

    Returns how many lanes have the fiber length under a rigid tendon.
    """
    weights = system.timeline.solver_weights
    if lengths:
        find_past(weights, signals.fiber_length, t, m, first, memory)
    if system.piecewise:
        take_piecewise(signals, t, t + offset, m, memory)
    else:
        straight = take_exponential(signals, t, t + offset, m, memory)
        if straight > 0:
            take_straight(signals.neural_activation, t + offset, m, memory)
    away, flagged = take_signals(weights[t, 0], musculotendon_length, signals, flags, t, m, memory)
    on_rigid = 0
    if flagged != 0 or system.rigid or memory[row.FLAGGED] > 0.0:
        on_rigid = take_flags(system.rigid, flags, t, m, memory)
    if not system.timeline.one_velocity:
        away += take_velocity(signals.fiber_velocity, t, m, memory)
    if away > 0:
        look_up(system.curves, memory)
    return on_rigid


@section
def take_exponential(signals: MuscleSignals, t: int, r: int, m: Any, memory: Array) -> int:
    """Activation, a_u and the slope by the shape factor, exponential shape.

    Returns how many lanes are nearly straight: those take that slope from `take_straight`.
    """
    straight = 0
    for j in range(width(memory)):
        shape = shape_of(memory, j)
        u, a = signals.neural_activation[r, m + j], signals.activation[t, m + j]
        by_u, by_shape = act.curved_partials(u, a, shape)
        memory[row.A + j], memory[row.A_U + j], memory[row.A_SHAPE + j] = a, by_u, by_shape
        straight += 1 if shape.per_rise == 0.0 else 0
    return straight


@section
def take_straight(neural_activation: Array, r: int, m: Any, memory: Array) -> None:
    """The slope by the shape factor of lanes that are nearly straight."""
    for j in range(width(memory)):
        shape = shape_of(memory, j)
        if shape.per_rise == 0.0:
            u, a = neural_activation[r, m + j], memory[row.A + j]
            memory[row.A_SHAPE + j] = act.straight_partial(u, a, shape)


@section
def take_piecewise(signals: MuscleSignals, t: int, r: int, m: Any, memory: Array) -> None:
    """The same, piecewise shape."""
    for j in range(width(memory)):
        u, a = signals.neural_activation[r, m + j], signals.activation[t, m + j]
        by_u, by_shape = act.piecewise_partials(u, memory[row.SHAPE[0] + j], node_of(memory, j))
        memory[row.A + j], memory[row.A_U + j], memory[row.A_SHAPE + j] = a, by_u, by_shape


@section
def take_signals(
    newest: float,
    musculotendon_length: Array,
    signals: MuscleSignals,
    flags: Integers,
    t: int,
    m: Any,
    memory: Array,
) -> tuple[int, int]:
    """Lengths and velocities.

    Returns how many lanes are outside of their pieces, and whether `take_flags` is needed.
    """
    away, flagged = 0, 0
    for j in range(width(memory)):
        unit, length = unit_of(memory, j), signals.fiber_length[t, m + j]
        lmt, a = musculotendon_length[t, m + j], memory[row.A + j]
        x, cosine = muscle.of_length(unit, length)
        v = muscle.norm_velocity(unit, newest * length + memory[row.PAST + j])
        asked = muscle.arguments(unit, x, cosine, a, v, lmt)
        held = ask(asked, pieces_of(memory, j), j, memory)
        memory[row.COSINE + j], memory[row.LMT + j] = cosine, lmt
        memory[row.AWAY + j] = 0.0 if held else 1.0
        away += 0 if held else 1
        flagged |= flags[t, m + j] | (1 if unit.tendon_slack_length == 0.0 else 0)
    return away, flagged


@section
def take_flags(rigid: bool, flags: Integers, t: int, m: Any, memory: Array) -> int:
    """Where the length is not that of an equilibrium; how many lanes are under a rigid tendon.

    `FLAGGED` keeps whether there is any, so that the next frame comes here too and clears it.
    """
    under, floors = 0, 0
    for j in range(width(memory)):
        flag, no_tendon = flags[t, m + j], unit_of(memory, j).tendon_slack_length == 0.0
        on_rigid, at_floor = rigid | no_tendon | (flag & ON_RIGID_LENGTH != 0), flag & AT_FLOOR != 0
        memory[row.ON_RIGID + j] = 1.0 if on_rigid else 0.0
        memory[row.AT_FLOOR + j] = 1.0 if at_floor else 0.0
        under += 1 if on_rigid else 0
        floors += 1 if at_floor else 0
    memory[row.FLAGGED] = 1.0 if under + floors > 0 else 0.0
    return under


@section
def take_velocity(fiber_velocity: Array, t: int, m: Any, memory: Array) -> int:
    """The velocity of the force; how many lanes are outside of its piece."""
    away = 0
    for j in range(width(memory)):
        v = muscle.norm_velocity(unit_of(memory, j), fiber_velocity[t, m + j])
        held = holds(piece_of(memory, row.FORCE_VELOCITY, j), v)
        memory[row.VF + j] = v
        memory[row.AWAY + j] = memory[row.AWAY + j] if held else 1.0
        away += 0 if held else 1
    return away


@pure
def length_slopes(newest: float, memory: Array, j: Any) -> implicit.LengthSlopes:
    """l_a, l_lmt, l_v and L_P of lane j; zero where the length is that under a rigid tendon."""
    sample = sample_of(newest, memory, j)
    x, cosine, v = memory[row.X + j], memory[row.COSINE + j], memory[row.VS + j]
    on_rigid, at_floor = memory[row.ON_RIGID + j], memory[row.AT_FLOOR + j]
    return implicit.length_slopes(pieces_of(memory, j), sample, x, cosine, v, on_rigid, at_floor)


@pure
def rigid_slopes(memory: Array, j: Any) -> muscle.RigidPartials:
    """Slopes of the fiber length of lane j under a rigid tendon."""
    return muscle.rigid_fiber_length_partials(unit_of(memory, j), memory[row.LMT + j])


@pure
def force_slopes(memory: Array, j: Any) -> muscle.ForcePartials:
    """f_a, f_l, f_v and F_P of lane j."""
    unit, pieces = unit_of(memory, j), force_pieces_of(memory, j)
    x, cosine, v = memory[row.X + j], memory[row.COSINE + j], memory[row.VF + j]
    return muscle.force_slopes(pieces, unit, x, cosine, memory[row.A + j], v)


@pure
def force_slopes_at_solver(memory: Array, j: Any) -> muscle.ForcePartials:
    """The same where the force has the velocity of the solver; most of it is in `length_slopes`."""
    unit, pieces = unit_of(memory, j), pieces_of(memory, j)
    x, cosine, v = memory[row.X + j], memory[row.COSINE + j], memory[row.VS + j]
    return muscle.force_slopes(pieces, unit, x, cosine, memory[row.A + j], v)
