"""Calibrations of a small project: what the files ask for, what comes out, what is refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from project import (
    CALIBRATION_SETUP,
    STEP,
    calibration,
)

from refnms import job
from refnms.errors import InputError, InputWarning
from refnms.io.files import MARKER
from refnms.io.storage import read_storage
from refnms.io.subject import read_model
from refnms.job import Settings, calibrate_setup
from refnms.objective import Objective
from refnms.optimize import Budget
from refnms.task import read_task

SHORT = Settings(budget=Budget(evaluations=3))


def test_a_calibration_finds_what_was_changed(project):
    done = calibrate_setup(project / "calibrate.xml", out=project / "out")
    assert done.summary["objective"]["final"] < 1e-3 * done.summary["objective"]["initial"]
    again = read_model(project / "out/calibrated.xml", project / "excitationGenerator.xml")
    np.testing.assert_allclose(again.muscles.strength_coefficient, 1.4, rtol=0.02)


def test_only_the_step_s_degrees_of_freedom_are_followed(project):
    step = STEP.replace("knee ankle", "ankle")
    (project / "calibration.xml").write_text(calibration(step))
    done = calibrate_setup(project / "calibrate.xml", settings=SHORT, out=project / "out")
    task = read_task(project / "calibrate.xml", "native")
    wanted = Objective(task.packing, task.recordings("calibration"), dofs=["ankle"])
    assert done.summary["objective"]["initial"] == wanted.value(task.packing.start)


def test_without_a_place_to_write_the_subject_goes_where_the_setup_says(project):
    done = calibrate_setup(
        project / "calibrate.xml", settings=SHORT, tests=[project / "jump/trial.xml"]
    )
    assert (project / "results" / "calibrated.xml").exists()
    assert done.folder == project / "results" / "calibrated_results"
    assert {"walk", "run", "jump", MARKER} <= {p.name for p in done.folder.iterdir()}
    both = [
        p.read_text() for p in (project / "results", done.folder) for p in [p / "calibrated.xml"]
    ]
    assert both[0].count("<mtu>") == both[1].count("<mtu>") > 0


def test_written_and_returned_summaries_agree(project):
    done = calibrate_setup(project / "calibrate.xml", settings=SHORT, out=project / "out")
    assert json.loads((project / "out" / MARKER).read_text()) == done.summary
    assert not done.interrupted and done.failure is None
    assert done.summary["status"] == "budget used up"
    assert done.summary["evaluations"] == 3


def test_the_figure_shows_before_and_after_where_matplotlib_is(project, monkeypatch):
    shown: list[Any] = []
    monkeypatch.setattr(
        job.calibrate,
        "moment_figure",
        lambda path, dofs, tracking: shown.append((path.name, tracking)),
    )
    calibrate_setup(
        project / "calibrate.xml",
        settings=SHORT,
        tests=[project / "jump/trial.xml"],
        out=project / "o",
    )
    ((name, tracking),) = shown
    assert name == "moments.png"
    roles = [(trial.name, trial.held_out) for trial in tracking]
    assert roles == [("walk", False), ("run", False), ("jump", True)]
    assert not np.array_equal(tracking[0].before, tracking[0].after)


def test_without_matplotlib_there_is_no_figure_and_no_complaint(project, monkeypatch):
    def missing(*_: Any) -> None:
        raise ImportError("No module named 'matplotlib'")

    monkeypatch.setattr(job.calibrate, "moment_figure", missing)
    calibrate_setup(project / "calibrate.xml", settings=SHORT, out=project / "out")
    assert not (project / "out" / "moments.png").exists()
    assert (project / "out" / MARKER).exists()


def test_where_ceinms_refuses_a_trial_there_is_no_score_in_its_terms(project):
    """Its pairing needs an EMG row for every frame; interpolation does not."""
    for name in ("walk", "run"):
        path = project / name / "emg.sto"
        header, _, rows = path.read_text().partition("endheader\n")
        labels, *lines = rows.splitlines()
        kept = lines[::5]
        header = header.replace(f"nRows={len(lines)}", f"nRows={len(kept)}")
        path.write_text("\n".join([f"{header}endheader", labels, *kept, ""]))
    with pytest.warns(InputWarning, match=r"no score in CEINMS's terms: .*slower than the frames"):
        done = calibrate_setup(project / "calibrate.xml", settings=SHORT, out=project / "out")
    scores = [done.summary["objective"][k] for k in ("ceinms", "ceinms_moment", "ceinms_penalty")]
    assert scores == [None, None, None]
    assert '"ceinms": null' in (project / "out" / MARKER).read_text()


def test_a_diverged_calibration_is_written_and_told(project, monkeypatch):
    plain, calls = Objective.gradient, iter(range(100))

    def diverging(self: Any, x: Any, progress: float = 1.0) -> Any:
        value, gradient = plain(self, x, progress)
        return (np.nan if next(calls) == 6 else value), gradient

    monkeypatch.setattr(Objective, "gradient", diverging)
    adamw = Settings(method="adamw")
    done = calibrate_setup(project / "calibrate.xml", adamw, out=project / "out")
    told = "no longer finite after 5 evaluations; the best point before was written"
    assert done.failure is not None and told in done.failure
    summary = json.loads((project / "out" / MARKER).read_text())
    assert summary["status"] == "diverged"
    assert summary["objective"]["final"] < summary["objective"]["initial"]
    assert (project / "out" / "calibrated.xml").exists()


def test_a_run_that_ended_early_is_resumed_to_the_same_bits(project):
    whole = calibrate_setup(project / "calibrate.xml", out=project / "whole")
    cut = calibrate_setup(project / "calibrate.xml", SHORT, out=project / "out")
    assert cut.summary["evaluations"] == 3 and (project / "out" / "history.npz").exists()
    resumed = calibrate_setup(project / "calibrate.xml", Settings(resume=True), out=project / "out")
    for key in ("evaluations", "objective", "trials", "status"):
        assert resumed.summary[key] == whole.summary[key]
    subjects = [(project / name / "calibrated.xml").read_bytes() for name in ("whole", "out")]
    assert subjects[0] == subjects[1]
    assert not (project / "out" / "history.npz").exists()


def test_what_is_not_there_or_not_the_same_cannot_be_resumed(project):
    again = Settings(resume=True)
    with pytest.raises(InputError, match=r"history\.npz: no run to resume"):
        calibrate_setup(project / "calibrate.xml", again, out=project / "out")
    calibrate_setup(project / "calibrate.xml", SHORT, out=project / "out")
    (project / "calibration.xml").write_text(calibration(STEP.replace("0.4 2.5", "0.4 2.4")))
    with pytest.raises(InputError, match=r"history\.npz: cannot be resumed, since evaluation \d"):
        calibrate_setup(project / "calibrate.xml", again, out=project / "out")
    (project / "calibration.xml").write_text(calibration(trials="walk/trial.xml"))
    with pytest.raises(InputError, match="since the objective is another one"):
        calibrate_setup(project / "calibrate.xml", again, out=project / "out")
    assert (project / "out" / "history.npz").exists()


def test_several_starts_are_told(project):
    done = calibrate_setup(project / "calibrate.xml", Settings(starts=3), out=project / "out")
    assert len(done.summary["starts"]) == 4  # two tried, one followed, one near the best
    assert min(done.summary["starts"]) == done.summary["objective"]["final"]


def test_a_prior_can_be_given_or_chosen(project):
    given = calibrate_setup(project / "calibrate.xml", Settings(prior=10.0), out=project / "a")
    plain = calibrate_setup(project / "calibrate.xml", out=project / "b")
    assert given.summary["objective"]["final"] > plain.summary["objective"]["final"]
    chosen = calibrate_setup(project / "calibrate.xml", Settings(prior=None), out=project / "c")
    choice = chosen.summary["prior"]
    best = min(choice["left_out_error"].items(), key=lambda pair: pair[1])
    assert float(best[0]) == choice["weight"]
    assert "prior" not in plain.summary


def test_uncertainty_is_written_when_asked_for(project):
    done = calibrate_setup(
        project / "calibrate.xml",
        Settings(uncertainty=True),
        tests=[project / "jump/trial.xml"],
        out=project / "out",
    )
    doubt = done.summary["uncertainty"]
    task = read_task(project / "calibrate.xml", "native")
    assert list(doubt["parameters"]) == task.packing.names
    for name, of in doubt["parameters"].items():
        assert of["low"] <= of["center"] <= of["high"] and of["deviation"] > 0.0, name
    assert set(doubt["noise"]) == {"knee", "ankle"}
    for trial in ("walk", "jump"):
        deviation = read_storage(project / "out" / trial / "TorqueDeviations.sto")
        moments = read_storage(project / "out" / trial / "Torques.sto")
        assert deviation.data.shape == moments.data.shape and (deviation.data >= 0.0).all()
    assert json.loads((project / "out" / MARKER).read_text()) == done.summary


def test_the_setup_s_subject_may_lie_anywhere(project):
    text = CALIBRATION_SETUP.replace("results/calibrated.xml", "../elsewhere/mine.xml")
    (project / "calibrate.xml").write_text(text)
    done = calibrate_setup(project / "calibrate.xml", settings=SHORT)
    assert (project.parent / "elsewhere" / "mine.xml").exists()
    assert done.folder.name == "mine_results"


def test_the_output_subject_is_not_one_that_is_read(project):
    text = CALIBRATION_SETUP.replace("results/calibrated.xml", "subject.xml")
    (project / "calibrate.xml").write_text(text)
    with pytest.raises(InputError, match="the output subject is a file that is read"):
        calibrate_setup(project / "calibrate.xml", settings=SHORT)


def test_the_figure_shows_the_frames_that_count(project, monkeypatch):
    trial = project / "walk" / "trial.xml"
    window = "<startStopTime>0.1 0.3</startStopTime></inputData>"
    trial.write_text(trial.read_text().replace("</inputData>", window))
    shown: list[Any] = []
    monkeypatch.setattr(
        job.calibrate, "moment_figure", lambda path, dofs, tracking: shown.extend(tracking)
    )
    calibrate_setup(project / "calibrate.xml", settings=SHORT, out=project / "out")
    time = shown[0].time
    assert time[0] >= 0.1 - 1e-4 and time[-1] <= 0.3 + 1e-4 and len(shown[0].measured) == len(time)
