"""Gauss-Newton products of moments: J'r and J'J without J.

A moment is the sum over muscles of tendon force times moment arm, so the row of J of frame t and
one degree of freedom is F_p arm at the column of parameter p of each muscle that crosses it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refnms.jit import kernel, section
from refnms.physics.types import Array, Integers

TOGETHER = 4  # rows at a time: each element of J'J is then loaded and stored once for four products


@kernel
def add_gradient(
    force_slopes: Array, arm: Array, pull: Array, room: Array, gradient: Array
) -> None:
    """See `reference.add_gradient`; `room (M,)` is work room."""
    for t in range(force_slopes.shape[0]):
        add_frame(force_slopes, arm, pull, np.uint64(t), room, gradient)


@section
def add_frame(
    force_slopes: Array, arm: Array, pull: Array, t: Any, room: Array, gradient: Array
) -> None:
    """What frame t adds to the gradient."""
    muscles = range(np.uint64(room.size))  # no signed index: see `row`
    for m in muscles:
        room[m] = 0.0
    for d in range(np.uint64(arm.shape[1])):
        for m in muscles:
            room[m] += pull[t, d] * arm[t, d, m]
    for f in range(np.uint64(gradient.shape[0])):
        for m in muscles:
            gradient[f, m] += room[m] * force_slopes[t, f, m]


@kernel
def add_products(
    force_slopes: Array,
    columns: Integers,
    owners: Integers,
    starts: Integers,
    arm: Array,
    curvature: Array,
    every: int,
    rows: Array,
    products: Array,
) -> None:
    """See `reference.add_products`; `rows (4, n)` is work room for the largest n."""
    count, begin = force_slopes.shape[0], 0
    for d in range(starts.size - 1):
        first, n = starts[d], starts[d + 1] - starts[d]
        held = 0
        for t in range(0, count, every):
            scale = (every * curvature[t, d]) ** 0.5
            for p in range(n):
                slope = force_slopes[t, columns[first + p]]
                rows[held, p] = scale * (slope * arm[t, d, owners[first + p]])
            held += 1
            if held == TOGETHER:
                for p in range(n):
                    a, b, c, e = rows[0, p], rows[1, p], rows[2, p], rows[3, p]
                    for q in range(p + 1):
                        products[begin + p * n + q] += (
                            a * rows[0, q] + b * rows[1, q] + c * rows[2, q] + e * rows[3, q]
                        )
                held = 0
        for i in range(held):
            for p in range(n):
                for q in range(p + 1):
                    products[begin + p * n + q] += rows[i, p] * rows[i, q]
        begin += n * n
