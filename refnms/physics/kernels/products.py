"""Gauss-Newton products of moments: J'J without J.

A moment is the sum over muscles of tendon force times moment arm, so the row of J of frame t and
one degree of freedom is F_p arm at the column of parameter p of each muscle that crosses it.
"""

from __future__ import annotations

from refnms.jit import kernel
from refnms.physics.types import Array, Integers

TOGETHER = 4  # rows at a time: each element of J'J is then loaded and stored once for four products


@kernel
def add_products(
    force_slopes: Array,
    columns: Integers,
    owners: Integers,
    arm: Array,
    curvature: Array,
    every: int,
    rows: Array,
    products: Array,
) -> None:
    """See `reference.add_products`; `rows (4, n)` is work room."""
    n, count = columns.size, force_slopes.shape[0]
    held = 0
    for t in range(0, count, every):
        scale = (every * curvature[t]) ** 0.5
        for p in range(n):
            rows[held, p] = scale * (force_slopes[t, columns[p]] * arm[t, owners[p]])
        held += 1
        if held == TOGETHER:
            for p in range(n):
                a, b, c, d = rows[0, p], rows[1, p], rows[2, p], rows[3, p]
                for q in range(p + 1):
                    products[p, q] += (
                        a * rows[0, q] + b * rows[1, q] + c * rows[2, q] + d * rows[3, q]
                    )
            held = 0
    for i in range(held):
        for p in range(n):
            for q in range(p + 1):
                products[p, q] += rows[i, p] * rows[i, q]
