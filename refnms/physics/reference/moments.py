"""Moments from tendon forces."""

from __future__ import annotations

import numpy as np

from refnms.physics.types import Array


def moments(force: Array, arm: Array) -> Array:
    """Moments `(T, D)` [N.m] of tendon forces `(T, M)` [N] with moment arms `(T, M, D)` [m]."""
    return np.asarray(np.einsum("tm,tmd->td", force, arm))
