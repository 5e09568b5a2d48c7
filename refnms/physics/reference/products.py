"""Gauss-Newton products of moments."""

from __future__ import annotations

import numpy as np

from refnms.physics.types import Array, Integers


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
    """Add sum_t curvature[t] q[t] q[t]' to the lower triangle of `products (n, n)`.

    q[t] `(n,)` are the derivatives of one moment: `force_slopes (T, F M)` at `columns (n,)` times
    the `arm (T, M)` of the muscles that these belong to, `owners (n,)`. The sum is over every so
    many frames alone, times that number. `rows` is work room of the compiled engine.
    """
    some = force_slopes[::every, columns] * arm[::every, owners]
    weighted = every * curvature[::every, None] * some
    products += np.einsum("tp,tq->pq", weighted, some)  # not BLAS: the same bits always
