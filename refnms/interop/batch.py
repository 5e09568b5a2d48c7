"""Arrays with axes in front for a batch, and functions of them that frameworks can differentiate.

The axes in front broadcast. To the kernels a batch is one person with so many more muscles, and a
muscle's numbers do not depend on those beside it: they are to the bit those of each alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, Protocol

import numpy as np

from refnms.errors import InputError, Problem
from refnms.physics.types import Array

Shape = tuple[int, ...]


class Operation(Protocol):
    """What a framework is told of a function of arrays: shapes without the axes of a batch.

    Outputs come in the order of `outputs`; the last one is of int64, the others of float64.
    """

    inputs: dict[str, Shape]
    outputs: dict[str, Shape]

    def forward(self, inputs: Sequence[Array]) -> list[Any]:
        """The outputs, each with the axes of the whole batch."""

    def pullback(
        self, inputs: Sequence[Array], outputs: Sequence[Any], bars: Sequence[Any]
    ) -> list[Array]:
        """Cotangents of the inputs, each of its own shape, from those of the outputs but the last.

        None stands for a cotangent of zeros.
        """


def batch_of(
    operation: Operation,
    shapes: Sequence[Sequence[int]],
    broadcast: Callable[..., Shape] = np.broadcast_shapes,
) -> Shape:
    """The axes in front, of inputs of these shapes. Raises InputError naming each that is wrong."""
    problems, fronts = [], []
    for (name, own), given in zip(operation.inputs.items(), map(tuple, shapes), strict=True):
        front = given[: len(given) - len(own)]
        if given != (*front, *own):
            wanted = "".join(f", {n}" for n in own)
            problems.append(Problem(f"{name} has shape {given}, expected (...{wanted})"))
        fronts.append(front)
    if not problems:
        try:
            return tuple(broadcast(*fronts))
        except (ValueError, RuntimeError):
            named = ", ".join(f"{n} {f}" for n, f in zip(operation.inputs, fronts, strict=True))
            problems.append(Problem(f"the axes of the batch do not fit each other: {named}"))
    raise InputError(problems)


def side_by_side(array: Array, batch: Shape, own: int) -> Array:
    """`(..., a, M)` with `own` axes of its own as `(a, B M)`, the batch of B beside each other.

    It may be written: for an array that may not, Numba would compile every kernel anew.
    """
    whole = np.broadcast_to(array, (*batch, *array.shape[array.ndim - own :]))
    flat = np.moveaxis(whole.reshape(prod(batch), *whole.shape[len(batch) :]), 0, -2)
    flat = np.ascontiguousarray(flat.reshape(*flat.shape[:-2], -1))
    return flat if flat.flags.writeable else flat.copy()


def apart(array: Any, batch: Shape) -> Any:
    """And back: `(a, B M)` as `(..., a, M)`."""
    flat = array.reshape(*array.shape[:-1], prod(batch), -1)
    return np.ascontiguousarray(
        np.moveaxis(flat, -2, 0).reshape(*batch, *flat.shape[:-2], flat.shape[-1])
    )


def fitted(bar: Array, shape: Shape) -> Array:
    """A cotangent of the whole batch, summed over the axes along which an input was repeated."""
    bar = bar.sum(axis=tuple(range(bar.ndim - len(shape))))
    repeated = tuple(i for i, n in enumerate(shape) if n == 1 and bar.shape[i] != 1)
    return np.asarray(bar.sum(axis=repeated, keepdims=True).reshape(shape), order="C")
