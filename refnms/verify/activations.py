"""The filter and the activation curve of every muscle: is each partial the slope?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from refnms.physics import activation as act
from refnms.physics.types import Array, Muscles
from refnms.verify.oracle import STEP
from refnms.verify.records import EVERYWHERE, Check, Place, Worst


def activation_checks(
    table: Array, names: tuple[str, ...], piecewise: bool, u: Array
) -> Iterator[Check]:
    """Partials of filter and curve of the muscles of a `(12, M)` table, at activations u `(N,)`."""
    rng = np.random.default_rng(13)
    p = Muscles(*(row[:, None] for row in table))
    e, u1, u2 = rng.uniform(0.0, 1.0, (3, len(u)))
    worst = Worst(
        "partials of the activation",
        "every partial derivative of filter and activation curve is that of the complex step",
        EVERYWHERE,
    )

    def filtered(c1: Any, c2: Any) -> Any:
        alpha, beta1, beta2 = act.filter_gains(c1, c2)
        return alpha * e - beta1 * u1 - beta2 * u2

    def add(quantity: str, found: Any, moved: Any) -> None:
        exact = moved.imag / STEP
        scale = np.max(np.abs(exact), axis=1, keepdims=True)
        error = np.abs(found - exact) / np.where(scale > 0.0, scale, 1.0)
        worst.add(
            error,
            lambda i: Place(quantity, names[i[0]], at=(("neural_activation", float(u[i[1]])),)),
        )

    with np.errstate(all="ignore"):
        by_c1, by_c2 = act.filter_partials(p.c1, p.c2, e, u1, u2)
        add("neural_activation by c1", by_c1, filtered(p.c1 + 1j * STEP, p.c2))
        add("neural_activation by c2", by_c2, filtered(p.c1, p.c2 + 1j * STEP))
        factor, wide = p.shape_factor, np.broadcast_to(u, (len(names), len(u)))
        by_u, by_factor = _partials(wide, factor, piecewise)
        by = "activation by neural_activation"
        add(by, by_u, _shaped(wide + 1j * STEP, factor, piecewise))
        add("activation by shape_factor", by_factor, _shaped(wide, factor + 1j * STEP, piecewise))
    yield worst.check()


def _shaped(u: Any, factor: Any, piecewise: bool) -> Any:
    if piecewise:
        return act.piecewise(u, _nodes(factor))
    return act.exponential(u, act.exponential_shape(factor))


def _partials(u: Any, factor: Any, piecewise: bool) -> Any:
    if piecewise:
        return act.piecewise_partials(u, factor, _nodes(factor))
    shape = act.exponential_shape(factor)
    return act.exponential_partials(u, act.exponential(u, shape), shape)


def _nodes(factor: Any) -> act.Node:
    nodes = [act.piecewise_node(one, act.solve_node(one, 0.0)) for one in factor[:, 0]]
    return act.Node(*(np.array(column)[:, None] for column in zip(*nodes, strict=True)))
