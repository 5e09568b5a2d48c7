"""Force slopes of some muscles, and what Gauss-Newton methods make of them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from refnms.physics.types import Array

TOGETHER = 4  # rows of work room
SUM = 1e-13  # of the terms of a sum of some dozen


class Moments:
    """Derivatives of some moments by `counts` parameters, and what stands there before."""

    def __init__(self, seed: int, frames: int, counts: tuple[int, ...]) -> None:
        rng = np.random.default_rng(seed)
        fields, muscles, dofs = 5, 4, len(counts)
        self.slopes = rng.normal(size=(frames, fields, muscles))
        every = [rng.permutation(fields * muscles)[:n] for n in counts]
        self.columns, self.starts = np.concatenate(every), np.cumsum([0, *counts])
        self.owners = self.columns % muscles
        self.arm = rng.normal(size=(frames, dofs, muscles))
        self.pull = rng.normal(size=(frames, dofs))
        self.curvature = rng.uniform(0.0, 2.0, (frames, dofs)) * (rng.random((frames, dofs)) < 0.9)
        self.gradient = rng.normal(size=(fields, muscles))
        self.products = rng.normal(size=sum(n * n for n in counts))

    def of(self, products: Array) -> list[Array]:
        """The matrix of each moment."""
        counts = np.diff(self.starts)
        parts = np.split(products, np.cumsum(counts**2)[:-1])
        return [part.reshape(n, n) for part, n in zip(parts, counts, strict=True)]

    def add(self, by: Callable[..., Any], every: int) -> Array:
        """Products by one engine."""
        products = self.products.copy()
        rows = np.full((TOGETHER, int(np.diff(self.starts).max())), np.nan)
        flat = self.slopes.reshape(len(self.slopes), -1)
        given = flat, self.columns, self.owners, self.starts, self.arm, self.curvature
        by(*given, every, rows, products)
        return products

    def check(self, by: Callable[..., Any], every: int) -> None:
        """Against the dense matrices, relative to the terms of each sum."""
        found, before = self.of(self.add(by, every)), self.of(self.products)
        flat = self.slopes.reshape(len(self.slopes), -1)
        for d, (first, stop) in enumerate(pairwise(self.starts)):
            own = slice(first, stop)
            q = flat[:, self.columns[own]] * self.arm[:, d, self.owners[own]]
            thinned = np.arange(len(q)) % every == 0
            weights = np.where(thinned, every * self.curvature[:, d], 0.0)
            error = found[d] - (before[d] + np.einsum("t,tp,tq->pq", weights, q, q))
            terms = np.einsum("t,tp,tq->pq", weights, np.abs(q), np.abs(q))
            size = np.abs(before[d]) + terms
            assert (np.abs(error) <= SUM * size)[np.tril_indices(len(size))].all()

    def check_gradient(self, by: Callable[..., Any]) -> None:
        """Against one dense sum, relative to its terms."""
        gradient, room = self.gradient.copy(), np.full(self.arm.shape[2], np.nan)
        by(self.slopes, self.arm, self.pull, room, gradient)
        given = "td,tdm,tfm->fm", self.pull, self.arm, self.slopes
        size = np.abs(self.gradient) + np.einsum(given[0], *map(np.abs, given[1:]))
        assert (np.abs(gradient - (self.gradient + np.einsum(*given))) <= SUM * size).all()
