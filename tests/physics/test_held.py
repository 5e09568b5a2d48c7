"""The filter of CEINMS's preparing pass: the rule pushed row by row, and its derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refnms.physics.held import (
    held,
    held_filter,
    held_filter_slopes,
    held_filter_vjp,
    joined,
)

STEP = 1e-30
EXACT = 1e-12
MUSCLES = 2


def pushed(rows, samples, c1, c2):
    """One muscle, as the program goes: it pushes at every EMG row, and updates at the taken ones.

    At the third pushed sample both past values of u become the mean of the two excitations before.
    """
    beta1, beta2 = c1 + c2, c1 * c2
    alpha = 1.0 + beta1 + beta2
    u = u1 = u2 = p1 = p2 = 0.0
    found = []
    for n, e in enumerate(samples[: rows[-1] + 1]):
        if n in rows:
            if n == 2:
                u1 = u2 = (p1 + p2) / 2.0
            u = alpha * e - beta1 * u1 - beta2 * u2
            found.append(u)
        u1, u2, p1, p2 = u, u1, e, p1
    return found


def draw(seed):
    """The taken rows of a trial with some charging rows at first, and the EMG of all rows."""
    rng = np.random.default_rng(seed)
    steps = rng.integers(1, 4, size=rng.integers(2, 10))
    rows = np.concatenate([np.arange(rng.integers(0, 5)), rng.integers(0, 3) + np.zeros(1, int)])
    rows[-1] = len(rows) - 1 + (0 if len(rows) == 1 else rng.integers(0, 2))
    rows = np.concatenate([rows, rows[-1] + np.cumsum(steps)])
    return rows, rng.uniform(0.0, 1.0, (rows[-1] + 3, MUSCLES))


def case(seed):
    """Two trials joined, and coefficients."""
    trials = [draw(seed), draw(seed + 1)]
    rng = np.random.default_rng([seed, 7])
    h = joined([held(rows, samples, 2) for rows, samples in trials])
    e = np.concatenate([samples[rows] for rows, samples in trials])
    return trials, h, *rng.uniform(-0.95, 0.95, (2, MUSCLES)), e


@given(st.integers(0, 2**31))
def test_it_is_the_filter_pushed_at_every_row(seed):
    trials, h, c1, c2, e = case(seed)
    found = held_filter(h, c1, c2, e)
    for m in range(MUSCLES):
        wanted = [pushed(rows.tolist(), s[:, m], c1[m], c2[m]) for rows, s in trials]
        np.testing.assert_allclose(found[:, m], np.concatenate(wanted), rtol=1e-9, atol=1e-9)


@given(st.integers(0, 2**31))
def test_its_slopes_are_complex_steps(seed):
    _, h, c1, c2, e = case(seed)
    u = held_filter(h, c1, c2, e)
    by_c1, by_c2 = held_filter_slopes(h, c1, c2, e, u)
    for slopes, step in ((by_c1, (1j * STEP, 0.0)), (by_c2, (0.0, 1j * STEP))):
        wanted = held_filter(h, c1 + step[0], c2 + step[1], e).imag / STEP
        scale = np.max(np.abs(wanted)) + 1.0
        np.testing.assert_allclose(slopes, wanted, rtol=EXACT, atol=EXACT * scale)


@given(st.integers(0, 2**31))
def test_its_pullback_is_the_transpose(seed):
    _, h, c1, c2, e = case(seed)
    rng = np.random.default_rng([seed, 8])
    u, u_bar, e_dot = held_filter(h, c1, c2, e), rng.normal(size=e.shape), rng.normal(size=e.shape)
    c1_bar, c2_bar, e_bar = held_filter_vjp(h, c1, c2, e, u, u_bar)
    by_c1, by_c2 = held_filter_slopes(h, c1, c2, e, u)
    wanted = [np.sum(u_bar * by_c1, axis=0), np.sum(u_bar * by_c2, axis=0)]
    np.testing.assert_allclose([c1_bar, c2_bar], wanted, rtol=1e-9, atol=1e-9)
    u_dot = held_filter(h, c1, c2, e + 1j * STEP * e_dot).imag / STEP
    assert np.sum(e_bar * e_dot) == pytest.approx(np.sum(u_bar * u_dot), rel=1e-9, abs=1e-9)
