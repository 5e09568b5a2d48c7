"""The roots that lanes find side by side are those of the search for one sample."""

from __future__ import annotations

import numpy as np
import pytest
from blocks import blocks_of, run_blocks
from hypothesis import given, settings
from oracles import check_forward
from strategies import EVERY_PROFILE, KINDS, draw_case, run, seeds

from refnms.jit import HAVE_NUMBA
from refnms.physics import reference
from refnms.physics.profiles import ceinms_0_9

pytestmark = pytest.mark.skipif(not HAVE_NUMBA, reason="Numba is not installed")

TRAILING = ["native", "online", "five points"]


@pytest.mark.parametrize("profile", TRAILING)
@settings(max_examples=4)
@given(seeds)
def test_where_an_equilibrium_has_one_root_corners_make_no_difference(profile, seed):
    smooth = {**KINDS["smooth"], **KINDS["corners"]}
    case = draw_case(seed, EVERY_PROFILE[profile], 7, **smooth)
    parted = check_forward(case, run_blocks(case, blocks_of(case)), run(reference, case))
    assert not parted.any()


@pytest.mark.parametrize("profile", ["native", "online"])
def test_the_engines_seldom_part(profile):
    """Only where a tendon is slack, and CEINMS's points let it push."""
    parted = []
    for seed in range(8):
        case = draw_case(seed, EVERY_PROFILE[profile], 7, corners=True)
        both = run_blocks(case, blocks_of(case)), run(reference, case)
        parted.append(check_forward(case, *both).any(axis=0))
    assert np.mean(parted) <= 0.05


@pytest.mark.parametrize("tolerance", [1e-6, 1e-9])
@settings(max_examples=3)
@given(seeds)
def test_brents_path_is_that_of_the_reference(tolerance, seed):
    case = draw_case(seed, ceinms_0_9(online=True, tolerance=tolerance), 7, corners=True)
    slack = case.muscles.tendon_slack_length
    slack[slack == 0.0] = 0.1  # without a tendon the path hangs on the last digit
    ours, theirs = run_blocks(case, blocks_of(case)), run(reference, case)
    assert not check_forward(case, ours, theirs).any()
