"""What a frame of a stream needs before the kernel of whole trials can run it (see `forward`).

EMG is pushed as it comes; a frame takes what lies one electromechanical delay back. To the kernel
a step is the newest frame of a trial that has the frames of the window, so its bits are the same.
"""

from __future__ import annotations

import numpy as np

from refnms.jit import pure
from refnms.physics.excitation import AT_SAMPLE, SAME_TIME
from refnms.physics.kernels.slope import last_slope
from refnms.physics.kernels.struct import (
    CHANNELS,
    FILTERED,
    FRAMES,
    INTERPOLATES,
    LAST_TIME,
    MUSCLES,
    NEXT_ROW,
    PENDING,
    PUSHED,
    SAMPLES,
    Described,
    Stream,
    spread,
    system_of,
)
from refnms.physics.types import Array, Muscles, System

# Bits of what a step met.
EMG_HELD, EMG_AHEAD, EMG_LOST, SKIPPED, LATE, RESTARTED, NO_EMG = 1, 2, 4, 8, 16, 32, 64
REFUSED = SKIPPED | LATE | NO_EMG
LONGEST_GAP = 5  # of the model's numbers
DELAY = Muscles._fields.index("electromechanical_delay")


@pure
def system_at(model: Described, stream: Stream) -> System:
    """The system of a stream: the trial of its window."""
    frames, rows = stream.bounds[0], stream.bounds[1]
    return system_of(model, frames, rows, stream.solver_weights, stream.force_weights)


@pure
def begin(model: Described, stream: Stream) -> None:
    """Before the first frame."""
    spread(model.words, stream.share)
    stream.counters[FRAMES] = stream.counters[FILTERED] = 0.0


# ---- EMG ----


@pure
def push(model: Described, stream: Stream, time: float, emg: Array) -> int:
    """Take a sample of EMG; a channel that is not finite keeps its last value."""
    words, status = model.words, 0
    pushed, size = int(stream.counters[PUSHED]), words[SAMPLES]
    if pushed > 0 and not time > stream.emg_time[(pushed - 1) % size]:
        return LATE
    for c in range(words[CHANNELS]):
        if np.isfinite(emg[c]):
            stream.channels[c] = emg[c]
        else:
            status = EMG_HELD
    at = pushed % size
    stream.emg_time[at] = time
    for m in range(words[MUSCLES]):
        stream.emg[at, m] = 0.0
    for c in range(words[CHANNELS]):
        for m in range(words[MUSCLES]):
            stream.emg[at, m] += stream.channels[c] * model.emg_to_muscle[c, m]
    for m in range(words[MUSCLES]):
        stream.emg[at, m] = min(max(stream.emg[at, m], 0.0), 1.0)
    stream.counters[PUSHED] = pushed + 1.0
    stream.counters[PENDING] = int(stream.counters[PENDING]) | status
    return status


@pure
def excite(model: Described, stream: Stream, time: float) -> int:
    """Excitations at `time - delay`, by linear interpolation, into the newest row."""
    delays, muscles, status, m = model.table[DELAY], model.words[MUSCLES], 0, 0
    apart = 0
    for delay in delays.flat:
        apart += 0 if delay == delays[0] else 1
    while m < muscles:
        beyond = m + 1 if apart > 0 else muscles
        while beyond < muscles and delays[beyond] == delays[m]:
            beyond += 1
        status |= interpolate(stream, time - delays[m], model.words[SAMPLES], m, beyond)
        m = beyond
    return status


@pure
def interpolate(stream: Stream, wanted: float, size: int, begin: int, beyond: int) -> int:
    """Those of some muscles at a time that lies between the samples `left` and `left + 1`."""
    pushed = int(stream.counters[PUSHED])
    first, last = max(0, pushed - size), pushed - 1
    left, time = last, stream.emg_time
    while left >= first and time[left % size] > wanted:
        left -= 1
    low, high = max(left, first) % size, min(left + 1, last) % size
    status, fraction, step = 0, 0.0, np.inf  # before the first sample and after the last
    if left < first:
        status = EMG_LOST if first > 0 else 0
    elif left == last:
        status = EMG_AHEAD if wanted > time[low] else 0
    else:
        step = time[high] - time[low]
        fraction = (wanted - time[low]) / step
    below, above, slope = stream.emg[low], stream.emg[high], stream.by_delay[0]
    found = stream.excitation[stream.excitation.shape[0] - 1]
    for m in range(np.uint64(begin), np.uint64(beyond)):
        rise = above[m] - below[m]
        found[m] = below[m] + fraction * rise
        slope[m] = -rise / step
    if first < left < last and fraction < AT_SAMPLE:
        before = stream.emg[(left - 1) % size]
        step = time[low] - time[(left - 1) % size]
        for m in range(begin, beyond):
            slope[m] = 0.5 * (slope[m] - (below[m] - before[m]) / step)
    return status


