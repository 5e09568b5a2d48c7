"""One frame by hand: the cost of some excitations, and what is known of a muscle there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from people import PROFILES, person, recording

from refnms.assistance import Assistance
from refnms.assistance.excitations import task_of
from refnms.assistance.frame import (
    BEND,
    FORCE,
    NONE,
    OTHER,
    SIDE,
    SLOPE,
    E,
    answer,
    bend_force,
    value_at,
)
from refnms.assistance.march import begin_frame, begin_row
from refnms.assistance.response import SHORT

MODEL = person(12)
TRIAL = recording(12, MODEL)
CHOSEN = Assistance(("muscle_0",), ("muscle_1", "muscle_2"), 0.5, 2.0, 3.0)


def first_frame(**changes: object):
    """The task of a trial, its first frame answered at some excitations."""
    profile = replace(PROFILES["native"], **changes)
    task = task_of(MODEL, TRIAL, CHOSEN, profile)
    with np.errstate(all="ignore"):
        begin_row(task, task.given.recorded, 0)
        begin_frame(task, np.zeros(TRIAL.musculotendon_length.shape), 0)
        task.memory.muscles[E] = 0.2, 0.5, 0.7
        for m in range(3):
            answer(task, 0, m, E, SHORT)
    return task


@pytest.mark.parametrize("exponent", [1, 2])
def test_the_cost_is_the_sum_of_its_three_parts(exponent):
    task = first_frame(tracking_exponent=exponent)
    rows = task.memory.muscles
    error = rows[FORCE] @ TRIAL.moment_arm[0] - TRIAL.moment[0]
    away = abs(rows[E, 0] - task.given.recorded[0, 0]) ** exponent
    cost = 0.5 * np.sum(error**2) + 2.0 * np.sum(rows[E] ** 2) + 3.0 * away
    assert value_at(task, 0, 0, E) == pytest.approx(cost, rel=1e-14)
    np.testing.assert_allclose(task.memory.error, error)


def test_an_answer_rests_on_no_kink():
    assert (first_frame().memory.muscles[OTHER] == NONE).all()


def test_a_force_that_is_held_has_no_slope_and_no_bend():
    free = first_frame().memory.muscles
    task = first_frame(least_force=float(np.sort(free[FORCE])[1]) + 1.0)
    rows, held = task.memory.muscles, np.sort(free[FORCE])[:2]
    is_held = np.isin(free[FORCE], held)
    assert (rows[FORCE, is_held] == task.given.least_force).all()
    assert (rows[SLOPE, is_held] == 0.0).all() and (rows[SIDE, is_held] == NONE).all()
    rows[BEND] = np.nan
    for m in range(3):
        bend_force(task, 0, m)
    (free_one,) = np.flatnonzero(~is_held)
    assert (rows[BEND, is_held] == 0.0).all()
    assert rows[SLOPE, free_one] > 0.0 and rows[BEND, free_one] != 0.0
