"""What Python and C call: models, states and buffers by their addresses (see `struct`).

These are the functions of the C library; its header says what each takes. None keeps anything
elsewhere, so calls may run side by side on different states and buffers.
"""

from __future__ import annotations

from typing import Any

from refnms.jit import floats_at, integers_at, kernel, pure
from refnms.physics.kernels import row
from refnms.physics.kernels.adjoint import adjoint
from refnms.physics.kernels.direction import direction
from refnms.physics.kernels.forward import forward
from refnms.physics.kernels.moments import moment
from refnms.physics.kernels.partials import FIRST_PAST, SIGNALS
from refnms.physics.kernels.partials import partials as write_partials
from refnms.physics.kernels.paths import pose
from refnms.physics.kernels.slope import ROOM, last_slope
from refnms.physics.kernels.stream import REFUSED, begin, prepare, push, system_at
from refnms.physics.kernels.struct import (
    BLOCK,
    CHANNELS,
    COLUMNS,
    DOFS,
    FORCE_POINTS,
    MUSCLES,
    PARAMETERS,
    ROWS,
    SOLVER_POINTS,
    Described,
    Stream,
    described,
    lanes,
    spread,
    state_size,
    stream_at,
    system_of,
    window,
)
from refnms.physics.types import Array, Integers, MuscleSignals, System


@pure
def true(own: Described) -> bool:
    """True, but not to Numba: for a literal it would compile the kernels again."""
    return bool(own.words[MUSCLES] >= 0)


# ---- streams ----


@kernel
def stream_size(model: int) -> int:
    """How many float64 numbers a state of this model has."""
    return state_size(described(model).words)


@kernel
def stream_begin(model: int, state: int) -> None:
    """A new stream."""
    own = described(model)
    floats_at(state, (state_size(own.words),))[:] = 0.0
    begin(own, stream_at(own.words, state))


#: Members of a call of `stream_step`: addresses, but for the count and the time, a float64.
CALL = ("models", "states", "count", "time", "emg", "lengths", "arms", "angles", "moments",
        "statuses")  # fmt: skip


@kernel
def stream_step(call: int) -> None:
    """One frame of `count` streams of equal sizes, whose inputs and moments lie side by side.

    `emg` 0: no sample with this frame. `angles` not 0: lengths and arms are those of the geometry.
    Both 0, and `lengths` too: EMG without a frame. One argument, because each costs time.
    """
    where_told = floats_at(call, (0,))
    step_with(call, floats_at(call, (10,))[3], where_told, where_told, floats_at(call, (0, 0)))


@kernel
def step_with(call: int, time: float, emg: Array, length: Array, arm: Array) -> bool:
    """`stream_step` at a time; of a stream alone with these inputs, if the call tells of none.

    False for inputs of wrong shapes. Python's way in: to copy them to a buffer would take longer
    than the step of a few muscles.
    """
    words = integers_at(call, (10,))
    count = words[2]
    models, states = integers_at(words[0], (count,)), integers_at(words[1], (count,))
    told = words[4] != 0 or words[5] != 0 or words[7] != 0
    if not told:
        sizes = described(models[0]).words
        muscles, dofs = sizes[MUSCLES], sizes[DOFS]
        if emg.size != sizes[CHANNELS] or length.size != muscles or arm.shape != (muscles, dofs):
            return False
        words[4], words[5], words[6] = emg.ctypes.data, length.ctypes.data, arm.ctypes.data
    moments, statuses = words[8], integers_at(words[9], (count,))
    framed = words[5] != 0 or words[7] != 0
    for p in range(count):
        own = described(models[p])
        stream, d = stream_at(own.words, states[p]), own.words[DOFS]
        arm, status = inputs_of(own, stream, p, time, words)
        if framed and status & REFUSED == 0:
            t, first, both = stream.time.shape[0] - 1, stream.bounds[0, 0], true(own)
            forward(
                system_at(own, stream),
                own.table,
                stream.share,
                t - first,
                t - first + 1,
                both,
                both,
                stream.excitation,
                stream.musculotendon_length,
                stream.signals,
                stream.flags,
                stream.memories,
            )
            moment(stream.signals.tendon_force, arm, t, 0, stream.moment)
        if framed:
            take(stream.moment, floats_at(moments + 8 * p * d, (1, d)))
        statuses[p] = status
    if not told:
        words[4] = words[5] = words[6] = 0  # the caller's arrays may go
    return True


@pure
def inputs_of(own: Described, stream: Stream, p: int, time: float, words: Integers) -> Any:
    """Take what a call has for stream p: the arms `(1, M, D)` of its frame, and what it met."""
    emg, lengths, arms, angles = words[4], words[5], words[6], words[7]
    m, d, e = own.words[MUSCLES], own.words[DOFS], own.words[CHANNELS]
    length, arm, status = stream.pose_length, stream.pose_arm, 0
    if emg != 0:
        status = push(own, stream, time, floats_at(emg + 8 * p * e, (e,)))
    if angles != 0:
        given = floats_at(angles + 8 * p * d, (1, d))
        pose(own.paths, given, stream.pose_length, stream.pose_arm, 0, stream.paths)
    elif lengths != 0:
        length = floats_at(lengths + 8 * p * m, (1, m))
        arm = floats_at(arms + 8 * p * m * d, (1, m, d))
    if angles != 0 or lengths != 0:
        status = prepare(own, stream, time, length, arm)
    return arm, status


