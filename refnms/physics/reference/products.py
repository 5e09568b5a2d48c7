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
    pull: Array,
    every: int,
    rows: Array,
    gradient: Array,
    products: Array,
) -> None:
    """Add sum_t pull[t] q[t] to `gradient (n,)` and sum_t curvature[t] q[t] q[t]' to `products`.

    q[t] `(n,)` are the derivatives of one moment: `force_slopes (T, F M)` at `columns (n,)` times
    the `arm (T, M)` of the muscles that these belong to, `owners (n,)`. Of `products (n, n)` the
    lower triangle counts; it comes from every so many frames alone, times that number. `rows` is
    work room of the compiled engine.
    """
    q = force_slopes[:, columns] * arm[:, owners]
    gradient += np.einsum("t,tp->p", pull, q)
    some = q[::every]
    weighted = every * curvature[::every, None] * some
    products += np.einsum("tp,tq->pq", weighted, some)  # not BLAS: the same bits always
