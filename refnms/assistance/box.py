"""A quadratic with absolute values, in a box.

    minimise  g . d + (d'diag(c) d + |C'd|^2) / 2 + sum of w |x - k|,     lower <= x <= upper,

d = x - start, w >= 0. An absolute value splits its side of the box in two: in each half it is
linear, and on its kink x stays unless the slope is steeper than w. Newton's step of what is free is
projected onto the halves; where that does not let the value fall enough, it goes only as far as the
first end, and what stands there is held (an active-set method with projected steps). Some of c may
be negative; where that leaves no minimum, the steps are those of a convex neighbor.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from refnms.jit import outlined, pure
from refnms.physics.types import Array, Integers

ROUNDS = 200
ENOUGH = 1e-4  # of the fall that the slope promises
FLOOR, TINY = 1e-8, 1e-12


class Quadratic(NamedTuple):
    """The problem, n variables and D columns of C."""

    slope: Array  # (n,) g
    curvature: Array  # (n,) c
    coupling: Array  # (n, D) C
    kink: Array  # (n,) k
    weight: Array  # (n,) w
    lower: Array  # (n,)
    upper: Array  # (n,)


class Room(NamedTuple):
    """Working memory."""

    slope: Array  # (n,)
    low: Array  # (n,)
    high: Array  # (n,)
    step: Array  # (n,); NaN where x is held
    along: Array  # (D,)
    free: Integers  # (n,) which variables are
    inverse: Array  # (n,) 1 / c
    small: Array  # (D, D) the factors L and Lambda, see `_factored`
    solved: Array  # (n,) steps of what is free, then moves of all


def room(n: int, columns: int) -> Room:
    """Memory for n variables."""
    slope, low, high, step, inverse, solved = np.zeros((6, n))
    along, small = np.zeros(columns), np.zeros((columns, columns))
    return Room(slope, low, high, step, along, np.zeros(n, np.int64), inverse, small, solved)


@pure
def half(x: Any, slope: Any, kink: Any, weight: Any, lower: Any, upper: Any) -> Any:
    """The slope with that of the absolute value, and the ends of the half in which it holds."""
    if weight > 0.0:
        if x > kink or (x == kink and slope + weight < 0.0):
            return slope + weight, max(kink, lower), upper
        if x < kink or (x == kink and slope - weight > 0.0):
            return slope - weight, lower, min(kink, upper)
        return 0.0, lower, upper
    return slope, lower, upper


@pure
def driven(x: Any, slope: Any, low: Any, high: Any) -> Any:
    """The slope that is left where x may follow it: zero against an end."""
    if (x <= low and slope > 0.0) or (x >= high and slope < 0.0):
        return 0.0
    return slope


@outlined
def minimize(q: Quadratic, start: Array, x: Array, small: Any, memory: Room) -> None:
    """Write the minimum to x `(n,)`, which lies in the box; `small`: slopes that are left."""
    for _ in range(ROUNDS):
        left = _slopes(q, start, x, memory)
        if not left > small:
            return
        _direct(q, x, memory)
        share = 1.0
        if not _falls(q, x, memory):
            share = _until_first_end(x, memory)
        for i in range(x.size):
            x[i] = _moved(x, share, memory, i)


@outlined
def _slopes(q: Quadratic, start: Array, x: Array, memory: Room) -> Any:
    """Slopes and halves at x; the largest slope that x may follow."""
    left, columns = 0.0, memory.along.size
    for d in range(columns):
        total = 0.0
        for i in range(x.size):
            total += q.coupling[i, d] * (x[i] - start[i])
        memory.along[d] = total
    for i in range(x.size):
        slope = q.slope[i] + q.curvature[i] * (x[i] - start[i])
        for d in range(columns):
            slope += q.coupling[i, d] * memory.along[d]
        slope, low, high = half(x[i], slope, q.kink[i], q.weight[i], q.lower[i], q.upper[i])
        memory.slope[i], memory.low[i], memory.high[i] = slope, low, high
        slope = driven(x[i], slope, low, high)
        memory.step[i] = 0.0 if slope != 0.0 else np.nan
        left = max(left, abs(slope))
    return left


@outlined
def _direct(q: Quadratic, x: Array, memory: Room) -> None:
    """Newton's step of what is free, until none of it would leave its half at once."""
    while True:
        free = 0
        for i in range(x.size):
            if memory.step[i] == memory.step[i]:
                memory.free[free] = i
                free += 1
        if not _factored(q, free, 0.0, memory):
            _factored(q, free, FLOOR, memory)  # not convex: as if it were
        _solve(q, free, memory)
        held = 0
        for k in range(free):
            i, step = memory.free[k], memory.solved[k]
            if (x[i] <= memory.low[i] and step < 0.0) or (x[i] >= memory.high[i] and step > 0.0):
                step = np.nan
                held += 1
            memory.step[i] = step
        if held == 0 or held == free:
            return


