"""One frame: what is given, where the muscles stand, and the cost of their excitations."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from refnms.assistance import box
from refnms.assistance.response import SHORTEST, Past, People, Response, bend, respond
from refnms.jit import outlined, pure
from refnms.physics.types import Array, Integers, System

FAR = 0.1  # share of a length beyond which its slope says nothing
NONE = -1.0  # in the row OTHER; excitations are positive
ANSWERS = 9  # rows from E and from TRIED on

# Rows of `Memory.muscles`.
(
    U1, U2,  # neural activation one and two rows ago
    DRIVE, REST, PREVIOUS, PAST, FORCE_PAST,  # see `response.Past`
    BEND, BENT,  # second derivative of the force, and the side on which it was taken
    KINK, BEYOND, BEYOND_SLOPE, GAP,  # where a step of E ends; what is across it
    E, FORCE, SLOPE, LENGTH, LENGTH_SLOPE, SIDE,  # an excitation and its response
    OTHER, OTHER_SLOPE, OTHER_GAP,  # across a kink on which E rests: excitation, slope, more force
    TRIED, TRIED_FORCE, TRIED_SLOPE, TRIED_LENGTH, TRIED_LENGTH_SLOPE, TRIED_SIDE,
    TRIED_OTHER, TRIED_OTHER_SLOPE, TRIED_OTHER_GAP,
) = range(31)  # fmt: skip


class Cost(NamedTuple):
    """What is minimised, and the bounds of the excitations."""

    alpha: float
    beta: float
    gamma: float
    squared: bool  # distance from the recorded excitations, else absolute
    lower: float
    upper: float


class Given(NamedTuple):
    """One trial: T frames, K >= T rows of excitations, D followed moments, n muscles that move."""

    recorded: Array  # (K, M) excitations
    musculotendon_length: Array  # (T, M)
    moment_arm: Array  # (T, M, D)
    moment: Array  # (T, D)
    moving: Integers  # (n,)
    adjusted: Array  # (n,) 1 where the recorded excitation is tracked, else 0
    least_force: float  # [N] of a muscle


class Memory(NamedTuple):
    """Working memory."""

    muscles: Array  # (31, M)
    pieces: Integers  # (4, M) of the curves, found last
    kept: Array  # (9, M) the rows from E on, of a first solution
    error: Array  # (D,) of the moments
    pull: Array  # (n,) of the moments by a force
    start: Array  # (n,)
    x: Array  # (n,)
    model: box.Quadratic
    box: box.Room


class Task(NamedTuple):
    """All of a trial. Its frame t has row r of the excitations."""

    system: System
    who: People
    cost: Cost
    given: Given
    memory: Memory


def memory(muscles: int, moving: int, dofs: int) -> Memory:
    """Memory for a trial."""
    own = (np.zeros(moving) for _ in range(9))
    slope, curvature, kink, weight, lower, upper, pull, start, x = own
    model = box.Quadratic(slope, curvature, np.zeros((moving, dofs)), kink, weight, lower, upper)
    rows, kept = np.zeros((31, muscles)), np.zeros((ANSWERS, muscles))
    rooms = np.zeros(dofs), pull, start, x, model, box.room(moving, dofs)
    return Memory(rows, np.zeros((4, muscles), np.int64), kept, *rooms)


@pure
def past_of(task: Task, t: int, m: int) -> Past:
    """What earlier frames leave of muscle m at frame t."""
    timeline, rows = task.system.timeline, task.memory.muscles
    return Past(
        rows[DRIVE, m],
        rows[REST, m],
        task.given.musculotendon_length[t, m],
        rows[PREVIOUS, m],
        timeline.solver_weights[t, 0],
        rows[PAST, m],
        timeline.force_weights[t, 0],
        rows[FORCE_PAST, m],
    )


@outlined
def answer(task: Task, t: int, m: int, at: int, enough: Any) -> None:
    """The response of muscle m at the excitation in row `at`, into the rows after it.

    Where that is the excitation E, the response to it is known.
    """
    rows, least = task.memory.muscles, task.given.least_force
    e, length = rows[at, m], rows[LENGTH, m]
    if at != E and e == rows[E, m]:
        for k in range(ANSWERS):
            rows[at + k, m] = rows[E + k, m]
        return
    way = rows[LENGTH_SLOPE, m] * (e - rows[E, m])
    guess = length + way if abs(way) < FAR * length else length
    past, short = past_of(task, t, m), SHORTEST if e == rows[KINK, m] else enough
    found = respond(task.system, task.who, m, past, e, guess, task.memory.pieces, short)
    held = found.force < least
    rows[at + 1, m] = least if held else found.force
    rows[at + 2, m] = 0.0 if held else found.slope
    rows[at + 3, m], rows[at + 4, m] = found.length, found.length_slope
    rows[at + 5, m] = NONE if held else found.side
    rows[at + 6, m] = NONE


@outlined
def bend_force(task: Task, t: int, m: int) -> None:
    """Write the second derivative of the force of muscle m at its excitation E."""
    rows = task.memory.muscles
    rows[BEND, m], rows[BENT, m] = 0.0, rows[SIDE, m]
    if rows[SIDE, m] == NONE:  # held
        return
    found = Response(
        rows[FORCE, m], rows[SLOPE, m], rows[LENGTH, m], rows[LENGTH_SLOPE, m], rows[SIDE, m]
    )
    past = past_of(task, t, m)
    rows[BEND, m] = bend(task.system, task.who, m, past, rows[E, m], found, task.memory.pieces)


@outlined
def value_at(task: Task, r: int, t: int, at: int) -> Any:
    """The cost of the excitations and forces in the rows `at`; the errors of the moments."""
    cost, given, rows, total = task.cost, task.given, task.memory.muscles, 0.0
    for d in range(task.memory.error.size):
        error = -given.moment[t, d]
        for m in range(rows.shape[1]):
            error += rows[at + 1, m] * given.moment_arm[t, m, d]
        task.memory.error[d] = error
        total += cost.alpha * error * error
    for m in range(rows.shape[1]):
        total += cost.beta * rows[at, m] * rows[at, m]
    for i in range(given.moving.size):
        if given.adjusted[i] > 0.0:
            away = abs(rows[at, given.moving[i]] - given.recorded[r, given.moving[i]])
            total += cost.gamma * (away * away if cost.squared else away)
    return total
