"""The Numba engine: shares blocks of muscles and trials out among threads, and runs the kernels.

It offers the functions of `reference`, with the same arguments and results. A lane's numbers
depend on nothing but its own, and sums over trials are made in order: the bits are the same
whatever the number of threads.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache, partial
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from refnms.physics import apart
from refnms.physics.kernels import row
from refnms.physics.kernels.adjoint import adjoint as adjoint_kernel
from refnms.physics.kernels.forward import forward as forward_kernel
from refnms.physics.kernels.moments import moments as moments_kernel
from refnms.physics.kernels.paths import path_lengths as path_kernel
from refnms.physics.kernels.paths import room
from refnms.physics.kernels.products import add_gradient as add_gradient
from refnms.physics.kernels.products import add_products as add_products
from refnms.physics.kernels.tangents import tangents as tangents_kernel
from refnms.physics.kernels.velocity import spline_velocity, spline_velocity_transposed
from refnms.physics.types import (
    Array,
    Integers,
    MuscleSignals,
    Paths,
    SplineFactors,
    System,
    Timeline,
)

Consume: TypeAlias = Callable[[int, slice, MuscleSignals], None]

ALL = 1 << 40  # more frames than any trial has
# Muscle-frames at a time, few enough to stay in the processor's cache: of signals that blocks side
# by side read and write, and of their derivatives, which are several times as many.
TOGETHER, DERIVED = 8192, 8192
FEWEST = 32  # frames
WORTHWHILE = 4000  # muscle-frames that pay for a second thread
NONE, NO_SLOPES = np.empty((0, 0)), np.empty((0, 0, 0))
LANES_APART = 4  # a group of lanes is a whole number of the narrowest vectors


@cache
def _threads() -> int:
    """As many as processors, or as REFNMS_THREADS says."""
    return int(os.environ.get("REFNMS_THREADS") or os.cpu_count() or 1)


@cache
def _pool() -> ThreadPoolExecutor | None:
    return ThreadPoolExecutor(_threads(), "refnms") if _threads() > 1 else None


def _each(tasks: Sequence[Any], work: Callable[[Any], None], size: int) -> None:
    """Do the work of all tasks, side by side where it is worthwhile."""
    if size > WORTHWHILE and len(tasks) > 1 and (pool := _pool()) is not None:
        for _ in pool.map(work, tasks):
            pass
    else:
        for task in tasks:
            work(task)


def groups(muscles: int) -> list[tuple[int, int]]:
    """First muscle and number of muscles of the blocks of one trial, of about equal width."""
    groups, blocks = -(-muscles // LANES_APART), -(-muscles // row.LANES)
    ends = [LANES_APART * (groups * k // blocks) for k in range(blocks)] + [muscles]
    return [(m, end - m) for m, end in pairwise(ends)]


@lru_cache(256)
def blocks_of(trial: int, muscles: int, fill: bool = False) -> Integers:
    """Trial, first muscle, number of muscles and, of these, how many the block before has too.

    `(blocks, 4)`, to be read only. With `fill` the last one begins early enough to fill its
    vectors: otherwise each of up to three lanes at the end takes as long as a vector. What it
    shares is worked on twice, to the same numbers; only what is added up has to leave it out.
    """
    found = [(trial, m, n, 0) for m, n in groups(muscles)]
    if fill:
        _, m, n, _ = found[-1]
        shared = min(m, -n % LANES_APART)
        found[-1] = trial, m - shared, n + shared, shared
    return np.array(found)


class Spare:
    """Working memory that no call has now: to place it anew takes longer than to keep it."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make, self._kept = make, list[Any]()

    def take(self) -> Any:
        try:
            return self._kept.pop()
        except IndexError:
            return self._make()

    def give(self, memory: Any) -> None:
        self._kept.append(memory)


def _memories(count: int) -> Any:
    """Of blocks; each row of one begins with a line of the cache."""
    return apart.empty(apart.MEMORIES, (count, row.SIZE))


class Share(NamedTuple):
    """What one thread does at a time: some frames of all its blocks, then the next ones."""

    blocks: Integers  # (blocks, 4), to be read only
    spans: list[tuple[int, int]]
    memories: Spare  # of these blocks


def _shares(timeline: Timeline, muscles: int, fill: bool) -> list[Share]:
    return _planned(tuple(timeline.frames.tolist()), muscles, _threads(), fill)


@lru_cache(64)
def _planned(frames: tuple[int, ...], muscles: int, threads: int, fill: bool) -> list[Share]:
    """The blocks of each trial, those of one shared out among the threads.

    For one thread, and where it is little work, all are together. They are kept: in a calibration
    they are asked for again and again.
    """
    count = len(groups(muscles))
    together = threads == 1 or frames[-1] * muscles <= WORTHWHILE
    parts = 1 if together else min(threads, count)
    # Lanes that two blocks share are for one thread: none may see what another has half done.
    fill = fill and count >= 2 * parts
    trials = [blocks_of(i, muscles, fill) for i in range(len(frames) - 1)]
    found = [np.concatenate(trials)] if together else trials
    shares = [share for blocks in found for share in np.array_split(blocks, parts)]
    longest = max(stop - first for first, stop in pairwise(frames))
    return [
        Share(blocks, _spans(len(blocks), longest, muscles), Spare(partial(_memories, len(blocks))))
        for blocks in shares
    ]


