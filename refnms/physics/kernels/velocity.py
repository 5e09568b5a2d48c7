"""Velocities from the spline through all lengths of a trial: a linear map, and its transpose.

The same for every column: fiber lengths of muscles, or their derivatives by anything.
"""

from __future__ import annotations

from refnms.jit import kernel, pure
from refnms.physics.types import Array, SplineFactors


@pure
def _solve(spline: SplineFactors, s: Array) -> None:
    """Replace the columns of s by the solutions of the spline's symmetric system."""
    n, h, pivots = s.shape[0], spline.steps, spline.pivots
    for t in range(1, n):
        for c in range(s.shape[1]):
            s[t, c] -= h[t - 1] / pivots[t - 1] * s[t - 1, c]
    for c in range(s.shape[1]):
        s[n - 1, c] /= pivots[n - 1]
    for t in range(n - 2, -1, -1):
        for c in range(s.shape[1]):
            s[t, c] = (s[t, c] - h[t] * s[t + 1, c]) / pivots[t]


@kernel
def spline_velocity(spline: SplineFactors, l: Array, v: Array) -> None:
    """Slopes v `(n, C)` of the splines through l `(n, C)`, the frames of one trial.

    v first holds the curvatures, then, from the front, the slopes.
    """
    n, h = l.shape[0], spline.steps
    v[:] = 0.0
    if n == 1:
        return
    last = n - 1
    for t in range(1, last):
        for c in range(l.shape[1]):
            v[t, c] = (l[t + 1, c] - l[t, c]) / h[t] - (l[t, c] - l[t - 1, c]) / h[t - 1]
    if n > 3:
        for k in range(4):
            for c in range(l.shape[1]):
                v[0, c] += spline.first[0, k] * l[k, c]
                v[last, c] += spline.last[0, k] * l[n - 4 + k, c]
    if n > 2:
        _solve(spline, v)
    for t in range(last - 1):
        for c in range(l.shape[1]):
            chord = (l[t + 1, c] - l[t, c]) / h[t]
            v[t, c] = chord - h[t] * (v[t + 1, c] + 2.0 * v[t, c])
    step = h[last - 1]
    for c in range(l.shape[1]):
        chord, before, end = (l[last, c] - l[last - 1, c]) / step, v[last - 1, c], v[last, c]
        v[last - 1, c] = chord - step * (end + 2.0 * before)
        v[last, c] = chord + step * (before + 2.0 * end)


@kernel
def spline_velocity_transposed(spline: SplineFactors, v_bar: Array, l_bar: Array) -> None:
    """Add the cotangents of l to l_bar `(n, C)`; v_bar `(n, C)` is used up.

    v_bar becomes the cotangents of the curvatures, from the back.
    """
    n, h = v_bar.shape[0], spline.steps
    if n == 1:
        return
    last = n - 1
    step = h[last - 1]
    for c in range(v_bar.shape[1]):
        before, end = v_bar[last - 1, c], v_bar[last, c]
        l_bar[last, c] += (before + end) / step
        l_bar[last - 1, c] -= (before + end) / step
        v_bar[last, c] = step * (2.0 * end - before)
        v_bar[last - 1, c] = step * (end - 2.0 * before)
        if last > 1:
            v_bar[last - 1, c] -= h[last - 2] * v_bar[last - 2, c]
    for t in range(last - 2, -1, -1):
        for c in range(v_bar.shape[1]):
            bar = v_bar[t, c]
            l_bar[t + 1, c] += bar / h[t]
            l_bar[t, c] -= bar / h[t]
            v_bar[t, c] = -2.0 * h[t] * bar
        if t > 0:
            for c in range(v_bar.shape[1]):
                v_bar[t, c] -= h[t - 1] * v_bar[t - 1, c]
    if n < 3:
        return
    _solve(spline, v_bar)
    for t in range(1, last):
        for c in range(v_bar.shape[1]):
            s_bar = v_bar[t, c]
            l_bar[t + 1, c] += s_bar / h[t]
            l_bar[t, c] -= s_bar / h[t] + s_bar / h[t - 1]
            l_bar[t - 1, c] += s_bar / h[t - 1]
    if n > 3:
        for k in range(4):
            for c in range(v_bar.shape[1]):
                l_bar[k, c] += spline.first[0, k] * v_bar[0, c]
                l_bar[n - 4 + k, c] += spline.last[0, k] * v_bar[last, c]
