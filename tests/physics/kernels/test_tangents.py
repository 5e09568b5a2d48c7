from __future__ import annotations

import numpy as np
import pytest
from blocks import NONE, blocks_of, push_blocks, run_blocks
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import check_tangents
from strategies import DELAY, EVERY_PROFILE, KINDS, draw_case, seeds

from refnms.jit import HAVE_NUMBA
from refnms.physics import compiled, reference
from refnms.physics.kernels import row

pytestmark = pytest.mark.skipif(not HAVE_NUMBA, reason="Numba is not installed")

TRAILING = ["native", "online", "five points"]


def of_first_trial(case, width=row.LANES):
    """The blocks of its first trial."""
    blocks = blocks_of(case, width)
    return blocks[blocks[:, 0] == 0]


@pytest.mark.parametrize("profile", EVERY_PROFILE)
@settings(max_examples=2)
@given(seeds)
def test_every_tangent_is_that_of_complex_steps(profile, seed):
    """Of the reference, along the kernel's own signals: where no root is in doubt."""
    case = draw_case(seed, EVERY_PROFILE[profile], **KINDS["smooth"])
    check_tangents(compiled, reference, case, np.random.default_rng(seed))


@pytest.mark.parametrize("profile", TRAILING)
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=3)
@given(seeds, st.integers(1, row.LANES), st.integers(1, 12))
def test_the_bits_of_a_lane_depend_on_no_other_and_on_no_piece(profile, kind, seed, width, step):
    case = draw_case(seed, EVERY_PROFILE[profile], 2 * row.LANES + 3, **KINDS[kind])
    run = run_blocks(case, blocks_of(case))
    by_delay = np.cos(case.excitation)
    whole = push_blocks(case, run, of_first_trial(case), by_delay)
    found = push_blocks(case, run, of_first_trial(case, width), by_delay, step)
    for x, y in zip(found[1:], whole[1:], strict=True):
        np.testing.assert_array_equal(x, y)


def test_only_the_blocks_asked_for_are_differentiated():
    case = draw_case(4, EVERY_PROFILE["online"], 9, corners=True)
    run = run_blocks(case, blocks_of(case))
    by_delay = np.cos(case.excitation)
    whole = push_blocks(case, run, np.array([[2, 0, 9, 0]]), by_delay)
    found = push_blocks(case, run, np.array([[2, 3, 4, 0]]), by_delay)
    for x, y in zip(found[1:], whole[1:], strict=True):
        np.testing.assert_array_equal(x[..., 3:7], y[..., 3:7])
        assert not x[..., :3].any() and not x[..., 7:].any()


def test_a_fixed_delay_moves_nothing_and_changes_no_other_tangent():
    case = draw_case(5, EVERY_PROFILE["native"])
    run = run_blocks(case, blocks_of(case))
    fixed = push_blocks(case, run, of_first_trial(case), NONE)
    moving = push_blocks(case, run, of_first_trial(case), np.cos(case.excitation))
    for x, y in zip(fixed[1:], moving[1:], strict=True):
        assert not x[:, DELAY].any() and y[:, DELAY].any()
        np.testing.assert_array_equal(np.delete(x, DELAY, 1), np.delete(y, DELAY, 1))
