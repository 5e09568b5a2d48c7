"""Numbers of the arbiter: 120 digits, so that a difference quotient over 1e-55 has 50."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mpmath import mp, mpf

mp.dps = 120
STEP = mpf(10) ** -55
NOTHING = mpf(10) ** -45
ENOUGH = mpf(10) ** -100  # of a root


def exact(values: Any) -> Any:
    """The very numbers that floats, or nested lists of them, stand for."""
    if isinstance(values, list | tuple):
        return [exact(value) for value in values]
    return mpf(values)


def rounded(values: Any) -> Any:
    """The nearest floats. What a difference quotient leaves of an exact zero is one."""
    if isinstance(values, list | tuple):
        return [rounded(value) for value in values]
    return 0.0 if abs(values) < NOTHING else float(values)


def slope(f: Callable[[Any], Any], x: Any) -> Any:
    """df/dx. At a kink it is the one to the right; none of the entries sits there."""
    return (f(x + STEP) - f(x)) / STEP


def root(g: Callable[[Any], Any], low: Any, high: Any) -> Any:
    """The root of g between two places where its signs differ: by halving, then by secants."""
    low, high = mpf(low), mpf(high)
    g_low, g_high = g(low), g(high)
    if g_low * g_high > 0:
        raise ValueError("no change of sign")
    for _ in range(40):
        middle = (low + high) / 2
        g_middle = g(middle)
        if g_middle * g_low > 0:
            low, g_low = middle, g_middle
        else:
            high, g_high = middle, g_middle
    a, b = low, high
    while abs(b - a) > ENOUGH:
        if g_low == g_high:
            break
        a, b = b, b - g_high * (b - a) / (g_high - g_low)
        g_low, g_high = g_high, g(b)
    return b
