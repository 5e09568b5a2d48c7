from __future__ import annotations

import pytest
from hypothesis import given, settings
from strategies import PROFILES, check_kernel, draw_case, seeds

from refnms.jit import HAVE_NUMBA

pytestmark = pytest.mark.skipif(not HAVE_NUMBA, reason="Numba is not installed")


@pytest.mark.parametrize("profile", ["native", "offline"])
@settings(max_examples=12)
@given(seeds)
def test_the_tendon_force(profile, seed):
    check_kernel("tendon_force", draw_case(seed, PROFILES[profile]), seed)
