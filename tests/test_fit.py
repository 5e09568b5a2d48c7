"""Goodness of fit against the textbook formulas, and what is undefined is None."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from people import person, recording

from refnms.fit import fit, fits, flag_counts
from refnms.physics.types import Flag
from refnms.simulation import simulate

MODEL = person(3)
TRIAL = recording(3, MODEL)
RUN = simulate(MODEL, TRIAL)


def test_numbers_worked_out_by_hand():
    found = fit(np.array([0.0, 1.0, 2.0, 5.0]), np.array([1.0, 1.0, 2.0, 3.0]))
    assert found.rmse == pytest.approx(np.sqrt(5.0 / 4.0), rel=1e-15)
    assert found.nrmse == pytest.approx(np.sqrt(5.0 / 4.0) / 5.0, rel=1e-15)
    assert found.r2 == pytest.approx(1.0 - 5.0 / 14.0, rel=1e-15)  # 14: about the mean of 2


def test_a_perfect_prediction():
    measured = np.array([1.0, 4.0, 2.0])
    found = fit(measured, measured)
    assert (found.rmse, found.nrmse, found.r2) == (0.0, 0.0, 1.0)


def test_the_mean_as_a_prediction_explains_nothing(rng):
    measured = rng.normal(size=50)
    assert fit(measured, np.full(50, measured.mean())).r2 == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("level", [0.0, 0.1, -7.3])
def test_what_a_moment_that_does_not_vary_leaves_undefined_is_none(level):
    found = fit(np.full(11, level), np.full(11, level + 2.0))
    assert found.rmse == pytest.approx(2.0)
    assert found.nrmse is None and found.r2 is None


def test_every_degree_of_freedom_is_judged_by_its_own_column():
    found = fits(MODEL, TRIAL, RUN)
    assert list(found) == ["knee", "ankle"]
    for d, dof in enumerate(MODEL.dof_names):
        assert found[dof] == fit(TRIAL.moment[:, d], RUN.moment[:, d])


def test_only_scored_frames_count():
    scored = np.arange(len(TRIAL.time)) % 3 == 1
    found = fits(MODEL, replace(TRIAL, scored=scored), RUN)
    assert found["ankle"] == fit(TRIAL.moment[scored, 1], RUN.moment[scored, 1])
    assert found["ankle"] != fits(MODEL, TRIAL, RUN)["ankle"]


def test_without_measurement_there_is_nothing_to_judge():
    assert fits(MODEL, replace(TRIAL, moment=None), RUN) == {}


def test_flags_are_counted_by_muscle_over_all_runs():
    bits = np.zeros_like(RUN.flags)
    bits[2, 0] = Flag.SLACK | Flag.HELPED
    bits[4:7, 2] = Flag.SLACK
    runs = [replace(RUN, flags=bits), replace(RUN, flags=bits[:5])]
    assert flag_counts(MODEL, runs) == {
        "HELPED": {"muscle_0": 2},
        "SLACK": {"muscle_0": 2, "muscle_2": 4},
    }


def test_unflagged_runs_count_nothing():
    assert flag_counts(MODEL, [replace(RUN, flags=np.zeros_like(RUN.flags))]) == {}


def test_a_moment_that_stays_at_a_value_has_no_r2():
    """Its variance is rounding, not zero."""
    still = np.full(471, 0.3)
    assert fit(still, still + 1.0).r2 is None and fit(still, still + 1.0).nrmse is None
