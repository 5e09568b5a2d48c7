"""One frame from an explicit past, and its pullback, by the kernels of whole trials.

A stream keeps its past in its own memory, in place. Here the past comes and goes as arrays, for
programs that hand on states: the frame is the last of a trial of which only the past is known, so
its numbers are those of a stream and of the whole trial, to the bit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from refnms.physics import implicit, muscle
from refnms.physics.compiled import blocks_of
from refnms.physics.engine import quiet
from refnms.physics.kernels import row
from refnms.physics.kernels.adjoint import adjoint
from refnms.physics.kernels.forward import forward
from refnms.physics.stencils import trailing_weights
from refnms.physics.types import Array, Integers, Muscles, MuscleSignals, System

_forward, _adjoint = quiet(forward), quiet(adjoint)

FILTER = (row.U1, row.U2)
#: Where the solver begins: its last equilibrium, how that moves, and the pieces of curves there.
GUESS = (
    *(row.W, row.X, row.COSINE, row.LMT, row.LAST_A, row.PAST),
    *(row.BY_A, row.BY_LMT, row.BY_V, row.SLOPE),
    *(*row.ACTIVE, *row.PASSIVE, *row.VELOCITY, *row.TENDON),
)


class Past(NamedTuple):
    """What a frame takes from those before it, newest first; K: points of the longest velocity."""

    time: Array  # (K,) of the frames before [s]; -inf where there was none
    neural_activation: Array  # (2, M) as the filter will see them
    fiber_length: Array  # (K, M) [m]; a search begins where the last two point
    guess: Array  # (G, M) of the solver


class Frame(NamedTuple):
    """The inputs of a frame, each with the rows of a trial; the last one is the frame."""

    system: System  # with the times of the trial
    table: Array  # (12, M)
    excitation: Array  # (K + 1, M)
    musculotendon_length: Array
    signals: MuscleSignals
    before: int  # frames that are known


def beginning(points: int, muscles: int) -> Past:
    """The past of a first frame."""
    shapes = ((2, muscles), (points, muscles), (len(GUESS), muscles))
    return Past(np.full(points, -np.inf), *(np.zeros(shape) for shape in shapes))


def frame_forward(
    system: System, table: Array, time: float, past: Past, excitation: Array, length: Array
) -> tuple[Array, Integers, Past]:
    """Signals `(5, M)`, flags `(M,)` and the next past, of excitations and lengths `(M,)`.

    `system` is that of any trial; the filter of its profile must not restart.
    """
    own = _frame(system, table, time, past, excitation, length)
    blocks, rows = blocks_of(0, table.shape[1]), len(own.excitation)
    flags, memories = np.zeros((rows, table.shape[1]), np.int64), _memories(blocks)
    given = (own.excitation, own.musculotendon_length, own.signals, flags, memories)
    place = _places(blocks)
    if own.before > 0:
        _forward(own.system, own.table, blocks, 0, 0, True, True, *given)  # loads the muscles
        kept = (*FILTER, *GUESS, row.L)
        numbers = (*past.neural_activation, *past.guess, past.fiber_length[0])
        for at, values in zip(kept, numbers, strict=True):
            memories.reshape(-1)[place + int(at)] = values
    _forward(own.system, own.table, blocks, own.before, own.before + 1, True, True, *given)

    def from_memory(kept: tuple[np.uint64, ...]) -> Array:
        return np.array([memories.reshape(-1)[place + int(at)] for at in kept])

    signals = np.array([signal[-1] for signal in own.signals])
    following = Past(
        np.append(time, past.time[:-1]),
        from_memory(FILTER),
        np.concatenate([signals[2:3], past.fiber_length[:-1]]),
        from_memory(GUESS),
    )
    return signals, flags[-1], following


class FrameBars(NamedTuple):
    """Cotangents of what a frame takes."""

    parameters: Array  # (12, M)
    neural_activation: Array  # (2, M) of the past
    fiber_length: Array  # (K, M) of the past
    excitation: Array  # (M,)
    musculotendon_length: Array  # (M,)


def frame_vjp(
    system: System,
    table: Array,
    time: float,
    past: Past,
    excitation: Array,
    length: Array,
    signals: Array,
    flags: Integers,
    signals_bar: Array,
    neural_bar: Array,
    length_bar: Array,
) -> FrameBars:
    """From cotangents of the signals `(5, M)` and of the next past `(2, M)`, `(K, M)`."""
    own = _frame(system, table, time, past, excitation, length)
    blocks, (rows, muscles) = blocks_of(0, table.shape[1]), own.excitation.shape
    for signal, value in zip(own.signals, signals, strict=True):
        signal[-1] = value
    bars = MuscleSignals(*(np.zeros((rows, muscles)) for _ in range(5)))
    for bar, value in zip(bars, signals_bar, strict=True):
        bar[-1] = value
    bars.neural_activation[-1] += neural_bar[0]
    bars.fiber_length[:0:-1] += length_bar
    bits, memories = np.zeros((rows, muscles), np.int64), _memories(blocks)
    bits[-1] = flags
    e_bar, lmt_bar = np.zeros((rows, muscles)), np.zeros((rows, muscles))
    _adjoint(
        own.system,
        own.table,
        blocks,
        own.before,
        own.before + 1,
        True,
        True,
        own.excitation,
        own.musculotendon_length,
        own.signals,
        bits,
        bars,
        np.zeros((1, *table.shape)),
        e_bar,
        lmt_bar,
        memories,
    )
    place = _places(blocks)
    u1_bar, u2_bar, *sums = (
        memories.reshape(-1)[place + int(at)]
        for at in (row.U1_BAR, row.U2_BAR, *row.SUMS, *row.BARS)
    )
    kept = len(row.SUMS)
    given = implicit.parameters_owed(muscle.unit(Muscles(*table)), implicit.Sums(*sums[:kept]))
    parameters_bar = np.array([bar + due for bar, due in zip(sums[kept:], given, strict=True)])
    past_bar = np.zeros((2, muscles))
    if own.before > 0:
        past_bar[:] = u1_bar + neural_bar[1], u2_bar
    else:
        e_bar[-1] += system.start.rest * neural_bar[1]
    return FrameBars(
        parameters_bar, past_bar, bars.fiber_length[-2::-1].copy(), e_bar[-1], lmt_bar[-1]
    )


def _frame(
    system: System, table: Array, time: float, past: Past, excitation: Array, length: Array
) -> Frame:
    known = past.time[past.time > -np.inf]
    rows, first = len(past.time) + 1, len(past.time) - len(known)
    shape = (rows, table.shape[1])
    times = np.append(known[::-1], time)
    signals = MuscleSignals(*(np.zeros(shape) for _ in range(5)))
    e, lmt = np.zeros(shape), np.zeros(shape)
    e[-1], lmt[-1] = excitation, length
    if len(known):
        signals.neural_activation[-3:-1] = past.neural_activation[::-1]
        signals.fiber_length[-2::-1] = past.fiber_length
    weights = []
    for points in (system.timeline.solver_weights, system.timeline.force_weights):
        own = np.zeros((rows, points.shape[1]))
        own[first:] = trailing_weights(times, points.shape[1])
        weights.append(own)
    # The filter sees its past as it was given: at its third row and later nothing starts.
    begin = rows - 1 if len(known) == 0 else rows - 3
    timeline = system.timeline._replace(
        frames=np.array([first, rows]),
        rows=np.array([begin, rows]),
        solver_weights=weights[0],
        force_weights=weights[1],
    )
    system = system._replace(timeline=timeline)
    return Frame(system, np.ascontiguousarray(table), e, lmt, signals, len(known))


def _memories(blocks: Integers) -> Array:
    return np.zeros((len(blocks), row.SIZE))


def _places(blocks: Integers) -> Integers:
    """Where the first row of each muscle stands in the memories of all blocks."""
    counts = blocks[:, 2]
    block, first = np.repeat(np.arange(len(blocks)), counts), np.repeat(blocks[:, 1], counts)
    return np.asarray(block * row.SIZE + np.arange(counts.sum()) - first)
