from __future__ import annotations

import numpy as np
import pytest
from blocks import blocks_of, pull_blocks, run_blocks
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import check_adjoint
from strategies import EVERY_PROFILE, KINDS, draw_bars, draw_case, seeds

from refnms.jit import HAVE_NUMBA
from refnms.physics import compiled, reference
from refnms.physics.compiled import ALL
from refnms.physics.kernels import row

pytestmark = pytest.mark.skipif(not HAVE_NUMBA, reason="Numba is not installed")

TRAILING = ["native", "online", "five points"]


@pytest.mark.parametrize("profile", EVERY_PROFILE)
@settings(max_examples=2)
@given(seeds)
def test_every_cotangent_is_that_of_complex_steps(profile, seed):
    """Of the reference, along the kernel's own signals: where no root is in doubt."""
    case = draw_case(seed, EVERY_PROFILE[profile], **KINDS["smooth"])
    check_adjoint(compiled, reference, case, np.random.default_rng(seed))


@pytest.mark.parametrize("profile", TRAILING)
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=3)
@given(seeds, st.integers(1, row.LANES))
def test_the_bits_of_a_lane_depend_on_no_other(profile, kind, seed, width):
    case = draw_case(seed, EVERY_PROFILE[profile], 2 * row.LANES + 3, **KINDS[kind])
    run = run_blocks(case, blocks_of(case))
    bars = draw_bars(np.random.default_rng(seed), run[0])
    whole = pull_blocks(case, run, blocks_of(case), bars)
    for x, y in zip(pull_blocks(case, run, blocks_of(case, width), bars), whole, strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("profile", TRAILING)
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=3)
@given(seeds, st.data())
def test_frames_may_come_in_any_pieces(profile, kind, seed, data):
    case = draw_case(seed, EVERY_PROFILE[profile], 9, **KINDS[kind])
    longest = int(np.diff(case.system.timeline.frames).max())
    cuts = data.draw(st.lists(st.integers(1, longest), max_size=4, unique=True))
    run = run_blocks(case, blocks_of(case))
    bars = draw_bars(np.random.default_rng(seed), run[0])
    whole = pull_blocks(case, run, blocks_of(case), bars)
    pieces = pull_blocks(case, run, blocks_of(case), bars, [0, *sorted(cuts), ALL])
    for x, y in zip(pieces, whole, strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=3)
@given(seeds)
def test_a_lane_of_two_blocks_counts_once(kind, seed):
    """Where the kernel does not add to the cotangents of lengths."""
    case = draw_case(seed, EVERY_PROFILE["native"], 13, **KINDS[kind])
    run = run_blocks(case, blocks_of(case))
    bars = draw_bars(np.random.default_rng(seed), run[0])._replace(fiber_length=np.empty((0, 0)))
    apart, shared = blocks_of(case, 8), blocks_of(case, 8)
    shared[shared[:, 1] > 0, 1:] = 5, 8, 3
    for x, y in zip(*(pull_blocks(case, run, b, bars) for b in (shared, apart)), strict=True):
        np.testing.assert_array_equal(x, y)


def test_only_the_blocks_asked_for_are_pulled_back(rng):
    case = draw_case(4, EVERY_PROFILE["online"], 9, corners=True)
    run = run_blocks(case, blocks_of(case))
    bars = draw_bars(rng, run[0])
    whole = pull_blocks(case, run, blocks_of(case), bars)
    found = pull_blocks(case, run, np.array([[2, 3, 4, 0]]), bars)
    line = case.system.timeline
    spans = slice(2, 3), slice(*line.rows[2:4]), slice(*line.frames[2:4])
    for x, y, span in zip(found, whole, spans, strict=True):
        asked = np.zeros(x.shape, bool)
        asked[span, ..., 3:7] = True
        np.testing.assert_array_equal(x, np.where(asked, y, 0.0))
