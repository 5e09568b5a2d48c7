"""What is told of a job, in lines and as JSON."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from commands import refnms, spoil_emg
from project import PERSON, STEP, calibration, subject

from refnms.io.files import MARKER


def test_bound_hits_and_flags_are_told(project, capsys):
    step = STEP.replace("0.4 2.5", "0.4 0.9")
    (project / "calibration.xml").write_text(calibration(step))
    refnms("calibrate", project / "calibrate.xml", "--evaluations", "40", "--out", project / "out")
    assert "on a bound: strength_coefficient of muscle_0" in capsys.readouterr().out
    slack = PERSON.muscles.tendon_slack_length * [1.0, 1.0, 2.0]
    person = replace(PERSON, muscles=PERSON.muscles._replace(tendon_slack_length=slack))
    (project / "subject.xml").write_text(subject(person))
    refnms("run", project / "run.xml")
    assert re.search(r"samples flagged SLACK: muscle_2 \d+", capsys.readouterr().out)


def refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


@pytest.mark.parametrize("command", ["run", "calibrate"])
def test_json_is_one_object_and_nothing_else_on_standard_output(project, command, capsys):
    spoil_emg(project)
    arguments = ["--json", "--out", project / "out"]
    arguments += ["--evaluations", "1"] if command == "calibrate" else []
    assert refnms(command, project / f"{command}.xml", *arguments) == 0
    told = capsys.readouterr()
    printed = json.loads(told.out, parse_constant=refuse)
    assert printed == json.loads((project / "out" / MARKER).read_text(), parse_constant=refuse)
    assert told.err.startswith("warning: ")


def test_json_of_a_run_lacks_only_what_belongs_to_the_optimisation(project, capsys):
    refnms("run", project / "run.xml", "--json")
    ran = json.loads(capsys.readouterr().out)
    refnms("calibrate", project / "calibrate.xml", "--json", "--evaluations", "1")
    calibrated = json.loads(capsys.readouterr().out)
    missing = {"method", "status", "seconds", "evaluations", "starts", "objective", "bound_hits"}
    assert set(ran) == set(calibrated) - missing


@pytest.mark.parametrize("profile", ["native", "ceinms-0.9"])
def test_a_warning_is_told_once(project, profile, capsys):
    """However often its file is read: for the run, and for the score in the terms of CEINMS."""
    spoil_emg(project, "walk")
    spoil_emg(project, "jump")
    tests = ("--test", project / "jump/trial.xml", "--profile", profile)
    refnms(
        "calibrate", project / "calibrate.xml", *tests, "--evaluations", "1", "--out", project / "o"
    )
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and all("EMG values are outside [0, 1]" in line for line in lines)
    assert str(project / "walk") in lines[0] and str(project / "jump") in lines[1]


def test_a_warning_from_several_places_is_told_once(project, capsys):
    """The delay of CEINMS: for the objective, for the signals, and for the score in its terms."""
    path = project / "subject.xml"
    own = "<name>muscle_1</name>\n<emDelay>0.05</emDelay>"
    path.write_text(path.read_text().replace("<name>muscle_1</name>\n", own))
    arguments = ("--profile", "ceinms-0.9", "--evaluations", "1", "--out", project / "out")
    refnms("calibrate", project / "calibrate.xml", *arguments)
    lines = capsys.readouterr().err.splitlines()
    assert len([line for line in lines if "delays every muscle by the 0.03 s" in line]) == 1
