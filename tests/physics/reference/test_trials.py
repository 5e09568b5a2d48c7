from __future__ import annotations

import numpy as np
from strategies import PROFILES, draw_case

from refnms.physics.reference.trials import trials
from refnms.physics.stencils import spline_factors, timeline


def test_trials_lie_one_after_the_other_and_cover_all_frames_and_rows():
    case = draw_case(3, PROFILES["online"])
    line, found = case.system.timeline, list(trials(case.system))
    assert [trial.number for trial in found] == [0, 1, 2]
    for of, bounds in (("frames", line.frames), ("rows", line.rows)):
        spans = [getattr(trial, of) for trial in found]
        assert [span.start for span in spans] == list(bounds[:-1])
        assert [span.stop for span in spans] == list(bounds[1:])
    assert [trial.size for trial in found] == list(np.diff(line.frames))


def test_a_trial_has_the_weights_and_the_spline_of_its_own_clock(rng):
    clocks = [np.cumsum(rng.uniform(0.008, 0.012, count)) for count in (5, 1, 9)]
    profile = PROFILES["online"]
    system = draw_case(3, profile).system._replace(timeline=timeline(clocks, [2, 0, 1], profile))
    for trial, clock in zip(trials(system), clocks, strict=True):
        alone = timeline([clock], [0], profile)
        np.testing.assert_array_equal(trial.solver_weights, alone.solver_weights)
        np.testing.assert_array_equal(trial.force_weights, alone.force_weights)
        for ours, theirs in zip(trial.spline, spline_factors([clock]), strict=True):
            np.testing.assert_array_equal(ours, theirs)
