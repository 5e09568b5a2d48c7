"""The static curve from neural activation to activation, of either shape."""

from __future__ import annotations

import numpy as np

from refnms.physics import activation as act
from refnms.physics.types import Array, Muscles, System


def _node(system: System, factor: Array) -> act.Node:
    p = np.array([act.solve_node(one, system.node_tolerance) for one in factor])
    node: act.Node = act.piecewise_node(factor, p)
    return node


def shaped(system: System, muscles: Muscles, u: Array) -> Array:
    """Activation of u `(n, M)`."""
    factor = muscles.shape_factor
    if system.piecewise:
        return np.asarray(act.piecewise(u, _node(system, factor)))
    return np.asarray(act.exponential(u, act.exponential_shape(factor)))


def shaped_partials(system: System, muscles: Muscles, u: Array, a: Array) -> tuple[Array, Array]:
    """Slopes of activation a by u and by the shape factor, `(n, M)` each."""
    factor = muscles.shape_factor
    if system.piecewise:
        by_u, by_factor = act.piecewise_partials(u, factor, _node(system, factor))
    else:
        by_u, by_factor = act.exponential_partials(u, a, act.exponential_shape(factor))
    return by_u, by_factor