@pure
def take(given: Array, into: Array) -> None:
    """Copy a matrix."""
    for i in range(into.shape[0]):
        for j in range(into.shape[1]):
            into[i, j] = given[i, j]


@kernel
def stream_signals(model: int, state: int, signals: int, flags: int) -> None:
    """Excitation and the five signals of the newest frame `(6, M)`, and its flags `(M,)`."""
    words = described(model).words
    stream, m = stream_at(words, state), words[MUSCLES]
    t, r = stream.time.shape[0] - 1, stream.excitation.shape[0] - 1
    found, bits, own = floats_at(signals, (6, m)), integers_at(flags, (m,)), stream.signals
    for j in range(m):
        found[0, j] = stream.excitation[r, j]
        found[1, j] = own.neural_activation[r, j]
        found[2, j] = own.activation[t, j]
        found[3, j] = own.fiber_length[t, j]
        found[4, j] = own.fiber_velocity[t, j]
        found[5, j] = own.tendon_force[t, j]
        bits[j] = stream.flags[t, j]


@kernel
def stream_partials(model: int, state: int, partials: int) -> None:
    """Derivatives of the newest frame `(5, 16 + W - 1, M)`, see `partials`."""
    own = described(model)
    shape = (SIGNALS, FIRST_PAST + window(own.words) - 1, own.words[MUSCLES])
    write_partials(own, stream_at(own.words, state), floats_at(partials, shape))


# ---- geometry ----


@kernel
def path_size(model: int) -> int:
    """How many float64 numbers of working memory `path_lengths` needs."""
    words = described(model).words
    return int(words[ROWS] * words[COLUMNS])


@kernel
def path_lengths(
    model: int, frames: int, angles: int, lengths: int, arms: int, memory: int
) -> None:
    """Lengths `(T, M)` and arms `(T, M, D)` at angles `(T, D)`."""
    own = described(model)
    words, m, d = own.words, own.words[MUSCLES], own.words[DOFS]
    given, length = floats_at(angles, (frames, d)), floats_at(lengths, (frames, m))
    arm = floats_at(arms, (frames, m, d))
    room = floats_at(memory, (words[ROWS], words[COLUMNS]))
    for t in range(frames):
        pose(own.paths, given, length, arm, t, room)


# ---- whole trials ----


@pure
def _signals(address: int, frames: int, m: int) -> MuscleSignals:
    each = 8 * frames * m
    return MuscleSignals(
        floats_at(address, (frames, m)),
        floats_at(address + each, (frames, m)),
        floats_at(address + 2 * each, (frames, m)),
        floats_at(address + 3 * each, (frames, m)),
        floats_at(address + 4 * each, (frames, m)),
    )


@pure
def _system(own: Described, frames: int, time: int, memory: int) -> System:
    """The system of one trial, its weights and the bounds of its frames in the memory."""
    k, f = own.words[SOLVER_POINTS], own.words[FORCE_POINTS]
    bounds = integers_at(memory, (2,))
    bounds[0], bounds[1] = 0, frames
    solver = floats_at(memory + 16, (frames, k))
    force = floats_at(memory + 16 + 8 * frames * k, (frames, f))
    room = floats_at(memory + 16 + 8 * frames * (k + f), (ROOM, max(k, f)))
    stamps = floats_at(time, (frames,))
    for t in range(frames):
        last_slope(stamps, t, min(t + 1, k), solver[t], room)
        last_slope(stamps, t, min(t + 1, f), force[t], room)
    return system_of(own, bounds, bounds, solver, force)


@pure
def _system_size(words: Integers, frames: int) -> int:
    k, f = words[SOLVER_POINTS], words[FORCE_POINTS]
    return int(2 + frames * (k + f) + ROOM * max(k, f))


@pure
def _blocks(own: Described, frames: int, memory: int) -> tuple[Integers, Array, int]:
    """The blocks of the muscles, their memories, and where the rest of the memory begins."""
    blocks, _ = lanes(own.words[MUSCLES])
    at = memory + 8 * _system_size(own.words, frames)
    room = at + 8 * BLOCK * blocks
    share, memories = integers_at(at, (blocks, BLOCK)), floats_at(room, (blocks, row.SIZE))
    spread(own.words, share)
    return share, memories, room + 8 * row.SIZE * blocks


@kernel
def trial_size(model: int, frames: int) -> int:
    """How many float64 numbers of working memory a trial of so many frames needs."""
    words = described(model).words
    blocks, _ = lanes(words[MUSCLES])
    bars = 2 * frames * words[MUSCLES]
    return int(_system_size(words, frames) + blocks * (BLOCK + row.SIZE) + bars)


