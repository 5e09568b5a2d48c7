"""Velocity stencils as banded matrices: product, transpose, and the two solves that Newton needs.

Lanes stand one after the other in one long vector; no band reaches from one into the next.
"""

from __future__ import annotations

import numpy as np

from refnms.physics.types import Array


def stencil(weights: Array, length: Array) -> Array:
    """Velocities sum_k weights[t, k] length[t - k] of lengths `(n, m)`."""
    past = np.zeros_like(length)
    for k in range(1, min(weights.shape[1], len(length))):
        past[k:] += weights[k:, k : k + 1] * length[:-k]
    return np.asarray(weights[:, :1] * length + past)


def stencil_transposed(weights: Array, velocity_bar: Array) -> Array:
    """Cotangents of the lengths of `stencil`."""
    length_bar = weights[:, :1] * velocity_bar
    for k in range(1, min(weights.shape[1], len(velocity_bar))):
        length_bar[:-k] += weights[k:, k : k + 1] * velocity_bar[k:]
    return np.asarray(length_bar)


def _bands(weights: Array, h: Array) -> Array:
    """Rows k of `(K, lanes * frames)`: weights[t, k] h[t], and 1 for k = 0; lane after lane."""
    bands = weights.T[:, None, :] * h.T
    bands[0] = 1.0
    for k in range(len(bands)):
        bands[k, :, :k] = 0.0
    return bands.reshape(len(bands), -1)


def solve_forward(weights: Array, h: Array, right: Array) -> Array:
    from scipy.linalg import solve_banded

    bands = _bands(weights, h)
    bands = np.array([np.roll(band, -k) for k, band in enumerate(bands)])
    x = solve_banded((len(bands) - 1, 0), bands, right.T.ravel(), check_finite=False)
    return np.asarray(x.reshape(right.T.shape).T)


def solve_transposed(weights: Array, h: Array, right: Array) -> Array:
    from scipy.linalg import solve_banded

    bands = _bands(weights, h)[::-1]
    x = solve_banded((0, len(bands) - 1), bands, right.T.ravel(), check_finite=False)
    return np.asarray(x.reshape(right.T.shape).T)
