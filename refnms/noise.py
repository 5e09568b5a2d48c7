"""How the residuals of a fit hang together in time: what a fit of many parameters takes from them.

Residuals r of n frames have autocovariances g_k, k = 0, 1, ...; those of the errors behind them are
larger, since the fit follows the errors as far as it can: r = (I - P) e with P = J B J', B the
inverse of the fit's matrix. So E[sum over t of r_t r_t+k] is a linear function of the errors'
autocovariances, and is solved for by adding what is missing until it agrees with what was seen.

Autocovariances of long lags are noise. They are tapered by the trapezoid of Politis (2003, J
Nonparametric Statistics 15:467), flat up to the first lag from which all correlations are small,
and zero from twice that lag on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from refnms.physics.types import Array

LONGEST = 6  # lags are up to a 6th of the frames
LIMIT = 2.0  # of a correlation that is small, in units of sqrt(log10 n / n)
RUN = 5  # correlations in a row that must be small
ROUNDS = 4
TINY = 1e-150  # in place of no size at all


class Slopes(NamedTuple):
    """Derivatives of some signals of one trial."""

    in_time: Array  # (D, P, T)
    spectrum: Any  # (D, P, F)


class Errors:
    """Stationary errors of some trials, `(T_i, D)` each.

    Each degree of freedom has its own correlations in time, and a size in each trial. `residuals
    (T_i, D)` are those of a fit whose derivatives are `jacobians (T_i, D, P)` and whose matrix has
    the inverse `inverse (P, P)`.
    """

    def __init__(
        self, residuals: Sequence[Array], jacobians: Sequence[Array], inverse: Array
    ) -> None:
        frames = sum(len(r) for r in residuals)
        lags = min(min(len(r) for r in residuals), max(frames // LONGEST, 2))
        self.sizes = [np.sqrt(np.mean(r**2, axis=0)) + TINY for r in residuals]
        pairs = list(zip(jacobians, self.sizes, strict=True))
        left = [_slopes(j / size[:, None]) for j, size in pairs]
        right = [_slopes(j * size[:, None]) for j, size in pairs]
        units = zip(residuals, self.sizes, strict=True)
        spectra = [_spectrum((r / size).T[:, None]) for r, size in units]
        seen = np.sum([_lagged(r, r, lags) for r in spectra], axis=0)
        covariance = seen / frames
        for _ in range(ROUNDS):
            covariance = _tapered(covariance, frames)
            covariance += (seen - _expected(covariance, left, right, inverse)) / frames
        self.covariance = _tapered(covariance, frames)  # (K, D) by lag, where the size is one

    @property
    def variance(self) -> list[Array]:
        """Of every trial and degree of freedom, `(D,)` each."""
        return [size**2 * self.covariance[0] for size in self.sizes]

    @property
    def long_run(self) -> float:
        """Sum of all autocovariances, at least the variance; mean over all.

        It is the variance that counts for slow signals.
        """
        sums = np.maximum(
            2.0 * self.covariance.sum(axis=0) - self.covariance[0], self.covariance[0]
        )
        return float(np.mean([size**2 * sums for size in self.sizes]))

    def spread(self, jacobians: Sequence[Array]) -> Array:
        """J' G J `(P, P)`, G the covariance of the errors: that of the gradient."""
        pairs = zip(jacobians, self.sizes, strict=True)
        slopes = [_slopes(j * size[:, None]) for j, size in pairs]
        return _spread(slopes, [_smoothed(self.covariance, s) for s in slopes])


def _slopes(jacobian: Array) -> Slopes:
    in_time = np.ascontiguousarray(np.moveaxis(jacobian, 0, -1))
    return Slopes(in_time, _spectrum(in_time))


def _spectrum(signal: Array) -> Any:
    """Fourier transform of `(..., T)`, with room for every lag."""
    return np.fft.rfft(signal, 1 << (2 * signal.shape[-1] - 1).bit_length())


def _spread(slopes: Sequence[Slopes], smooth: Sequence[Array]) -> Array:
    pairs = zip(slopes, smooth, strict=True)
    total = sum(np.einsum("dpt,dqt->pq", s.in_time, g, optimize=True) for s, g in pairs)
    return np.asarray(0.5 * (total + np.transpose(total)))


def _smoothed(covariance: Array, slopes: Slopes) -> Array:
    """G J `(D, P, T)`."""
    frames, size = slopes.in_time.shape[-1], 2 * (slopes.spectrum.shape[-1] - 1)
    density = 2.0 * np.fft.rfft(covariance.T, size).real - covariance[0][:, None]
    density = np.maximum(density, 0.0)[:, None]  # the taper can make it a little negative
    return np.fft.irfft(slopes.spectrum * density, size)[..., :frames]


def _lagged(a: Any, b: Any, lags: int) -> Array:
    """Sum over p and t of a[d, p, t] b[d, p, t + k], `(K, D)`, of their spectra."""
    return np.fft.irfft(np.sum(np.conj(a) * b, axis=1))[:, :lags].T


def _expected(
    covariance: Array, left: Sequence[Slopes], right: Sequence[Slopes], inverse: Array
) -> Array:
    """E[sum of r_t r_t+k] `(K, D)`: that of (I - P) G (I - P)', P = left inverse right'."""
    lags, smooth = len(covariance), [_smoothed(covariance, s) for s in right]
    back = _spread(right, smooth) @ inverse
    total = np.zeros_like(covariance)
    for s, g in zip(left, smooth, strict=True):
        frames, of_g = s.in_time.shape[-1], _spectrum(g)
        across = np.einsum("dpf,pq->dqf", s.spectrum, inverse, optimize=True)
        total += np.maximum(frames - np.arange(lags), 0)[:, None] * covariance
        total -= _lagged(across, of_g, lags) + _lagged(of_g, across, lags)
        twice = np.einsum("dpf,pq->dqf", across, back, optimize=True)
        total += _lagged(twice, s.spectrum, lags)
    return total


def _tapered(covariance: Array, frames: int) -> Array:
    lag, found = np.arange(len(covariance)), np.zeros_like(covariance)
    small = np.abs(covariance) < LIMIT * np.sqrt(np.log10(frames) / frames) * covariance[0]
    for d in range(covariance.shape[1]):
        runs = np.convolve(small[1:, d], np.ones(RUN), mode="valid") == RUN
        flat = int(np.argmax(runs)) if runs.any() else len(covariance)
        found[:, d] = covariance[:, d] * np.clip(2.0 - lag / max(flat, 1), 0.0, 1.0)
    return found
