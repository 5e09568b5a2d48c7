"""Excitation to activation: Lloyd and Besier 2003, Manal and Buchanan 2003, CEINMS's start."""

from __future__ import annotations

from typing import Any

from mpmath import exp, expm1, log, mpf

from arbiter.precise import root


def recursion(
    c1: Any, c2: Any, excitation: list[Any], at_rest: bool, third_restarts: bool
) -> list[Any]:
    """u[t] = (1 + b1 + b2) e[t] - b1 u[t-1] - b2 u[t-2]; b1 = c1 + c2, b2 = c1 c2.

    `at_rest`: it had been at the first excitation for ever; else it was at zero. `third_restarts`:
    at the third sample both earlier values become the mean of the two earlier excitations.
    """
    b1, b2 = c1 + c2, c1 * c2
    older = old = excitation[0] if at_rest else mpf(0)
    u = []
    for t, e in enumerate(excitation):
        if third_restarts and t == 2:
            older = old = (excitation[0] + excitation[1]) / 2
        now = (1 + b1 + b2) * e - b1 * old - b2 * older
        older, old = old, now
        u.append(now)
    return u


def prepared(c1: Any, c2: Any, e: list[Any], rows: tuple[int, ...]) -> list[Any]:
    """The recursion of CEINMS 0.9's preparing pass, e being the excitations of some EMG rows.

    There the past moves on at every EMG row, while u is computed at these alone.
    """
    b1, b2 = c1 + c2, c1 * c2
    at = dict(zip(rows, e, strict=True))
    u = older = old = mpf(0)
    found = []
    for row in range(rows[-1] + 1):
        if row in at:
            if row == 2:
                older = old = (at[0] + at[1]) / 2
            u = (1 + b1 + b2) * at[row] - b1 * old - b2 * older
            found.append(u)
        older, old = old, u
    return found


def exponential(u: Any, shape: Any) -> Any:
    return u if shape == 0 else expm1(shape * u) / expm1(shape)


def node(shape: Any) -> tuple[Any, Any, Any, Any]:
    """X0, P, b and Y0: the logarithm P ln(b u + 1) meets the line through (1, 1) with its slope."""
    x0 = mpf("0.3085") - mpf("0.7071") * shape
    y0 = mpf("0.3085") + mpf("0.7071") * shape
    line = (1 - y0) / (1 - x0)

    def bend(p: Any) -> Any:
        return (exp(y0 / p) - 1) / x0

    def mismatch(p: Any) -> Any:
        return line - p * bend(p) / (bend(p) * x0 + 1)

    p = root(mismatch, mpf("0.02"), mpf(5000))
    return x0, p, bend(p), y0


def piecewise(u: Any, shape: Any) -> Any:
    x0, p, b, y0 = node(shape)
    if u < x0:
        return p * log(b * u + 1) if b * u + 1 > 0 else mpf(0)
    return y0 + (1 - y0) / (1 - x0) * (u - x0)


SHAPES = {"exponential": exponential, "piecewise": piecewise}