@pure
def match(model: Described, stream: Stream, time: float) -> int:
    """The first EMG row that, delayed, is not earlier than the frame.

    Before the first frame, the rows that are kept charge the filter. All muscles have the delay of
    the first.
    """
    pushed, size, status = int(stream.counters[PUSHED]), model.words[SAMPLES], 0
    delay, wanted = model.table[DELAY, 0], time - SAME_TIME
    first = max(int(stream.counters[NEXT_ROW]), pushed - size)
    chosen, r = first, stream.excitation.shape[0] - 1
    while chosen < pushed and stream.emg_time[chosen % size] + delay < wanted:
        chosen += 1
    if chosen >= pushed:
        chosen, status = pushed - 1, EMG_AHEAD
    if stream.counters[FRAMES] == 0.0:
        status |= EMG_LOST if first > stream.counters[NEXT_ROW] else 0
        stream.counters[FILTERED] = chosen - first
        for row in range(first, chosen):
            for m in range(model.words[MUSCLES]):
                stream.excitation[r - chosen + row, m] = stream.emg[row % size, m]
    for m in range(model.words[MUSCLES]):
        stream.excitation[r, m] = stream.emg[chosen % size, m]
        stream.by_delay[0, m] = 0.0
    stream.counters[NEXT_ROW] = chosen + 1.0
    return status


# ---- frames ----


@pure
def shift(rows: Array) -> None:
    """Every row becomes the one before it."""
    for t in range(rows.shape[0] - 1):
        for m in range(rows.shape[1]):
            rows[t, m] = rows[t + 1, m]


@pure
def is_finite(array: Array) -> bool:
    """Whether all numbers of an array, contiguous by rows, are finite."""
    missing = 0
    for number in array.flat:
        missing += 0 if number - number == 0.0 else 1
    return missing == 0


@pure
def prepare(model: Described, stream: Stream, time: float, length: Array, arm: Array) -> int:
    """Make room for a frame of lengths `(1, M)` and arms `(1, M, D)`, and excite it.

    Returns the bits of what it met; REFUSED among them: the frame is not to be run.
    """
    counters, words = stream.counters, model.words
    if counters[PUSHED] == 0.0:
        return NO_EMG
    if not (np.isfinite(time) and is_finite(length) and is_finite(arm)):
        return SKIPPED
    status = 0
    if counters[FRAMES] > 0.0:
        gap = time - counters[LAST_TIME]
        if not gap > 0.0:
            return LATE
        if gap > model.numbers[LONGEST_GAP]:
            begin(model, stream)
            status = RESTARTED
    status |= int(counters[PENDING])
    counters[PENDING] = 0.0
    shift(stream.excitation)
    status |= excite(model, stream, time) if words[INTERPOLATES] else match(model, stream, time)
    t, r = stream.time.shape[0] - 1, stream.excitation.shape[0] - 1
    frames, k = int(counters[FRAMES]), int(counters[FILTERED])
    stream.bounds[0, 0], stream.bounds[0, 1] = max(0, t - frames), t + 1
    stream.bounds[1, 0], stream.bounds[1, 1] = r - k, r + 1
    take_time(stream, time, frames, t)
    shift(stream.signals.neural_activation)
    shift(stream.signals.fiber_length)
    for m in range(words[MUSCLES]):
        stream.musculotendon_length[t, m] = length[0, m]
    counters[FRAMES], counters[FILTERED] = frames + 1.0, k + 1.0
    counters[LAST_TIME] = time
    return status


@pure
def take_time(stream: Stream, time: float, frames: int, t: int) -> None:
    """The velocity weights of the new frame."""
    for i in range(t):
        stream.time[i] = stream.time[i + 1]
    stream.time[t] = time
    shift(stream.solver_weights)
    shift(stream.force_weights)
    solver, force = stream.solver_weights[t], stream.force_weights[t]
    last_slope(stream.time, t, min(frames + 1, solver.shape[0]), solver, stream.slope)
    if force.shape[0] == solver.shape[0]:
        for k in range(solver.shape[0]):
            force[k] = solver[k]
    else:
        last_slope(stream.time, t, min(frames + 1, force.shape[0]), force, stream.slope)
