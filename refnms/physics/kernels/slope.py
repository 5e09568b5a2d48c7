"""The velocity weights of one frame: `stencils.trailing_weights`, to the bit, a frame at a time."""

from __future__ import annotations

from refnms.jit import pure
from refnms.physics.types import Array

ROOM = 3  # rows of `memory`, as long as the stencil


@pure
def last_slope(time: Array, newest: int, points: int, weights: Array, memory: Array) -> None:
    """Weights of the lengths at `time[newest]`, `time[newest - 1]` ... in the slope at the newest.

    The slope is that of the Forsythe-Malcolm-Moler spline (see `curves`) through so many points.
    """
    weights[:] = 0.0
    if points < 2:
        return
    begin, end = newest + 1 - points, points - 1
    h, pivots, s = memory[0], memory[1], memory[2]
    for i in range(end):
        h[i] = time[begin + i + 1] - time[begin + i]
    pivots[0], pivots[end] = -h[0], -h[end - 1]
    for i in range(1, end):
        pivots[i] = 2.0 * (h[i - 1] + h[i])
    for i in range(1, points):
        pivots[i] -= h[i - 1] * h[i - 1] / pivots[i - 1]
    for k in range(points):
        weights[end - k] = _slope_of_unit(time, begin, points, k, h, pivots, s)


@pure
def _unit(i: int, k: int) -> float:
    return 1.0 if i == k else 0.0


@pure
def _third(time: Array, at: int, k: int, first: int) -> float:
    """Third divided difference through four points from `at` on, of the unit value at point k."""
    chord = (
        (_unit(first + 1, k) - _unit(first, k)) / (time[at + 1] - time[at]),
        (_unit(first + 2, k) - _unit(first + 1, k)) / (time[at + 2] - time[at + 1]),
        (_unit(first + 3, k) - _unit(first + 2, k)) / (time[at + 3] - time[at + 2]),
    )
    older = (chord[1] - chord[0]) / (time[at + 2] - time[at])
    newer = (chord[2] - chord[1]) / (time[at + 3] - time[at + 1])
    return float((newer - older) / (time[at + 3] - time[at]))


@pure
def _slope_of_unit(
    time: Array, begin: int, points: int, k: int, h: Array, pivots: Array, s: Array
) -> float:
    """Slope at the last knot of the spline that is 1 at point k and 0 at the others."""
    end = points - 1
    chord = (_unit(end, k) - _unit(end - 1, k)) / h[end - 1]
    if points < 3:
        return float(chord)
    s[0], s[end] = 0.0, 0.0
    if points > 3:
        s[0] = (h[0] * h[0]) * _third(time, begin, k, 0)
        last = _third(time, begin + points - 4, k, points - 4)
        s[end] = -(h[end - 1] * h[end - 1]) * last
    for i in range(1, end):
        after = (_unit(i + 1, k) - _unit(i, k)) / h[i]
        s[i] = after - (_unit(i, k) - _unit(i - 1, k)) / h[i - 1]
    for i in range(1, points):
        s[i] -= h[i - 1] / pivots[i - 1] * s[i - 1]
    s[end] /= pivots[end]
    s[end - 1] = (s[end - 1] - h[end - 1] * s[end]) / pivots[end - 1]
    return float(chord + h[end - 1] * (s[end - 1] + 2.0 * s[end]))
