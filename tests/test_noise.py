"""Autocovariances of errors behind the residuals of a fit, against matrices written out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import toeplitz

from refnms.noise import Errors, _expected, _slopes


def jacobians(rng: np.random.Generator, frames: tuple[int, ...] = (30, 25)) -> list[np.ndarray]:
    """(T, D, P), smooth in time."""
    smooth = np.exp(-0.5 * (np.arange(-6, 7) / 2.0) ** 2)
    found = []
    for n in frames:
        white = rng.standard_normal((n + 12, 2 * 4))
        columns = [np.convolve(column, smooth, mode="valid") for column in white.T]
        found.append(np.stack(columns, axis=-1).reshape(n, 2, 4))
    return found


def written_out(covariance: np.ndarray, frames: list[int]) -> np.ndarray:
    """G of all samples, ordered by trial, degree of freedom, frame."""
    blocks = []
    for n in frames:
        for d in range(covariance.shape[1]):
            first = np.zeros(n)
            first[: len(covariance)] = covariance[:n, d]
            blocks.append(toeplitz(first))
    size = sum(map(len, blocks))
    full, at = np.zeros((size, size)), 0
    for block in blocks:
        full[at : at + len(block), at : at + len(block)] = block
        at += len(block)
    return full


def stacked(jacobians: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([j[:, d] for j in jacobians for d in range(j.shape[1])])


COVARIANCE = np.array([[2.0, 1.0], [1.1, 0.6], [0.3, 0.15], [0.05, 0.0]])


def test_what_a_fit_leaves_of_errors_is_that_of_matrices(rng):
    j = jacobians(rng)
    whole = stacked(j)
    inverse = np.linalg.inv(whole.T @ whole + np.eye(4))
    left = np.eye(len(whole)) - whole @ inverse @ whole.T
    residual = left @ written_out(COVARIANCE, [30, 25]) @ left.T
    wanted, at = np.zeros_like(COVARIANCE), 0
    for frames in (30, 25):
        for d in range(2):
            block = residual[at : at + frames, at : at + frames]
            wanted[:, d] += [np.trace(block, offset=k) for k in range(4)]
            at += frames
    found = _expected(COVARIANCE, [_slopes(p) for p in j], [_slopes(p) for p in j], inverse)
    np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-10)
    assert (found[0] < 0.95 * 55 * COVARIANCE[0]).all()  # the fit does take some


def test_the_spread_of_the_gradient_is_that_of_matrices(rng):
    j = jacobians(rng)
    errors = Errors(
        [rng.standard_normal((30, 2)), rng.standard_normal((25, 2))], j, np.zeros((4, 4))
    )
    errors.covariance, errors.sizes = COVARIANCE, [np.ones(2), np.ones(2)]
    whole = stacked(j)
    wanted = whole.T @ written_out(COVARIANCE, [30, 25]) @ whole
    np.testing.assert_allclose(errors.spread(j), wanted, rtol=1e-10)


def moving_average(rng: np.random.Generator, frames: int) -> np.ndarray:
    """(T, 1) with autocovariances 1.25, 0.5, 0."""
    white = rng.standard_normal(frames + 1)
    return (white[1:] + 0.5 * white[:-1])[:, None]


def test_autocovariances_of_known_errors_are_found(rng):
    residuals = [moving_average(rng, 4000) for _ in range(3)]
    none = [np.zeros((4000, 1, 1))] * 3
    errors = Errors(residuals, none, np.zeros((1, 1)))
    found = errors.covariance * np.mean(np.square(errors.sizes))
    np.testing.assert_allclose(found[:2, 0], [1.25, 0.5], atol=0.05)
    assert not errors.covariance[20:].any()  # long lags are noise
    assert errors.long_run == pytest.approx(2.25, abs=0.15)


def test_errors_of_white_noise_have_the_long_run_variance_of_one_sample(rng):
    residuals = [rng.standard_normal((3000, 2)) * [1.0, 3.0]]
    errors = Errors(residuals, [np.zeros((3000, 2, 1))], np.zeros((1, 1)))
    assert errors.long_run == pytest.approx(0.5 * (1.0 + 9.0), rel=0.1)


def test_errors_may_differ_in_size_between_trials(rng):
    j = jacobians(rng)
    whole = stacked(j)
    inverse = np.linalg.inv(whole.T @ whole + np.eye(4))
    sizes = [np.array([1.0, 2.0]), np.array([4.0, 0.5])]
    each = np.concatenate([np.repeat(s, n) for s, n in zip(sizes, (30, 25), strict=True)])
    left = np.eye(len(whole)) - (whole / each[:, None]) @ inverse @ (whole * each[:, None]).T
    residual = left @ written_out(COVARIANCE, [30, 25]) @ left.T
    pairs = list(zip(j, sizes, strict=True))
    found = _expected(
        COVARIANCE,
        [_slopes(p / s[:, None]) for p, s in pairs],
        [_slopes(p * s[:, None]) for p, s in pairs],
        inverse,
    )
    blocks = [slice(0, 30), slice(30, 60), slice(60, 85), slice(85, 110)]
    lag = [sum(np.trace(residual[b, b], offset=1) for b in blocks[d::2]) for d in range(2)]
    np.testing.assert_allclose(found[1], lag, rtol=1e-10)


def test_what_the_fit_took_is_given_back(rng):
    """Smooth errors under many smooth regressors: residuals alone are far too small."""
    frames, count, seen, found = 400, 12, [], []
    time = np.arange(frames) / frames
    basis = np.stack([np.cos(np.pi * k * time) for k in range(count)], axis=1)
    inverse = np.linalg.inv(basis.T @ basis)
    smooth = np.exp(-0.5 * (np.arange(-9, 10) / 3.0) ** 2)
    smooth /= np.linalg.norm(smooth)
    for _ in range(30):
        errors = np.convolve(rng.standard_normal(frames + 18), smooth, mode="valid")
        residual = errors - basis @ (inverse @ (basis.T @ errors))
        seen.append(np.mean(residual**2))
        found.append(Errors([residual[:, None]], [basis[:, None]], inverse).variance[0][0])
    # Not all comes back: of what is slower than every residual nothing is known.
    assert np.mean(seen) < 0.72 < 0.78 < np.mean(found) < 1.0
