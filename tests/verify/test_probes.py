"""Drawn lanes."""

from __future__ import annotations

import numpy as np
import pytest
from people import PROFILES
from verified import draw_case

from refnms.physics.engine import pick
from refnms.physics.types import Flag
from refnms.verify.domain import TIME_STEPS
from refnms.verify.equilibrium import equilibrium_check
from refnms.verify.lanes import run
from refnms.verify.probes import FRAMES, probes


def drawn(profile, count=300):
    case, rng = draw_case(profile), np.random.default_rng(1)
    table, names = case.model.table(), case.model.muscle_names
    return probes(case.lanes.system, profile, table, names, count, rng)


@pytest.mark.parametrize("profile", PROFILES)
def test_they_are_solved_or_flagged_and_finite_everywhere(profile):
    found = run(pick(), drawn(PROFILES[profile]))
    assert all(np.isfinite(signal).all() for signal in found.signals)
    assert not (found.flags & Flag.FAILED).any()
    check = equilibrium_check(found, "here")
    assert check.passed and check.compared > 3000


def test_every_lane_is_a_muscle_over_every_time_step():
    lanes = drawn(PROFILES["native"])
    assert lanes.table.shape == (12, 300)
    assert lanes.muscle_names[:4] == ("muscle_0", "muscle_1", "muscle_2", "muscle_0")
    assert [np.diff(time)[0] for time in lanes.times] == pytest.approx(list(TIME_STEPS))
    assert lanes.musculotendon_length.shape == (FRAMES * len(TIME_STEPS), 300)
    assert (lanes.excitation >= 0.0).all() and (lanes.excitation <= 1.0).all()


def test_they_reach_what_the_domain_states():
    found = run(pick(), drawn(PROFILES["native"]))
    doubts = {reason for reason, holds in found.doubts.items() if holds.any()}
    assert {"slack tendon", "floor", "just taut start"} <= doubts
    assert (found.flags & Flag.VELOCITY_LIMIT).any()
    assert 0.3 < found.determinate.mean() < 0.9
