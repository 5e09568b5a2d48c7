from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from refnms import jit

pytestmark = pytest.mark.skipif(not jit.HAVE_NUMBA, reason="Numba is not installed")


@jit.pure
def reciprocal(x):
    return 1.0 / x


@jit.kernel
def reciprocal_kernel(x):
    return reciprocal(x)


@jit.kernel
def where_kernel(condition, a, b):
    return jit.where(condition, a, b)


@jit.outlined
def power_series(x, terms):
    total, term = 0.0, 1.0
    for k in range(1, terms):
        total += term
        term *= x / k
    return total


@jit.kernel
def power_series_kernel(x, terms):
    return power_series(x, terms)


class Plain(NamedTuple):
    number: float


class Double(NamedTuple):
    number: float


def weight(record, factor):
    """In Python of any record; compiled code has one for each kind."""
    return (2.0 if isinstance(record, Double) else 1.0) * record.number * factor


def _weight_of_plain(record, factor):
    return record.number * factor


def _weight_of_double(record, factor):
    return 2.0 * record.number * factor


def _weight_of_number(record, factor):
    return -record * factor


TWINS = {Plain: _weight_of_plain, Double: _weight_of_double, None: _weight_of_number}
jit.choose(weight, TWINS.get)


@jit.kernel
def weights_kernel(plain, double, number):
    return weight(plain, 3.0), weight(double, 3.0), weight(number, 3.0)


@jit.section
def add_neighbors(x, y, out):
    for i in range(out.size):
        out[i] = x[i] + y[i + 1]


@jit.kernel
def section_kernel(x, y, out):
    add_neighbors(x, y, out)
    add_neighbors(y, x, out[1:])


@jit.kernel
def sum_kernel(x):
    total = 0.0
    for i in range(x.size):
        total += x[i]
    return total


def test_a_pure_function_runs_as_it_stands():
    assert reciprocal(2.0) == 0.5
    assert reciprocal(1.0 + 1.0j) == 0.5 - 0.5j
    np.testing.assert_array_equal(reciprocal(np.array([1.0, 4.0])), [1.0, 0.25])


def test_a_pure_function_runs_inside_a_kernel():
    assert reciprocal_kernel(4.0) == 0.25
    assert reciprocal_kernel(1.0 + 1.0j) == 0.5 - 0.5j


def test_a_pure_function_runs_inside_the_code_that_a_user_compiles():
    numba = pytest.importorskip("numba")
    theirs = numba.njit(lambda x: 3.0 * reciprocal(x))
    assert theirs(2.0) == 1.5


def test_an_outlined_function_gives_the_same_numbers_in_a_kernel():
    assert power_series_kernel(0.5, 20) == power_series(0.5, 20)
    assert power_series_kernel(0.5, 20) == pytest.approx(np.exp(0.5), rel=1e-15)


def test_a_stand_in_is_chosen_by_the_kind_of_the_first_argument():
    if not hasattr(weights_kernel, "stats"):
        pytest.skip("the compiler is disabled")
    assert weights_kernel(Plain(5.0), Double(5.0), 5.0) == (15.0, 30.0, -15.0)
    assert weight(Plain(5.0), 3.0) == 15.0


def test_a_section_is_a_part_of_a_kernel():
    x, y = np.arange(20.0), 100.0 * np.arange(20.0)
    out = np.zeros(19)
    section_kernel(x, y, out)
    first, then = x[:-1] + y[1:], (y[:-1] + x[1:])[:-1]
    np.testing.assert_array_equal(out, [first[0], *then])


def test_a_division_by_zero_is_infinite_as_in_numpy():
    if not hasattr(reciprocal_kernel, "stats"):
        pytest.skip("the compiler is disabled")
    assert reciprocal_kernel(0.0) == np.inf


def test_nan_stays_nan_and_sums_keep_their_order():
    assert np.isnan(sum_kernel(np.array([1.0, np.nan])))
    values = np.array([1e16, 1.0, -1e16, 1.0] * 8)
    assert sum_kernel(values) == sum(values.tolist())


def test_where_chooses_between_arrays():
    x = np.array([-1.0, 2.0])
    np.testing.assert_array_equal(jit.where(x > 0.0, x, 0.0), [0.0, 2.0])


@pytest.mark.parametrize("condition", [True, False])
@pytest.mark.parametrize(("a", "b"), [(1.0, 2.0), (1, 2.5), (1.0j, 2.0)])
def test_where_chooses_the_same_number_in_a_kernel(condition, a, b):
    assert where_kernel(condition, a, b) == jit.where(condition, a, b) == (a if condition else b)
