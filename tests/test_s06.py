"""The main job on measured data: calibrate on three windows of a treadmill session, predict six.

The reference is CEINMS 0.9's own calibration of the same files: what it reached stands in the
README of the data.
"""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refnms import __version__, cli
from refnms.fit import fits
from refnms.io.storage import read_storage
from refnms.io.subject import read_model
from refnms.physics.profiles import ceinms_0_9
from refnms.physics.types import Flag
from refnms.score import ceinms_objective
from refnms.simulation import simulate_all
from refnms.task import Task, read_task

CALIBRATION = ("walk36_a", "walk45_a", "run81_a")
TEST = ("walk36_b", "walk36_c", "walk45_b", "walk45_c", "run81_b", "run81_c")
KNEE, ANKLE = DOFS = ("knee_angle_r", "ankle_angle_r")
# What CEINMS reached: RMSE [N.m] and R2 of the knee, then of the ankle.
REFERENCE = {
    "walk36_a": ((3.26, 0.872), (11.02, 0.854)),
    "walk45_a": ((5.08, 0.785), (13.03, 0.789)),
    "run81_a": ((13.64, 0.883), (16.97, 0.853)),
    "walk36_b": ((4.26, 0.797), (10.72, 0.856)),
    "walk36_c": ((4.10, 0.796), (11.41, 0.847)),
    "walk45_b": ((5.39, 0.759), (12.16, 0.803)),
    "walk45_c": ((5.86, 0.699), (13.22, 0.788)),
    "run81_b": ((12.77, 0.896), (18.14, 0.843)),
    "run81_c": ((16.63, 0.785), (16.41, 0.872)),
}
SIGNALS = {
    "Activations",
    "FiberLenghts",
    "FiberVelocities",
    "MuscleForces",
    "NormFiberLengths",
    "NormFiberVelocities",
    "PennationAngles",
    "Torques",
}


def refnms(*arguments: str | Path) -> tuple[int, str]:
    """Exit code and standard output of one command."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()):
        code = cli.main([str(a) for a in arguments])
    return code, output.getvalue()


@pytest.fixture(scope="module")
def data(shared: Path) -> Path:
    return shared / "s06_calibration"


@pytest.fixture(scope="module")
def task(data: Path) -> Task:
    tests = [data / name / "trial.xml" for name in TEST]
    return read_task(data / "calibrationSetup.xml", "ceinms-0.9", tests)


# ---- what CEINMS found, scored by us ----


@pytest.fixture(scope="module")
def reference(data: Path) -> Any:
    return read_model(
        data / "reference" / "ceinms09_calibrated.xml", data / "excitationGenerator.xml"
    )


def test_the_optimum_of_ceinms_has_the_objective_that_ceinms_gave_it(task, reference):
    score = ceinms_objective(reference, task.recordings("calibration"))
    assert round(score.total, 5) == 0.95925
    assert score.penalty == 0.0


def test_the_uncalibrated_subject_has_the_moment_error_that_ceinms_gave_it(task):
    assert round(ceinms_objective(task.model, task.recordings("calibration")).moment, 3) == 4.756


def test_moments_of_ceinms_s_optimum_fit_as_well_as_ceinms_s(task, reference):
    trials = task.recordings("calibration", "test")
    runs = simulate_all(
        reference, trials, ceinms_0_9(tolerance=1e-9)
    )  # as that run of CEINMS had it
    for trial, run in zip(trials, runs, strict=True):
        for dof, (rmse, r2) in zip(DOFS, REFERENCE[trial.name], strict=True):
            found = fits(reference, trial, run)[dof]
            assert (round(found.rmse, 2), round(found.r2 or 0.0, 3)) == (rmse, r2), trial.name


# ---- what we find ----


@pytest.fixture(scope="module")
def calibrated(data: Path, tmp_path_factory: Any) -> tuple[dict[str, Any], Path]:
    """The summary that was printed and the folder that was written."""
    out = tmp_path_factory.mktemp("s06") / "out"
    tests = [a for name in TEST for a in ("--test", data / name / "trial.xml")]
    setup = data / "calibrationSetup.xml"
    arguments = [*tests, "--profile", "ceinms-0.9", "--out", out, "--json"]
    code, printed = refnms("calibrate", setup, *arguments)
    assert code == 0
    return json.loads(printed, parse_constant=refuse), out


def refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def mean_r2(summary: dict[str, Any], dof: str) -> float:
    return float(np.mean([summary["trials"][name]["dofs"][dof]["r2"] for name in TEST]))


def test_the_objective_ends_where_ceinms_takes_ninety_thousand_evaluations(calibrated):
    """CEINMS has 0.97 there. Rounding decides which of the minima of 0.969 to 0.977 is found, so
    another engine or processor may find another; validation/02 has the bar of 0.975."""
    objective = calibrated[0]["objective"]
    assert objective["ceinms"] <= 0.98
    assert objective["ceinms_penalty"] == 0.0
    assert objective["final"] < 0.25 * objective["initial"]


def test_unseen_moments_are_predicted(calibrated):
    """CEINMS's own calibration has .789 and .835."""
    assert mean_r2(calibrated[0], KNEE) >= 0.785
    assert mean_r2(calibrated[0], ANKLE) >= 0.83


