"""The filter of the pass in which CEINMS 0.9 prepares its offline velocity.

There the past of the filter moves on at every EMG row, but neural activation is computed only at
the rows that a frame takes. So where a frame takes a row two or more after the one before, both
past values are the last one, and with p1, p2 the past values,

    u[k] = alpha e[k] - beta1 p1[k] - beta2 p2[k],
    p1[k] = u[k-1],    p2[k] = u[k-1] where rows were skipped, else p1[k-1].

A trial begins with p1 = p2 = 0, and as in the run itself both become the mean of the two last
excitations at the third EMG row, if a frame or the charging of the filter takes that row. All of
it is one banded system in u, as is its transpose.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from refnms.physics import activation as act
from refnms.physics.types import Array, Integers


class Held(NamedTuple):
    """How the past of K rows of excitation is made."""

    first: NDArray[np.bool_]  # (K,) rows at which a trial begins
    skipped: NDArray[np.bool_]  # (K,) rows before which EMG rows were skipped
    restart: NDArray[np.bool_]  # (K,) rows at which both past values are `mean`
    mean: Array  # (K, M) what EMG rows that are not taken add to it; zero elsewhere
    averaged: Integers  # (K, 2) the rows of excitation that are averaged there, else -1


def held(rows: Integers, samples: Array, restart: int) -> Held:
    """The past of one trial whose rows of excitation are these rows `(K,)` of samples `(N, M)`."""
    skipped = np.diff(rows, prepend=rows[0]) > 1
    first, at = np.arange(len(rows)) == 0, rows == restart
    averaged, mean = np.full((len(rows), 2), -1), np.zeros((len(rows), samples.shape[1]))
    for k in np.flatnonzero(at):
        for j, row in enumerate((restart - 1, restart - 2)):
            if row in rows[:k]:
                averaged[k, j] = np.searchsorted(rows[:k], row)
            else:
                mean[k] += 0.5 * samples[row]
    return Held(first, skipped, at, mean, averaged)


def joined(trials: list[Held]) -> Held:
    """Several trials, one after the other."""
    starts = np.cumsum([0, *(len(h.first) for h in trials[:-1])])
    shifted = [
        h._replace(averaged=np.where(h.averaged < 0, -1, h.averaged + start))
        for h, start in zip(trials, starts, strict=True)
    ]
    return Held(*(np.concatenate(parts) for parts in zip(*shifted, strict=True)))


def _with_means(h: Held, e: Array) -> Held:
    """The same with the whole means, the rows of excitation e `(K, M)` being what they are."""
    taken = np.where(h.averaged[:, :, None] < 0, 0.0, e[h.averaged])
    return h._replace(mean=h.mean + 0.5 * np.sum(taken, axis=1))


def _links(h: Held) -> tuple[Array, Array, Array]:
    """(K,) 1 or 0: p1[k] is u[k-1]; p2[k] is u[k-1]; p2[k] is u[k-2]."""
    one = ~(h.first | h.restart)
    two = one & ~h.skipped & np.roll(one, 1)
    return one.astype(float), (one & h.skipped).astype(float), two.astype(float)


def _past(h: Held, u: Any) -> tuple[Any, Any]:
    """p1 and p2 `(K, M)`."""
    one, repeated, two = (link[:, None] for link in _links(h))
    before, earlier = np.roll(u, 1, axis=0), np.roll(u, 2, axis=0)
    p1 = one * before + h.mean
    # The row after a restart still has the mean as the older of its past values.
    since = np.where(one[:, 0] * ~h.skipped > 0.0, 1.0, 0.0)[:, None] * np.roll(h.mean, 1, axis=0)
    return p1, repeated * before + two * earlier + h.mean + since


def _bands(h: Held, c1: Array, c2: Array) -> Array:
    """The system's rows 0, 1 and 2 below the diagonal, `(3, K, M)`."""
    _, beta1, beta2 = act.filter_gains(c1, c2)
    one, repeated, two = (link[:, None] for link in _links(h))
    diagonal = np.ones((len(one), beta1.size))
    return np.array([diagonal, one * beta1 + repeated * beta2, two * beta2])


def _solve(bands: Array, right: Array) -> Array:
    from scipy.linalg import solve_banded

    flat = bands.transpose(0, 2, 1).reshape(3, -1)  # one lane after the other
    shifted = np.array([np.roll(band, -k) for k, band in enumerate(flat)])
    u = solve_banded((2, 0), shifted, right.T.ravel(), check_finite=False)
    return np.asarray(u.reshape(right.T.shape).T)


def _solve_transposed(bands: Array, right: Array) -> Array:
    from scipy.linalg import solve_banded

    flat = bands.transpose(0, 2, 1).reshape(3, -1)[::-1]
    u = solve_banded((0, 2), flat, right.T.ravel(), check_finite=False)
    return np.asarray(u.reshape(right.T.shape).T)


def held_filter(h: Held, c1: Array, c2: Array, e: Array) -> Array:
    """Neural activation `(K, M)` of excitation e `(K, M)`."""
    alpha, beta1, beta2 = act.filter_gains(c1, c2)
    fixed1, fixed2 = _past(_with_means(h, e), np.zeros_like(e))
    return _solve(_bands(h, c1, c2), alpha * e - beta1 * fixed1 - beta2 * fixed2)


def held_filter_vjp(
    h: Held, c1: Array, c2: Array, e: Array, u: Array, u_bar: Array
) -> tuple[Array, Array, Array]:
    """Cotangents of c1, c2 `(M,)` and e `(K, M)`."""
    alpha, beta1, beta2 = act.filter_gains(c1, c2)
    total = _solve_transposed(_bands(h, c1, c2), u_bar)
    by_c1, by_c2 = act.filter_partials(c1, c2, e, *_past(_with_means(h, e), u))
    e_bar = alpha * total
    for k in np.flatnonzero(h.restart):
        mean_bar = -(beta1 + beta2) * total[k]
        # The next row has the mean as the older of its past values, unless rows were skipped.
        if k + 1 < len(total) and not (h.first | h.restart | h.skipped)[k + 1]:
            mean_bar = mean_bar - beta2 * total[k + 1]
        for row in h.averaged[k][h.averaged[k] >= 0]:
            e_bar[row] += 0.5 * mean_bar
    return np.sum(by_c1 * total, axis=0), np.sum(by_c2 * total, axis=0), e_bar


def held_filter_slopes(h: Held, c1: Array, c2: Array, e: Array, u: Array) -> tuple[Array, Array]:
    """Slopes `(K, M)` of u by c1 and c2."""
    bands = _bands(h, c1, c2)
    by_c1, by_c2 = act.filter_partials(c1, c2, e, *_past(_with_means(h, e), u))
    return _solve(bands, by_c1), _solve(bands, by_c2)