@outlined
def _factored(q: Quadratic, free: int, floor: Any, memory: Room) -> Any:
    """Factor the curvature of what is free, and say whether it is convex.

    By Woodbury's formula diag(c) + C C' is as easily solved as I + C' diag(1/c) C = L Lambda L',
    which has a row for each column of C alone. Both matrices are Schur complements of one: so the
    first is convex if Lambda is below zero as often as c. With a `floor`, no entry of c counts as
    less than that share of the largest diagonal entry.
    """
    c, coupling, small = q.curvature, q.coupling, memory.small
    least, columns, surplus = -np.inf, small.shape[0], 0
    if floor > 0.0:
        least = 0.0
        for k in range(free):
            total = c[memory.free[k]]
            for d in range(columns):
                total += coupling[memory.free[k], d] * coupling[memory.free[k], d]
            least = max(least, floor * total)
        least += TINY
    for k in range(free):
        own = max(c[memory.free[k]], least)
        if abs(own) < TINY:
            return False
        memory.inverse[memory.free[k]] = 1.0 / own
        surplus += 1 if own < 0.0 else 0
    for d in range(columns):
        for e in range(d + 1):
            total = 1.0 if d == e else 0.0
            for k in range(free):
                i = memory.free[k]
                total += coupling[i, d] * coupling[i, e] * memory.inverse[i]
            for f in range(e):
                total -= small[d, f] * small[e, f] * small[f, f]
            small[d, e] = total / small[e, e] if e < d else total
        if small[d, d] == 0.0:
            return False
        surplus -= 1 if small[d, d] < 0.0 else 0
    return surplus == 0


@outlined
def _solve(q: Quadratic, free: int, memory: Room) -> None:
    """The step of what is free: (diag(c) + C C') step = -slope."""
    along, small, columns = memory.along, memory.small, memory.small.shape[0]
    for d in range(columns):
        total = 0.0
        for k in range(free):
            i = memory.free[k]
            total += q.coupling[i, d] * memory.inverse[i] * memory.slope[i]
        for e in range(d):
            total -= small[d, e] * along[e]
        along[d] = total
    for d in range(columns - 1, -1, -1):
        along[d] /= small[d, d]
        for e in range(d + 1, columns):
            along[d] -= small[e, d] * along[e]
    for k in range(free):
        i = memory.free[k]
        total = memory.slope[i]
        for d in range(columns):
            total -= q.coupling[i, d] * along[d]
        memory.solved[k] = -memory.inverse[i] * total


@pure
def _moved(x: Array, share: Any, memory: Room, i: Any) -> Any:
    """x[i] after a share of its step, in its half."""
    step = memory.step[i]
    if step != step:
        return x[i]
    return min(max(x[i] + share * step, memory.low[i]), memory.high[i])


@outlined
def _falls(q: Quadratic, x: Array, memory: Room) -> Any:
    """Whether the whole step, projected, lets the value fall enough."""
    promised, change = 0.0, 0.0
    for i in range(x.size):
        moved = memory.solved[i] = _moved(x, 1.0, memory, i) - x[i]
        promised += memory.slope[i] * moved
        change += 0.5 * q.curvature[i] * moved * moved
    for d in range(memory.along.size):
        total = 0.0
        for i in range(x.size):
            total += q.coupling[i, d] * memory.solved[i]
        change += 0.5 * total * total
    return promised < 0.0 and promised + change <= ENOUGH * promised


@outlined
def _until_first_end(x: Array, memory: Room) -> Any:
    """The share of the step at which the first variable reaches an end of its half."""
    share = 1.0
    for i in range(x.size):
        step = memory.step[i]
        if step == step and step != 0.0:
            end = memory.high[i] if step > 0.0 else memory.low[i]
            share = min(share, (end - x[i]) / step)
    for i in range(x.size):
        step = memory.step[i]
        if step == step and step != 0.0:
            end = memory.high[i] if step > 0.0 else memory.low[i]
            if (end - x[i]) / step <= share:  # rounding must not leave it beside the end
                x[i], memory.step[i] = end, np.nan
    return share
