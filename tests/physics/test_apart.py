"""Arrays are what they would be elsewhere, and lie apart."""

from __future__ import annotations

import numpy as np
import pytest

from refnms.physics import apart

EVERY = range(1, apart.LENGTH + 1)


@pytest.mark.parametrize("kind", [float, complex, np.int64])
@pytest.mark.parametrize("shape", [(3, 5), (0, 4), (20_000, 16)])
def test_zeros_are_zeros_in_rows(shape, kind):
    for number in EVERY:
        found = apart.zeros(number, shape, kind)
        assert found.shape == shape and found.dtype == kind and not found.any()
        assert found.flags.c_contiguous and found.flags.writeable and found.flags.aligned


def test_no_two_numbers_begin_in_the_same_lines_of_a_page():
    lines = {apart.zeros(k, (20_000, 16)).ctypes.data % apart.PAGE // 64 for k in EVERY}
    assert len(lines) == len(EVERY)
    apartness = np.diff(sorted(lines))
    assert np.min(apartness) >= 1 and np.max(apartness) <= 8


def test_joined_arrays_stand_one_below_the_other(rng):
    parts = [rng.normal(size=(n, 3)) for n in (4, 1, 7)]
    np.testing.assert_array_equal(apart.joined(2, *parts), np.concatenate(parts))
    mixed = apart.joined(2, parts[0], 1j * parts[1])
    np.testing.assert_array_equal(mixed, np.concatenate([parts[0], 1j * parts[1]]))
    turned = apart.joined(2, np.asfortranarray(parts[2]))
    assert turned.flags.c_contiguous
    np.testing.assert_array_equal(turned, parts[2])
