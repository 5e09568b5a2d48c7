"""Gauss-Newton products of moments."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from refnms.physics.types import Array, Integers


def add_gradient(
    force_slopes: Array, arm: Array, pull: Array, room: Array, gradient: Array
) -> None:
    """Add to `gradient (F, M)` the slopes of sum_td pull[t, d] moment[t, d].

    That is, of `force_slopes (T, F, M)` and the `arm (T, D, M)` with `pull (T, D)`. `room` is work
    room of the compiled engine.
    """
    gradient += np.einsum("tfm,tm->fm", force_slopes, np.einsum("td,tdm->tm", pull, arm))


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
    """Add sum_t curvature[t, d] q[t] q[t]' of each degree of freedom d.

    q[t] `(n,)` are the derivatives of its moment: `force_slopes (T, F M)` at its `columns (n,)`
    times the `arm (T, D, M)` of the muscles that these belong to, its `owners (n,)`. Both lie end
    to end, those of d in [starts[d], starts[d + 1]), and so do the matrices in `products`, of which
    the lower triangles are added to. The sum is over every so many frames alone, times that number.
    `rows` is work room of the compiled engine.
    """
    begin = 0
    for d, (first, stop) in enumerate(pairwise(starts)):
        some = force_slopes[::every, columns[first:stop]] * arm[::every, d, owners[first:stop]]
        weighted = every * curvature[::every, d, None] * some
        found = np.einsum("tp,tq->pq", weighted, some)  # not BLAS: the same bits always
        products[begin : begin + found.size] += found.ravel()
        begin += found.size