@kernel
def trial_forward(
    model: int,
    frames: int,
    time: int,
    excitation: int,
    lengths: int,
    arms: int,
    moments: int,
    signals: int,
    flags: int,
    memory: int,
) -> None:
    """Moments `(T, D)`, the five signals `(5, T, M)` and flags of excitations `(T, M)`."""
    own = described(model)
    m, d = own.words[MUSCLES], own.words[DOFS]
    system, both = _system(own, frames, time, memory), true(own)
    share, memories, _ = _blocks(own, frames, memory)
    found = _signals(signals, frames, m)
    forward(
        system,
        own.table,
        share,
        system.timeline.frames[0],
        frames,
        both,
        both,
        floats_at(excitation, (frames, m)),
        floats_at(lengths, (frames, m)),
        found,
        integers_at(flags, (frames, m)),
        memories,
    )
    arm, tau = floats_at(arms, (frames, m, d)), floats_at(moments, (frames, d))
    for t in range(frames):
        moment(found.tendon_force, arm, t, t, tau)


@kernel
def trial_vjp(
    model: int,
    frames: int,
    time: int,
    excitation: int,
    lengths: int,
    arms: int,
    signals: int,
    flags: int,
    moments_bar: int,
    signals_bar: int,
    parameters_bar: int,
    excitation_bar: int,
    lengths_bar: int,
    arms_bar: int,
    memory: int,
) -> None:
    """Cotangents of parameters `(12, M)`, excitations, lengths and arms from those of moments and,
    unless 0, the five signals.
    """
    own = described(model)
    m, d = own.words[MUSCLES], own.words[DOFS]
    system, both = _system(own, frames, time, memory), true(own)
    share, memories, rest = _blocks(own, frames, memory)
    force_bar = floats_at(rest, (frames, m))
    length_bar = floats_at(rest + 8 * frames * m, (frames, m))
    given = frames if signals_bar != 0 else 0
    bars = _signals(signals_bar, given, m)
    found, arm = _signals(signals, frames, m), floats_at(arms, (frames, m, d))
    tau_bar, arm_bar = floats_at(moments_bar, (frames, d)), floats_at(arms_bar, (frames, m, d))
    for t in range(frames):
        for j in range(m):
            total = bars.tendon_force[t, j] if given > 0 else 0.0
            for i in range(d):
                total += arm[t, j, i] * tau_bar[t, i]
                arm_bar[t, j, i] = found.tendon_force[t, j] * tau_bar[t, i]
            force_bar[t, j] = total
            length_bar[t, j] = bars.fiber_length[t, j] if given > 0 else 0.0
    table_bar = floats_at(parameters_bar, (1, PARAMETERS, m))
    e_bar, lmt_bar = floats_at(excitation_bar, (frames, m)), floats_at(lengths_bar, (frames, m))
    table_bar[:] = 0.0
    e_bar[:] = 0.0
    lmt_bar[:] = 0.0
    adjoint(
        system,
        own.table,
        share,
        system.timeline.frames[0],
        frames,
        both,
        both,
        floats_at(excitation, (frames, m)),
        floats_at(lengths, (frames, m)),
        found,
        integers_at(flags, (frames, m)),
        MuscleSignals(
            bars.neural_activation, bars.activation, length_bar, bars.fiber_velocity, force_bar
        ),
        table_bar,
        e_bar,
        lmt_bar,
        memories,
    )


@kernel
def trial_jvp(
    model: int,
    frames: int,
    time: int,
    excitation: int,
    lengths: int,
    arms: int,
    signals: int,
    flags: int,
    parameters_dot: int,
    excitation_dot: int,
    lengths_dot: int,
    arms_dot: int,
    moments_dot: int,
    signals_dot: int,
    memory: int,
) -> None:
    """Derivatives of moments and of the five signals along a direction of parameters `(12, M)`,
    excitations, lengths and arms.
    """
    own = described(model)
    m, d = own.words[MUSCLES], own.words[DOFS]
    system = _system(own, frames, time, memory)
    share, memories, _ = _blocks(own, frames, memory)
    found, each = _signals(signals, frames, m), 8 * frames * m
    shape = (frames, 1, m)
    dots = MuscleSignals(
        floats_at(signals_dot, shape),
        floats_at(signals_dot + each, shape),
        floats_at(signals_dot + 2 * each, shape),
        floats_at(signals_dot + 3 * each, shape),
        floats_at(signals_dot + 4 * each, shape),
    )
    direction(
        system,
        own.table,
        share,
        frames,
        floats_at(excitation, (frames, m)),
        floats_at(lengths, (frames, m)),
        found,
        integers_at(flags, (frames, m)),
        floats_at(parameters_dot, (PARAMETERS, m)),
        floats_at(excitation_dot, (frames, m)),
        floats_at(lengths_dot, (frames, m)),
        dots,
        memories,
    )
    arm, arm_dot = floats_at(arms, (frames, m, d)), floats_at(arms_dot, (frames, m, d))
    tau_dot = floats_at(moments_dot, (frames, d))
    for t in range(frames):
        for i in range(d):
            tau_dot[t, i] = 0.0
        for j in range(m):
            force, force_dot = found.tendon_force[t, j], dots.tendon_force[t, 0, j]
            for i in range(d):
                tau_dot[t, i] += force * arm_dot[t, j, i] + force_dot * arm[t, j, i]
