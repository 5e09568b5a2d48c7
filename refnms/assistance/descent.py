"""From excitations of one frame down to a minimum of its cost.

The force of a muscle depends on its own excitation alone (see `response`), so with the slopes S and
bends B of the forces, the moment arms R and the errors of the moments

    gradient   = 2 alpha S R error + 2 beta e + ...
    curvature  = 2 alpha (S R)'(S R) + 2 alpha diag(B R error) + 2 beta + ...

Each step minimises this model in the box (see `box`), and is shortened until the cost falls. The
bends are taken from how the slopes changed, and exactly where that does not tell.

A force has kinks (see `response`), and a minimum may lie on one as it may on that of an absolute
value, where a slack tendon becomes taut, say. A step that passes a kink, and does not let the cost
fall, is taken anew with the kink for a bound. An excitation on a kink rests there unless one of the
two sides leads down; then it follows that side alone, for one step. Where a sample has several
equilibria a force may jump instead; an excitation rests before a jump across which the cost rises.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refnms.assistance import box
from refnms.assistance.frame import (
    ANSWERS,
    BEND,
    BENT,
    BEYOND,
    BEYOND_SLOPE,
    FORCE,
    GAP,
    KINK,
    NONE,
    OTHER,
    OTHER_GAP,
    OTHER_SLOPE,
    SIDE,
    SLOPE,
    TRIED,
    TRIED_FORCE,
    TRIED_OTHER,
    TRIED_SIDE,
    TRIED_SLOPE,
    E,
    Task,
    answer,
    bend_force,
    value_at,
)
from refnms.assistance.response import SHORT, SHORTEST
from refnms.jit import outlined, pure

ROUNDS = 60  # of steps in a frame
HALVINGS = 30  # of a step
WIDTH = 1e-9  # within which a kink is known
PATIENCE = 8  # rounds after which no kink is passed over; after twice as many bends are exact
TOLD = 1e-7  # a step as long tells a second derivative
ENOUGH = 1e-4  # of the fall that the slope promises
SETTLED = 1e-7  # slope of the cost that is left
ROUNDING = 1e-12  # of the terms of a slope, and of the cost
JUMP = 1e-8  # of the strongest force, between two sides of a kink
CONVEX = 1e-6  # the least curvature of a convex model


@outlined
def descend(task: Task, r: int, t: int) -> Any:
    """From the excitations E to a minimum: its cost, the slope that is left, the steps taken."""
    rows, model, value, rounds = task.memory.muscles, task.memory.model, value_at(task, r, t, E), 0
    while True:
        while choose_sides(task, r, t):
            value = value_at(task, r, t, E)
        worst, excess = linearize(task, r, t)
        if excess <= 0.0 or rounds == ROUNDS:
            return value, worst, rounds
        rounds += 1
        for i in range(model.slope.size):
            m = task.given.moving[i]
            if rounds > 2 * PATIENCE or rows[BENT, m] != rows[SIDE, m]:
                bend_force(task, t, m)
            model.curvature[i] += 2.0 * task.cost.alpha * task.memory.pull[i] * rows[BEND, m]
        new = step(task, r, t, value, rounds)
        if not new < np.inf:  # a minimum across a hill of the model lies in no descent direction
            for i in range(model.slope.size):
                model.curvature[i] = max(model.curvature[i], CONVEX)
            new = step(task, r, t, value, rounds)
        if not new < np.inf:
            return value, worst, rounds
        value = new


@outlined
def choose_sides(task: Task, r: int, t: int) -> Any:
    """The pull of each force, and how far each excitation may go: on a kink, nowhere or one way.

    Returns at once whether one has gone across a jump: then the errors of the moments are others.
    """
    rows, model, cost = task.memory.muscles, task.memory.model, task.cost
    for i in range(model.slope.size):
        m, pull, stiff = task.given.moving[i], 0.0, 0.0
        for d in range(task.memory.error.size):
            arm = task.given.moment_arm[t, m, d]
            pull, stiff = pull + task.memory.error[d] * arm, stiff + arm * arm
        task.memory.pull[i] = pull
        model.lower[i], model.upper[i] = cost.lower, cost.upper
        if rows[OTHER, m] == NONE:
            continue
        across, gap = 1.0 if rows[OTHER, m] > rows[E, m] else -1.0, rows[OTHER_GAP, m]
        back = rise(task, r, i, rows[E, m], rows[SLOPE, m], -across)
        over = rise(task, r, i, rows[E, m], rows[OTHER_SLOPE, m], across)
        if gap != 0.0:
            over = np.inf if gap * (2.0 * pull + gap * stiff) > 0.0 else -np.inf
        way = 0.0
        if over < 0.0 and over < back:
            way, rows[E, m] = across, rows[OTHER, m]
            answer(task, t, m, E, SHORTEST)
            if gap != 0.0:
                return True
        elif back < 0.0:
            way, rows[OTHER, m] = -across, NONE
        if way >= 0.0:
            model.lower[i] = rows[E, m]
        if way <= 0.0:
            model.upper[i] = rows[E, m]
    return False


@pure
def tracking(task: Task, i: Any) -> Any:
    """Weights of square and absolute value of the distance from the recorded excitation."""
    tracked = task.given.adjusted[i] > 0.0
    square = task.cost.gamma if tracked and task.cost.squared else 0.0
    return square, task.cost.gamma if tracked and not task.cost.squared else 0.0


@pure
def smooth_slope(task: Task, r: Any, i: Any, e: Any, force_slope: Any) -> Any:
    """The cost's slope by an excitation, but for an absolute value."""
    away = tracking(task, i)[0] * (e - task.given.recorded[r, task.given.moving[i]])
    return 2.0 * (task.cost.alpha * force_slope * task.memory.pull[i] + task.cost.beta * e + away)


