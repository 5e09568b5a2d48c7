"""Curves as data: C2 piecewise cubics, their value and slope, and where they come from.

Everything here is dimensionless. A curve is evaluated in two steps: `piece` looks up the cubic by
comparisons alone (plain numbers, whatever the number type of x), then plain arithmetic evaluates
it. Compiled loops look up first and evaluate later, many muscles at once. CEINMS's point curves
become their Forsythe-Malcolm-Moler spline exactly.

The Forsythe-Malcolm-Moler spline (Computer Methods for Mathematical Computations, 1977, chapter 4)
of the points (x_i, y_i), h_i = x_{i+1} - x_i, D_i = (y_{i+1} - y_i) / h_i, has the unknowns s_i (a
sixth of the second derivative) of a symmetric tridiagonal system,

    h_{i-1} s_{i-1} + 2 (h_{i-1} + h_i) s_i + h_i s_{i+1} = D_i - D_{i-1},

closed at both ends by the third derivative of the cubic through the four end points, which is
linear in y (`end_curvature`):

    -h_0 s_0 + h_0 s_1 = r_first,      h_{n-2} s_{n-2} - h_{n-2} s_{n-1} = r_last.

Then y = y_i + d (b_i + d (3 s_i + d (s_{i+1} - s_i) / h_i)), b_i = D_i - h_i (s_{i+1} + 2 s_i).
It is neither the natural nor the not-a-knot spline, and CEINMS's points tell them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from refnms.jit import choose, pure
from refnms.physics.types import Array, Curve, Curves, Piece


def segment(curve: Curve, x: Any) -> Any:
    """Index of the piece that holds each x: the one to the left at a knot."""
    return np.searchsorted(curve.edges[1:-1], x)


def _segment_of_number(curve: Curve, x: Any) -> Any:
    low, high = 0, curve.edges.size - 1
    while high - low > 1:
        middle = (low + high) // 2
        if curve.edges[middle] < x:
            low = middle
        else:  # also a NaN, which no piece holds
            high = middle
    return low


def piece(curve: Any, x: Any) -> Any:
    """The piece of a curve that holds x; a `Piece` stands for itself."""
    if isinstance(curve, Piece):
        return curve
    i = segment(curve, x)
    return Piece(curve.edges[i], curve.edges[i + 1], *np.moveaxis(curve.pieces[i], -1, 0))


@pure
def piece_numbered(curve: Curve, i: Any) -> Piece:
    """Piece i of a curve."""
    p = curve.pieces
    return Piece(curve.edges[i], curve.edges[i + 1], p[i, 0], p[i, 1], p[i, 2], p[i, 3], p[i, 4])


def _itself(curve: Piece, x: Any) -> Any:
    return curve


def _piece_of_number(curve: Curve, x: Any) -> Any:
    return piece_numbered(curve, segment(curve, x))


choose(segment, lambda curve: _segment_of_number)
choose(piece, lambda curve: _itself if curve is Piece else _piece_of_number)


@pure
def near_segment(curve: Curve, x: Any, i: Any) -> Any:
    """`segment` of a number x, looked for from piece i on; of a NaN, whatever comes."""
    while i + 1 < curve.pieces.shape[0] and x > curve.edges[i + 1]:
        i += 1
    while i > 0 and x <= curve.edges[i]:
        i -= 1
    return i


@pure
def holds(piece: Piece, x: Any) -> Any:
    """Whether x lies within a piece."""
    return (piece.lower < x) & (x <= piece.upper)


@pure
def value_and_slope(curve: Any, x: Any) -> Any:
    """Value and slope at x of a curve, or of the piece of it that holds x.

    Beyond an end knot the straight line holds; at an end knot itself the inner slope does.
    """
    p = piece(curve, x)
    d = x - p.origin
    cubic = p.c3 * d
    square = cubic + p.c2
    line = square * d + p.c1
    return line * d + p.c0, (cubic + square) * d + line


@pure
def value(curve: Any, x: Any) -> Any:
    """Value at x, as in `value_and_slope`."""
    return value_and_slope(curve, x)[0]


@pure
def value_slope(curve: Any, x: Any) -> Any:
    """Slope at x, as in `value_and_slope`."""
    return value_and_slope(curve, x)[1]


def end_curvature(x: Array, y: Array) -> tuple[Array, Array]:
    """r_first and r_last for x, y `(n, ...)`; zero below four points (n = 3: the parabola)."""
    if len(x) < 4:
        return np.zeros_like(y[0]), np.zeros_like(y[0])
    h = np.diff(x, axis=0)
    first, last = _third_difference(x[:4], y[:4]), _third_difference(x[-4:], y[-4:])
    return h[0] ** 2 * first, -(h[-1] ** 2) * last


def _third_difference(x: Array, y: Array) -> Array:
    """Third divided difference through four points, nested so that equal y give exactly zero."""
    slope = np.diff(y, axis=0) / np.diff(x, axis=0)
    curvature = np.diff(slope, axis=0) / (x[2:] - x[:-2])
    return np.asarray((curvature[1] - curvature[0]) / (x[3] - x[0]))


def eliminate(h: Array) -> Array:
    """Pivots `(n, ...)` of the tridiagonal system for steps h `(n - 1, ...)`, without pivoting."""
    pivots = np.concatenate([-h[:1], 2.0 * (h[:-1] + h[1:]), -h[-1:]])
    for i in range(1, len(pivots)):
        pivots[i] -= h[i - 1] * h[i - 1] / pivots[i - 1]
    return pivots


def sixth_curvatures(x: Array, y: Array) -> Array:
    """The unknowns s `(n, ...)` of the spline of y `(n, ...)` over x; zero below three points."""
    s = np.zeros(np.broadcast_shapes(x.shape, y.shape))
    if len(x) < 3:
        return s
    h = np.diff(x, axis=0)
    s[0], s[-1] = end_curvature(x, y)
    s[1:-1] = np.diff(np.diff(y, axis=0) / h, axis=0)
    pivots = eliminate(h)
    for i in range(1, len(x)):
        s[i] -= h[i - 1] / pivots[i - 1] * s[i - 1]
    s[-1] /= pivots[-1]
    for i in range(len(x) - 2, -1, -1):
        s[i] = (s[i] - h[i] * s[i + 1]) / pivots[i]
    return s


def knot_slopes(x: Array, y: Array) -> Array:
    """Slopes `(n, ...)` at the knots of the spline of y over x; zero for a single point."""
    if len(x) == 1:
        return np.zeros(np.broadcast_shapes(x.shape, y.shape))
    s = sixth_curvatures(x, y)
    h = np.diff(x, axis=0)
    chord = np.diff(y, axis=0) / h
    slopes = chord - h * (s[1:] + 2.0 * s[:-1])
    return np.concatenate([slopes, chord[-1:] + h[-1:] * (s[-2:-1] + 2.0 * s[-1:])])


def spline_curve(
    x: Sequence[float] | Array,
    y: Sequence[float] | Array,
    outer_slopes: tuple[float, float] = (0.0, 0.0),
) -> Curve:
    """The Forsythe-Malcolm-Moler spline of points x `(n,)` strictly increasing, y `(n,)`, n >= 2.

    Beyond the points it is constant, as in CEINMS, unless `outer_slopes` says otherwise.

    Raises ValueError when the points are too few, not increasing or not finite.
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if x.ndim != 1 or x.shape != y.shape or x.size < 2:
        raise ValueError(f"a curve needs two or more points, got x {x.shape} and y {y.shape}")
    if not (np.isfinite(x).all() and np.isfinite(y).all() and (np.diff(x) > 0).all()):
        raise ValueError("the points of a curve must be finite and their x strictly increasing")
    h = np.diff(x)
    s = sixth_curvatures(x, y)
    inner = np.column_stack([x[:-1], y[:-1], knot_slopes(x, y)[:-1], 3.0 * s[:-1], np.diff(s) / h])
    below, above = ([x[i], y[i], outer_slopes[i], 0.0, 0.0] for i in (0, -1))
    # The first knot belongs to the first inner piece, as the last one does to the last.
    edges = np.concatenate([[-np.inf, np.nextafter(x[0], -np.inf)], x[1:], [np.inf]])
    return Curve(edges, np.vstack([below, inner, above]))


