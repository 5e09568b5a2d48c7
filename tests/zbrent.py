"""Numerical Recipes's zbrent as CEINMS has it, written a second time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any


def brent_of_ceinms(g: Callable[[Any], Any], a: Any, b: Any, tolerance: float) -> Any:
    """The root of g between a and b; None without a change of sign."""
    ga, gb = g(a), g(b)
    c, gc, d, e = b, gb, 0.0, 0.0
    if ga * gb > 0.0:
        return None
    for _ in range(100):
        if (gb > 0.0) == (gc > 0.0) and gb * gc != 0.0:
            c, gc, d = a, ga, b - a
            e = d
        if abs(gc) < abs(gb):
            a, b, c, ga, gb, gc = b, c, b, gb, gc, gb
        least, middle = 2.0 * 2.22e-16 * abs(b) + 0.5 * tolerance, 0.5 * (c - b)
        if abs(middle) <= least or gb == 0.0:
            return b
        p = q = 0.0
        if abs(e) >= least and abs(ga) > abs(gb):
            s = gb / ga
            if a == c:
                p, q = 2.0 * middle * s, 1.0 - s
            else:
                q, r = ga / gc, gb / gc
                p = s * (2.0 * middle * q * (q - r) - (b - a) * (r - 1.0))
                q = (q - 1.0) * (r - 1.0) * (s - 1.0)
            q = -q if p > 0.0 else q
            p = abs(p)
        if q != 0.0 and 2.0 * p < min(3.0 * middle * q - abs(least * q), abs(e * q)):
            e, d = d, p / q
        else:
            d = e = middle
        a, ga = b, gb
        b += d if abs(d) > least else math.copysign(least, middle)
        gb = g(b)
    return None
