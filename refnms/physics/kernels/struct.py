"""A model and the state of its stream as plain memory: what Python, C and the kernels share.

A model is a C structure of 8-byte members (`refnms_model` of the C header), here an int64 array
whose entries are numbers or addresses; `WORDS` has their order. A state is one array of float64
that holds everything from one step to the next: to keep it is to copy it.
"""

from __future__ import annotations

from typing import NamedTuple

from refnms.jit import floats_at, integers_at, pure
from refnms.physics.kernels import row
from refnms.physics.kernels.slope import ROOM
from refnms.physics.types import (
    Array,
    Curve,
    Curves,
    FilterStart,
    Integers,
    Muscles,
    MuscleSignals,
    Paths,
    Root,
    SplineFactors,
    System,
    Timeline,
)

ABI = 2
PARAMETERS = len(Muscles._fields)  # of a muscle

#: Members of a model in their order; `numbers` and what follows are addresses, but for the counts.
WORDS = (
    "abi", "muscles", "dofs", "channels",
    "solver_points", "force_points", "restart", "rigid", "piecewise", "plain",
    "interpolates_emg", "emg_samples",
    "numbers", "parameters", "emg_to_muscle",
    "active_count", "active_edges", "active_pieces",
    "passive_count", "passive_edges", "passive_pieces",
    "velocity_count", "velocity_edges", "velocity_pieces",
    "tendon_count", "tendon_edges", "tendon_pieces",
    "bases_count", "edges_count", "pieces_count", "coefficients_count", "joints", "memory_rows",
    "memory_columns",
    "bases", "edges", "pieces", "basis_of", "starts", "coefficients",
)  # fmt: skip
#: Float64 numbers of a model.
NUMBERS = ("rest", "lower", "upper", "tolerance", "node_tolerance", "longest_gap")

(
    ABI_WORD, MUSCLES, DOFS, CHANNELS, SOLVER_POINTS, FORCE_POINTS, RESTART, RIGID, PIECEWISE,
    PLAIN, INTERPOLATES, SAMPLES, NUMBERS_AT, PARAMETERS_AT, MAP_AT,
) = range(15)  # fmt: skip
ACTIVE, PASSIVE, VELOCITY, TENDON = 15, 18, 21, 24
(
    BASES, EDGES, PIECES, COEFFICIENTS, JOINTS, ROWS, COLUMNS,
    BASES_AT, EDGES_AT, PIECES_AT, BASIS_OF_AT, STARTS_AT, COEFFICIENTS_AT,
) = range(27, 40)  # fmt: skip

# Numbers that a state begins with.
FRAMES, FILTERED, PUSHED, LAST_TIME, PENDING, NEXT_ROW = range(6)
COUNTERS = 8
LANES_APART = 4  # as in `compiled`
BLOCK = 4  # numbers that describe one, as there


class Described(NamedTuple):
    """A model unpacked from its words."""

    words: Integers
    numbers: Array  # in the order of NUMBERS
    table: Array  # (12, M), rows as `Muscles` names them
    emg_to_muscle: Array  # (E, M)
    paths: Paths


class Stream(NamedTuple):
    """The state of a stream: W frames and B rows of excitation, the newest last; R EMG samples."""

    counters: Array
    bounds: Integers  # (2, 2) of frames and of rows, as in `Timeline`
    share: Integers  # (blocks, 4) as `forward` has it
    time: Array  # (W,)
    solver_weights: Array  # (W, K)
    force_weights: Array  # (W, F)
    excitation: Array  # (B, M)
    musculotendon_length: Array  # (W, M)
    signals: MuscleSignals  # neural activation (B, M), the others (W, M)
    flags: Integers  # (W, M)
    by_delay: Array  # (1, M) slope of the newest excitation by the delay
    moment: Array  # (1, D)
    pose_length: Array  # (1, M) of the geometry
    pose_arm: Array  # (1, M, D)
    emg_time: Array  # (R,) ring
    emg: Array  # (R, M) ring of mapped samples
    channels: Array  # (E,) the last finite sample of each
    slope: Array  # work room
    paths: Array  # work room
    scratch: Array  # of one block, for derivatives
    memories: Array  # (blocks, SIZE)


@pure
def window(words: Integers) -> int:
    """Frames that a stream keeps: those of the longest velocity, and two for the first guess."""
    return int(max(3, max(words[SOLVER_POINTS], words[FORCE_POINTS])))


@pure
def rows(words: Integers) -> int:
    """Rows of excitation that a stream keeps: all of its EMG, where rows may charge the filter."""
    own = window(words)
    return own if words[INTERPOLATES] != 0 else max(own, words[SAMPLES])


@pure
def lanes(muscles: int) -> tuple[int, int]:
    """Number of blocks, and the width of all but the last."""
    blocks = (muscles + row.LANES - 1) // row.LANES
    apart = blocks * LANES_APART
    return blocks, (muscles + apart - 1) // apart * LANES_APART


