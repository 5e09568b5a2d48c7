"""Force slopes of some muscles, and their Gauss-Newton products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refnms.physics.types import Array

TOGETHER = 4  # rows of work room
SUM = 1e-13  # of the terms of a sum of some dozen


class Moment:
    """Derivatives of one moment by `count` parameters, and what stands there before."""

    def __init__(self, seed: int, frames: int, count: int) -> None:
        rng = np.random.default_rng(seed)
        fields, muscles = 5, 4
        self.slopes = rng.normal(size=(frames, fields * muscles))
        self.columns = rng.permutation(fields * muscles)[:count]
        self.owners = self.columns % muscles
        self.arm = rng.normal(size=(frames, muscles))
        self.curvature = rng.uniform(0.0, 2.0, frames) * (rng.random(frames) < 0.9)
        self.products = rng.normal(size=(count, count))

    def add(self, by: Callable[..., Any], every: int) -> Array:
        """Products by one engine."""
        products, rows = self.products.copy(), np.full((TOGETHER, len(self.columns)), np.nan)
        given = self.slopes, self.columns, self.owners, self.arm, self.curvature
        by(*given, every, rows, products)
        return products

    def check(self, by: Callable[..., Any], every: int) -> None:
        """Against the dense matrices, relative to the terms of each sum."""
        q = self.slopes[:, self.columns] * self.arm[:, self.owners]
        weights = np.where(np.arange(len(q)) % every == 0, every * self.curvature, 0.0)
        products = self.add(by, every)
        error = products - (self.products + np.einsum("t,tp,tq->pq", weights, q, q))
        size = np.abs(self.products) + np.einsum("t,tp,tq->pq", weights, np.abs(q), np.abs(q))
        assert (np.abs(error) <= SUM * size)[np.tril_indices(len(size))].all()