@outlined
def rise(task: Task, r: int, i: int, e: Any, force_slope: Any, way: Any) -> Any:
    """How fast the cost rises where an excitation goes up (`way` 1) or down (-1)."""
    away = e - task.given.recorded[r, task.given.moving[i]]
    kink = 1.0 if away == 0.0 else way if away > 0.0 else -way
    return way * smooth_slope(task, r, i, e, force_slope) + kink * tracking(task, i)[1]


@outlined
def linearize(task: Task, r: int, t: int) -> Any:
    """The model of the cost at the excitations E, but for the bends of the forces.

    Returns the largest slope that is left, and by how much slopes are too large.
    """
    rows, model, cost, given = task.memory.muscles, task.memory.model, task.cost, task.given
    worst, excess = 0.0, -np.inf
    for i in range(model.slope.size):
        m, size = given.moving[i], 0.0
        e, recorded, force_slope = rows[E, m], given.recorded[r, m], rows[SLOPE, m]
        for d in range(task.memory.error.size):
            arm = given.moment_arm[t, m, d]
            size += abs(task.memory.error[d] * arm)
            model.coupling[i, d] = np.sqrt(2.0 * cost.alpha) * force_slope * arm
        square, weight = tracking(task, i)
        slope = smooth_slope(task, r, i, e, force_slope)
        model.slope[i], model.curvature[i] = slope, 2.0 * (cost.beta + square)
        model.kink[i], model.weight[i], task.memory.start[i] = recorded, weight, e
        left, low, high = box.half(e, slope, recorded, weight, model.lower[i], model.upper[i])
        left = abs(box.driven(e, left, low, high))
        terms = 2.0 * (cost.alpha * abs(force_slope) * size + cost.beta * e) + weight
        worst, excess = max(worst, left), max(excess, left - SETTLED - ROUNDING * terms)
    return worst, excess


@outlined
def step(task: Task, r: int, t: int, value: Any, rounds: int) -> Any:
    """To the minimum of the model, or as far towards it as the cost falls; its new value.

    Infinite where it does not fall.
    """
    model, start, x, share = task.memory.model, task.memory.start, task.memory.x, 1.0
    for i in range(x.size):
        task.memory.muscles[KINK, task.given.moving[i]] = NONE
    for _ in range(x.size + 1):
        for i in range(x.size):
            x[i] = start[i]
        box.minimize(model, start, x, 0.1 * SETTLED, task.memory.box)
        promised = promise(task)
        new = go(task, r, t, 1.0)
        if new <= value + ENOUGH * promised + ROUNDING * value:
            return accept(task, t, new)
        if not end_on_kinks(task, r, t, rounds > PATIENCE):
            break
    for _ in range(HALVINGS):
        share *= 0.5
        new = go(task, r, t, share)
        if new <= value + ENOUGH * share * promised + ROUNDING * value:
            return accept(task, t, new)
    value_at(task, r, t, E)
    return np.inf


@outlined
def promise(task: Task) -> Any:
    """The change of the cost on the way to x, by its slope at the start."""
    model, promised = task.memory.model, 0.0
    for i in range(model.slope.size):
        x, start, kink = task.memory.x[i], task.memory.start[i], model.kink[i]
        promised += model.slope[i] * (x - start)
        promised += model.weight[i] * (abs(x - kink) - abs(start - kink))
    return promised