@pure
def state_size(words: Integers) -> int:
    """Float64 numbers of a state."""
    w, m, d = window(words), words[MUSCLES], words[DOFS]
    k, f, r = words[SOLVER_POINTS], words[FORCE_POINTS], words[SAMPLES]
    blocks, _ = lanes(m)
    own = COUNTERS + 4 + BLOCK * blocks + w * (1 + k + f + 6 * m) + 2 * rows(words) * m
    own += m * (2 + d) + d
    rooms = r * (1 + m) + words[CHANNELS] + ROOM * w + words[ROWS] * words[COLUMNS]
    return int(own + rooms + (blocks + 1) * row.SIZE)


@pure
def described(address: int) -> Described:
    """The model at an address."""
    words = integers_at(address, (len(WORDS),))
    m = words[MUSCLES]
    table = floats_at(words[PARAMETERS_AT], (PARAMETERS, m))
    paths = Paths(
        integers_at(words[BASES_AT], (words[BASES], 5)),
        floats_at(words[EDGES_AT], (words[EDGES],)),
        floats_at(words[PIECES_AT], (words[PIECES],)),
        integers_at(words[BASIS_OF_AT], (m, words[JOINTS])),
        integers_at(words[STARTS_AT], (m,)),
        floats_at(words[COEFFICIENTS_AT], (words[COEFFICIENTS],)),
    )
    numbers = floats_at(words[NUMBERS_AT], (len(NUMBERS),))
    weights = floats_at(words[MAP_AT], (words[CHANNELS], m))
    return Described(words, numbers, table, weights, paths)


@pure
def _curve(words: Integers, at: int) -> Curve:
    count = words[at]
    return Curve(floats_at(words[at + 1], (count + 1,)), floats_at(words[at + 2], (count, 5)))


@pure
def system_of(
    model: Described,
    frames: Integers,
    rows: Integers,
    solver_weights: Array,
    force_weights: Array,
) -> System:
    """What the kernels want of a model, for one trial with these bounds and weights."""
    words, n = model.words, model.numbers
    empty = n[:0]
    none = floats_at(words[NUMBERS_AT], (0, 4))
    return System(
        Curves(
            _curve(words, ACTIVE),
            _curve(words, PASSIVE),
            _curve(words, VELOCITY),
            _curve(words, TENDON),
        ),
        Timeline(
            frames,
            rows,
            solver_weights,
            force_weights,
            words[SOLVER_POINTS] == 2 and words[FORCE_POINTS] == 2,
            SplineFactors(empty, empty, none, none),
        ),
        FilterStart(n[0], words[RESTART]),
        Root(n[1], n[2], n[3]),
        n[4],
        words[RIGID] != 0,
        words[PLAIN] != 0,
        words[PIECEWISE] != 0,
    )


@pure
def stream_at(words: Integers, address: int) -> Stream:
    """The state at an address."""
    w, m, d = window(words), words[MUSCLES], words[DOFS]
    k, f, r, e = words[SOLVER_POINTS], words[FORCE_POINTS], words[SAMPLES], words[CHANNELS]
    blocks, _ = lanes(m)
    b = rows(words)
    bounds = address + 8 * COUNTERS
    share = bounds + 32
    time = share + 8 * BLOCK * blocks
    solver, force = time + 8 * w, time + 8 * w * (1 + k)
    excitation = force + 8 * w * f
    neural = excitation + 8 * b * m
    frames, each = neural + 8 * b * m, 8 * w * m
    by_delay = frames + 6 * each
    moment = by_delay + 8 * m
    pose_length = moment + 8 * d
    pose_arm = pose_length + 8 * m
    emg_time = pose_arm + 8 * m * d
    emg = emg_time + 8 * r
    channels = emg + 8 * r * m
    slope = channels + 8 * e
    paths = slope + 8 * ROOM * w
    scratch = paths + 8 * words[ROWS] * words[COLUMNS]
    memories = scratch + 8 * row.SIZE
    return Stream(
        floats_at(address, (COUNTERS,)),
        integers_at(bounds, (2, 2)),
        integers_at(share, (blocks, BLOCK)),
        floats_at(time, (w,)),
        floats_at(solver, (w, k)),
        floats_at(force, (w, f)),
        floats_at(excitation, (b, m)),
        floats_at(frames, (w, m)),
        MuscleSignals(
            floats_at(neural, (b, m)),
            floats_at(frames + each, (w, m)),
            floats_at(frames + 2 * each, (w, m)),
            floats_at(frames + 3 * each, (w, m)),
            floats_at(frames + 4 * each, (w, m)),
        ),
        integers_at(frames + 5 * each, (w, m)),
        floats_at(by_delay, (1, m)),
        floats_at(moment, (1, d)),
        floats_at(pose_length, (1, m)),
        floats_at(pose_arm, (1, m, d)),
        floats_at(emg_time, (r,)),
        floats_at(emg, (r, m)),
        floats_at(channels, (e,)),
        floats_at(slope, (ROOM, w)),
        floats_at(paths, (words[ROWS], words[COLUMNS])),
        floats_at(scratch, (row.SIZE,)),
        floats_at(memories, (blocks, row.SIZE)),
    )


@pure
def spread(words: Integers, share: Integers) -> None:
    """Trial, first muscle and number of muscles of each block; none shares one with another."""
    blocks, width = lanes(words[MUSCLES])
    for i in range(blocks):
        share[i, 0], share[i, 1], share[i, 3] = 0, i * width, 0
        share[i, 2] = min(width, words[MUSCLES] - i * width)
