from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from oracles import check_inner_product, check_tangents
from strategies import (
    DELAY,
    EVERY_PROFILE,
    FIELDS,
    KINDS,
    draw_case,
    run,
    seeds,
    slopes_of,
)

from refnms.physics import reference


@pytest.mark.parametrize("profile", EVERY_PROFILE)
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=2)
@given(seeds)
def test_every_tangent_is_that_of_complex_steps(profile, kind, seed):
    case = draw_case(seed, EVERY_PROFILE[profile], **KINDS[kind])
    check_tangents(reference, reference, case, np.random.default_rng(seed))


@pytest.mark.parametrize("profile", EVERY_PROFILE)
@settings(max_examples=4)
@given(seeds)
def test_tangents_and_adjoint_give_the_same_inner_product(profile, seed):
    case = draw_case(seed, EVERY_PROFILE[profile], corners=True)
    check_inner_product(reference, case, np.random.default_rng(seed))


def test_the_fields_asked_for_come_in_their_order():
    case = draw_case(12, EVERY_PROFILE["online"])
    signals, flags = run(reference, case)
    by_delay = np.cos(case.excitation)
    every = slopes_of(reference, case, signals, flags, by_delay=by_delay)
    some = slopes_of(reference, case, signals, flags, np.array([7, 0, DELAY]), by_delay)
    for x, y in zip(some[1:], every[1:], strict=True):
        np.testing.assert_array_equal(x, y[:, [7, 0, DELAY]])
    fixed = np.delete(FIELDS, DELAY)
    for x, y in zip(slopes_of(reference, case, signals, flags, fixed)[1:], every[1:], strict=True):
        np.testing.assert_array_equal(x, y[:, fixed])
