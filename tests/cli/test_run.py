"""`refnms run` as a user meets it: what is printed, what is left on disk."""

from __future__ import annotations

import json

import pytest
from commands import COMPARED, SIGNALS, files, refnms

from refnms.io.files import MARKER


def test_a_run_prints_its_table_and_writes_its_files(project, capsys):
    assert refnms("run", project / "run.xml", "--out", project / "out") == 0
    told = capsys.readouterr()
    lines = told.out.splitlines()
    assert lines[0].split() == ["trial", "role", "moment", "RMSE", "[N.m]", "R2"]
    assert lines[1].split()[:3] == ["walk", "run", "knee"] and len(lines[1].split()) == 5
    assert lines[-1] == f"written to {project / 'out'}"
    assert told.err == ""
    assert len(files(project / "out")) == SIGNALS + COMPARED + 1


def test_without_out_the_results_go_where_the_setup_says(project, capsys):
    assert refnms("run", project / "run.xml") == 0
    assert len(files(project / "results" / "walk")) == SIGNALS + COMPARED + 1
    assert refnms("calibrate", project / "calibrate.xml", "--evaluations", "2") == 0
    assert (project / "results" / "calibrated.xml").is_file()
    assert (project / "results" / "calibrated_results" / MARKER).is_file()


@pytest.mark.parametrize("profile", ["native", "ceinms-0.9"])
def test_the_profile_is_the_one_asked_for(project, profile, capsys):
    for command in ("run", "calibrate"):
        arguments = ["--profile", profile, "--json", "--out", project / "out" / command]
        arguments += ["--evaluations", "1"] if command == "calibrate" else []
        assert refnms(command, project / f"{command}.xml", *arguments) == 0
        assert json.loads(capsys.readouterr().out)["profile"] == profile


def test_an_existing_result_is_replaced_as_a_whole(project):
    assert (
        refnms("calibrate", project / "calibrate.xml", "--evaluations", "1", "--out", project / "o")
        == 0
    )
    assert refnms("run", project / "run.xml", "--out", project / "o") == 0
    left = files(project / "o")
    assert len(left) == SIGNALS + COMPARED + 1 and "calibrated.xml" not in left


@pytest.mark.parametrize("command", ["run", "calibrate"])
def test_a_folder_with_other_things_in_it_is_not_replaced(project, command, capsys):
    """Not even that of the data themselves."""
    before = files(project)
    assert refnms(command, project / f"{command}.xml", "--out", project) == 3
    assert "holds files that are no refnms result" in capsys.readouterr().err
    assert refnms(command, project / f"{command}.xml", "--out", project / "run.xml") == 3
    assert "is a file, not a folder" in capsys.readouterr().err
    assert files(project) == before
