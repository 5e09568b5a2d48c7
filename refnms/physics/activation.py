"""From excitation to activation, for one muscle at one instant: the filter and two curve shapes.

Neural activation is the second-order recursion of Lloyd and Besier (2003, equation 2),

    u[t] = alpha e[t] - beta1 u[t-1] - beta2 u[t-2],
    beta1 = c1 + c2,  beta2 = c1 c2,  alpha = 1 + beta1 + beta2  (unit gain at rest),

run at the rate of the length frames. Activation is a static curve of u: the exponential

    a = (e^(A u) - 1) / (e^A - 1) = u phi(A u) / phi(A),   phi(z) = (e^z - 1) / z,

(same paper, equation 4; the form with phi has no singularity at A = 0), or the piecewise curve of
Manal and Buchanan (2003): a logarithm P ln(b u + 1) below the node (X0, Y0), a straight line
through (1, 1) above it, P such that the slopes meet at the node.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from refnms.jit import pure, where
from refnms.physics.elementary import phi, phi_slope_series

NEARLY_STRAIGHT = 0.0625  # |shape factor|: u - a is a small part of u
ROUNDING = 1e-14  # Newton steps of P below this are rounding errors


@pure
def filter_gains(c1: Any, c2: Any) -> Any:
    """alpha, beta1, beta2 of the recursion."""
    return 1.0 + c1 + c2 + c1 * c2, c1 + c2, c1 * c2


@pure
def filter_partials(c1: Any, c2: Any, excitation: Any, u1: Any, u2: Any) -> Any:
    """Slopes of u[t] by c1 and c2 at fixed excitation and past values u1, u2."""
    return (1.0 + c2) * excitation - u1 - c2 * u2, (1.0 + c1) * excitation - u1 - c1 * u2


class Shape(NamedTuple):
    """The exponential curve of one shape factor."""

    factor: Any
    per_phi: Any  # 1 / phi(factor)
    per_rise: Any  # 1 / (e^factor - 1); 0 for a curve that is nearly straight
    drift: Any  # of such a curve: slope of ln phi at the factor


@pure
def exponential_shape(factor: Any) -> Shape:
    """The curve's numbers."""
    per_phi = 1.0 / phi(factor)
    near = (factor < NEARLY_STRAIGHT) & (factor > -NEARLY_STRAIGHT)
    per_rise = where(near, 0.0, per_phi / where(near, 1.0, factor))
    drift = where(near, phi_slope_series(where(near, factor, 0.0)) * per_phi, 0.0)
    return Shape(factor, per_phi, per_rise, drift)


@pure
def exponential(u: Any, shape: Shape) -> Any:
    """Activation of neural activation u, exponential shape."""
    return u * phi(shape.factor * u) * shape.per_phi


@pure
def exponential_partials(u: Any, activation: Any, shape: Shape) -> Any:
    """Slopes of `exponential` by u and by the shape factor, where it has the value `activation`."""
    by_u, by_factor = curved_partials(u, activation, shape)
    straight = straight_partial(u, activation, shape)
    return by_u, where(shape.per_rise == 0.0, straight, by_factor)


@pure
def curved_partials(u: Any, activation: Any, shape: Shape) -> Any:
    """The same of a curve that is not nearly straight.

    No exponential is needed again: a = (e^(A u) - 1) / (e^A - 1) has the slope by A

        (u - a) / (e^A - 1) - a (1 - u).
    """
    by_u = shape.factor * activation + shape.per_phi
    return by_u, (u - activation) * shape.per_rise - activation * (1.0 - u)


@pure
def straight_partial(u: Any, activation: Any, shape: Shape) -> Any:
    """Slope by the shape factor of a curve that is nearly straight: u - a has lost its digits.

    That of u phi(A u) / phi(A), phi by its series: off by less than rounding where |u| < 1.2, by
    1e-14 of it at |u| = 2, and on as the eighth power of u.
    """
    return u * u * phi_slope_series(shape.factor * u) * shape.per_phi - activation * shape.drift


