"""`refnms verify` as a user meets it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from commands import files, refnms
from verified import DRAWS

from refnms import task
from refnms.verify import certificate


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    for name in DRAWS:
        monkeypatch.setattr(certificate, name, 30)


@pytest.mark.parametrize(
    ("setup", "profile"), [("calibrate.xml", "native"), ("run.xml", "ceinms-0.9")]
)
def test_a_certificate_is_printed_and_nothing_is_written(project, capsys, setup, profile):
    before = files(project)
    assert refnms("verify", project / setup, "--profile", profile) == 0
    told = capsys.readouterr()
    assert told.out.startswith("PASSED: ") and f"profile {profile}" in told.out
    assert told.err == "" and files(project) == before


def test_json_is_one_document_and_nothing_else(project, capsys):
    assert refnms("verify", "-S", project / "run.xml", "--json", "--out", project / "out") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["passed"] is True and document["trials"] == ["walk"]
    assert json.loads((project / "out" / "refnms.json").read_text()) == document


def test_a_wrong_curve_is_named_and_the_exit_code_says_failed(project, capsys, monkeypatch):
    """The curve is spoiled behind the reader: no file can hold one whose pieces disagree."""
    right = task.read_model

    def read_wrong(*paths):
        model = right(*paths)
        curve = model.curves.active_force_length
        pieces = curve.pieces.copy()
        pieces[np.searchsorted(curve.knots, 0.9), 1] *= 1.001
        curves = model.curves._replace(active_force_length=curve._replace(pieces=pieces))
        return replace(model, curves=curves)

    monkeypatch.setattr(task, "read_model", read_wrong)
    assert refnms("verify", project / "run.xml", "--out", project / "out") == 4
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("FAILED: ")
    assert lines[1].startswith("  curve joints: off by 1.0e-03")
    assert lines[2].startswith("    step of the value, curve active_force_length, muscle_")
    assert (project / "out" / "certificate.txt").read_text().startswith("FAILED: ")


def test_a_setup_that_is_none_is_bad_input(project, capsys):
    assert refnms("verify", project / "execution.xml") == 3
    assert "expected the setup of a calibration" in capsys.readouterr().err
    assert refnms("verify", project / "run.xml", "--out", project) == 3


def test_measured_data_pass(shared, capsys):
    setup = shared / "s06_calibration" / "calibrationSetup.xml"
    assert refnms("verify", setup, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    # The NumPy engine solves whole trajectories, and leaves 1e-11.
    assert document["worst"]["error"] < 1e-10 and len(document["muscles"]) == 12
