from __future__ import annotations

import numpy as np
import pytest

from refnms.errors import InputError
from refnms.interop.batch import apart, batch_of, fitted, side_by_side


class Pair:
    inputs = {"table": (12, 3), "length": (5, 3)}  # noqa: RUF012
    outputs = {"moment": (5, 2)}  # noqa: RUF012


def test_the_axes_in_front_broadcast():
    assert batch_of(Pair(), [(12, 3), (5, 3)]) == ()
    assert batch_of(Pair(), [(4, 1, 12, 3), (7, 5, 3)]) == (4, 7)


def test_every_wrong_shape_is_named():
    with pytest.raises(InputError) as error:
        batch_of(Pair(), [(12, 4), (5,)])
    assert [str(p) for p in error.value.problems] == [
        "table has shape (12, 4), expected (..., 12, 3)",
        "length has shape (5,), expected (..., 5, 3)",
    ]
    with pytest.raises(InputError, match=r"do not fit each other: table \(2,\), length \(3,\)"):
        batch_of(Pair(), [(2, 12, 3), (3, 5, 3)])


@pytest.mark.parametrize("batch", [(), (4,), (2, 3)])
@pytest.mark.parametrize("shape", [(3,), (5, 3)])
def test_side_by_side_and_apart_again(rng, batch, shape):
    array = rng.normal(size=(*batch, *shape))
    flat = side_by_side(array, batch, len(shape))
    assert flat.flags.c_contiguous and flat.shape[-1] == 3 * np.prod(batch, dtype=int)
    assert np.array_equal(apart(flat, batch), array)
    if batch:
        one = array[(0,) * len(batch)]
        assert np.array_equal(flat[..., :3], one)
        repeated = apart(side_by_side(one, batch, len(shape)), batch)
        assert np.array_equal(repeated, np.broadcast_to(one, array.shape))


def test_a_cotangent_is_summed_over_the_axes_that_were_repeated(rng):
    bar = rng.normal(size=(4, 6, 5, 3))
    assert np.allclose(fitted(bar, (5, 3)), bar.sum((0, 1)))
    assert np.allclose(fitted(bar, (4, 1, 5, 3)), bar.sum(1, keepdims=True))
    assert np.array_equal(fitted(bar, bar.shape), bar)
