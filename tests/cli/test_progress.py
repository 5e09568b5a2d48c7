"""The progress line."""

from __future__ import annotations

import json
import re

from commands import refnms


def test_on_a_terminal_the_current_objective_is_shown(project, monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    arguments = ("--evaluations", "5", "--out", project / "out", "--json")
    assert refnms("calibrate", project / "calibrate.xml", *arguments) == 0
    told = capsys.readouterr()
    json.loads(told.out)
    assert re.search(r"\revaluation 5 of 5, [\d.]+ s: best objective [\d.e-]+ +\n$", told.err)
