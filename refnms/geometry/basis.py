"""Functions along one joint: B-splines of any degree on equal intervals, as plain polynomials.

On one interval they span the polynomials of their degree, so both kinds are one. Beyond the range
each function goes on as the straight line of its end: lengths stay smooth there, and moment arms
keep their sizes.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import factorial, prod
from typing import NamedTuple

import numpy as np

from refnms.physics.types import Array, Integers, Paths


class Basis(NamedTuple):
    """B-splines of a degree on so many equal intervals between two angles of a joint."""

    joint: int
    degree: int
    intervals: int
    lower: float  # [rad]
    upper: float

    @property
    def size(self) -> int:
        """How many functions there are."""
        return self.degree + self.intervals


def polynomials(basis: Basis) -> tuple[Array, Array]:
    """Edges `(S + 1,)` and pieces `(S, 1 + F F)` of a basis, as `Paths` has them."""
    from scipy.interpolate import BSpline

    k, n = basis.degree, basis.intervals
    breaks = np.linspace(basis.lower, basis.upper, n + 1)
    knots = np.concatenate([breaks[:1].repeat(k), breaks, breaks[-1:].repeat(k)])
    every = BSpline(knots, np.eye(basis.size), k)
    table = np.zeros((n + 2, 1 + (k + 1) ** 2))
    table[:, 0] = [breaks[0], *breaks]
    rows = table[:, 1:].reshape(n + 2, k + 1, k + 1)
    for power in range(k + 1):
        slopes = every.derivative(power)(breaks) / factorial(power)  # (n + 1, size)
        for i in range(n):
            rows[1 + i, :, k - power] = slopes[i, i : i + k + 1]
        if power < 2:
            rows[0, :, k - power] = slopes[0, : k + 1]
            rows[-1, :, k - power] = slopes[n, n - 1 :]
    return np.concatenate([[-np.inf], breaks, [np.inf]]), table


def tensors_of(paths: Paths) -> list[tuple[list[Basis], Array]]:
    """Of each muscle its bases, one for each joint that it crosses, and its coefficients, flat."""
    bases = []
    for joint, functions, pieces, first, _ in paths.bases.tolist():
        lower, upper = paths.edges[[first + 1, first + pieces - 1]].tolist()
        bases.append(Basis(joint, functions - 1, pieces - 2, lower, upper))
    found = []
    for row, start in zip(paths.basis_of.tolist(), paths.starts.tolist(), strict=True):
        own = [bases[i] for i in row if i >= 0]
        size = prod(basis.size for basis in own)
        found.append((own, paths.coefficients[start : start + size]))
    return found


def paths_over(tensors: Sequence[tuple[Sequence[Basis], Array]], joints: int) -> Paths:
    """The struct of muscles given as in `tensors_of`, over so many joints."""
    bases = sorted({basis for own, _ in tensors for basis in own})
    basis_of = np.full((len(tensors), joints), -1)
    for row, (own, _) in zip(basis_of, tensors, strict=True):
        for basis in own:
            row[basis.joint] = bases.index(basis)
    return paths_of(bases, basis_of, [c for _, c in tensors])


def paths_of(bases: Sequence[Basis], basis_of: Integers, coefficients: Sequence[Array]) -> Paths:
    """The struct of muscles whose tensors over `bases` have these coefficients, flat."""
    table, edges, pieces = np.zeros((len(bases), 5), np.int64), [], []
    at_edge = at_piece = 0
    for row, basis in zip(table, bases, strict=True):
        own_edges, own_pieces = polynomials(basis)
        row[:] = basis.joint, basis.degree + 1, len(own_pieces), at_edge, at_piece
        at_edge, at_piece = at_edge + own_edges.size, at_piece + own_pieces.size
        edges.append(own_edges)
        pieces.append(own_pieces.ravel())
    sizes = [c.size for c in coefficients]
    return Paths(
        bases=table,
        edges=np.concatenate([*edges, np.zeros(0)]),
        pieces=np.concatenate([*pieces, np.zeros(0)]),
        basis_of=np.asarray(basis_of, np.int64),
        starts=np.cumsum([0, *sizes])[: len(sizes)].astype(np.int64),
        coefficients=np.concatenate([*coefficients, np.zeros(0)]),
    )
