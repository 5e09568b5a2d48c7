"""Kinks and doubtful samples, listed by muscle, trial and frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from people import person, recording
from verified import case_of

from refnms.physics.types import Flag
from refnms.verify.kinks import RULES, indeterminate, kinks


def listed(case, kind):
    found = kinks(case.run, case.joined, case.model, case.trials)
    return {kink.muscle: kink for kink in found if kink.kind == kind}


def test_every_slack_sample_is_listed_once(case):
    slack = case.run.flags & Flag.SLACK != 0
    found = listed(case, "slack tendon")
    counts = {name: int(n) for name, n in zip(case.model.muscle_names, slack.sum(0), strict=True)}
    assert {name: kink.samples for name, kink in found.items()} == {
        name: n for name, n in counts.items() if n
    }
    for name, kink in found.items():
        m = case.model.muscle_names.index(name)
        first = int(np.flatnonzero(slack[:, m])[0])
        assert (kink.first.trial, kink.first.frame) == (
            "walk" if first < 24 else "jump",
            first % 24,
        )
        assert kink.rule == RULES["slack tendon"]


def test_doubtful_frames_come_in_spans(case):
    doubtful, again = ~case.run.determinate, np.zeros_like(case.run.determinate)
    for entry in indeterminate(case.run):
        m = case.model.muscle_names.index(entry["muscle"])
        start = {"walk": 0, "jump": 24}[entry["trial"]]
        for first, last in entry["frames"]:
            again[start + first : start + last + 1, m] = True
        assert entry["reasons"]
    np.testing.assert_array_equal(again, doubtful)


def spoiled(delay=0.0, **emg):
    model = person(8, electromechanical_delay=np.full(3, delay))
    trial = recording(0, model, 24)
    time = np.arange(24) * 0.01
    values = trial.emg.copy()
    values[40:44, 1] = emg.get("level", 0.5)
    return case_of(model, [replace(trial, time=time, emg=values)])


def test_clipped_emg_is_named():
    assert listed(spoiled(), "excitation clamp") == {}
    for level in (1.5, -0.1):
        found = listed(spoiled(level=level), "excitation clamp")
        assert list(found) == ["muscle_1"] and found["muscle_1"].samples in (2, 3)
        assert found["muscle_1"].on == 0


@pytest.mark.parametrize(("delay", "samples"), [(0.02, 24), (0.0213, 0)])
def test_frames_whose_delayed_time_is_an_emg_sample_are_named(delay, samples):
    found = listed(spoiled(delay), "EMG sample")
    assert sum(kink.samples for kink in found.values()) == 3 * samples


def test_a_velocity_beyond_its_limit_is_named_and_not_doubtful(case):
    fast = listed(case, "velocity limit")
    assert list(fast) == ["muscle_1"]
    assert fast["muscle_1"].samples > fast["muscle_1"].on == 0
