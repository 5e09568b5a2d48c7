from __future__ import annotations

import pytest
from hypothesis import given, settings
from strategies import PROFILES, check_kernel, draw_case, seeds

from refnms.jit import HAVE_NUMBA

pytestmark = pytest.mark.skipif(not HAVE_NUMBA, reason="Numba is not installed")


@pytest.mark.parametrize("profile", ["native", "online"])
@settings(max_examples=12)
@given(seeds)
def test_the_trailing_velocity(profile, seed):
    check_kernel("trailing_velocity", draw_case(seed, PROFILES[profile], rigid=True), seed)


@settings(max_examples=20)
@given(seeds)
def test_the_velocity_of_the_whole_trial(seed):
    case = draw_case(seed, PROFILES["offline"], rigid=True)
    check_kernel("whole_trial_velocity", case, seed, in_pieces=False)
