"""Levenberg and Marquardt's method: its steps, its second-order term, and where it ends."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import strategies as st
from objectives import Squares

from refnms.optimize import Budget, LevenbergMarquardt, minimize

seeds = st.integers(0, 2**32 - 1)


# ---- its steps ----


class Curve(NamedTuple):
    """Residuals r(x) = polynomial of one variable and a constant, in a box."""

    coefficients: tuple[float, ...]
    rest: float
    start: float
    lower: float
    upper: float

    def at(self, x: float) -> tuple[float, float, float]:
        """Value, slope and Gauss-Newton curvature."""
        r, slope = np.polyval(self.coefficients, x), np.polyval(np.polyder(self.coefficients), x)
        return float(r * r + self.rest), float(2.0 * r * slope), float(2.0 * slope * slope)

    def objective(self) -> Squares:
        rest, derivative = math.sqrt(self.rest), np.polyder(self.coefficients)

        def residuals(x):
            r = np.array([np.polyval(self.coefficients, x[0]), rest])
            return r, np.array([[np.polyval(derivative, x[0])], [0.0]])

        return Squares(residuals)


def one_variable(curve: Curve, method: LevenbergMarquardt, most: int) -> tuple[list[float], set]:
    """The points visited, as the papers have them for a single number, and what came about."""
    lower, width = curve.lower, curve.upper - curve.lower
    points, happened = [curve.start], set()
    x, (f, g, a) = curve.start, curve.at(curve.start)
    g, a, s, damping, trusts, small = g * width, a * width**2, 0.0, method.damping, False, 0
    while small < method.patience and len(points) < most:
        factor, b = 2.0, a + s if trusts else a
        while damping < 1e10:
            if b + damping * a <= 0.0:
                happened.add("indefinite")
                damping = max(4.0 * damping, 1e-3)
                continue
            y = (x - lower) / width
            d = min(max(-g / (b + damping * a), -y), 1.0 - y)
            tried = lower + (y + d) * width
            points.append(tried)
            foretold = -(g * d + 0.5 * b * d * d)
            gain = (f - curve.at(tried)[0]) / foretold if foretold > 0.0 else -1.0
            if gain > 1e-3:
                break
            happened.add("refused")
            damping, factor = damping * factor, 2.0 * factor
        else:
            return points, happened | {"stiff"}
        softer = 1.0 - (2.0 * gain - 1.0) ** 3
        damping = max(damping * max(1.0 / 3.0, softer), 1e-9)
        happened.add("softened" if softer < 1.0 / 3.0 else "by gain")
        f_new, g_new, a_new = curve.at(tried)
        g_new, a_new = g_new * width, a_new * width**2
        errors = [abs(f - f_new + g * d + 0.5 * m * d * d) for m in (a, a + s)]
        trusts = errors[1] < errors[0]
        happened.add("second" if trusts else "first")
        small = small + 1 if f - f_new < method.tolerance * f else 0
        z = g_new - g - a_new * d
        if (g_new - g) * d > 0.0:
            s = z / d  # in one variable the secant condition says it all
        else:
            happened.add("not learnt")
        x, f, g, a = tried, f_new, g_new, a_new
    happened.add("ended" if small == method.patience else "cut")
    return points, happened


CURVES = {
    "line": (Curve((2.0, -1.0), 0.3, 0.9, -1.0, 1.5), {"softened"}),
    "parabola": (Curve((3.0, 0.5, -0.4), 0.2, 0.9, -1.0, 1.5), {"softened", "by gain"}),
    "least value far from zero": (
        Curve((1.5, 0.0, 1.0), 0.0, 0.9, -1.0, 1.5),
        {"second", "first", "refused"},
    ),
    "cubic from the flat": (
        Curve((2.0, 0.0, -1.0, -0.6), 0.1, -0.3, -1.0, 2.5),
        {"refused"},
    ),
    "two valleys": (Curve((1.8, -0.2, -4.6), 0.0, 0.18, -1.0, 2.5), {"not learnt"}),
}


@pytest.mark.parametrize("name", CURVES)
def test_steps_in_one_variable_are_those_of_the_papers(name):
    curve, expected = CURVES[name]
    method = LevenbergMarquardt()
    points, happened = one_variable(curve, method, 12)
    objective = curve.objective()
    box = (np.array([x]) for x in curve[2:])
    minimize(method, objective, *box, Budget(len(points)))
    assert happened >= expected
    # Steps shorter than what the search for one looks for are not taken.
    np.testing.assert_allclose(np.concatenate(objective.points), points, rtol=1e-9, atol=1e-8)
