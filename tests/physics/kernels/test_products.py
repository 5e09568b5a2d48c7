from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moments import TOGETHER, Moments
from strategies import seeds

from refnms.jit import HAVE_NUMBA
from refnms.physics.kernels import products
from refnms.physics.kernels.products import add_gradient, add_products

pytestmark = pytest.mark.skipif(not HAVE_NUMBA, reason="Numba is not installed")


@pytest.mark.parametrize("every", [1, 2, 4, 7])
@given(seeds, st.integers(1, 23), st.lists(st.integers(1, 20), min_size=1, max_size=3))
def test_the_products_are_those_of_the_dense_matrices(every, seed, frames, counts):
    Moments(seed, frames, tuple(counts)).check(add_products, every)


@given(seeds, st.integers(0, 23), st.integers(1, 3))
def test_the_gradient_is_the_dense_sum(seed, frames, dofs):
    Moments(seed, frames, (3,) * dofs).check_gradient(add_gradient)


@pytest.mark.parametrize("frames", [1, 3, 4, 5, 8])
def test_frames_that_make_no_whole_group_are_added_too(frames):
    for every in (1, 4):
        Moments(frames, frames, (6, 0, 5)).check(add_products, every)
    assert products.TOGETHER == TOGETHER


def test_the_upper_triangle_is_left_alone():
    moments = Moments(1, 10, (6, 4))
    found, before = moments.of(moments.add(add_products, 1)), moments.of(moments.products)
    for ours, theirs in zip(found, before, strict=True):
        upper = np.triu_indices(len(ours), 1)
        np.testing.assert_array_equal(ours[upper], theirs[upper])


def test_the_bits_of_a_product_do_not_depend_on_the_other_columns():
    moments = Moments(2, 11, (7,))
    whole = moments.of(moments.add(add_products, 1))[0]
    some = slice(2, 5)
    moments.columns, moments.owners = moments.columns[some], moments.owners[some]
    moments.starts = np.array([0, 3])
    moments.products = moments.products.reshape(7, 7)[some, some].ravel()
    products = moments.of(moments.add(add_products, 1))[0]
    np.testing.assert_array_equal(np.tril(products), np.tril(whole[some, some]))
