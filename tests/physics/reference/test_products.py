from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moments import Moments
from strategies import seeds

from refnms.physics.reference.products import add_gradient, add_products


@pytest.mark.parametrize("every", [1, 2, 4, 7])
@given(seeds, st.integers(1, 23), st.lists(st.integers(1, 20), min_size=1, max_size=3))
def test_the_products_are_those_of_the_dense_matrices(every, seed, frames, counts):
    Moments(seed, frames, tuple(counts)).check(add_products, every)


@given(seeds, st.integers(0, 23), st.integers(1, 3))
def test_the_gradient_is_the_dense_sum(seed, frames, dofs):
    Moments(seed, frames, (3,) * dofs).check_gradient(add_gradient)


def test_with_one_frame_there_is_one_outer_product():
    moments = Moments(3, 1, (5,))
    q = moments.slopes.reshape(1, -1)[0, moments.columns] * moments.arm[0, 0, moments.owners]
    products = moments.of(moments.add(add_products, 4))[0]
    wanted = moments.products.reshape(5, 5) + 4.0 * moments.curvature[0, 0] * np.outer(q, q)
    np.testing.assert_allclose(np.tril(products), np.tril(wanted), rtol=1e-14)
