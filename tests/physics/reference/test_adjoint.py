from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from oracles import check_adjoint
from strategies import (
    EVERY_PROFILE,
    KINDS,
    draw_bars,
    draw_case,
    run,
    seeds,
)

from refnms.physics import reference
from refnms.physics.types import MuscleSignals


@pytest.mark.parametrize("profile", EVERY_PROFILE)
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=2)
@given(seeds)
def test_every_cotangent_is_that_of_complex_steps(profile, kind, seed):
    case = draw_case(seed, EVERY_PROFILE[profile], **KINDS[kind])
    check_adjoint(reference, reference, case, np.random.default_rng(seed))


def test_cotangents_that_are_not_given_are_zero_and_inputs_have_them_where_wanted(rng):
    case = draw_case(11, EVERY_PROFILE["online"])
    signals, flags = run(reference, case)
    none = MuscleSignals(*[None] * 5)
    for found in reference.adjoint(*case, signals, flags, none):
        assert not found.any()
    bars = draw_bars(rng, signals)
    table, excitation, length = reference.adjoint(*case, signals, flags, bars)
    for wanted in ((True, False), (False, True), (False, False)):
        found = reference.adjoint(*case, signals, flags, bars, wanted)
        np.testing.assert_array_equal(found[0], table)
        for bar, asked, full in zip(found[1:], wanted, (excitation, length), strict=True):
            assert np.array_equal(bar, full) if asked else bar is None


def test_what_is_given_is_left_as_it_was(rng):
    case = draw_case(11, EVERY_PROFILE["offline"], corners=True)
    signals, flags = run(reference, case)
    bars = draw_bars(rng, signals)
    given_ = [*case[1:], *signals, flags, *bars]
    kept = [x.copy() for x in given_]
    reference.adjoint(*case, signals, flags, bars)
    for x, y in zip(given_, kept, strict=True):
        np.testing.assert_array_equal(x, y)