NUMBER, MAYBE = (float, int), (float, int, type(None))
SCHEMA = {
    "method": str,
    "profile": str,
    "status": str,
    "seconds": NUMBER,
    "evaluations": int,
    "starts": list,
    "objective": dict,
    "trials": dict,
    "bound_hits": list,
    "flags": dict,
    "version": str,
}
OBJECTIVE = ("initial", "final", "ceinms", "ceinms_moment", "ceinms_penalty")


def test_the_summary_has_its_keys_and_types(calibrated):
    summary = calibrated[0]
    assert set(summary) == set(SCHEMA)
    assert all(isinstance(summary[key], kind) for key, kind in SCHEMA.items())
    assert set(summary["objective"]) == set(OBJECTIVE)
    assert all(isinstance(v, NUMBER) for v in summary["objective"].values())
    assert set(summary["trials"]) == {*CALIBRATION, *TEST}
    for name, trial in summary["trials"].items():
        assert set(trial) == {"role", "dofs"} and set(trial["dofs"]) == set(DOFS)
        assert trial["role"] == ("calibration" if name in CALIBRATION else "test")
        for fit in trial["dofs"].values():
            assert set(fit) == {"rmse", "nrmse", "r2"}
            assert isinstance(fit["rmse"], NUMBER)
            assert isinstance(fit["nrmse"], MAYBE) and isinstance(fit["r2"], MAYBE)
    assert all(isinstance(name, str) for name in summary["bound_hits"])
    for flag, muscles in summary["flags"].items():
        assert flag in Flag.__members__ and all(isinstance(n, int) for n in muscles.values())


def test_the_summary_says_what_was_done(calibrated):
    summary = calibrated[0]
    assert summary["method"] == "lm" and summary["profile"] == "ceinms-0.9"
    assert summary["version"] == __version__
    assert summary["status"] == "converged" and summary["starts"] == []
    assert 10 < summary["evaluations"] < 100
    objective = summary["objective"]
    parts = objective["ceinms_moment"] + objective["ceinms_penalty"]
    assert objective["ceinms"] == pytest.approx(parts, rel=1e-15)


def test_the_written_summary_is_the_printed_one(calibrated):
    summary, out = calibrated
    assert json.loads((out / "refnms.json").read_text("utf-8")) == summary


def test_every_signal_of_every_trial_is_written(calibrated):
    _, out = calibrated
    for name in (*CALIBRATION, *TEST):
        assert {p.stem for p in (out / name).iterdir()} == SIGNALS
    beside = {p.name for p in out.iterdir()} - {*CALIBRATION, *TEST}
    assert (
        {"refnms.json", "calibrated.xml"}
        <= beside
        <= {
            "refnms.json",
            "calibrated.xml",
            "moments.png",
            "report.html",
            "details",
        }
    )


def test_the_calibrated_subject_read_back_gives_the_same_moments(calibrated, data, task):
    summary, out = calibrated
    again = read_model(out / "calibrated.xml", data / "excitationGenerator.xml")
    trials = task.recordings("calibration", "test")
    for trial, run in zip(trials, simulate_all(again, trials, task.profile), strict=True):
        written = read_storage(out / trial.name / "Torques.sto")
        assert written.names == DOFS
        peak = np.max(np.abs(written.data), axis=0)
        assert np.max(np.abs(run.moment - written.data) / peak) < 1e-12
        for dof, fit in fits(again, trial, run).items():
            assert fit.r2 == pytest.approx(
                summary["trials"][trial.name]["dofs"][dof]["r2"], rel=1e-9
            )
    score = ceinms_objective(again, task.recordings("calibration"))
    assert score.total == pytest.approx(summary["objective"]["ceinms"], rel=1e-12)


