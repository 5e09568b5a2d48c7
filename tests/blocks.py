"""Kernels run by hand: on blocks of any width, and frames in any pieces."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from strategies import FIELDS, Case, Run

from refnms.physics.compiled import ALL
from refnms.physics.kernels import row
from refnms.physics.kernels.adjoint import adjoint
from refnms.physics.kernels.forward import forward
from refnms.physics.kernels.tangents import tangents
from refnms.physics.types import Array, Integers, MuscleSignals

NONE = np.zeros((0, 0))


def blocks_of(case: Case, width: int = row.LANES) -> Integers:
    """Blocks of one width, the last one narrower; none shares a muscle with another."""
    muscles = case.table.shape[1]
    trials = range(len(case.system.timeline.frames) - 1)
    return np.array(
        [(i, m, min(width, muscles - m), 0) for i in trials for m in range(0, muscles, width)]
    )


def run_blocks(case: Case, blocks: Integers, cuts: Sequence[int] = (0, ALL)) -> Run:
    """Signals and flags of some blocks, frames between `cuts` at a time; elsewhere NaN and -1.

    The velocity of the force has to follow from a few lengths.
    """
    frames = case.musculotendon_length.shape
    signals = MuscleSignals(*(np.full(s, np.nan) for s in (case.excitation.shape, *4 * (frames,))))
    flags = np.full(frames, -1)
    memories = np.zeros((len(blocks), row.SIZE))
    given = case.system, case.table, blocks
    inputs = case.excitation, case.musculotendon_length
    for begin, end in pairwise(cuts):
        forward(*given, begin, end, True, True, *inputs, signals, flags, memories)
    return signals, flags


def pull_blocks(
    case: Case,
    run: Run,
    blocks: Integers,
    bars: MuscleSignals,
    cuts: Sequence[int] = (0, ALL),
) -> tuple[Array, Array, Array]:
    """Cotangents of parameters `(trials, 12, M)`, excitation and length, by some blocks.

    The frames between `cuts` come at a time, the last ones first.
    """
    signals, flags = run
    trials = len(case.system.timeline.frames) - 1
    found = (
        np.zeros((trials, *case.table.shape)),
        np.zeros_like(case.excitation),
        np.zeros_like(case.musculotendon_length),
    )
    own = MuscleSignals(*(bar.copy() for bar in bars))
    given = case.system, case.table, blocks
    inputs = case.excitation, case.musculotendon_length
    memories = np.zeros((len(blocks), row.SIZE))
    for begin, end in reversed(list(pairwise(cuts))):
        adjoint(*given, begin, end, True, True, *inputs, signals, flags, own, *found, memories)
    return found


def push_blocks(
    case: Case, run: Run, blocks: Integers, by_delay: Array, step: int = ALL
) -> MuscleSignals:
    """Tangents `(T, F, M)` of some blocks of one trial, so many frames at a time."""
    signals, flags = run
    line, trial = case.system.timeline, blocks[0, 0]
    first, stop = line.frames[trial : trial + 2]
    lead = max(line.solver_weights.shape[1], line.force_weights.shape[1]) - 1
    step = min(step, int(stop - first))
    shape = (lead + step, len(FIELDS), case.table.shape[1])
    slopes = MuscleSignals(np.zeros((0, 0, 0)), *(np.zeros(shape) for _ in range(4)))
    memories = np.zeros((len(blocks), row.SIZE))
    given = FIELDS, case.excitation, by_delay, case.musculotendon_length, signals, flags, lead
    parts = []
    for begin in range(0, int(stop - first), step):
        span = blocks, begin, begin + step, True, True
        tangents(case.system, case.table, *span, *given, slopes, memories)
        parts.append([s[lead : lead + stop - first - begin].copy() for s in slopes[1:]])
        slopes.fiber_length[:lead] = slopes.fiber_length[step : step + lead]
    return MuscleSignals(None, *map(np.concatenate, zip(*parts, strict=True)))
