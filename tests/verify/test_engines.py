"""The compiled engine against the NumPy engine."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from people import PROFILES
from verified import draw_case

from refnms.physics.engine import pick
from refnms.verify.engines import engine_check
from refnms.verify.lanes import run
from refnms.verify.parameters import derivatives

SCATTER = np.random.default_rng(0)


@pytest.mark.parametrize("profile", PROFILES)
def test_they_differentiate_alike(profile):
    compiled = run(pick(), draw_case(PROFILES[profile]).lanes)
    check = engine_check(derivatives(compiled, None, SCATTER))
    assert check.passed and check.compared > 4000


@pytest.mark.parametrize("part", [0, 1, 2])
def test_one_that_is_off_is_found(case, part):
    def adjoint(*args):
        bars = list(pick().adjoint(*args))
        bars[part] = 1.001 * bars[part]
        return tuple(bars)

    found = run(pick(), case.lanes)
    wrong = replace(found, engine=SimpleNamespace(adjoint=adjoint, tangents=pick().tangents))
    check = engine_check(derivatives(wrong, None, SCATTER))
    assert not check.passed
    by = {place.quantity.rpartition(" by ")[2] for place in check.wrong}
    assert ({"excitation"}, {"musculotendon_length"})[part - 1] == by if part else len(by) > 6
