"""Calibrations of several steps: each begins where the last one ended, and all can be resumed."""

from __future__ import annotations

import numpy as np
import pytest
from project import STEP, STRENGTH, calibration

from refnms.errors import InputError
from refnms.io.execution import Annealing
from refnms.io.subject import read_subject
from refnms.job import calibrate_setup
from refnms.optimize import Budget, CoranaAnnealing, Status
from refnms.steps import Settings, annealing_of, run_steps
from refnms.task import read_task

SLACK = """<parameter><name>tendonSlackLength</name><single/>
<relativeToSubjectValue><range>0.97 1.03</range></relativeToSubjectValue></parameter>"""
KNEE = STEP.replace("knee ankle", "knee")
BOTH = STEP.replace(STRENGTH, SLACK)


@pytest.fixture
def two_steps(project):
    """Strengths on the knee, then tendons on both."""
    (project / "calibration.xml").write_text(calibration(KNEE, BOTH))
    return project


def test_each_step_begins_where_the_last_one_ended(two_steps):
    task = read_task(two_steps / "calibrate.xml", "native")
    first, second = run_steps(task, Settings(), None, two_steps)
    assert first.done.packing.model is task.model
    assert second.done.packing.model is first.done.model
    assert (first.task.dofs, second.task.dofs) == (("knee",), ("knee", "ankle"))
    assert first.done.final < first.done.initial and second.done.final <= second.done.initial
    strength = second.done.model.muscles.strength_coefficient
    np.testing.assert_array_equal(strength, first.done.model.muscles.strength_coefficient)


def test_the_result_is_that_of_the_last_step_and_all_are_told(two_steps):
    done = calibrate_setup(two_steps / "calibrate.xml", out=two_steps / "out")
    steps = done.summary["steps"]
    assert [step["dofs"] for step in steps] == [["knee"], ["knee", "ankle"]]
    assert done.summary["evaluations"] == sum(step["evaluations"] for step in steps)
    assert done.summary["objective"]["final"] == steps[-1]["final"]
    task = read_task(two_steps / "calibrate.xml", "native")
    wanted = run_steps(task, Settings(), None, two_steps)[-1].done.model
    written = read_subject(two_steps / "out" / "calibrated.xml")
    np.testing.assert_array_equal(np.array(written.muscles), wanted.table())


@pytest.mark.parametrize("cut", [2, 1000])
def test_a_run_is_continued_in_whichever_step_it_ended(two_steps, cut):
    """In the first, or in the second: its budget is that of both."""
    whole = calibrate_setup(two_steps / "calibrate.xml", out=two_steps / "whole").summary
    first = whole["steps"][0]["evaluations"]
    budget = Budget(evaluations=min(cut, first + 1))
    setup, out = two_steps / "calibrate.xml", two_steps / "out"
    part = calibrate_setup(setup, Settings(budget=budget), out=out).summary
    assert part["status"] == Status.BUDGET.value
    assert len(part["steps"]) == (1 if cut == 2 else 2)
    again = calibrate_setup(setup, Settings(resume=True), out=out).summary
    assert again["objective"] == whole["objective"]
    assert again["evaluations"] == whole["evaluations"]


def test_annealing_takes_the_settings_of_the_file(project):
    file = Annealing(4, 0.3, 20.0, 15, 5, 1e-5, 200)
    wanted = CoranaAnnealing(0.3, 20.0, 15, 5, 4, 1e-5, 200, random="msvc")
    assert annealing_of(file, "msvc") == wanted
    text = calibration().replace("<NS>15</NS><NT>5</NT>", "<NS>2</NS><NT>3</NT>")
    (project / "calibration.xml").write_text(text.replace("200001", "1"))
    runs = [
        calibrate_setup(
            project / "calibrate.xml",
            Settings(profile="ceinms-0.9", method="corana", random=random),
            out=project / "out",
        ).summary
        for random in ("glibc", "msvc")
    ]
    assert [run["evaluations"] for run in runs] == [18, 18]
    assert runs[0]["objective"]["final"] != runs[1]["objective"]["final"]
    for run in runs:  # CEINMS's own objective, to the last digits
        assert run["objective"]["final"] == pytest.approx(run["objective"]["ceinms"], rel=1e-9)


@pytest.mark.parametrize("other", [{"uncertainty": True}, {"prior": 1.0}, {"prior": None}])
def test_annealing_has_no_derivatives(other):
    with pytest.raises(InputError, match="`corana` minimises CEINMS's own objective"):
        Settings(method="corana", **other)