def test_the_calibrated_values_lie_within_their_bounds(calibrated, data, task):
    summary, out = calibrated
    packing = task.packing
    again = read_model(out / "calibrated.xml", data / "excitationGenerator.xml").table()
    x = np.zeros(len(packing.start))
    x[packing.index[packing.index >= 0]] = again[packing.index >= 0]
    assert len(x) == 72
    assert (x >= packing.lower).all() and (x <= packing.upper).all()
    assert packing.at_bounds(x) == summary["bound_hits"]
    same = packing.index < 0
    np.testing.assert_array_equal(again[same], task.model.table()[same])


# ---- the native profile ----


def test_the_native_profile_calibrates_too(data, tmp_path):
    tests = [a for name in TEST for a in ("--test", data / name / "trial.xml")]
    setup = data / "calibrationSetup.xml"
    code, printed = refnms("calibrate", setup, *tests, "--out", tmp_path / "out", "--json")
    summary = json.loads(printed)
    assert code == 0 and summary["profile"] == "native"
    assert summary["objective"]["final"] < 0.25 * summary["objective"]["initial"]
    assert mean_r2(summary, KNEE) > 0.79 and mean_r2(summary, ANKLE) > 0.83


DELAY = (
    "<parameter><name>emDelay</name><global/><absolute><range>0.04 0.12</range></absolute>"
    "</parameter></parameterSet>"
)


@pytest.fixture
def with_delay(data: Path, tmp_path: Path) -> Path:
    """The setup, with the electromechanical delay free as well."""
    configuration = (data / "calibrationCfg.xml").read_text("utf-8")
    trials = "".join(f"{data / name / 'trial.xml'} " for name in CALIBRATION)
    head, _, tail = configuration.partition("<trialSet>")
    tail = tail.partition("</trialSet>")[2]
    configuration = f"{head.replace('</parameterSet>', DELAY)}<trialSet>{trials}</trialSet>{tail}"
    (tmp_path / "calibrationCfg.xml").write_text(configuration, "utf-8")
    for name in ("calibrationSetup.xml", "subject.xml", "excitationGenerator.xml"):
        (tmp_path / name).write_bytes((data / name).read_bytes())
    return tmp_path / "calibrationSetup.xml"


def test_the_published_method_gets_there_too(data, tmp_path):
    tests = [a for name in TEST for a in ("--test", data / name / "trial.xml")]
    arguments = (*tests, "--profile", "ceinms-0.9", "--method", "adamw", "--out", tmp_path / "out")
    code, printed = refnms("calibrate", data / "calibrationSetup.xml", *arguments, "--json")
    summary = json.loads(printed)
    assert (code, summary["method"]) == (0, "adamw")
    assert summary["objective"]["ceinms"] <= 1.0
    assert mean_r2(summary, KNEE) >= 0.75 and mean_r2(summary, ANKLE) >= 0.81


def test_a_free_delay_lowers_the_native_objective(with_delay, data, tmp_path):
    codes, finals = [], []
    for setup, out in ((data / "calibrationSetup.xml", "fixed"), (with_delay, "free")):
        code, printed = refnms("calibrate", setup, "--json", "--out", tmp_path / out)
        codes.append(code)
        finals.append(json.loads(printed)["objective"]["final"])
    assert codes == [0, 0]
    assert finals[1] < finals[0]
    again = read_model(tmp_path / "free" / "calibrated.xml", data / "excitationGenerator.xml")
    (delay,) = set(again.muscles.electromechanical_delay)
    assert 0.04 <= delay <= 0.12 and delay != 0.08


def test_a_free_delay_is_refused_in_the_profile_of_ceinms(with_delay, tmp_path, capsys):
    out = tmp_path / "out"
    code = cli.main(["calibrate", str(with_delay), "--profile", "ceinms-0.9", "--out", str(out)])
    told = capsys.readouterr()
    assert code == 3 and not out.exists()
    assert "emDelay" in told.err and "native" in told.err and told.out == ""
