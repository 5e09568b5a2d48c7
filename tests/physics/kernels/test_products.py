from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moments import TOGETHER, Moment
from strategies import seeds

from refnms.jit import HAVE_NUMBA
from refnms.physics.kernels import products
from refnms.physics.kernels.products import add_products

pytestmark = pytest.mark.skipif(not HAVE_NUMBA, reason="Numba is not installed")


@pytest.mark.parametrize("every", [1, 2, 4, 7])
@given(seeds, st.integers(1, 23), st.integers(1, 20))
def test_the_products_are_those_of_the_dense_matrices(every, seed, frames, count):
    Moment(seed, frames, count).check(add_products, every)


@pytest.mark.parametrize("frames", [1, 3, 4, 5, 8])
def test_frames_that_make_no_whole_group_are_added_too(frames):
    for every in (1, 4):
        Moment(frames, frames, 6).check(add_products, every)
    assert products.TOGETHER == TOGETHER


def test_the_upper_triangle_is_left_alone():
    moment = Moment(1, 10, 6)
    upper = np.triu_indices(6, 1)
    found = moment.add(add_products, 1)
    np.testing.assert_array_equal(found[upper], moment.products[upper])


def test_the_bits_of_a_product_do_not_depend_on_the_other_columns():
    moment = Moment(2, 11, 7)
    whole = moment.add(add_products, 1)
    some = slice(2, 5)
    moment.columns, moment.owners = moment.columns[some], moment.owners[some]
    moment.products = moment.products[some, some].copy()
    products = moment.add(add_products, 1)
    np.testing.assert_array_equal(np.tril(products), np.tril(whole[some, some]))