class Node(NamedTuple):
    """The piecewise curve of one shape factor: P ln(b u + 1) below x, slope u + offset above."""

    x: Any
    p: Any
    b: Any
    slope: Any
    offset: Any


@pure
def node_position(shape_factor: Any) -> Any:
    """X0, Y0 of the node (CEINMS 0.9; Manal and Buchanan 2003)."""
    return 0.3085 - 0.7071 * shape_factor, 0.3085 + 0.7071 * shape_factor


@pure
def node_mismatch(p: Any, shape_factor: Any) -> Any:
    """Slope of the line minus slope of the logarithm at the node; its root is P."""
    x0, y0 = node_position(shape_factor)
    b = (np.exp(y0 / p) - 1.0) / x0
    return (1.0 - y0) / (1.0 - x0) - p * b / (b * x0 + 1.0)


@pure
def node_mismatch_slopes(p: Any, shape_factor: Any) -> Any:
    """Slopes of `node_mismatch` with respect to P and the shape factor."""
    x0, y0 = node_position(shape_factor)
    e = np.exp(-y0 / p)
    by_p = (-1.0 + (1.0 + y0 / p) * e) / x0
    by_y0 = -1.0 / (1.0 - x0) - e / x0
    by_x0 = (1.0 - y0) / ((1.0 - x0) * (1.0 - x0)) + p * (1.0 - e) / (x0 * x0)
    return by_p, 0.7071 * (by_y0 - by_x0)


@pure
def piecewise_node(shape_factor: Any, p: Any) -> Node:
    """The node's numbers for a P found by `solve_node`."""
    x0, y0 = node_position(shape_factor)
    slope = (1.0 - y0) / (1.0 - x0)
    return Node(x0, p, (np.exp(y0 / p) - 1.0) / x0, slope, y0 - slope * x0)


@pure
def solve_node(shape_factor: Any, tolerance: Any) -> Any:
    """P by Newton's method from 0.05, as CEINMS finds it.

    CEINMS stops when two rounds differ by less than its tolerance of 1e-4 and keeps the older of
    the two. A tolerance of 0 iterates to the last bit, which is what gradients need.
    """
    p = 0.05
    for _ in range(1000):
        by_p, _by_shape = node_mismatch_slopes(p, shape_factor)
        step = node_mismatch(p, shape_factor) / by_p
        if np.abs(step) < tolerance:
            break
        p = p - step
        if np.abs(step) < ROUNDING:
            break
    return p


@pure
def piecewise(u: Any, node: Node) -> Any:
    """Activation of neural activation u, piecewise shape; 0 where the logarithm is not defined."""
    inside = node.b * u + 1.0
    low = node.p * np.log(where(inside > 0.0, inside, 1.0))
    return where(u < node.x, low, node.slope * u + node.offset)


@pure
def piecewise_partials(u: Any, shape_factor: Any, node: Node) -> Any:
    """Slopes of `piecewise` with respect to u and the shape factor, P(shape factor) included.

    At the node the line's slope holds (the logarithm's is the same). P is differentiated by its
    own equation, dP = -(mismatch by A) / (mismatch by P) dA.
    """
    x0, y0 = node_position(shape_factor)
    by_p, by_shape = node_mismatch_slopes(node.p, shape_factor)
    p_shape = -by_shape / by_p
    e = np.exp(y0 / node.p)
    b_shape = e * (0.7071 / node.p - y0 / (node.p * node.p) * p_shape) / x0 + 0.7071 * (e - 1.0) / (
        x0 * x0
    )
    inside = node.b * u + 1.0
    defined = inside > 0.0
    inside = where(defined, inside, 1.0)
    low_u = where(defined, node.p * node.b / inside, 0.0)
    low_shape = where(defined, p_shape * np.log(inside) + node.p * u * b_shape / inside, 0.0)
    slope_shape = -0.7071 * ((1.0 - x0) + (1.0 - y0)) / ((1.0 - x0) * (1.0 - x0))
    line_shape = 0.7071 + slope_shape * (u - x0) + 0.7071 * node.slope
    below = u < node.x
    return where(below, low_u, node.slope), where(below, low_shape, line_shape)
