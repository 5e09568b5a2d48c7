from __future__ import annotations

import numpy as np
import pytest
from blocks import blocks_of, run_blocks
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import check_forward
from strategies import EVERY_PROFILE, KINDS, draw_case, run, seeds

from refnms.jit import HAVE_NUMBA
from refnms.physics import reference
from refnms.physics.compiled import ALL
from refnms.physics.kernels import row
from refnms.physics.types import Flag

pytestmark = pytest.mark.skipif(not HAVE_NUMBA, reason="Numba is not installed")

TRAILING = ["native", "online", "five points"]
MUSCLES = 2 * row.LANES + 3


@pytest.mark.parametrize("profile", TRAILING)
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=3)
@given(seeds)
def test_the_signals_are_those_of_the_reference(profile, kind, seed):
    case = draw_case(seed, EVERY_PROFILE[profile], 7, **KINDS[kind])
    check_forward(case, run_blocks(case, blocks_of(case, 5)), run(reference, case))


@pytest.mark.parametrize("profile", TRAILING)
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=3)
@given(seeds, st.integers(1, row.LANES))
def test_the_bits_of_a_lane_depend_on_no_other(profile, kind, seed, width):
    case = draw_case(seed, EVERY_PROFILE[profile], MUSCLES, **KINDS[kind])
    whole, flags = run_blocks(case, blocks_of(case))
    narrow, same = run_blocks(case, blocks_of(case, width))
    for x, y in zip((*whole, flags), (*narrow, same), strict=True):
        np.testing.assert_array_equal(x, y)
        assert not np.isnan(x).any()


@pytest.mark.parametrize("profile", TRAILING)
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=3)
@given(seeds, st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_frames_can_be_run_in_pieces(profile, kind, seed, steps):
    case = draw_case(seed, EVERY_PROFILE[profile], 7, **KINDS[kind])
    whole, flags = run_blocks(case, blocks_of(case))
    cuts = [0, *np.cumsum(steps).tolist(), ALL]
    found, same = run_blocks(case, blocks_of(case), cuts)
    for x, y in zip((*whole, flags), (*found, same), strict=True):
        np.testing.assert_array_equal(x, y)


def test_frames_can_be_run_one_at_a_time():
    case = draw_case(3, EVERY_PROFILE["online"], 7, corners=True)
    whole, flags = run_blocks(case, blocks_of(case))
    found, same = run_blocks(case, blocks_of(case), range(len(flags) + 1))
    for x, y in zip((*whole, flags), (*found, same), strict=True):
        np.testing.assert_array_equal(x, y)


def test_nothing_is_written_but_the_blocks_asked_for():
    case = draw_case(4, EVERY_PROFILE["native"], 9)
    whole, flags = run_blocks(case, blocks_of(case))
    found, own = run_blocks(case, np.array([[2, 3, 4, 0], [0, 0, 2, 0]]))
    line = case.system.timeline
    for x, y, bounds in zip(
        (*found, own), (*whole, flags), [line.rows, *[line.frames] * 5], strict=True
    ):
        asked = np.zeros(x.shape, bool)
        asked[bounds[2] : bounds[3], 3:7] = True
        asked[bounds[0] : bounds[1], 0:2] = True
        np.testing.assert_array_equal(x[asked], y[asked])
        assert (np.isnan(x) | (x == -1))[~asked].all()


@pytest.mark.parametrize("kind", ["plain", "corners", "smooth"])
def test_that_the_curves_are_plain_saves_time_and_changes_nothing(kind):
    case = draw_case(5, EVERY_PROFILE["online"], 9, **KINDS[kind])
    assert case.system.plain
    careful = case._replace(system=case.system._replace(plain=False))
    (ours, flags), (theirs, same) = (run_blocks(c, blocks_of(c)) for c in (case, careful))
    for x, y in zip((*ours, flags), (*theirs, same), strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("profile", TRAILING)
def test_a_lane_that_is_no_number_fails_alone(profile):
    case = draw_case(6, EVERY_PROFILE[profile], 9)
    whole, flags = run_blocks(case, blocks_of(case))
    case.musculotendon_length[3, 4] = np.nan
    found, own = run_blocks(case, blocks_of(case))
    others = np.arange(9) != 4
    for x, y in zip((*found, own), (*whole, flags), strict=True):
        np.testing.assert_array_equal(x[:, others], y[:, others])
    theirs, wanted = run(reference, case)
    np.testing.assert_array_equal(own & Flag.FAILED, wanted & Flag.FAILED)
    assert own[3, 4] & Flag.FAILED
    np.testing.assert_allclose(found.fiber_length, theirs.fiber_length, rtol=1e-10)
