"""What records look like: one line of text, tables, HTML in which no name is more than a name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from people import person, recording

import refnms
from refnms.display import (
    BLANK,
    MOST_ROWS,
    by_name,
    count,
    listed,
    over_time,
    page,
    side_by_side,
    stacked,
)
from refnms.parameters import Free, Packing
from refnms.simulation import simulate

EVIL = "<script>alert(1)</script>&"
MODEL = person(3)
TRIAL = recording(3, MODEL)


def evil_fit() -> refnms.Calibration:
    names = dict(zip(MODEL.muscle_names, (EVIL, "b", "c"), strict=True))
    model = replace(MODEL, muscle_names=tuple(names.values()), dof_names=(EVIL, "ankle"))
    free = Packing(model, [Free("strength_coefficient", (0.1, 9.0))])
    trials = [replace(TRIAL, name=EVIL)]
    return refnms.calibrate(model, trials, free, budget=refnms.Budget(evaluations=2))


def records() -> list[object]:
    fit = evil_fit()
    trial = fit.objective.trials[0]
    doubt = refnms.Uncertainty(
        fit.packing, fit.objective.profile, fit.result.x, np.eye(3), np.eye(3), np.ones(2)
    )
    return [fit, fit.model, fit.packing, fit.result, fit.result.history, trial, doubt,
            simulate(fit.model, trial)]  # fmt: skip


def test_a_record_is_one_short_line_and_its_page_has_no_markup_of_a_name():
    for record in records():
        line = repr(record)
        assert line.startswith(f"<{type(record).__name__}") and line.endswith(">")
        assert "\n" not in line and "array(" not in line and len(line) < 400
        if hasattr(record, "_repr_html_"):
            shown = record._repr_html_()
            assert "<script" not in shown and "&lt;script&gt;" in shown and "<table" in shown


def test_a_line_tells_the_numbers_of_the_record():
    assert repr(MODEL).startswith("<Model: 3 muscles, 2 degrees of freedom (knee, ankle), 3 EMG")
    frames, rate = len(TRIAL.time), 1.0 / np.median(np.diff(TRIAL.time))
    assert f"{frames} frames from {TRIAL.time[0]:g}" in repr(TRIAL)
    assert f"at {rate:.4g} Hz; 3 muscles" in repr(TRIAL)
    few = replace(TRIAL, scored=np.arange(frames) < 7)
    assert ", 7 of them scored;" in repr(few) and "scored" not in repr(TRIAL)
    assert "no moments" in repr(replace(TRIAL, moment=None))


def test_a_long_table_is_cut_and_says_so():
    long = by_name("row", [str(n) for n in range(MOST_ROWS + 3)], {"x": np.zeros(MOST_ROWS + 3)})
    assert "and 3 more rows" in page("line", long)
    assert "more rows" not in page("line", long.head(MOST_ROWS))


def test_numbers_in_a_page_have_four_digits_and_none_is_a_dash():
    shown = page("line", by_name("row", ["a", "b"], {"x": [1.23456789, np.nan]}))
    assert ">1.235<" in shown and f">{BLANK}<" in shown


def test_frames_keep_names_and_numbers():
    frame = over_time(np.array([0.0, 0.5]), ["b", "a"], np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert frame.index.name == "time" and list(frame.columns) == ["b", "a"]
    assert frame.loc[0.5, "a"] == 4.0
    both = side_by_side(("dof", "signal"), {"old": frame, "new": 10.0 * frame})
    assert list(both.columns) == [("b", "old"), ("b", "new"), ("a", "old"), ("a", "new")]
    assert both.loc[0.5, ("b", "new")] == 30.0
    all_of_them = stacked("trial", {"walk": both, "run": both})
    assert all_of_them.index.names == ["trial", "time"]
    assert all_of_them.loc[("run", 0.0), ("a", "new")] == 20.0


@pytest.mark.parametrize(
    ("number", "noun", "words"),
    [(1, "muscle", "1 muscle"), (2, "degree of freedom", "2 degrees of freedom")],
)
def test_nouns_agree_with_their_number(number, noun, words):
    assert count(number, noun) == words


def test_many_names_are_not_all_listed():
    assert listed(["a", "b"]) == "a, b"
    assert listed([str(n) for n in range(7)]) == "0, 1, 2, 3 and 3 more"
