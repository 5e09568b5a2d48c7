"""Both versions of the Cholesky factor against LAPACK's, and against each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refnms.jit import COMPILES
from refnms.optimize import cholesky

ROUNDING = 2.3e-16
VERSIONS = {
    "compiled": (cholesky._factor_compiled, cholesky._solve_compiled),
    "rows": (cholesky._factor_rows, cholesky._solve_rows),
}
either = st.sampled_from(sorted(VERSIONS))
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 30)


def with_eigenvalues(rng: np.random.Generator, values: np.ndarray) -> np.ndarray:
    """A symmetric matrix with these eigenvalues."""
    q, _ = np.linalg.qr(rng.normal(size=(len(values), len(values))))
    a = q * values @ q.T
    return 0.5 * (a + a.T)


def definite(seed: int, size: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return with_eigenvalues(rng, 10.0 ** rng.uniform(-3.0, 3.0, size))


@given(either, seeds, sizes)
def test_the_factor_is_that_of_lapack(version, seed, size):
    a = definite(seed, size)
    u = a.copy()
    assert VERSIONS[version][0](u)
    allowed = size * ROUNDING * np.linalg.cond(a) * np.abs(a).max() ** 0.5
    np.testing.assert_allclose(np.triu(u), np.linalg.cholesky(a).T, rtol=0.0, atol=allowed)


@given(either, seeds, sizes)
def test_the_factor_gives_the_matrix_back(version, seed, size):
    """Whatever its condition: each entry to a few roundings (Higham 2002, theorem 10.3)."""
    a = definite(seed, size)
    u = a.copy()
    assert VERSIONS[version][0](u)
    u = np.triu(u)
    allowed = (size + 3) * ROUNDING * (np.abs(u).T @ np.abs(u))
    assert np.all(np.abs(u.T @ u - a) <= allowed)


@given(either, seeds, sizes)
def test_the_solution_is_that_of_lapack(version, seed, size):
    a, b = definite(seed, size), np.random.default_rng(seed).normal(size=size)
    factor, solve = VERSIONS[version]
    u, x = a.copy(), b.copy()
    assert factor(u)
    solve(u, x)
    known = np.linalg.solve(a, b)
    allowed = (size + 3) * ROUNDING * np.linalg.cond(a) * np.abs(known).max()
    np.testing.assert_allclose(x, known, rtol=0.0, atol=allowed)


@given(either, seeds, sizes)
def test_a_negative_eigenvalue_is_found(version, seed, size):
    rng = np.random.default_rng(seed)
    values = 10.0 ** rng.uniform(-3.0, 3.0, size)
    values[rng.integers(size)] *= -1.0
    assert not VERSIONS[version][0](with_eigenvalues(rng, values))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "a", [[[0.0]], [[1.0, 1.0], [1.0, 1.0]], [[np.nan]], [[1.0, np.nan], [np.nan, 1.0]]], ids=str
)
def test_what_is_singular_or_no_number_is_not_positive_definite(version, a):
    assert not VERSIONS[version][0](np.array(a))


@given(either, seeds, sizes)
def test_only_the_upper_triangle_is_read_and_written(version, seed, size):
    a = definite(seed, size)
    below = np.tril(np.ones_like(a, dtype=bool), -1)
    u, other = a.copy(), np.where(below, 7.0, a)
    factor, solve = VERSIONS[version]
    assert factor(u) and factor(other)
    assert np.all(other[below] == 7.0)
    np.testing.assert_array_equal(np.triu(u), np.triu(other))
    x, y = np.ones(size), np.ones(size)
    solve(u, x)
    solve(other, y)
    np.testing.assert_array_equal(x, y)


@given(seeds, sizes)
def test_both_versions_agree(seed, size):
    """A sum of NumPy's may add in another order: the bits need not be equal."""
    a = definite(seed, size)
    results = []
    for factor, solve in VERSIONS.values():
        u, x = a.copy(), np.ones(size)
        assert factor(u)
        solve(u, x)
        results.append((np.triu(u), x))
    (u, x), (v, y) = results
    allowed = 1e-14 * np.linalg.cond(a)
    np.testing.assert_allclose(u, v, rtol=0.0, atol=allowed * np.abs(u).max())
    np.testing.assert_allclose(x, y, rtol=0.0, atol=allowed * np.abs(x).max())


def test_the_version_in_use_is_the_compiled_one_where_there_is_numba():
    version = VERSIONS["compiled" if COMPILES else "rows"]
    assert (cholesky.factor, cholesky.solve) == version
