from __future__ import annotations

import pytest
from hypothesis import given, settings
from strategies import PROFILES, check_kernel, draw_case, seeds

from refnms.jit import HAVE_NUMBA

pytestmark = pytest.mark.skipif(not HAVE_NUMBA, reason="Numba is not installed")


@pytest.mark.parametrize("profile", ["native", "online"])
@settings(max_examples=10)
@given(seeds)
def test_the_elastic_tendon(profile, seed):
    check_kernel("elastic_fiber_length", draw_case(seed, PROFILES[profile]), seed)


@pytest.mark.parametrize("profile", ["native", "online"])
@settings(max_examples=10)
@given(seeds)
def test_the_elastic_tendon_where_the_fiber_is_not_in_equilibrium(profile, seed):
    case = draw_case(seed, PROFILES[profile], corners=True)
    check_kernel("elastic_fiber_length", case, seed)


@settings(max_examples=12)
@given(seeds)
def test_the_rigid_tendon(seed):
    case = draw_case(seed, PROFILES["native"], rigid=True)
    check_kernel("rigid_fiber_length", case, seed)
