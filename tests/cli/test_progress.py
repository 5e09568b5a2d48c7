"""The progress line."""

from __future__ import annotations

import json
import re

from commands import refnms

from refnms.cli.progress import counting


def test_on_a_terminal_the_current_objective_is_shown(project, monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    arguments = ("--evaluations", "5", "--out", project / "out", "--json")
    assert refnms("calibrate", project / "calibrate.xml", *arguments) == 0
    told = capsys.readouterr()
    json.loads(told.out)
    assert re.search(r"\revaluation 5 of 5, [\d.]+ s: best objective [\d.e-]+ +\n$", told.err)


def test_plain_progress_is_lines_and_json_progress_objects(project, capsys):
    arguments = ("--evaluations", "5", "--out", project / "out", "-q")
    assert refnms("calibrate", project / "calibrate.xml", *arguments, "--progress", "plain") == 0
    told = capsys.readouterr().err
    assert re.search(r"^evaluation 5 of 5, [\d.]+ s: best objective [\d.e-]+$", told, re.M)
    assert refnms("calibrate", project / "calibrate.xml", *arguments, "--progress", "json") == 0
    rows = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert rows[-1]["evaluation"] == 5 and set(rows[-1]) == {"evaluation", "seconds", "best"}


def test_without_a_terminal_or_with_none_nothing_is_told(project, monkeypatch, capsys):
    arguments = ("--evaluations", "2", "--out", project / "out")
    assert refnms("calibrate", project / "calibrate.xml", *arguments) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert refnms("calibrate", project / "calibrate.xml", *arguments, "--progress", "none") == 0
    assert capsys.readouterr().err == ""


def test_counted_work_is_told_in_the_same_ways(capsys):
    for kind, told in (
        ("plain", "pose 3 of 3\n"),
        ("json", '{"pose": 3, "of": 3}\n'),
        ("none", ""),
    ):
        with counting("pose", kind) as report:
            if report is not None:
                report(3, 3)
        assert capsys.readouterr().err == told