@outlined
def go(task: Task, r: int, t: int, share: Any) -> Any:
    """Try a share of the way to x; the cost there."""
    rows = task.memory.muscles
    for m in range(rows.shape[1]):
        rows[TRIED, m] = rows[E, m]
    for i in range(task.memory.x.size):
        m, x, start = task.given.moving[i], task.memory.x[i], task.memory.start[i]
        rows[TRIED, m] = x if share == 1.0 else start + share * (x - start)
    for m in range(rows.shape[1]):
        answer(task, t, m, TRIED, SHORT)
        if rows[TRIED, m] == rows[KINK, m] and rows[TRIED, m] != rows[E, m]:
            for k in range(3):
                rows[TRIED_OTHER + k, m] = rows[BEYOND + k, m]
    return value_at(task, r, t, TRIED)


@outlined
def end_on_kinks(task: Task, r: int, t: int, all_of_them: Any) -> Any:
    """Make bounds of the first kinks that the step has passed; whether there are any new ones.

    Of those, unless `all_of_them`, beyond which an excitation has gone too far. A jump from which
    the cost falls on the way back is the end of a branch of equilibria, and the slope there
    infinite: the bound is then half way to it.
    """
    rows, model, new = task.memory.muscles, task.memory.model, False
    for i in range(task.memory.x.size):
        m, start = task.given.moving[i], task.memory.start[i]
        if rows[TRIED_SIDE, m] == rows[SIDE, m] or rows[KINK, m] != NONE:
            continue
        if not (all_of_them or goes_too_far(task, r, t, i)):
            continue
        slope, new = find_kink(task, t, m), True
        across = 1.0 if rows[BEYOND, m] > rows[KINK, m] else -1.0
        end = rows[KINK, m]
        if rows[GAP, m] != 0.0 and rise(task, r, i, end, slope, -across) < 0.0:
            end = 0.5 * (start + end)
        elif end == start:  # it has rested there without being known to
            for k in range(3):
                rows[OTHER + k, m] = rows[BEYOND + k, m]
        if across > 0.0:
            model.upper[i] = end
        else:
            model.lower[i] = end
    return new


@outlined
def goes_too_far(task: Task, r: int, t: int, i: int) -> Any:
    """Whether at what was tried the cost rises on the way of an excitation."""
    rows, m, pull = task.memory.muscles, task.given.moving[i], 0.0
    for d in range(task.memory.error.size):
        pull += task.memory.error[d] * task.given.moment_arm[t, m, d]
    kept, task.memory.pull[i] = task.memory.pull[i], pull
    way = 1.0 if rows[TRIED, m] > rows[E, m] else -1.0
    rises = rise(task, r, i, rows[TRIED, m], rows[TRIED_SLOPE, m], way) > 0.0
    task.memory.pull[i] = kept
    return rises


@outlined
def find_kink(task: Task, t: int, m: int) -> Any:
    """Look by bisection for the kink of muscle m between E and TRIED; its slope on the near side.

    Where there are several equilibria the force jumps instead: then there is a gap.
    """
    rows, unit = task.memory.muscles, task.who.unit
    answer(task, t, m, E, SHORTEST)
    near, beyond, end = rows[E, m], rows[TRIED, m], rows[TRIED, m]
    force, slope = rows[FORCE, m], rows[SLOPE, m]
    other_force, other_slope = rows[TRIED_FORCE, m], rows[TRIED_SLOPE, m]
    while abs(beyond - near) > WIDTH:
        middle = 0.5 * (near + beyond)
        rows[TRIED, m] = middle
        answer(task, t, m, TRIED, SHORTEST)
        if rows[TRIED_SIDE, m] == rows[SIDE, m]:
            near, force, slope = middle, rows[TRIED_FORCE, m], rows[TRIED_SLOPE, m]
        else:
            beyond, other_slope = middle, rows[TRIED_SLOPE, m]
            other_force = rows[TRIED_FORCE, m]
    least = JUMP * unit.max_isometric_force[m] * unit.strength_coefficient[m]
    least += 2.0 * (abs(slope) + abs(other_slope)) * abs(beyond - near)
    gap = other_force - force
    rows[KINK, m], rows[BEYOND, m], rows[BEYOND_SLOPE, m] = near, beyond, other_slope
    rows[GAP, m], rows[TRIED, m] = gap if abs(gap) > least else 0.0, end
    return slope


@outlined
def accept(task: Task, t: int, value: Any) -> Any:
    """The excitations that were tried are the present ones; their cost.

    How the slope of a force has changed tells its bend, if no kink was passed.
    """
    rows = task.memory.muscles
    for i in range(task.memory.x.size):
        m = task.given.moving[i]
        moved, same = rows[TRIED, m] - rows[E, m], rows[TRIED_SIDE, m] == rows[SIDE, m]
        if same and abs(moved) > TOLD:
            rows[BEND, m] = (rows[TRIED_SLOPE, m] - rows[SLOPE, m]) / moved
        for k in range(ANSWERS):
            rows[E + k, m] = rows[TRIED + k, m]
    return value
