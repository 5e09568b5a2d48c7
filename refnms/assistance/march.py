"""Frame after frame: the excitations that follow the moments best, each frame given its past.

    minimise  alpha sum over d of (moment_d - measured_d)^2 + beta sum over muscles of e^2
              + gamma sum over adjusted muscles of |e - recorded e|   (or of its square)

over the excitations of the muscles that may move, within bounds; see `descent`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from refnms.assistance.descent import descend
from refnms.assistance.frame import (
    ANSWERS,
    DRIVE,
    FORCE,
    FORCE_PAST,
    LENGTH,
    LENGTH_SLOPE,
    PAST,
    PREVIOUS,
    REST,
    TRIED,
    TRIED_FORCE,
    TRIED_LENGTH,
    U1,
    U2,
    E,
    Task,
    answer,
)
from refnms.assistance.response import SHORT
from refnms.jit import by_reference, kernel, outlined
from refnms.physics import solve
from refnms.physics.types import Array, Integers

IDLE = 1e-3  # of the strongest force


class Found(NamedTuple):
    """What comes out."""

    excitation: Array  # (K, M) the best ones
    fiber_length: Array  # (T, M) [m]
    cost: Array  # (T,)
    slope: Array  # (T,) of the cost: the largest that an excitation may still follow
    rounds: Integers  # (T,)


@kernel
def march(task: Task, path: Array, follows: bool, found: Found) -> None:
    """Minimise frame after frame, each with the past of the excitations `path (K, M)`.

    Without `follows` the path is written: it is that of the best excitations. The roots of the
    system are found to rounding.
    """
    recorded, rows, whole = task.given.recorded, task.memory.muscles, by_reference(task)
    lead = recorded.shape[0] - task.given.musculotendon_length.shape[0]
    for r in range(recorded.shape[0]):
        t = r - lead
        begin_row(whole, path, r)
        for m in range(rows.shape[1]):
            rows[E, m] = recorded[r, m]
        if t >= 0:
            begin_frame(whole, found.fiber_length, t)
            guess_excitation(whole, found.excitation, r, t)
            solve_frame(whole, r, t, found)
        for m in range(rows.shape[1]):
            found.excitation[r, m] = rows[E, m]
            if not follows:
                path[r, m] = rows[E, m]
        end_row(whole, path, r, t, found.fiber_length)


@outlined
def begin_row(task: Task, path: Array, r: int) -> None:
    """The filter at row r as a line over the excitation; see `kernels.forward.start_filter`."""
    rows, start, gains = task.memory.muscles, task.system.start, task.who.gains
    for m in range(rows.shape[1]):
        alpha, beta1, beta2 = gains[0, m], gains[1, m], gains[2, m]
        if r == start.restart:
            rows[U1, m] = rows[U2, m] = 0.5 * (path[r - 1, m] + path[r - 2, m])
        rows[DRIVE, m] = alpha
        rows[REST, m] = -beta1 * rows[U1, m] - beta2 * rows[U2, m]
        if r == 0:
            rows[DRIVE, m], rows[REST, m] = alpha - start.rest * (beta1 + beta2), 0.0


@outlined
def begin_frame(task: Task, fiber_length: Array, t: int) -> None:
    """The past of the velocities at frame t, and where its length is looked for first."""
    rows, timeline = task.memory.muscles, task.system.timeline
    for m in range(rows.shape[1]):
        rows[PAST, m] = solve.past_velocity(timeline.solver_weights, fiber_length, t, m, t)
        rows[FORCE_PAST, m] = solve.past_velocity(timeline.force_weights, fiber_length, t, m, t)
        previous = fiber_length[t - 1, m] if t > 0 else 0.0
        onward = 2.0 * previous - fiber_length[t - 2, m] if t > 1 else previous
        rows[PREVIOUS, m] = previous
        rows[LENGTH, m] = onward if onward > 0.0 else previous
        rows[LENGTH_SLOPE, m] = 0.0


@outlined
def end_row(task: Task, path: Array, r: int, t: int, fiber_length: Array) -> None:
    """The past moves on, along the excitations of the path."""
    rows = task.memory.muscles
    for m in range(rows.shape[1]):
        e = path[r, m]
        rows[U2, m] = task.system.start.rest * e if r == 0 else rows[U1, m]
        rows[U1, m] = rows[DRIVE, m] * e + rows[REST, m]
        if t >= 0:
            if e != rows[E, m]:
                rows[TRIED, m] = e
                answer(task, t, m, TRIED, SHORT)
                rows[LENGTH, m] = rows[TRIED_LENGTH, m]
            fiber_length[t, m] = rows[LENGTH, m]


@outlined
def guess_excitation(task: Task, excitation: Array, r: int, t: int) -> None:
    """Begin as far from the recorded excitations as the last frame ended."""
    rows, recorded = task.memory.muscles, task.given.recorded
    for i in range(task.given.moving.size):
        m = task.given.moving[i]
        e = recorded[r, m]
        if t > 0 and task.given.adjusted[i] > 0.0:
            e += excitation[r - 1, m] - recorded[r - 1, m]
        elif t > 0:
            e = excitation[r - 1, m]
        rows[E, m] = min(max(e, task.cost.lower), task.cost.upper)


@outlined
def solve_frame(task: Task, r: int, t: int, found: Found) -> None:
    """The best excitations of frame t, row r."""
    rows, kept = task.memory.muscles, task.memory.kept
    for m in range(rows.shape[1]):
        answer(task, t, m, E, SHORT)
    found.cost[t], found.slope[t], found.rounds[t] = descend(task, r, t)
    for m in range(rows.shape[1]):
        for k in range(ANSWERS):
            kept[k, m] = rows[E + k, m]
    if awaken(task, t) == 0:
        return
    value, slope, rounds = descend(task, r, t)
    found.rounds[t] += rounds
    if value < found.cost[t]:
        found.cost[t], found.slope[t] = value, slope
        return
    for m in range(rows.shape[1]):
        for k in range(ANSWERS):
            rows[E + k, m] = kept[k, m]


@outlined
def awaken(task: Task, t: int) -> Any:
    """Excite, half, the muscles without force whose force would help; how many there are.

    Where tendon or fibers are slack the force does not answer a little excitation, so no slope
    leads out of there.
    """
    rows, unit, cost = task.memory.muscles, task.who.unit, task.cost
    woken, half = 0, 0.5 * (cost.lower + cost.upper)
    for i in range(task.given.moving.size):
        m, pull = task.given.moving[i], task.memory.pull[i]
        strongest = unit.max_isometric_force[m] * unit.strength_coefficient[m]
        if not (rows[FORCE, m] < IDLE * strongest and pull < 0.0 and rows[E, m] < half):
            continue
        rows[TRIED, m] = half
        answer(task, t, m, TRIED, SHORT)
        gain = -2.0 * cost.alpha * pull * (rows[TRIED_FORCE, m] - rows[FORCE, m])
        if gain > cost.beta * (half * half - rows[E, m] * rows[E, m]):
            woken += 1
            for k in range(ANSWERS):
                rows[E + k, m] = rows[TRIED + k, m]
    return woken
