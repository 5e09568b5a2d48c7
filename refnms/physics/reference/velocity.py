"""Fiber velocities of the force: fixed linear functions of the lengths of a trial."""

from __future__ import annotations

import numpy as np

from refnms.physics.reference.bands import stencil, stencil_transposed
from refnms.physics.reference.trials import Trial
from refnms.physics.types import Array


def velocity(trial: Trial, length: Array) -> Array:
    """Velocities `(n, M)` of lengths, or of the columns of anything else."""
    trailing = trial.force_weights.shape[1] > 0
    return stencil(trial.force_weights, length) if trailing else _spline_slopes(trial, length)


def velocity_transposed(trial: Trial, bar: Array) -> Array:
    """Cotangents of the lengths."""
    trailing = trial.force_weights.shape[1] > 0
    return stencil_transposed(trial.force_weights, bar) if trailing else _transposed(trial, bar)


def _solve(h: Array, right: Array) -> Array:
    """Solution of the spline's symmetric system (see `curves`) for steps `(n - 1, 1)`."""
    from scipy.linalg import solve_banded

    bands = np.zeros((3, len(right)))
    bands[0, 1:] = bands[2, :-1] = h[:, 0]
    bands[1] = np.concatenate([-h[:1, 0], 2.0 * (h[1:, 0] + h[:-1, 0]), -h[-1:, 0]])
    return np.asarray(solve_banded((1, 1), bands, right, check_finite=False))


def _ends(trial: Trial) -> tuple[Array, Array]:
    count = 4 if trial.size > 3 else 0  # fewer frames have no third derivative
    return trial.spline.first[0, :count, None], trial.spline.last[0, :count, None]


def _spline_slopes(trial: Trial, length: Array) -> Array:
    """Slopes at the knots of the spline through all lengths."""
    frames, h = len(length), trial.spline.steps[:-1, None]
    if frames == 1:
        return np.zeros_like(length)
    chord = np.diff(length, axis=0) / h
    s = np.zeros_like(length)
    if frames > 2:
        first, last = _ends(trial)
        s[0] = np.sum(first * length[: len(first)], axis=0)
        s[-1] = np.sum(last * length[frames - len(last) :], axis=0)
        s[1:-1] = np.diff(chord, axis=0)
        s = _solve(h, s)
    end = chord[-1] + h[-1] * (s[-2] + 2.0 * s[-1])
    return np.concatenate([chord - h * (s[1:] + 2.0 * s[:-1]), end[None]])


def _transposed(trial: Trial, bar: Array) -> Array:
    """Cotangents of the lengths of `_spline_slopes`; its system is symmetric."""
    frames, h = len(bar), trial.spline.steps[:-1, None]
    length_bar = np.zeros_like(bar)
    if frames == 1:
        return length_bar
    chord_bar = bar[:-1].copy()
    chord_bar[-1] += bar[-1]
    s_bar = np.zeros_like(bar)
    s_bar[1:] -= h * bar[:-1]
    s_bar[:-1] -= 2.0 * h * bar[:-1]
    s_bar[-2] += h[-1] * bar[-1]
    s_bar[-1] += 2.0 * h[-1] * bar[-1]
    if frames > 2:
        r_bar = _solve(h, s_bar)
        first, last = _ends(trial)
        length_bar[: len(first)] += first * r_bar[0]
        length_bar[frames - len(last) :] += last * r_bar[-1]
        chord_bar[1:] += r_bar[1:-1]
        chord_bar[:-1] -= r_bar[1:-1]
    length_bar[1:] += chord_bar / h
    length_bar[:-1] -= chord_bar / h
    return length_bar
