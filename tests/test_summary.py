"""The numbers of `refnms.json`: all that the page of files names, and nothing that JSON lacks."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
from people import person, recording
from project import calibration

from refnms import __version__, summary
from refnms.calibration import Calibration, calibrate
from refnms.errors import InputWarning
from refnms.fit import fit
from refnms.optimize import Budget, LevenbergMarquardt, MultiStart
from refnms.parameters import Free, Packing
from refnms.physics.profiles import NATIVE
from refnms.physics.types import Flag
from refnms.resampling import PriorChoice
from refnms.score import ceinms_objective
from refnms.simulation import Simulation, simulate, simulate_all
from refnms.steps import Stepped
from refnms.task import Task, read_task
from refnms.uncertainty import Uncertainty, uncertainty_of

MODEL = person(8)
TRIAL = recording(0, MODEL, 30, name="walk")
SIMULATION = simulate(MODEL, TRIAL)


def plain(found: dict[str, Any]) -> dict[str, Any]:
    """As it comes back from the file; the same, and with no number that JSON lacks."""
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    return found


# ---- run ----


def test_a_run_says_profile_trials_flags_and_version():
    found = plain(summary.of_run(MODEL, "ceinms-0.9", TRIAL, SIMULATION))
    assert set(found) == {"profile", "trials", "flags", "version"}
    assert found["profile"] == "ceinms-0.9" and found["version"] == __version__
    assert found["trials"] == summary.of_trials(MODEL, {"walk": ("run", TRIAL)}, [SIMULATION])


def test_flags_are_counted_by_muscle_where_they_occur():
    flags = np.zeros_like(SIMULATION.flags)
    flags[2:5, 1] = Flag.FAILED
    flagged = replace(SIMULATION, flags=flags)
    found = plain(summary.of_run(MODEL, "native", TRIAL, flagged))
    assert found["flags"] == {"FAILED": {"muscle_1": 3}}


def test_trials_have_their_role_and_the_fit_of_each_degree_of_freedom():
    other = recording(1, MODEL, 20, name="jump")
    trials = {"walk": ("calibration", TRIAL), "jump": ("test", other)}
    runs = simulate_all(MODEL, [TRIAL, other])
    found = plain(summary.of_trials(MODEL, trials, runs))
    assert {name: of["role"] for name, of in found.items()} == {
        "walk": "calibration",
        "jump": "test",
    }
    for trial, run in ((TRIAL, runs[0]), (other, runs[1])):
        for d, dof in enumerate(MODEL.dof_names):
            wanted = fit(trial.moment[:, d], run.moment[:, d])
            assert found[trial.name]["dofs"][dof] == asdict(wanted)


def test_a_simulation_for_each_trial_is_asked_for():
    with pytest.raises(ValueError, match="zip"):
        summary.of_trials(MODEL, {"walk": ("run", TRIAL)}, [])


def test_what_a_constant_moment_leaves_undefined_is_null():
    still = replace(TRIAL, moment=np.zeros_like(TRIAL.moment))
    found = plain(summary.of_trials(MODEL, {"walk": ("run", still)}, [SIMULATION]))
    for of in found["walk"]["dofs"].values():
        assert of["r2"] is None and of["nrmse"] is None and of["rmse"] > 0.0


def test_a_trial_without_measured_moments_has_no_fit():
    blind = replace(TRIAL, moment=None)
    found = plain(summary.of_trials(MODEL, {"walk": ("run", blind)}, [SIMULATION]))
    assert found == {"walk": {"role": "run", "dofs": {}}}


# ---- calibration ----


def calibrated(project, method=None, **options) -> tuple[Task, Calibration, list[Simulation]]:
    task = read_task(project / "calibrate.xml", "native", [project / "jump" / "trial.xml"])
    trials = task.recordings("calibration")
    done = calibrate(task.model, trials, task.packing, method, **options)
    return task, done, simulate_all(done.model, task.recordings("calibration", "test"))


def test_a_calibration_says_all_that_the_page_of_files_names(project):
    task, done, runs = calibrated(project, budget=Budget(3))
    found = plain(summary.of_calibration([Stepped(task, done, None)], "adamw", runs))
    assert set(found) == {
        *("method", "profile", "status", "seconds", "evaluations", "starts", "objective"),
        *("trials", "bound_hits", "flags", "version"),
    }
    assert (found["method"], found["profile"], found["version"]) == ("adamw", "native", __version__)
    assert (found["status"], found["evaluations"]) == ("budget used up", 3)
    assert found["seconds"] == done.result.seconds and found["starts"] == []
    roles = [(name, of["role"]) for name, of in found["trials"].items()]
    assert roles == [("walk", "calibration"), ("run", "calibration"), ("jump", "test")]


def test_its_objective_is_ours_before_and_after_and_ceinmss_of_the_result(project):
    task, done, runs = calibrated(project, budget=Budget(3))
    found = summary.of_calibration([Stepped(task, done, None)], "lm", runs)["objective"]
    trials = task.recordings("calibration")
    assert found["initial"] == done.objective.value(task.packing.start)
    assert found["final"] == done.objective.value(done.result.x) < found["initial"]
    score = ceinms_objective(done.model, trials)
    assert found["ceinms_moment"] == pytest.approx(score.moment, rel=1e-9)
    assert found["ceinms_penalty"] == pytest.approx(score.penalty, rel=1e-9)
    assert found["ceinms"] == found["ceinms_moment"] + found["ceinms_penalty"]


def test_ceinmss_objective_is_that_of_the_degrees_of_freedom_of_the_step(project):
    both = calibrated(project, budget=Budget(1))
    text = (project / "calibration.xml").read_text().replace("knee ankle", "ankle")
    (project / "calibration.xml").write_text(text)
    one = calibrated(project, budget=Budget(1))
    scores = [
        summary.of_calibration([Stepped(c[0], c[1], None)], "lm", c[2])["objective"]["ceinms"]
        for c in (both, one)
    ]
    trials = both[0].recordings("calibration")
    assert scores[1] == pytest.approx(ceinms_objective(one[1].model, trials, ["ankle"]).total)
    assert scores[1] < scores[0]


def test_where_ceinms_refuses_a_trial_its_objective_is_null(project):
    task, done, runs = calibrated(project, budget=Budget(1))
    emg = project / "walk" / "emg.sto"
    header, _, rows = emg.read_text().partition("endheader\n")
    labels, *lines = rows.splitlines()
    header = header.replace(f"nRows={len(lines)}", f"nRows={len(lines[::5])}")
    emg.write_text("\n".join([f"{header}endheader", labels, *lines[::5], ""]))
    with pytest.warns(InputWarning, match="no score in CEINMS's terms: .*slower than the frames"):
        found = plain(summary.of_calibration([Stepped(task, done, None)], "lm", runs))["objective"]
    assert [found[k] for k in ("ceinms", "ceinms_moment", "ceinms_penalty")] == [None] * 3
    assert found["final"] == done.final


def test_what_was_warned_of_once_is_not_warned_of_again(project):
    """The score reads the trials anew; here any warning would be an error."""
    task, done, runs = calibrated(project, budget=Budget(1))
    emg = project / "walk" / "emg.sto"
    header, _, rows = emg.read_text().partition("endheader\n")
    labels, first, *lines = rows.splitlines()
    time, _, *others = first.split("\t")
    emg.write_text("\n".join([f"{header}endheader", labels, "\t".join([time, "1.2", *others])]))
    emg.write_text(emg.read_text() + "\n" + "\n".join([*lines, ""]))
    with pytest.warns(InputWarning):
        read_task(project / "calibrate.xml", "native")
    assert (
        summary.of_calibration([Stepped(task, done, None)], "lm", runs)["objective"]["ceinms"]
        is not None
    )


def test_each_of_several_starts_tells_its_end(project):
    task, done, runs = calibrated(project, MultiStart(LevenbergMarquardt(), 3, tried=4))
    found = plain(summary.of_calibration([Stepped(task, done, None)], "lm", runs))
    assert found["starts"] == [part.objective for part in done.result.parts]
    assert len(found["starts"]) == 4 and min(found["starts"]) == found["objective"]["final"]


def test_parameters_on_a_bound_are_named(project):
    """The strengths of the truth are 1.4."""
    step = calibration().replace("0.4 2.5", "0.4 1.3")
    (project / "calibration.xml").write_text(step)
    with pytest.warns(InputWarning, match="lies outside the bounds"):
        task, done, runs = calibrated(project)
    found = plain(summary.of_calibration([Stepped(task, done, None)], "lm", runs))
    assert found["bound_hits"] == task.packing.names


# ---- prior and uncertainty ----


def test_the_choice_of_a_prior_is_its_weight_and_the_mean_errors():
    choice = PriorChoice(
        np.array([0.0, 0.001, 1.0]), np.array([[3.0, 1.0], [1.0, 1.5], [4.0, 0.0]])
    )
    assert plain(summary.of_choice(choice)) == {
        "weight": 0.001,
        "left_out_error": {"0": 2.0, "0.001": 1.25, "1": 2.0},
    }


@pytest.fixture(scope="module")
def done() -> Calibration:
    rng = np.random.default_rng(3)
    moment = SIMULATION.moment + rng.normal(0.0, 0.5, SIMULATION.moment.shape)
    free = Packing(MODEL, [Free("strength_coefficient", (0.3, 3.0))])
    return calibrate(MODEL, [replace(TRIAL, moment=moment)], free)


def test_uncertainty_is_told_by_parameter(done):
    doubt = uncertainty_of(done)
    found = plain(summary.of_uncertainty(doubt, done))
    assert set(found) == {"parameters", "trade_offs", "undetermined", "noise"}
    low, high = doubt.interval()
    for p, name in enumerate(done.packing.names):
        assert found["parameters"][name] == {
            "value": done.result.x[p],
            "center": doubt.center[p],
            "deviation": doubt.deviation[p],
            "low": low[p],
            "high": high[p],
        }
    assert list(found["parameters"]) == done.packing.names
    assert found["noise"] == dict(zip(MODEL.dof_names, doubt.noise, strict=True))


def test_trade_offs_and_what_is_undetermined_are_told_in_words(done):
    """Wide deviations, and the first two parameters alike."""
    correlation = np.eye(3)
    correlation[0, 1] = correlation[1, 0] = -0.99
    doubt = Uncertainty(
        done.packing, NATIVE, done.result.x, np.eye(3), correlation, np.array([1.0, 2.0])
    )
    found = plain(summary.of_uncertainty(doubt, done))
    assert found["undetermined"] == done.packing.names
    assert found["trade_offs"] == doubt.trade_offs() and len(doubt.trade_offs()) == 1


def test_a_degree_of_freedom_that_does_not_count_has_no_noise(done):
    doubt = Uncertainty(
        done.packing, NATIVE, done.result.x, np.eye(3), np.eye(3), np.array([np.nan, 2.0])
    )
    assert plain(summary.of_uncertainty(doubt, done))["noise"] == {"ankle": 2.0}


def test_a_start_without_a_finite_value_is_null(project):
    task = read_task(project / "calibrate.xml", "native")
    trials = task.recordings("calibration")
    done = calibrate(task.model, trials, task.packing, budget=Budget(2))
    part = replace(done.result, objective=math.inf)
    done = replace(done, result=replace(done.result, parts=(part,)), initial=math.nan)
    found = summary.of_calibration(
        [Stepped(task, done, None)], "lm", simulate_all(done.model, trials)
    )
    assert found["starts"] == [None] and found["objective"]["initial"] is None
    json.dumps(found, allow_nan=False)
