"""`refnms calibrate` as a user meets it."""

from __future__ import annotations

import json
import re

import pytest
from commands import refnms
from project import calibration

from refnms.cli.calibrate import METHODS


def test_a_calibration_tells_what_it_did(project, capsys):
    tests = ("--test", project / "jump/trial.xml")
    arguments = ("--out", project / "out")
    assert refnms("calibrate", project / "calibrate.xml", *tests, *arguments) == 0
    told = capsys.readouterr()
    first, second, *table = told.out.splitlines()
    assert re.fullmatch(
        r"lm, profile native: objective [\d.]+ -> [\d.e-]+ in [\d.]+ s, \d+ evaluations "
        r"\(converged\)",
        first,
    )
    assert re.fullmatch(r"CEINMS 0\.9's objective: [\d.]+, penalty [\d.]+", second)
    rows = [line.split()[:3] for line in table[1:7]]
    assert rows == [
        [trial, role, dof]
        for trial, role in (("walk", "calibration"), ("run", "calibration"), ("jump", "test"))
        for dof in ("knee", "ankle")
    ]
    page = project / "out" / "report.html"  # with the extra `report`
    last = [f"written to {project / 'out'}"] + [f"to look at: {page}"] * page.exists()
    assert table[-len(last) :] == last
    assert told.err == ""


def test_tests_may_be_given_again_and_again(project, capsys):
    step = ("--evaluations", "1", "--json", "--out", project / "out")
    (project / "calibration.xml").write_text(calibration(trials="walk/trial.xml"))
    tests = ("--test", project / "jump/trial.xml", "--test", project / "run/trial.xml")
    assert refnms("calibrate", project / "calibrate.xml", *tests, *step) == 0
    trials = json.loads(capsys.readouterr().out)["trials"]
    roles = [(name, trial["role"]) for name, trial in trials.items()]
    assert roles == [("walk", "calibration"), ("jump", "test"), ("run", "test")]


def test_starts_priors_and_doubts_are_told(project, capsys):
    arguments = ("--starts", "3", "--prior", "auto", "--uncertainty", "--out", project / "out")
    assert refnms("calibrate", project / "calibrate.xml", *arguments) == 0
    told = capsys.readouterr().out
    assert re.search(r"^4 runs, of which [1-4] ended within 2 % of the best$", told, re.M)
    assert re.search(r"^weight of the prior, chosen by leaving trials out: [\d.]+$", told, re.M)
    assert re.search(r"^strength_coefficient of muscle_0( +[\d.e+-]+){3}$", told, re.M)


def test_a_run_is_resumed(project, capsys):
    arguments = ("--json", "--out", project / "out")
    assert refnms("calibrate", project / "calibrate.xml", *arguments) == 0
    whole = json.loads(capsys.readouterr().out)
    assert refnms("calibrate", project / "calibrate.xml", "--evaluations", "3", *arguments) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "budget used up"
    assert refnms("calibrate", project / "calibrate.xml", "--resume", *arguments) == 0
    resumed = json.loads(capsys.readouterr().out)
    assert resumed["objective"] == whole["objective"]
    assert refnms("calibrate", project / "calibrate.xml", "--resume", *arguments) == 3


@pytest.mark.parametrize("method", METHODS)
def test_every_method_lowers_the_objective(project, method, capsys):
    arguments = ("--method", method, "--evaluations", "60", "--out", project / "out", "--json")
    assert refnms("calibrate", project / "calibrate.xml", *arguments) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["method"] == method
    assert told["objective"]["final"] < told["objective"]["initial"]
