"""CEINMS's own objective against its definition."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from people import person, recording

from refnms.errors import InputError
from refnms.physics.profiles import ceinms_0_9
from refnms.score import CeinmsObjective, ceinms_objective
from refnms.simulation import simulate, simulate_all

MODEL = person(2)
TRIALS = [recording(2, MODEL, 30, name="a"), recording(3, MODEL, 12, name="b")]


def test_the_score_of_ceinms_is_that_of_its_definition():
    profile = ceinms_0_9()
    moment = penalty = 0.0
    for trial in TRIALS:
        run = simulate(MODEL, trial, profile)
        norm = run.fiber_length / MODEL.muscles.optimal_fiber_length
        frames = len(trial.time)
        for d in range(2):
            error = run.moment[:, d] - trial.moment[:, d]
            moment += np.sum(error**2) / np.var(trial.moment[:, d], ddof=1) / frames
            for deviation in (norm - 1.0)[abs(norm - 1.0) > 0.5]:
                penalty += 100.0 * deviation**2 / frames
    found = ceinms_objective(MODEL, TRIALS)
    assert found.moment == pytest.approx(moment, rel=1e-13)
    assert found.penalty == pytest.approx(penalty, rel=1e-13)
    assert found.total == found.moment + found.penalty


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_the_penalty_of_ceinms_jumps_at_half_an_optimal_length(side):
    rigid = person(2, rigid=True, pennation_angle_at_optimal=0.0)
    p = rigid.muscles
    deviation = side * np.array([0.4, 0.499, 0.5 - 1e-9, 0.5 + 1e-9, 0.501, 0.6])
    lmt = p.tendon_slack_length + p.optimal_fiber_length * np.ones((6, 3))
    lmt[:, 1] += p.optimal_fiber_length[1] * deviation
    trial = replace(recording(2, rigid, 6), musculotendon_length=lmt)
    wanted = 2.0 * 100.0 * np.sum(deviation[3:] ** 2) / 6
    assert ceinms_objective(rigid, [trial]).penalty == pytest.approx(wanted, rel=1e-12)


def test_a_search_that_fell_back_costs_a_hundred_a_frame_and_degree_of_freedom():
    lmt = TRIALS[0].musculotendon_length.copy()
    lmt[4:7, 1] += 3.0 * MODEL.muscles.optimal_fiber_length[1]
    overstretched = replace(TRIALS[0], musculotendon_length=lmt)
    run = simulate(MODEL, overstretched, ceinms_0_9())
    fell = np.count_nonzero(run.flags & 4)
    beyond = run.fiber_length / MODEL.muscles.optimal_fiber_length - 1.0
    jump = 100.0 * np.sum(beyond[abs(beyond) > 0.5] ** 2)
    assert fell >= 3
    both, knee = (ceinms_objective(MODEL, [overstretched], d) for d in (None, ["knee"]))
    assert both.penalty == pytest.approx(2.0 * (100.0 * fell + jump) / 30, rel=1e-12)
    assert knee.penalty == pytest.approx(0.5 * both.penalty, rel=1e-12)


def test_the_score_of_one_degree_of_freedom_is_its_share():
    both = ceinms_objective(MODEL, TRIALS)
    parts = [ceinms_objective(MODEL, TRIALS, [dof]) for dof in MODEL.dof_names]
    assert both.moment == pytest.approx(sum(p.moment for p in parts), rel=1e-13)
    assert CeinmsObjective(1.5, 0.25).total == 1.75


def test_ceinms_has_no_score_for_a_moment_that_does_not_vary():
    moment = TRIALS[0].moment.copy()
    moment[:, 1] = 0.1
    still = replace(TRIALS[0], moment=moment)
    with pytest.raises(InputError, match="trial 'a': a moment does not vary"):
        ceinms_objective(MODEL, [still])
    assert np.isfinite(ceinms_objective(MODEL, [still], ["knee"]).total)


def test_a_run_of_several_trials_is_scored_as_their_sum():
    joint = simulate_all(MODEL, TRIALS, ceinms_0_9())
    assert len(joint) == 2
    alone = [ceinms_objective(MODEL, [trial]).total for trial in TRIALS]
    assert ceinms_objective(MODEL, TRIALS).total == pytest.approx(sum(alone), rel=1e-13)


def test_what_cannot_be_scored_is_refused():
    blind = replace(TRIALS[0], moment=None)
    with pytest.raises(InputError, match="trial 'a' has no measured moments"):
        ceinms_objective(MODEL, [blind])
    for dofs in (["hip"], ["knee", "hip"], []):
        with pytest.raises(InputError, match="there are knee, ankle"):
            ceinms_objective(MODEL, TRIALS, dofs)
