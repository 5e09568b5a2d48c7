"""The recursion from excitation to neural activation, its adjoint and its derivatives."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from refnms.physics import activation as act
from refnms.physics.types import Array, FilterStart


class Piece(NamedTuple):
    """Rows [begin, end) of a trial over which the recursion runs on by itself."""

    begin: int
    end: int
    past: tuple[tuple[int, float], ...]  # row, factor: whose sum both past values begin with


def pieces(start: FilterStart, rows: int) -> list[Piece]:
    """The pieces of a trial with so many excitation rows."""
    rest = ((0, start.rest),)
    if not 0 < start.restart < rows:
        return [Piece(0, rows, rest)]
    mean = ((start.restart - 1, 0.5), (start.restart - 2, 0.5))
    return [Piece(0, start.restart, rest), Piece(start.restart, rows, mean)]


def _recur(drive: Array, rest: Any, beta1: Array, beta2: Array) -> Array:
    """u[k] = drive[k] - beta1 u[k-1] - beta2 u[k-2], two rows of `rest` ahead of the result."""
    u = np.empty((len(drive) + 2, *drive.shape[1:]), np.result_type(drive, rest, beta1))
    u[:2] = rest
    for k, d in enumerate(drive):
        u[k + 2] = d - beta1 * u[k + 1] - beta2 * u[k]
    return u


def filtered(start: FilterStart, c1: Array, c2: Array, e: Array) -> Array:
    """Neural activation `(R, M)` of the excitation e `(R, M)` of one trial."""
    alpha, beta1, beta2 = act.filter_gains(c1, c2)
    parts = []
    for piece in pieces(start, len(e)):
        rest = sum(factor * e[k] for k, factor in piece.past)
        parts.append(_recur(alpha * e[piece.begin : piece.end], rest, beta1, beta2)[2:])
    return np.concatenate(parts)


def _past(piece: Piece, e: Array, u: Array) -> tuple[Array, Array]:
    """u[k-1] and u[k-2] of the rows of a piece."""
    rest = sum(factor * e[k] for k, factor in piece.past)
    before = np.concatenate([[rest, rest], u[piece.begin : piece.end]])
    return before[1:-1], before[:-2]


def filtered_vjp(
    start: FilterStart, c1: Array, c2: Array, e: Array, u: Array, u_bar: Array
) -> tuple[Array, Array, Array]:
    """Cotangents of c1, c2 `(M,)` and e `(R, M)`: the filter run backwards."""
    alpha, beta1, beta2 = act.filter_gains(c1, c2)
    c1_bar, c2_bar = np.zeros_like(c1), np.zeros_like(c2)
    e_bar = np.zeros(e.shape, u_bar.dtype)
    for piece in pieces(start, len(e)):
        rows = slice(piece.begin, piece.end)
        total = _recur(u_bar[rows][::-1], 0.0, beta1, beta2)[2:][::-1]
        by_c1, by_c2 = act.filter_partials(c1, c2, e[rows], *_past(piece, e, u))
        c1_bar += np.sum(by_c1 * total, axis=0)
        c2_bar += np.sum(by_c2 * total, axis=0)
        e_bar[rows] += alpha * total
        second = total[1] if len(total) > 1 else 0.0
        rest_bar = -(beta1 + beta2) * total[0] - beta2 * second
        for k, factor in piece.past:
            e_bar[k] += factor * rest_bar
    return c1_bar, c2_bar, e_bar


def filtered_slopes(
    start: FilterStart, c1: Array, c2: Array, e: Array, u: Array
) -> tuple[Array, Array]:
    """Slopes `(R, M)` of u by c1 and c2."""
    _, beta1, beta2 = act.filter_gains(c1, c2)
    by_c1, by_c2 = [], []
    for piece in pieces(start, len(e)):
        drives = act.filter_partials(c1, c2, e[piece.begin : piece.end], *_past(piece, e, u))
        by_c1.append(_recur(drives[0], 0.0, beta1, beta2)[2:])
        by_c2.append(_recur(drives[1], 0.0, beta1, beta2)[2:])
    return np.concatenate(by_c1), np.concatenate(by_c2)
