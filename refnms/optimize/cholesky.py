"""The Cholesky factor of a small matrix, with the same bits whatever the number of threads.

A = U'U with U upper triangular, row after row:

    U[j, i] = (A[j, i] - sum over k < j of U[k, j] U[k, i]) / U[j, j],   i >= j.

LAPACK may add in another order on another number of threads. Without Numba NumPy makes the sums.
"""

from __future__ import annotations

import numpy as np

from refnms.jit import COMPILES, kernel
from refnms.optimize.result import Array

TOGETHER = 4  # rows at a time: an element is then loaded and stored once for four products


@kernel
def _factor_compiled(a: Array) -> bool:
    n = a.shape[0]
    for j in range(n):
        alone = j % TOGETHER
        for k in range(alone):
            for i in range(j, n):
                a[j, i] -= a[k, j] * a[k, i]
        for k in range(alone, j, TOGETHER):
            b, c, d, e = a[k, j], a[k + 1, j], a[k + 2, j], a[k + 3, j]
            for i in range(j, n):
                a[j, i] -= b * a[k, i] + c * a[k + 1, i] + d * a[k + 2, i] + e * a[k + 3, i]
        if not a[j, j] > 0.0:
            return False
        scale = 1.0 / a[j, j] ** 0.5
        for i in range(j, n):
            a[j, i] *= scale
    return True


@kernel
def _solve_compiled(u: Array, b: Array) -> None:
    n = b.size
    for k in range(n):
        b[k] /= u[k, k]
        for i in range(k + 1, n):
            b[i] -= u[k, i] * b[k]
    for j in range(n - 1, -1, -1):
        total = b[j]
        for i in range(j + 1, n):
            total -= u[j, i] * b[i]
        b[j] = total / u[j, j]


def _factor_rows(a: Array) -> bool:
    for j in range(len(a)):
        a[j, j:] -= np.einsum("k,ki->i", a[:j, j], a[:j, j:])
        if not a[j, j] > 0.0:
            return False
        a[j, j:] *= 1.0 / a[j, j] ** 0.5
    return True


def _solve_rows(u: Array, b: Array) -> None:
    for k in range(len(b)):
        b[k] /= u[k, k]
        b[k + 1 :] -= u[k, k + 1 :] * b[k]
    for j in range(len(b) - 1, -1, -1):
        b[j] = (b[j] - np.sum(u[j, j + 1 :] * b[j + 1 :])) / u[j, j]


#: Replace the upper triangle of a symmetric matrix by U; False where it is not positive definite.
factor = _factor_compiled if COMPILES else _factor_rows
#: Replace b by the solution x of U'U x = b.
solve = _solve_compiled if COMPILES else _solve_rows
