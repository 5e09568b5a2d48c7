from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from refnms import jit

pytestmark = pytest.mark.skipif(not jit.HAVE_NUMBA, reason="Numba is not installed")


class Inner(NamedTuple):
    values: object
    negate: bool


class Outer(NamedTuple):
    factor: float
    inner: Inner
    last: object


@jit.outlined
def scale(outer, i):
    scaled = outer.factor * outer.inner.values[i, i + 1]
    outer.last[i] = -scaled if outer.inner.negate else scaled


@jit.kernel
def scale_kernel(outer):
    reference = jit.by_reference(outer)
    for i in range(outer.last.size):
        scale(reference, i)


@pytest.mark.parametrize("negate", [True, False])
def test_a_reference_is_read_as_the_struct_itself(negate):
    values, last, expected = np.arange(6.0).reshape(2, 3), np.zeros(2), np.zeros(2)
    scale_kernel(Outer(2.5, Inner(values, negate), last))
    for i in range(2):
        scale(jit.by_reference(Outer(2.5, Inner(values, negate), expected)), i)
    assert last.tolist() == expected.tolist() == [2.5 - 5.0 * negate, 12.5 - 25.0 * negate]


@jit.kernel
def address_kernel(floats, integers, rows):
    x, k = jit.floats_at(floats, (rows, 2)), jit.integers_at(integers, (rows,))
    for i in range(rows):
        jit.soon(x, k[i], 0)
        x[i, 1] = 10.0 * x[k[i], 0]
        k[i] += 1


def test_arrays_are_found_at_their_addresses():
    for kernel in (address_kernel, getattr(address_kernel, "py_func", address_kernel)):
        x, k = np.arange(6.0).reshape(3, 2), np.array([2, 0, 1])
        kernel(x.ctypes.data, k.ctypes.data, 3)
        assert x.tolist() == [[0.0, 40.0], [2.0, 0.0], [4.0, 20.0]]
        assert k.tolist() == [3, 1, 2]


def test_an_array_of_nothing_is_at_no_address():
    assert jit.floats_at(0, (0, 2)).shape == (0, 2)
