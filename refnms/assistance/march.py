"""Frame after frame: the excitations that follow the moments best, each frame given its past.

    minimise  alpha sum over d of (moment_d - measured_d)^2 + beta sum over muscles of e^2
              + gamma sum over adjusted muscles of |e - recorded e|   (or of its square)

over the excitations of the muscles that may move, within bounds. The force of a muscle depends on
its own excitation alone (see `response`), so with the slopes S of forces and the moment arms R

    gradient   = 2 alpha S R (moment - measured) + 2 beta e + ...
    curvature  = 2 alpha (S R)'(S R) + diagonal,

exact but for the second derivatives of the forces, which stand on the diagonal and are taken from
the change of the slopes S from step to step, and from frame to frame. Each step minimises this
model in the box (see `box`) and is shortened until the cost falls.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from refnms.assistance import box
from refnms.assistance.response import Past, People, respond
from refnms.jit import kernel, outlined
from refnms.physics import solve
from refnms.physics.types import Array, Integers, System

ROUNDS = 60  # of steps in a frame
HALVINGS = 30
ENOUGH = 1e-4  # of the fall that the slope promises
SETTLED = 1e-7  # slope of the cost that is left
ROUNDING = 1e-12  # of the terms of a slope, and of the cost
SHORT = 1e-7  # a step as short tells no second derivative
CONVEX = 1e-6  # the least curvature of a convex model
IDLE = 1e-3  # of the strongest force
ANSWERS = 5  # rows from E and from TRIED on

# Rows of `Memory.muscles`.
(
    U1, U2,  # neural activation one and two rows ago
    DRIVE, REST, PREVIOUS, PAST, FORCE_PAST,  # see `response.Past`
    E, FORCE, SLOPE, LENGTH, LENGTH_SLOPE,  # the response, and where
    BEND,  # second derivative of the force
    TRIED, TRIED_FORCE, TRIED_SLOPE, TRIED_LENGTH, TRIED_LENGTH_SLOPE,
) = range(18)  # fmt: skip


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


class Found(NamedTuple):
    """What comes out."""

    excitation: Array  # (K, M) the best ones
    fiber_length: Array  # (T, M) [m]
    cost: Array  # (T,)
    slope: Array  # (T,) of the cost: the largest that an excitation may still follow
    rounds: Integers  # (T,)


class Memory(NamedTuple):
    """Working memory."""

    muscles: Array  # (18, M)
    pieces: Integers  # (4, M) of the curves, found last
    kept: Array  # (5, M) the rows from E on, of a first solution
    error: Array  # (D,) of the moments
    start: Array  # (n,)
    x: Array  # (n,)
    model: box.Quadratic
    box: box.Room


def memory(muscles: int, moving: int, dofs: int) -> Memory:
    """Memory for a trial."""
    own = (np.zeros(moving) for _ in range(8))
    slope, curvature, kink, weight, lower, upper, start, x = own
    model = box.Quadratic(slope, curvature, np.zeros((moving, dofs)), kink, weight, lower, upper)
    rows, kept = np.zeros((18, muscles)), np.zeros((ANSWERS, muscles))
    pieces = np.zeros((4, muscles), np.int64)
    return Memory(rows, pieces, kept, np.zeros(dofs), start, x, model, box.room(moving, dofs))


@kernel
def march(
    system: System,
    who: People,
    cost: Cost,
    given: Given,
    path: Array,
    follows: bool,
    found: Found,
    memory: Memory,
) -> None:
    """Minimise frame after frame, each with the past of the excitations `path (K, M)`.

    Without `follows` the path is written: it is that of the best excitations. The roots of
    `system` are found to rounding.
    """
    lead = given.recorded.shape[0] - given.musculotendon_length.shape[0]
    rows = memory.muscles
    for r in range(given.recorded.shape[0]):
        t = r - lead
        begin_row(system, who, path, r, rows)
        if t < 0:
            for m in range(rows.shape[1]):
                found.excitation[r, m] = given.recorded[r, m]
        else:
            begin_frame(system, found.fiber_length, t, rows)
            solve_frame(system, who, cost, given, r, t, found, memory)
        for m in range(rows.shape[1]):
            if not follows:
                path[r, m] = found.excitation[r, m]
        end_row(system, who, given, path, r, t, found, memory)


@outlined
def begin_row(system: System, who: People, path: Array, r: int, rows: Array) -> None:
    """The filter at row r as a line over the excitation; see `kernels.forward.start_filter`."""
    for m in range(rows.shape[1]):
        alpha, beta1, beta2 = who.gains[0, m], who.gains[1, m], who.gains[2, m]
        if r == system.start.restart:
            rows[U1, m] = rows[U2, m] = 0.5 * (path[r - 1, m] + path[r - 2, m])
        rows[DRIVE, m] = alpha
        rows[REST, m] = -beta1 * rows[U1, m] - beta2 * rows[U2, m]
        if r == 0:
            rows[DRIVE, m], rows[REST, m] = alpha - system.start.rest * (beta1 + beta2), 0.0


@outlined
def begin_frame(system: System, fiber_length: Array, t: int, rows: Array) -> None:
    """The past of the velocities at frame t, and where its length is looked for first."""
    solver, force = system.timeline.solver_weights, system.timeline.force_weights
    for m in range(rows.shape[1]):
        rows[PAST, m] = solve.past_velocity(solver, fiber_length, t, m, t)
        rows[FORCE_PAST, m] = solve.past_velocity(force, fiber_length, t, m, t)
        previous = fiber_length[t - 1, m] if t > 0 else 0.0
        onward = 2.0 * previous - fiber_length[t - 2, m] if t > 1 else previous
        rows[PREVIOUS, m] = previous
        rows[LENGTH, m] = onward if onward > 0.0 else previous
        rows[LENGTH_SLOPE, m] = 0.0


@outlined
def end_row(
    system: System,
    who: People,
    given: Given,
    path: Array,
    r: int,
    t: int,
    found: Found,
    memory: Memory,
) -> None:
    """The past moves on, along the excitations of the path."""
    rows = memory.muscles
    for m in range(rows.shape[1]):
        e = path[r, m]
        rows[U2, m] = system.start.rest * e if r == 0 else rows[U1, m]
        rows[U1, m] = rows[DRIVE, m] * e + rows[REST, m]
        if t >= 0:
            if e != rows[E, m]:
                rows[TRIED, m] = e
                answer(system, who, given, t, m, TRIED, memory)
                rows[LENGTH, m] = rows[TRIED_LENGTH, m]
            found.fiber_length[t, m] = rows[LENGTH, m]


@outlined
def solve_frame(
    system: System,
    who: People,
    cost: Cost,
    given: Given,
    r: int,
    t: int,
    found: Found,
    memory: Memory,
) -> None:
    """The best excitations of frame t, row r."""
    rows = memory.muscles
    guess_excitation(cost, given, found.excitation, r, t, rows)
    for m in range(rows.shape[1]):
        answer(system, who, given, t, m, E, memory)
    descend(system, who, cost, given, r, t, found, memory)
    before = found.cost[t], found.slope[t]
    for m in range(rows.shape[1]):
        for k in range(ANSWERS):
            memory.kept[k, m] = rows[E + k, m]
    if awaken(system, who, cost, given, r, t, memory) > 0:
        descend(system, who, cost, given, r, t, found, memory)
        if not found.cost[t] < before[0]:
            found.cost[t], found.slope[t] = before
            for m in range(rows.shape[1]):
                for k in range(ANSWERS):
                    rows[E + k, m] = memory.kept[k, m]
    for m in range(rows.shape[1]):
        found.excitation[r, m] = rows[E, m]


@outlined
def descend(
    system: System,
    who: People,
    cost: Cost,
    given: Given,
    r: int,
    t: int,
    found: Found,
    memory: Memory,
) -> None:
    """From the excitations E to a minimum."""
    value = value_at(cost, given, r, t, E, memory)
    for rounds in range(ROUNDS + 1):
        worst, excess = linearize(cost, given, r, t, memory)
        found.slope[t] = worst
        if excess <= 0.0 or rounds == ROUNDS:
            break
        found.rounds[t] += 1
        new = step(system, who, cost, given, r, t, value, memory)
        if not new < np.inf:  # a minimum across a hill of the model lies in no descent direction
            for i in range(given.moving.size):
                memory.model.curvature[i] = max(memory.model.curvature[i], CONVEX)
            new = step(system, who, cost, given, r, t, value, memory)
        if not new < np.inf:
            break
        value = new
    found.cost[t] = value


@outlined
def step(
    system: System,
    who: People,
    cost: Cost,
    given: Given,
    r: int,
    t: int,
    value: Any,
    memory: Memory,
) -> Any:
    """To the minimum of the model, or as far towards it as the cost falls; its new value."""
    for i in range(given.moving.size):
        memory.x[i] = memory.start[i]
    box.minimize(memory.model, memory.start, memory.x, 0.1 * SETTLED, memory.box)
    return search(system, who, cost, given, r, t, value, memory)


@outlined
def awaken(
    system: System, who: People, cost: Cost, given: Given, r: int, t: int, memory: Memory
) -> Any:
    """Excite, half, the muscles without force whose force would help; how many there are.

    Where tendon or fibers are slack the force does not answer a little excitation, so no slope
    leads out of there.
    """
    rows, woken, half = memory.muscles, 0, 0.5 * (cost.lower + cost.upper)
    for i in range(given.moving.size):
        m = given.moving[i]
        strongest = who.unit.max_isometric_force[m] * who.unit.strength_coefficient[m]
        pull = 0.0
        for d in range(memory.error.size):
            pull += memory.error[d] * given.moment_arm[t, m, d]
        if not (rows[FORCE, m] < IDLE * strongest and pull < 0.0 and rows[E, m] < half):
            continue
        rows[TRIED, m] = half
        answer(system, who, given, t, m, TRIED, memory)
        gain = -2.0 * cost.alpha * pull * (rows[TRIED_FORCE, m] - rows[FORCE, m])
        if gain > cost.beta * (half * half - rows[E, m] * rows[E, m]):
            woken += 1
            for k in range(ANSWERS):
                rows[E + k, m] = rows[TRIED + k, m]
    return woken


@outlined
def guess_excitation(
    cost: Cost, given: Given, excitation: Array, r: int, t: int, rows: Array
) -> None:
    """Begin as far from the recorded excitations as the last frame ended."""
    for m in range(rows.shape[1]):
        rows[E, m] = given.recorded[r, m]
    for i in range(given.moving.size):
        m = given.moving[i]
        e = given.recorded[r, m]
        if t > 0 and given.adjusted[i] > 0.0:
            e += excitation[r - 1, m] - given.recorded[r - 1, m]
        elif t > 0:
            e = excitation[r - 1, m]
        rows[E, m] = min(max(e, cost.lower), cost.upper)


@outlined
def answer(
    system: System, who: People, given: Given, t: int, m: int, at: int, memory: Memory
) -> None:
    """The response of muscle m at the excitation in row `at`, into the rows after it."""
    timeline, rows = system.timeline, memory.muscles
    past = Past(
        rows[DRIVE, m],
        rows[REST, m],
        given.musculotendon_length[t, m],
        rows[PREVIOUS, m],
        timeline.solver_weights[t, 0],
        rows[PAST, m],
        timeline.force_weights[t, 0],
        rows[FORCE_PAST, m],
    )
    e = rows[at, m]
    guess = rows[LENGTH, m] + rows[LENGTH_SLOPE, m] * (e - rows[E, m])
    found = respond(system, who, m, past, e, guess, memory.pieces)
    held = found.force < given.least_force
    rows[at + 1, m] = given.least_force if held else found.force
    rows[at + 2, m] = 0.0 if held else found.slope
    rows[at + 3, m], rows[at + 4, m] = found.length, found.length_slope


@outlined
def value_at(cost: Cost, given: Given, r: int, t: int, at: int, memory: Memory) -> Any:
    """The cost of the excitations and forces in the rows `at`; the errors of the moments."""
    rows, total = memory.muscles, 0.0
    for d in range(memory.error.size):
        error = -given.moment[t, d]
        for m in range(rows.shape[1]):
            error += rows[at + 1, m] * given.moment_arm[t, m, d]
        memory.error[d] = error
        total += cost.alpha * error * error
    for m in range(rows.shape[1]):
        total += cost.beta * rows[at, m] * rows[at, m]
    for i in range(given.moving.size):
        if given.adjusted[i] > 0.0:
            away = abs(rows[at, given.moving[i]] - given.recorded[r, given.moving[i]])
            total += cost.gamma * (away * away if cost.squared else away)
    return total


@outlined
def linearize(cost: Cost, given: Given, r: int, t: int, memory: Memory) -> Any:
    """The model of the cost at the excitations E; the largest slope, and what is too much of it."""
    rows, model, error = memory.muscles, memory.model, memory.error
    worst, excess = 0.0, -np.inf
    for i in range(given.moving.size):
        m = given.moving[i]
        e, recorded, force_slope = rows[E, m], given.recorded[r, m], rows[SLOPE, m]
        pull, size = 0.0, 0.0
        for d in range(error.size):
            by = error[d] * given.moment_arm[t, m, d]
            pull, size = pull + by, size + abs(by)
            model.coupling[i, d] = (
                np.sqrt(2.0 * cost.alpha) * force_slope * given.moment_arm[t, m, d]
            )
        tracked = given.adjusted[i] > 0.0
        square = cost.gamma if tracked and cost.squared else 0.0
        model.weight[i] = cost.gamma if tracked and not cost.squared else 0.0
        slope = 2.0 * (cost.alpha * force_slope * pull + cost.beta * e + square * (e - recorded))
        model.slope[i], model.kink[i] = slope, recorded
        model.curvature[i] = 2.0 * (cost.alpha * pull * rows[BEND, m] + cost.beta + square)
        model.lower[i], model.upper[i] = cost.lower, cost.upper
        memory.start[i] = e
        left, low, high = box.half(e, slope, recorded, model.weight[i], cost.lower, cost.upper)
        left = abs(box.driven(e, left, low, high))
        terms = 2.0 * (cost.alpha * abs(force_slope) * size + cost.beta * e) + model.weight[i]
        worst, excess = max(worst, left), max(excess, left - SETTLED - ROUNDING * terms)
    return worst, excess


@outlined
def search(
    system: System,
    who: People,
    cost: Cost,
    given: Given,
    r: int,
    t: int,
    value: Any,
    memory: Memory,
) -> Any:
    """Go towards the minimum x of the model until the cost falls; infinite where it does not."""
    rows, model = memory.muscles, memory.model
    promised = 0.0
    for i in range(given.moving.size):
        x, start, kink = memory.x[i], memory.start[i], model.kink[i]
        promised += model.slope[i] * (x - start)
        promised += model.weight[i] * (abs(x - kink) - abs(start - kink))
    share = 1.0
    for m in range(rows.shape[1]):
        rows[TRIED, m], rows[TRIED_FORCE, m] = rows[E, m], rows[FORCE, m]
    for _ in range(HALVINGS):
        for i in range(given.moving.size):
            m, start = given.moving[i], memory.start[i]
            if memory.x[i] != start:
                full = share == 1.0
                rows[TRIED, m] = memory.x[i] if full else start + share * (memory.x[i] - start)
                answer(system, who, given, t, m, TRIED, memory)
        new = value_at(cost, given, r, t, TRIED, memory)
        if new <= value + ENOUGH * share * promised + ROUNDING * value:
            accept(given, memory)
            return new
        share *= 0.5
    value_at(cost, given, r, t, E, memory)
    return np.inf


@outlined
def accept(given: Given, memory: Memory) -> None:
    """The excitations that were tried are the present ones."""
    rows = memory.muscles
    for i in range(given.moving.size):
        m = given.moving[i]
        moved = rows[TRIED, m] - rows[E, m]
        if moved == 0.0:
            continue
        if abs(moved) > SHORT:
            rows[BEND, m] = (rows[TRIED_SLOPE, m] - rows[SLOPE, m]) / moved
        for k in range(ANSWERS):
            rows[E + k, m] = rows[TRIED + k, m]
