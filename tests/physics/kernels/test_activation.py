from __future__ import annotations

import pytest
from hypothesis import given, settings
from strategies import PROFILES, check_kernel, draw_case, seeds

from refnms.jit import HAVE_NUMBA

pytestmark = pytest.mark.skipif(not HAVE_NUMBA, reason="Numba is not installed")


@pytest.mark.parametrize("profile", ["native", "online"])
@settings(max_examples=12)
@given(seeds)
def test_the_recursion_and_the_exponential_shape(profile, seed):
    case = draw_case(seed, PROFILES[profile], rigid=True)
    check_kernel("neural_activation", case, seed)
    check_kernel("exponential_activation", case, seed)


@settings(max_examples=12)
@given(seeds)
def test_the_piecewise_shape(seed):
    case = draw_case(seed, PROFILES["native"], rigid=True, shape="piecewise_activation")
    check_kernel("piecewise_activation", case, seed)
