"""One manner for all commands: quiet, verbose, colors, codes."""

from __future__ import annotations

import json

import pytest
from commands import refnms, spoil_emg

from refnms import cli
from refnms.cli.completion import _commands


@pytest.mark.parametrize("name", _commands(cli.parser()))
def test_every_command_has_quiet_verbose_and_a_line_of_help(name):
    flags = {flag for action in _commands(cli.parser())[name]._actions for flag in
             action.option_strings}  # fmt: skip
    assert {"-q", "--quiet", "-v", "--verbose", "--help"} <= flags


def test_quiet_tells_errors_alone(project, capsys):
    spoil_emg(project)
    assert refnms("run", project / "run.xml", "--quiet") == 0
    told = capsys.readouterr()
    assert told.out == "" and told.err == ""
    (project / "walk" / "emg.sto").unlink()
    assert refnms("run", project / "run.xml", "-q") == 3
    told = capsys.readouterr()
    assert told.out == "" and told.err.startswith("error: ")


def test_quiet_json_is_the_object_alone(project, capsys):
    spoil_emg(project)
    assert refnms("run", project / "run.xml", "--json", "--quiet") == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["profile"] == "native" and told.err == ""


def test_verbose_tells_versions_time_and_where_an_error_arose(project, capsys):
    assert refnms("run", project / "run.xml", "-v") == 0
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("refnms ") and "; took " in last
    (project / "walk" / "emg.sto").unlink()
    assert refnms("run", project / "run.xml", "-v") == 3
    assert "Traceback" in capsys.readouterr().err


def test_every_problem_ends_with_its_code(project, capsys):
    (project / "walk" / "emg.sto").write_text("")
    assert refnms("run", project / "run.xml") == 3
    assert capsys.readouterr().err.endswith("emg.sto: is empty [RN101]\n")


@pytest.mark.parametrize(
    ("variables", "colored"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colors_are_for_terminals_that_want_them(variables, colored, project, monkeypatch, capsys):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert refnms("run", project / "nobody.xml") == 3
    told = capsys.readouterr().err
    assert told.startswith("\033[1;31merror\033[0m: " if colored else "error: ")
    assert "`refnms explain RN101` tells what to do" in told
