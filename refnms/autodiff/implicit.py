"""The derivative of a root: differentiate the equation, not the iterations that solved it.

Let x(theta) solve g(x, theta) = 0, element by element: g has the shape of x, and its element i
depends on x through x_i alone. Along the solution g stays zero,

    g_x dx + g_theta dtheta = 0     =>     dx = -(g_theta / g_x) dtheta,

and the pullback of a cotangent x_bar is one sweep through the residual, taken once at the root:

    u = -x_bar / g_x,        theta_bar = g_theta' u.

How x was found is no matter, only that it is a root. With g_x = 0 the root is not a function of
theta there, and that is an error, not a number. The same sweep gives g_x' u, which is -x_bar again
when g_x is diagonal as supposed; so a residual that couples the elements of x is noticed at no
cost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refnms.autodiff.tape import Primitive, primitive, vjp
from refnms.errors import DivergedError

DIAGONAL = 1e-6  # relative: rounding in a well-posed slope is far below, a coupling far above


def implicit(solve: Callable[..., Any], residual: Callable[..., Any]) -> Primitive:
    """The function `(*args) -> x` with `residual(x, *args) = 0` elementwise; differentiable.

    `solve(*args)` gets float64 arrays and returns a new one. It must have solved: the residual's
    value is not looked at. `residual` is made of functions that have rules; constants that are not
    float64 reach it as a closure. The result may be differentiated twice. Its pullback raises
    DivergedError where the slope of the residual in x is zero or not finite.
    """

    def pullback(x_bar: Any, x: Any, *args: Any) -> tuple[Any, ...]:
        g, g_pullback = vjp(residual, x, *args)
        if g.shape != x.shape:
            raise ValueError(f"residual of shape {g.shape} for a root of shape {x.shape}")
        slope = g_pullback(np.ones(x.shape))[0]
        regular = np.isfinite(slope) & (slope != 0.0)
        _require(regular, "the slope of the residual is zero or not finite")
        x_back, *bars = g_pullback(-x_bar / slope)
        close = np.absolute(x_back + x_bar) <= DIAGONAL * np.absolute(x_bar)
        _require(
            close, "the residual couples elements of the root, or its slope is lost in rounding"
        )
        return tuple(bars)

    return primitive(solve, pullback, transparent=True)


def _require(good: Any, fault: str) -> None:
    bad = np.argwhere(~good)
    if len(bad):
        index = tuple(int(i) for i in bad[0])
        raise DivergedError(f"implicit: {fault} at index {index} (and {len(bad) - 1} more)")
