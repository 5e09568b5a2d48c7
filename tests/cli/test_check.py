"""`refnms check` as a user meets it."""

from __future__ import annotations

import json

from commands import files, refnms


def test_a_sound_setup_ends_well_and_nothing_is_written(project, capsys):
    before = files(project)
    assert refnms("check", project / "calibrate.xml") == 0
    told = capsys.readouterr()
    assert told.err == "" and told.out.splitlines()[-1].startswith("14 files: 0 errors, ")
    assert files(project) == before


def test_problems_are_the_result_and_end_with_3(project, capsys):
    (project / "walk" / "emg.sto").unlink()
    assert refnms("check", project / "calibrate.xml") == 3
    told = capsys.readouterr()
    (line,) = [line for line in told.out.splitlines() if line.startswith("error: ")]
    assert "emg.sto" in line and line.endswith("[RN107]") and told.err == ""


def test_json_has_every_finding_with_its_place(project, capsys):
    path = project / "walk" / "emg.sto"
    path.write_text(path.read_text().replace("channel_1", "chan_1", 1))
    assert refnms("check", project / "calibrate.xml", "--json") == 3
    found = json.loads(capsys.readouterr().out)
    (error,) = [f for f in found["findings"] if f["level"] == "error"]
    assert error["code"] == "RN205" and error["column"] == "channel_1"
    assert error["file"] == str(path) and error["line"] > 1
    assert str(path) in found["files"]


def test_a_test_trial_and_a_profile_may_be_named(project, capsys):
    trial = project / "jump" / "trial.xml"
    arguments = ("--test", trial, "--profile", "ceinms-0.9", "--json")
    assert refnms("check", project / "calibrate.xml", *arguments) == 0
    assert str(trial) not in capsys.readouterr().err
