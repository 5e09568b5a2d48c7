"""What the page says: sums over trials, sentences, and numbers in columns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from results import write_result

from refnms.physics.types import Flag
from refnms.report.contents import (
    FLAGS,
    Row,
    bound_hits,
    by_dof,
    by_role,
    by_trial,
    decimals_for,
    headline,
    notices,
    number,
    rows,
    together,
)
from refnms.report.folder import read_result

WALK = Row("walk", "calibration", "knee", 3.0, 0.5, 6.0, -1.0)
RUN = Row("run", "calibration", "knee", 4.0, 0.9, 8.0, 0.0)
JUMP = Row("jump", "held out", "knee", 9.0, None, None, None)


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (-1.25, 2, "\N{MINUS SIGN}1.25"),
        (-0.001, 2, "0.00"),
        (12.0, 0, "12"),
        (None, 2, "\N{EN DASH}"),
        (float("nan"), 2, "\N{EN DASH}"),
    ],
)
def test_numbers_have_a_true_minus_and_a_place_for_nothing(value, decimals, text):
    assert number(value, decimals) == text


@pytest.mark.parametrize(
    ("values", "decimals"), [([0.359, 0.05], 4), ([2.999, 0.001], 3), ([1234.5], 0), ([0.0], 3)]
)
def test_columns_have_the_decimals_of_their_largest_value(values, decimals):
    assert decimals_for(values) == decimals


def test_several_trials_are_one_by_mean_square_and_median():
    both = together([WALK, RUN])
    assert both.rmse == pytest.approx(np.sqrt(12.5)) and both.r2 == pytest.approx(0.7)
    assert both.rmse_before == pytest.approx(np.sqrt(50.0)) and both.trial == "2"
    assert together([JUMP]).r2 is None and together([JUMP]).rmse_before is None


def test_rows_are_put_together_by_role_by_dof_and_by_trial():
    ankle = replace(WALK, dof="ankle")
    assert [row.role for row in by_role([JUMP, WALK, ankle])] == ["held out", "calibration"]
    assert [(r.dof, r.role) for r in by_dof([JUMP, WALK, ankle])] == [
        ("knee", "held out"),
        ("knee", "calibration"),
        ("ankle", "calibration"),
    ]
    assert by_trial([WALK, RUN, ankle]) == [[WALK, ankle], [RUN]]


def test_held_out_trials_come_first_with_what_was_before(tmp_path):
    found = rows(read_result(write_result(tmp_path / "x")))
    assert [(row.trial, row.role) for row in found] == [
        ("run", "held out"),
        ("walk", "calibration"),
    ]
    assert (found[0].rmse, found[0].rmse_before, found[0].r2_before) == (1.5, 45.25, -3.5)


def test_the_headline_says_what_is_known():
    assert "nothing to compare" in headline([])
    assert "before" not in headline([JUMP]) and "R²" not in headline([JUMP])
    assert headline([WALK]).startswith("On the trials calibrated on")


def test_the_gravest_notice_comes_first(tmp_path):
    result = read_result(write_result(tmp_path / "x"))
    summary = {**result.summary, "flags": {"FAILED": {"soleus": 3}}, "status": "budget used up"}
    told = list(notices(replace(result, summary=summary), [WALK]))
    assert told[0].text.startswith("3 samples have no fiber equilibrium") and not told[0].good
    assert not told[1].good and "budget used up" in told[1].text
    assert any("No trial was held out" in notice.text for notice in told)


def test_fibers_that_leave_their_range_are_counted(tmp_path):
    result = read_result(write_result(tmp_path / "x"))
    told = [n for n in notices(result, []) if "range" in n.text]
    assert told[0].text.startswith("Fibers of 2 of 2 muscles leave the range") and not told[0].good
    wide = replace(result, record={**result.record, "fiber_length_range": [0.1, 2.0]})
    assert [n.good for n in notices(wide, []) if "range" in n.text] == [True]


def test_bound_hits_are_told_by_kind():
    names = ["c1 of soleus", "shape_factor of soleus", "c1 of a and 2 more"]
    expected = [("c1", ["soleus", "a and 2 more"]), ("shape factor", ["soleus"])]
    assert bound_hits(names) == expected


def test_every_flag_has_a_meaning():
    assert set(FLAGS) == {flag.name for flag in Flag}
