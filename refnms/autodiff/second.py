"""Derivatives that are not one sweep: along a direction, and of second order.

Forward mode from reverse mode. The pullback g -> J'g of `vjp` is linear in g, and the pullback of
that map is v -> J v (Christianson 1992; the "double vjp"). So `jvp` needs no rules of its own, only
pullbacks that can be differentiated themselves (`transparent`).

Second order by a complex step through the sweep. The gradient is an analytic function of x as far
as f is, so

    H v = Im grad f(x + i h v) / h,         h = 1e-30,

to rounding, since nothing is subtracted (Squire, Trapp 1998). Every pullback, that of a compiled
kernel's NumPy twin too, runs once on complex numbers; none is differentiated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refnms.autodiff.tape import grad, vjp

STEP = 1e-30


def jvp(f: Callable[..., Any], args: tuple[Any, ...], tangents: tuple[Any, ...]) -> Any:
    """The derivative of `f` at `args` along `tangents`, arrays of the same shapes; of f's shape.

    Raises TypeError where a pullback cannot be differentiated (a compiled kernel).
    """

    def along(t: Any) -> Any:
        return f(*[x + t * v for x, v in zip(args, tangents, strict=True)])

    value, pullback = vjp(along, 0.0)
    return vjp(lambda g: pullback(g)[0], np.zeros(value.shape))[1](1.0)[0]


def hessian_vector(f: Callable[[Any], Any], x: Any, v: Any) -> Any:
    """The product of the Hessian of `f`, of shape (), at x with v, of the shape of x.

    f lets complex numbers through; of the functions that have rules only arctan2 does not. At a
    kink the curvature is that of the side that x is on.
    """
    return np.imag(grad(f)(np.asarray(x) + 1j * STEP * np.asarray(v))) / STEP
