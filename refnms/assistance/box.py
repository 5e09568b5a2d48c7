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
    factor: Array  # (n, n)
    solved: Array  # (n,)


def room(n: int, columns: int) -> Room:
    """Memory for n variables."""
    slope, low, high, step, solved = np.zeros((5, n))
    free = np.zeros(n, np.int64)
    return Room(slope, low, high, step, np.zeros(columns), free, np.zeros((n, n)), solved)


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
        memory.along[d] = 0.0
        for i in range(x.size):
            memory.along[d] += q.coupling[i, d] * (x[i] - start[i])
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
        _solve(free, memory)
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
    """The Cholesky factor L of the curvature of what is free; whether it is convex.

    With a `floor`, no diagonal entry of c counts as less than that share of the largest.
    """
    least = -np.inf
    if floor > 0.0:
        least = 0.0
        for k in range(free):
            least = max(least, floor * _curvature(q, memory.free[k], memory.free[k], -np.inf))
        least += TINY
    for j in range(free):
        for k in range(j + 1):
            total = _curvature(q, memory.free[j], memory.free[k], least)
            for i in range(k):
                total -= memory.factor[j, i] * memory.factor[k, i]
            if k < j:
                memory.factor[j, k] = total / memory.factor[k, k]
            elif not total > 0.0:
                return False
            else:
                memory.factor[j, j] = np.sqrt(total)
    return True


@pure
def _curvature(q: Quadratic, i: int, j: int, least: Any) -> Any:
    """An entry of diag(c) + C C'."""
    total = max(q.curvature[i], least) if i == j else 0.0
    for d in range(q.coupling.shape[1]):
        total += q.coupling[i, d] * q.coupling[j, d]
    return total


@outlined
def _solve(free: int, memory: Room) -> None:
    """L L' step = -slope."""
    for k in range(free):
        total = -memory.slope[memory.free[k]]
        for i in range(k):
            total -= memory.factor[k, i] * memory.solved[i]
        memory.solved[k] = total / memory.factor[k, k]
    for k in range(free - 1, -1, -1):
        total = memory.solved[k]
        for i in range(k + 1, free):
            total -= memory.factor[i, k] * memory.solved[i]
        memory.solved[k] = total / memory.factor[k, k]


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
    for d in range(memory.along.size):
        memory.along[d] = 0.0
    for i in range(x.size):
        moved = _moved(x, 1.0, memory, i) - x[i]
        promised += memory.slope[i] * moved
        change += 0.5 * q.curvature[i] * moved * moved
        for d in range(memory.along.size):
            memory.along[d] += q.coupling[i, d] * moved
    for d in range(memory.along.size):
        change += 0.5 * memory.along[d] * memory.along[d]
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
