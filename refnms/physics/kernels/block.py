"""The working memory of a block: up to LANES neighboring muscles of one trial, side by side.

It is one flat array of rows of LANES numbers; `memory[row.L + j]` is the fiber length of lane j. So
a loop over j works on neighbors, and the compiler sees that two rows are different places: it makes
a loop of plain arithmetic four or eight lanes wide. What is not plain arithmetic, like looking up a
piece of a curve, stands in loops of its own. Lanes never see each other's numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refnms.jit import outlined, pure, section, soon
from refnms.physics import activation as act
from refnms.physics import muscle
from refnms.physics.curves import holds, near_segment, piece_numbered
from refnms.physics.kernels import row
from refnms.physics.types import Array, Curve, Curves, Muscles, Piece, System, Unit

AHEAD = 4  # frames, about as long as memory takes to deliver
LINE = np.uint64(8)  # numbers that come at once


@pure
def width(memory: Array) -> Any:
    """How many lanes are taken: as many numbers as stand behind the rows, which nobody reads.

    So the compiler knows that it never changes, but not what it is: a loop of known length would be
    unrolled before it could be widened.
    """
    return np.uint64(memory.shape[0] - row.END)


@pure
def fetch(array: Any, t: int, m: Any, memory: Array) -> None:
    """Row t of an array, where it has one, will be wanted before long: from muscle m, all lanes."""
    if 0 <= t < array.shape[0]:
        last = m + width(memory) - np.uint64(1)
        soon(array, t, m)
        soon(array, t, min(m + LINE, last))
        soon(array, t, last)


# ---- structs of one lane ----


@pure
def unit_of(memory: Array, j: Any) -> Unit:
    """The numbers of lane j."""
    return Unit(
        memory[row.UNIT[0] + j],
        memory[row.UNIT[1] + j],
        memory[row.UNIT[2] + j],
        memory[row.UNIT[3] + j],
        memory[row.UNIT[4] + j],
        memory[row.UNIT[5] + j],
        memory[row.UNIT[6] + j],
        memory[row.UNIT[7] + j],
        memory[row.UNIT[8] + j],
        memory[row.UNIT[9] + j],
        memory[row.UNIT[10] + j],
        memory[row.UNIT[11] + j],
    )


@pure
def shape_of(memory: Array, j: Any) -> act.Shape:
    """The exponential shape of lane j."""
    return act.Shape(
        memory[row.SHAPE[0] + j],
        memory[row.SHAPE[1] + j],
        memory[row.SHAPE[2] + j],
        memory[row.SHAPE[3] + j],
    )


@pure
def node_of(memory: Array, j: Any) -> act.Node:
    """The node of the piecewise shape of lane j."""
    return act.Node(
        memory[row.NODE[0] + j],
        memory[row.NODE[1] + j],
        memory[row.NODE[2] + j],
        memory[row.NODE[3] + j],
        memory[row.NODE[4] + j],
    )


@pure
def piece_of(memory: Array, rows: Any, j: Any) -> Piece:
    """The piece of lane j that stands in these rows."""
    return Piece(
        memory[rows[0] + j],
        memory[rows[1] + j],
        memory[rows[2] + j],
        memory[rows[3] + j],
        memory[rows[4] + j],
        memory[rows[5] + j],
        memory[rows[6] + j],
    )


@pure
def pieces_of(memory: Array, j: Any) -> Curves:
    """The pieces of lane j at the sample of the solver."""
    return Curves(
        piece_of(memory, row.ACTIVE, j),
        piece_of(memory, row.PASSIVE, j),
        piece_of(memory, row.VELOCITY, j),
        piece_of(memory, row.TENDON, j),
    )


@pure
def force_pieces_of(memory: Array, j: Any) -> Curves:
    """The pieces of lane j at the velocity of the force."""
    return Curves(
        piece_of(memory, row.ACTIVE, j),
        piece_of(memory, row.PASSIVE, j),
        piece_of(memory, row.FORCE_VELOCITY, j),
        piece_of(memory, row.TENDON, j),
    )


@pure
def ask(asked: Curves, pieces: Curves, j: Any, memory: Array) -> Any:
    """Note what lane j asks the curves; whether all pieces hold it."""
    memory[row.LENGTH + j], memory[row.STRAIN + j] = (
        asked.active_force_length,
        asked.tendon_force_strain,
    )
    memory[row.X + j], memory[row.VS + j] = asked.passive_force_length, asked.force_velocity
    return (
        holds(pieces.active_force_length, asked.active_force_length)
        & holds(pieces.passive_force_length, asked.passive_force_length)
        & holds(pieces.force_velocity, asked.force_velocity)
        & holds(pieces.tendon_force_strain, asked.tendon_force_strain)
    )


@pure
def muscle_of(table: Array, m: Any) -> Muscles:
    """The parameters of muscle m of a table `(12, M)`."""
    return Muscles(
        table[0, m],
        table[1, m],
        table[2, m],
        table[3, m],
        table[4, m],
        table[5, m],
        table[6, m],
        table[7, m],
        table[8, m],
        table[9, m],
        table[10, m],
        table[11, m],
    )


# ---- what a block begins with ----


@section
def load(system: System, table: Array, m: Any, memory: Array) -> None:
    """The numbers of the muscles from m on; nothing is left of what was there."""
    memory[:] = 0.0
    for j in range(width(memory)):
        parameters = muscle_of(table, m + j)
        alpha, beta1, beta2 = act.filter_gains(parameters.c1, parameters.c2)
        memory[row.C1 + j] = parameters.c1
        memory[row.C2 + j] = parameters.c2
        memory[row.ALPHA + j] = alpha
        memory[row.BETA1 + j] = beta1
        memory[row.BETA2 + j] = beta2
        memory[row.SLOPE + j] = 1.0
        keep(muscle.unit(parameters), row.UNIT, j, memory)
        factor = parameters.shape_factor
        keep(act.exponential_shape(factor), row.SHAPE, j, memory)
        if system.piecewise:
            node = act.piecewise_node(factor, act.solve_node(factor, system.node_tolerance))
            keep(node, row.NODE, j, memory)


@pure
def keep(numbers: Any, rows: Any, j: Any, memory: Array) -> None:
    """Some numbers of lane j into these rows."""
    for k in range(len(numbers)):
        memory[rows[k] + j] = numbers[k]


# ---- pieces of curves ----


@section
def look_up(curves: Curves, memory: Array) -> None:
    """Renew the pieces of the lanes that are `AWAY`."""
    for j in range(width(memory)):
        if memory[row.AWAY + j] > 0.0:
            _check(curves.active_force_length, memory[row.LENGTH + j], row.ACTIVE, j, memory)
            _check(curves.passive_force_length, memory[row.X + j], row.PASSIVE, j, memory)
            _check(curves.force_velocity, memory[row.VS + j], row.VELOCITY, j, memory)
            _check(curves.tendon_force_strain, memory[row.STRAIN + j], row.TENDON, j, memory)
            _check(curves.force_velocity, memory[row.VF + j], row.FORCE_VELOCITY, j, memory)


@pure
def _check(curve: Curve, x: float, rows: Any, j: Any, memory: Array) -> None:
    if not (memory[rows[0] + j] < x and x <= memory[rows[1] + j]):
        renew(curve, x, rows, j, memory)


@outlined
def renew(curve: Curve, x: float, rows: Any, j: Any, memory: Array) -> None:
    """The piece of lane j that holds x, beginning to look at the one it has."""
    i = near_segment(curve, x, int(memory[rows[7] + j]))
    memory[rows[7] + j] = i
    keep(piece_numbered(curve, i), rows, j, memory)
