"""The step of a damped quadratic model in a box, with one-sided squares.

    minimise  q(d) = g . d + d'H d / 2 + sum of w max(0, c + a . d)^2,      lower <= d <= upper,

H positive definite. q is C1 and piecewise quadratic. Projected Newton (Bertsekas 1982, SIAM J
Control Optim 20:221): entries that the slope drives onto a bound close by take a step of their own,
the others the Newton step of the quadratic that the hinges make which are open now; both are
followed along the projection onto the box until q falls enough (Armijo).
"""

from __future__ import annotations

import numpy as np

from refnms.jit import kernel, pure
from refnms.optimize.cholesky import factor, solve
from refnms.optimize.problem import Hinges
from refnms.optimize.result import Array

ROUNDS = 50
HALVINGS = 20
ENOUGH = 1e-4  # of the fall that the slope promises
EXACT = 1e-9  # `_distance` to the minimum, in widths of the box
CLOSE = 1e-4  # of a bound, at most; less near the minimum, where it is that distance


def best_step(
    gradient: Array, products: Array, hinges: Hinges, lower: Array, upper: Array
) -> Array | None:
    """d `(P,)`, lower <= 0 <= upper; None where the matrix is not positive definite."""
    n = gradient.size
    d, vectors, matrix = np.zeros(n), np.zeros((3, n)), np.empty((n, n))
    found = _best_step(gradient, products, hinges, lower, upper, d, vectors, matrix)
    return d if found else None


@kernel
def change(gradient: Array, products: Array, hinges: Hinges, d: Array) -> float:
    """q(d) - q(0)."""
    total = 0.0
    for p in range(d.size):
        row = 0.0
        for q in range(d.size):
            row += products[p, q] * d[q]
        total += (gradient[p] + 0.5 * row) * d[p]
    for r in range(hinges.offset.size):
        before, after = max(hinges.offset[r], 0.0), max(_at(hinges, r, d), 0.0)
        total += hinges.weight[r] * (after * after - before * before)
    return total


@pure
def _at(hinges: Hinges, r: int, d: Array) -> float:
    """c + a . d of hinge r."""
    total = hinges.offset[r]
    for k in range(hinges.slopes.shape[1]):
        total += hinges.slopes[r, k] * d[hinges.columns[r, k]]
    return float(total)


@pure
def _linearize(
    gradient: Array, products: Array, hinges: Hinges, d: Array, slope: Array, matrix: Array
) -> None:
    """Slope and curvature of q at d."""
    for p in range(d.size):
        row = 0.0
        for q in range(d.size):
            row += products[p, q] * d[q]
            matrix[p, q] = products[p, q]
        slope[p] = gradient[p] + row
    for r in range(hinges.offset.size):
        over, twice = _at(hinges, r, d), 2.0 * hinges.weight[r]
        if over > 0.0:
            for k in range(hinges.slopes.shape[1]):
                by, p = twice * hinges.slopes[r, k], hinges.columns[r, k]
                slope[p] += by * over
                for i in range(hinges.slopes.shape[1]):
                    matrix[p, hinges.columns[r, i]] += by * hinges.slopes[r, i]


@kernel
def _best_step(
    gradient: Array,
    products: Array,
    hinges: Hinges,
    lower: Array,
    upper: Array,
    d: Array,
    vectors: Array,
    matrix: Array,
) -> bool:
    slope, step, tried = vectors[0], vectors[1], vectors[2]
    value = 0.0
    for _ in range(ROUNDS):
        _linearize(gradient, products, hinges, d, slope, matrix)
        left = _distance(slope, matrix, d, lower, upper)
        if left <= EXACT:
            return True
        _decouple(slope, matrix, d, lower, upper, min(left, CLOSE))
        if not factor(matrix):
            return False
        for p in range(d.size):
            step[p] = -slope[p]
        solve(matrix, step)
        share, new = 1.0, value
        for _halving in range(HALVINGS):
            promised = 0.0
            for p in range(d.size):
                tried[p] = min(max(d[p] + share * step[p], lower[p]), upper[p])
                promised += slope[p] * (tried[p] - d[p])
            new = change(gradient, products, hinges, tried)
            if new <= value + ENOUGH * promised:
                break
            share *= 0.5
        if not new < value:
            return True
        for p in range(d.size):
            d[p] = tried[p]
        value = new
    return True


@pure
def _distance(slope: Array, matrix: Array, d: Array, lower: Array, upper: Array) -> float:
    """The largest step that an entry would take by itself; zero at the minimum alone.

    Infinite where a curvature is not positive.
    """
    left = 0.0
    for p in range(d.size):
        if not matrix[p, p] > 0.0:
            return float(np.inf)
        alone = min(max(d[p] - slope[p] / matrix[p, p], lower[p]), upper[p])
        left = max(left, abs(alone - d[p]))
    return left


@pure
def _decouple(
    slope: Array, matrix: Array, d: Array, lower: Array, upper: Array, close: float
) -> None:
    """Leave of the matrix only the diagonal entry of what is driven onto a bound so close."""
    for p in range(d.size):
        to_lower = d[p] <= lower[p] + close and slope[p] > 0.0
        to_upper = d[p] >= upper[p] - close and slope[p] < 0.0
        if to_lower or to_upper:
            for q in range(d.size):
                if q != p:
                    matrix[p, q] = matrix[q, p] = 0.0