def sampled_at(function: Callable[[Array], Array], x: Array) -> Curve:
    """The spline of an analytic curve sampled at x `(n,)`, continued by its end slopes."""
    y = np.asarray(function(x), dtype=float)
    slopes = knot_slopes(x, y)
    return spline_curve(x, y, (float(slopes[0]), float(slopes[-1])))


def sampled_curve(
    function: Callable[[Array], Array], lower: float, upper: float, segments: int = 400
) -> Curve:
    """`sampled_at` evenly spaced places of [lower, upper]."""
    return sampled_at(function, np.linspace(lower, upper, segments + 1))


def ceinms_default() -> Curves:
    """The points that CEINMS ships as its default (Zajac 1989; Lloyd and Besier 2003)."""
    return Curves(
        active_force_length=_points(
            "-5 0 .401 .402 .4035 .52725 .62875 .71875 .86125 1.045 1.2175 1.43875 1.61875 1.62"
            " 1.621 2.2 5",
            "0 0 0 0 0 .226667 .636667 .856667 .95 .993333 .77 .246667 0 0 0 0 0",
        ),
        passive_force_length=_points(
            "-5 .998 .999 1 1.1 1.2 1.3 1.4 1.5 1.6 1.601 1.602 5",
            "0 0 0 0 .035 .12 .26 .55 1.17 2 2 2 2",
        ),
        force_velocity=_points(
            "-10 -1 -.6 -.3 -.1 0 .1 .3 .6 .8 10",
            "0 0 .08 .2 .55 1 1.4 1.6 1.7 1.75 1.75",
        ),
        tendon_force_strain=_points(
            "-10 -.002 -.001 0 .00131 .00281 .00431 .00581 .00731 .00881 .0103 .0118 .0123"
            " 9.2 9.201 9.202 20",
            "0 0 0 0 .0108 .0257 .0435 .0652 .0915 .123 .161 .208 .227 345 345 345 345",
        ),
    )


def _points(x: str, y: str) -> Curve:
    return spline_curve([float(v) for v in x.split()], [float(v) for v in y.split()])
