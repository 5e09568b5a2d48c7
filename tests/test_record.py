"""The record of a calibration says what its page needs, in the calibration's own numbers."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from project import STEP, STRENGTH, calibration

from refnms.io.storage import read_storage
from refnms.io.subject import read_model
from refnms.job import calibrate_setup, run
from refnms.optimize import Budget, History
from refnms.record import _descent
from refnms.simulation import simulate
from refnms.steps import Settings
from refnms.task import read_task

SHORT = Settings(budget=Budget(evaluations=3))


@pytest.fixture
def out(project):
    return project / "out"


def record_of(out) -> dict[str, Any]:
    return json.loads((out / "details" / "record.json").read_text())


def test_parameters_stand_before_and_after_inside_their_bounds(project, out):
    done = calibrate_setup(project / "calibrate.xml", SHORT, out=out)
    subject, generator = project / "subject.xml", project / "excitationGenerator.xml"
    before = read_model(subject, generator).muscles.strength_coefficient
    after = read_model(out / "calibrated.xml", generator).muscles.strength_coefficient
    found = record_of(out)["parameters"]
    assert [p["field"] for p in found] == ["strength_coefficient"] * len(before)
    np.testing.assert_array_equal([p["before"] for p in found], before)
    np.testing.assert_array_equal([p["after"] for p in found], after)
    assert {(p["lower"], p["upper"]) for p in found} == {(0.4, 2.5)}
    hits = [p["name"] for p in found if p["on_bound"]]
    assert hits == done.summary["bound_hits"]


def test_terms_add_up_to_the_objective(project, out):
    done = calibrate_setup(project / "calibrate.xml", SHORT, out=out)
    terms = record_of(out)["terms"]
    for key, whole in (("before", "initial"), ("after", "final")):
        assert sum(t[key] for t in terms) == pytest.approx(done.summary["objective"][whole])
    assert [t["name"] for t in terms] == ["moment error", "fiber length range"]


def test_the_search_goes_down_to_the_objective(project, out):
    done = calibrate_setup(project / "calibrate.xml", SHORT, out=out)
    (descent,) = record_of(out)["runs"]
    assert descent["evaluations"][-1] == done.summary["evaluations"] == 3
    assert descent["objective"][-1] == done.summary["objective"]["final"]
    assert descent["objective"] == sorted(descent["objective"], reverse=True)


def test_a_descent_keeps_what_got_better_and_the_end():
    values = np.array([np.inf, 5.0, 7.0, 3.0, 3.0, 4.0])
    history = History(np.arange(1, 7), 0.1 * np.arange(6), values, np.zeros(6, np.uint64), values)
    assert _descent(history) == {
        "evaluations": [2, 4, 6],
        "seconds": pytest.approx([0.1, 0.3, 0.5]),
        "objective": [5.0, 3.0, 3.0],
    }
    nothing = np.empty(0)
    empty = History(nothing.astype(int), nothing, nothing, nothing.astype(np.uint64), nothing)
    assert _descent(empty)["objective"] == []


def test_signals_to_compare_with_are_those_of_the_uncalibrated_model(project, out):
    calibrate_setup(project / "calibrate.xml", SHORT, [project / "jump/trial.xml"], out)
    task = read_task(project / "calibrate.xml", "native", [project / "jump/trial.xml"])
    fits = record_of(out)["fits_before"]
    for name, (_, trial) in task.trials.items():
        expected = simulate(task.model, trial)
        folder = out / "details" / name
        for file, data in (
            ("UncalibratedTorques", expected.moment),
            ("MeasuredTorques", trial.moment),
            ("Excitations", expected.excitation),
            (
                "UncalibratedNormFiberLengths",
                expected.fiber_length / task.model.muscles.optimal_fiber_length,
            ),
        ):
            table = read_storage(folder / f"{file}.sto")
            np.testing.assert_allclose(table.data, data, rtol=1e-12, atol=1e-12)
        error = np.sqrt(np.mean((expected.moment - trial.moment) ** 2, axis=0))
        assert [fit["rmse"] for fit in fits[name].values()] == pytest.approx(error.tolist())


def test_several_steps_count_from_the_subject_as_it_was(project, out):
    second = STEP.replace(STRENGTH, STRENGTH.replace("0.4 2.5", "0.5 2.0"))
    (project / "calibration.xml").write_text(calibration(STEP, second))
    budget = Settings(budget=Budget(evaluations=400))
    calibrate_setup(project / "calibrate.xml", budget, out=out)
    found = record_of(out)
    assert len(found["runs"]) == 2
    assert {(p["lower"], p["upper"]) for p in found["parameters"]} == {(0.5, 2.0)}
    subject = read_model(project / "subject.xml", project / "excitationGenerator.xml")
    before = [p["before"] for p in found["parameters"]]
    np.testing.assert_array_equal(before, subject.muscles.strength_coefficient)


def test_settings_and_inputs_are_told(project, out):
    calibrate_setup(project / "calibrate.xml", SHORT, out=out)
    found = record_of(out)
    assert found["settings"]["method"] == "lm" and found["settings"]["evaluations"] == 3
    files = [f["file"] for f in found["provenance"]["inputs"]]
    assert {"subject.xml", "walk/emg.sto", "run/trial.xml"} <= {*files}
    assert found["fiber_length_range"] == [0.5005, 1.4995]


def test_a_run_leaves_what_its_moments_are_compared_with(project, out):
    run(project / "run.xml", out=out)
    assert {p.stem for p in (out / "details" / "walk").iterdir()} == {
        "Excitations",
        "MeasuredTorques",
    }
    assert record_of(out)["windows"]["walk"][0] < record_of(out)["windows"]["walk"][1]
