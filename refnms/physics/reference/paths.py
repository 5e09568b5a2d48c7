"""Lengths and moment arms of muscles at joint angles, all poses at once (see `Paths`)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from refnms.physics.types import Array, Integers, Paths


class Local(NamedTuple):
    """A basis at angles `(N,)`: what its functions are there, `(N, F)`."""

    first: Integers  # (N,) number of the first function that is not zero
    value: Any
    slope: Any
    curvature: Any


def local(paths: Paths, basis: int, angle: Any) -> Local:
    """The functions of one basis at angles `(N,)`, which may be complex."""
    _, functions, pieces, edge, piece = paths.bases[basis]
    edges = paths.edges[edge : edge + pieces + 1]
    size = 1 + functions * functions
    table = paths.pieces[piece : piece + pieces * size].reshape(pieces, size)
    at = np.searchsorted(edges[1:-1], np.real(angle))
    d = (angle - table[at, 0])[:, None]
    rows = table[at, 1:].reshape(-1, functions, functions)
    value = slope = curvature = np.zeros(rows.shape[:2])
    for k in range(functions):
        curvature = curvature * d + 2.0 * slope
        slope = slope * d + value
        value = value * d + rows[:, :, k]
    return Local(np.clip(at - 1, 0, pieces - 3), value, slope, curvature)


def path_lengths(paths: Paths, angle: Array) -> tuple[Array, Array]:
    """Lengths `(N, M)` [m] and moment arms `(N, M, D)` [m/rad] at angles `(N, D)` [rad]."""
    length, arm, _ = _evaluate(paths, angle, curved=False)
    return length, arm


def path_curvature(paths: Paths, angle: Array) -> Any:
    """Slopes `(N, M, D, D)` of the moment arms by the angles."""
    return _evaluate(paths, angle, curved=True)[2]


def _evaluate(paths: Paths, angle: Any, curved: bool) -> tuple[Any, Any, Any]:
    frames, muscles, dofs = len(angle), *paths.basis_of.shape
    kind = np.result_type(angle, float)
    length, arm = np.zeros((frames, muscles), kind), np.zeros((frames, muscles, dofs), kind)
    bend = np.zeros((frames, muscles, dofs, dofs) if curved else (0, 0, 0, 0), kind)
    at = [local(paths, b, angle[:, joint]) for b, joint in enumerate(paths.bases[:, 0])]
    for m in range(muscles):
        crossed = [d for d in range(dofs) if paths.basis_of[m, d] >= 0]
        parts = [at[paths.basis_of[m, d]] for d in crossed]
        sizes = [_size(paths, paths.basis_of[m, d]) for d in crossed]
        weights = paths.coefficients[paths.starts[m] + _places(parts, sizes, frames)]

        def total(order: dict[int, int], parts: Any = parts, weights: Any = weights) -> Any:
            factors = [part[1 + order.get(i, 0)] for i, part in enumerate(parts)]
            return (weights * tensor(factors, frames)).sum(axis=1)

        length[:, m] = total({})
        for i, d in enumerate(crossed):
            arm[:, m, d] = -total({i: 1})
            for j, e in enumerate(crossed if curved else ()):
                bend[:, m, d, e] = -total({i: 2} if i == j else {i: 1, j: 1})
    return length, arm, bend


def _size(paths: Paths, basis: int) -> int:
    """How many functions a basis has along its whole joint."""
    return int(paths.bases[basis, 1] + paths.bases[basis, 2] - 3)


def _places(parts: list[Local], sizes: list[int], frames: int) -> Integers:
    """Where in a muscle's tensor the coefficients of each pose stand, `(N, F F ...)`."""
    places = np.zeros((frames, 1), np.int64)
    for part, size in zip(parts, sizes, strict=True):
        own = part.first[:, None] + np.arange(part.value.shape[1])
        places = (places[:, :, None] * size + own[:, None, :]).reshape(frames, -1)
    return places


def tensor(factors: list[Any], frames: int) -> Any:
    """Products of one function of each joint, `(N, F F ...)`."""
    product = np.ones((frames, 1))
    for factor in factors:
        product = (product[:, :, None] * factor[:, None, :]).reshape(frames, -1)
    return product
