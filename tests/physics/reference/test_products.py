from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moments import Moment
from strategies import seeds

from refnms.physics.reference.products import add_products


@pytest.mark.parametrize("every", [1, 2, 4, 7])
@given(seeds, st.integers(1, 23), st.integers(1, 20))
def test_the_products_are_those_of_the_dense_matrices(every, seed, frames, count):
    Moment(seed, frames, count).check(add_products, every)


def test_with_one_frame_there_is_one_outer_product():
    moment = Moment(3, 1, 5)
    q = moment.slopes[0, moment.columns] * moment.arm[0, moment.owners]
    products = moment.add(add_products, 4)
    wanted = moment.products + 4.0 * moment.curvature[0] * np.outer(q, q)
    np.testing.assert_allclose(np.tril(products), np.tril(wanted), rtol=1e-14)