def _spans(blocks: int, longest: int, muscles: int) -> list[tuple[int, int]]:
    """Some frames at a time where several blocks lie side by side in memory, else all at once."""
    if blocks == 1:
        return [(0, ALL)]
    step = max(FEWEST, TOGETHER // muscles)
    return [(begin, begin + step) for begin in range(0, longest, step)]


def _trial_spline(timeline: Timeline, trial: int) -> SplineFactors:
    s, frames = timeline.spline, slice(*timeline.frames[trial : trial + 2])
    first, last = s.first[trial : trial + 1], s.last[trial : trial + 1]
    return SplineFactors(s.steps[frames], s.pivots[frames], first, last)


def forward(
    system: System,
    table: Array,
    excitation: Array,
    musculotendon_length: Array,
    signals: MuscleSignals,
    flags: Integers,
) -> None:
    """See `reference.forward`."""
    timeline, table = system.timeline, np.ascontiguousarray(table)
    whole = timeline.force_weights.shape[1] == 0
    arrays = (excitation, musculotendon_length, signals, flags)

    def work(share: Share) -> None:
        blocks, memories = share.blocks, share.memories.take()
        for begin, end in share.spans:
            forward_kernel(system, table, blocks, begin, end, True, not whole, *arrays, memories)
        if whole:
            for block in blocks:
                add_velocity(*block)
            forward_kernel(system, table, blocks, 0, ALL, False, True, *arrays, memories)
        share.memories.give(memories)

    def add_velocity(trial: int, m: int, n: int, _: int) -> None:
        columns = (slice(*timeline.frames[trial : trial + 2]), slice(m, m + n))
        length = np.ascontiguousarray(signals.fiber_length[columns])
        velocity = np.empty_like(length)
        spline_velocity(_trial_spline(timeline, trial), length, velocity)
        signals.fiber_velocity[columns] = velocity

    _each(_shares(timeline, table.shape[1], fill=True), work, flags.size)


def adjoint(
    system: System,
    table: Array,
    excitation: Array,
    musculotendon_length: Array,
    signals: MuscleSignals,
    flags: Integers,
    bars: MuscleSignals,
    wanted: tuple[bool, bool] = (True, True),
) -> tuple[Array, Array | None, Array | None]:
    """See `reference.adjoint`."""
    timeline, table = system.timeline, np.ascontiguousarray(table)
    frames, whole = musculotendon_length.shape, timeline.force_weights.shape[1] == 0
    own = _own_bars(bars, frames, whole, timeline.one_velocity)
    # Where the kernel adds to the cotangents of lengths, no lane may be worked on twice.
    shares = _shares(timeline, frames[1], fill=len(own.fiber_length) == 0)
    # One share adds trial after trial, but not where each takes two calls of the kernel.
    trials = len(timeline.frames) - 1 if len(shares) > 1 or whole else 1
    table_bar = np.zeros((trials, *table.shape))
    excitation_bar = apart.zeros(apart.EXCITATION_BAR, excitation.shape) if wanted[0] else NONE
    length_bar = apart.zeros(apart.LENGTH_BAR, frames) if wanted[1] else NONE
    given = (excitation, musculotendon_length, signals, flags)
    found = (own, table_bar, excitation_bar, length_bar)

    def work(share: Share) -> None:
        blocks, memories = share.blocks, share.memories.take()
        if whole:
            for i in range(len(blocks)):
                pull_whole(blocks[i : i + 1], memories[i : i + 1])
        else:
            for begin, end in reversed(share.spans):
                spanned = (begin, end, True, True)
                adjoint_kernel(system, table, blocks, *spanned, *given, *found, memories)
        share.memories.give(memories)

    def pull_whole(block: Integers, memory: Array) -> None:
        adjoint_kernel(system, table, block, 0, ALL, False, True, *given, *found, memory)
        trial, m, n, _ = block[0]
        columns = (slice(*timeline.frames[trial : trial + 2]), slice(m, m + n))
        velocity_bar = np.ascontiguousarray(own.fiber_velocity[columns])
        bar = np.zeros_like(velocity_bar)
        spline_velocity_transposed(_trial_spline(timeline, trial), velocity_bar, bar)
        own.fiber_length[columns] += bar
        adjoint_kernel(system, table, block, 0, ALL, True, False, *given, *found, memory)

    _each(shares, work, flags.size)
    return (
        table_bar[0] if trials == 1 else np.add.reduce(table_bar),
        excitation_bar if wanted[0] else None,
        length_bar if wanted[1] else None,
    )


def _own_bars(
    bars: MuscleSignals, frames: tuple[int, ...], whole: bool, one_velocity: bool
) -> MuscleSignals:
    """The cotangents for the kernel: copies of what it adds to; forces in any case.

    It is compiled for arrays that may be written, so that a read-only one is copied.

    It adds to lengths, which it needs but for `one_velocity`, and where it runs twice, to what is
    between forces and lengths.
    """

    neural, activation, length, velocity, force = bars
    return MuscleSignals(
        _read(neural),
        _added(1, activation, frames) if whole else _read(activation),
        NONE if one_velocity and length is None else _added(2, length, frames),
        _added(3, velocity, frames) if whole else _read(velocity),
        _added(4, None, frames) if force is None else _read(force),
    )


def _read(bar: Array | None) -> Any:
    if bar is None:
        return NONE
    return bar if bar.flags.carray else np.require(bar, requirements=["C", "W"])


def _added(number: int, bar: Array | None, frames: tuple[int, ...]) -> Any:
    number += apart.BARS
    return apart.zeros(number, frames) if bar is None else apart.joined(number, bar)


def _room(shape: tuple[int, ...], kept: tuple[bool, ...]) -> tuple[MuscleSignals, Array]:
    """For slopes by parameters of the signals that are kept, and memories of a trial's blocks."""
    slopes = (
        apart.empty(apart.BARS + k, shape) if keep else NO_SLOPES for k, keep in enumerate(kept)
    )
    return MuscleSignals(*slopes), _memories(len(groups(shape[-1])))


@lru_cache(64)
def _rooms(shape: tuple[int, ...], kept: tuple[bool, ...]) -> Spare:
    return Spare(partial(_room, shape, kept))


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
    """See `reference.tangents`. A trial comes in chunks, and trials come from several threads.

    What `consume` gets is overwritten afterwards.
    """
    timeline, table = system.timeline, np.ascontiguousarray(table)
    width, by_delay = table.shape[1], NONE if excitation_by_delay is None else excitation_by_delay
    lead = max(timeline.solver_weights.shape[1], timeline.force_weights.shape[1]) - 1
    whole = timeline.force_weights.shape[1] == 0

    frames = timeline.frames.tolist()
    longest = max(stop - first for first, stop in pairwise(frames))
    chunk = longest if whole else min(max(FEWEST, DERIVED // width), longest)
    shape = (lead + chunk, fields.size, width)
    kept = (False, wanted[0], True, wanted[1] or not timeline.one_velocity, True)
    # That of a whole trial may be large, and is not kept.
    rooms = Spare(partial(_room, shape, kept)) if whole else _rooms(shape, kept)
    given = (excitation, by_delay, musculotendon_length, signals, flags)

    def work(trials: range) -> None:
        room = rooms.take()
        for trial in trials:
            of_trial(trial, *room)
        rooms.give(room)

    def of_trial(trial: int, slopes: MuscleSignals, memories: Array) -> None:
        blocks = blocks_of(trial, width, fill=True)
        first, stop = frames[trial : trial + 2]

        def pass_over(begin: int, lengths: bool, forces: bool) -> None:
            span = (begin, begin + chunk, lengths, forces, fields)
            tangents_kernel(system, table, blocks, *span, *given, lead, slopes, memories)

        for begin in range(0, stop - first, chunk):
            count = min(chunk, stop - first - begin)
            pass_over(begin, True, not whole)
            if whole:
                flat = (count, fields.size * width)
                lengths, velocities = slopes.fiber_length[lead:], slopes.fiber_velocity[lead:]
                spline = _trial_spline(timeline, trial)
                lengths, velocities = (s[:count].reshape(flat) for s in (lengths, velocities))
                spline_velocity(spline, lengths, velocities)
                pass_over(begin, False, True)
            at = slice(first + begin, first + begin + count)
            found = (s[lead : lead + count] if len(s) else None for s in slopes)
            consume(trial, at, MuscleSignals(*found))
            if begin + chunk < stop - first:
                slopes.fiber_length[:lead] = slopes.fiber_length[chunk : chunk + lead]

    parts = min(_threads(), len(frames) - 1)
    _each([range(k, len(frames) - 1, parts) for k in range(parts)], work, flags.size)


def path_lengths(paths: Paths, angle: Array) -> tuple[Array, Array]:
    """See `reference.path_lengths`."""
    angle = np.ascontiguousarray(angle, dtype=float)
    shape = (len(angle), *paths.basis_of.shape)
    length, arm = np.zeros(shape[:2]), np.zeros(shape)
    path_kernel(paths, angle, length, arm, np.zeros(room(paths)))
    return length, arm


def moments(force: Array, arm: Array) -> Array:
    """See `reference.moments`."""
    found = np.zeros((force.shape[0], arm.shape[2]))
    by_dof = np.ascontiguousarray(arm.transpose(2, 0, 1), dtype=float)
    moments_kernel(np.ascontiguousarray(force), by_dof, found)
    return found
