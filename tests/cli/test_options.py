"""What the commands take, and how they refuse what they do not."""

from __future__ import annotations

import pytest
from commands import refnms

from refnms import __version__, cli


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["walk"],
        ["run"],
        ["run", "a.xml", "-S", "b.xml"],
        ["run", "a.xml", "b.xml"],
        ["run", "a.xml", "--profile", "ceinms-0.8"],
        ["run", "a.xml", "--test", "b.xml"],
        ["calibrate"],
        ["calibrate", "a.xml", "--method", "annealing"],
        ["calibrate", "a.xml", "--starts", "0"],
        ["calibrate", "a.xml", "--seconds", "0"],
        ["calibrate", "a.xml", "--seconds", "soon"],
        ["calibrate", "a.xml", "--prior", "-1"],
        ["calibrate", "a.xml", "--prior", "automatic"],
        ["calibrate", "a.xml", "--evaluations", "0"],
        ["calibrate", "a.xml", "--evaluations", "-3"],
        ["calibrate", "a.xml", "--evaluations", "1e3"],
        ["calibrate", "a.xml", "--test"],
    ],
)
def test_what_is_no_command_ends_with_usage(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    told = capsys.readouterr()
    assert caught.value.code == 2 and told.out == ""
    assert told.err.startswith("usage: refnms")


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["calibrate", "--help"]])
def test_help_is_printed_and_done(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("usage: refnms")


def test_the_version_is_printed(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"refnms {__version__}\n"


def test_the_setup_may_be_given_as_ceinms_has_it(project, capsys):
    assert refnms("run", "-S", project / "run.xml", "--json") == 0
    one = capsys.readouterr().out
    assert refnms("run", project / "run.xml", "--json") == 0
    assert capsys.readouterr().out == one
