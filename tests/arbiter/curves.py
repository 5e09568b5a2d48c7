"""Splines of points (Forsythe, Malcolm, Moler 1977, as CEINMS uses it), solved in many digits."""

from __future__ import annotations

from bisect import bisect_left
from functools import cache
from typing import Any

from mpmath import mpf


def third_difference(x: list[Any], y: list[Any]) -> Any:
    """Third divided difference through four points, by Lagrange's sum."""
    total = mpf(0)
    for i in range(4):
        product = mpf(1)
        for j in range(4):
            if j != i:
                product *= x[i] - x[j]
        total += y[i] / product
    return total


def coefficients(x: list[Any], y: list[Any]) -> list[tuple[Any, Any, Any]]:
    """b, c, d of every piece y_i + b t + c t^2 + d t^3, t = x - x_i, and b, c, d at the last knot.

    Unknown are s_i = y''(x_i) / 6, by Thomas's algorithm.
    """
    n = len(x)
    h = [x[i + 1] - x[i] for i in range(n - 1)]
    chord = [(y[i + 1] - y[i]) / h[i] for i in range(n - 1)]
    s = [mpf(0)] * n
    if n > 2:
        first = last = mpf(0)
        if n > 3:
            first = h[0] ** 2 * third_difference(x[:4], y[:4])
            last = -(h[-1] ** 2) * third_difference(x[-4:], y[-4:])
        rows = [(mpf(0), -h[0], h[0], first)]
        for i in range(1, n - 1):
            rows.append((h[i - 1], 2 * (h[i - 1] + h[i]), h[i], chord[i] - chord[i - 1]))
        rows.append((h[-1], -h[-1], mpf(0), last))
        above, right = [], []
        for i, (below, middle, over, value) in enumerate(rows):
            pivot = middle - (below * above[i - 1] if i else 0)
            above.append(over / pivot)
            right.append((value - (below * right[i - 1] if i else 0)) / pivot)
        s[-1] = right[-1]
        for i in range(n - 2, -1, -1):
            s[i] = right[i] - above[i] * s[i + 1]
    pieces = [
        (chord[i] - h[i] * (s[i + 1] + 2 * s[i]), 3 * s[i], (s[i + 1] - s[i]) / h[i])
        for i in range(n - 1)
    ]
    end = chord[-1] + h[-1] * (s[-2] + 2 * s[-1])
    return [*pieces, (end, 3 * s[-1], pieces[-1][2])]


class PointCurve:
    """The spline of points, and the straight lines beyond them."""

    def __init__(self, x: list[Any], y: list[Any], outer: tuple[Any, Any] | None) -> None:
        """`outer`: slopes of the lines; None: those of the spline at its ends."""
        self.x, self.y = x, y
        self.pieces = coefficients(x, y)
        self.outer = (self.pieces[0][0], self.pieces[-1][0]) if outer is None else outer

    def _piece(self, x: Any) -> tuple[Any, Any, tuple[Any, Any, Any]]:
        if x < self.x[0]:
            return x - self.x[0], self.y[0], (self.outer[0], mpf(0), mpf(0))
        if x > self.x[-1]:
            return x - self.x[-1], self.y[-1], (self.outer[1], mpf(0), mpf(0))
        i = max(0, bisect_left(self.x, x) - 1)
        return x - self.x[i], self.y[i], self.pieces[i]

    def __call__(self, x: Any) -> Any:
        t, y, (b, c, d) = self._piece(x)
        return y + t * (b + t * (c + t * d))

    def slope(self, x: Any) -> Any:
        """Slope at x; at an end knot the inner one."""
        t, _, (b, c, d) = self._piece(x)
        return b + t * (2 * c + 3 * t * d)


@cache
def last_slope(x: tuple[Any, ...]) -> list[Any]:
    """Weights of the values at x in the slope of their spline at the last of them."""
    n = len(x)
    units = [[mpf(int(i == k)) for i in range(n)] for k in range(n)]
    return [coefficients(list(x), y)[-1][0] if n > 1 else mpf(0) for y in units]
