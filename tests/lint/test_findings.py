"""Findings: what readers refuse and warn of, each once."""

from __future__ import annotations

import warnings
from pathlib import Path

from refnms.errors import InputError, InputWarning, Problem
from refnms.lint.findings import Finding, Findings, Level


def test_problems_and_warnings_of_a_reader_become_findings():
    def reader() -> None:
        warnings.warn("a.sto: 3 rows repeat", InputWarning, stacklevel=1)
        raise InputError([Problem("is empty", Path("a.sto")), Problem("time goes back", line=3)])

    findings = Findings()
    assert findings.attempt(reader) is None
    findings.attempt(reader)  # again: nothing new
    assert [str(f) for f in findings.of(Level.ERROR)] == [
        "error: a.sto: is empty [RN101]",
        "error: line 3: time goes back [RN206]",
    ]
    assert [str(f) for f in findings.of(Level.WARNING)] == ["warning: a.sto: 3 rows repeat"]


def test_a_sound_reader_gives_its_result():
    assert Findings().attempt(lambda: 3) == 3


def test_what_may_not_be_opened_is_an_error():
    def reader() -> None:
        raise PermissionError(13, "Permission denied", "a.sto")

    findings = Findings()
    findings.attempt(reader)
    (found,) = findings.found
    assert str(found) == "error: a.sto: cannot be read: Permission denied [RN101]"


def test_only_errors_show_a_code():
    problem = Problem("is empty")
    assert str(Finding(Level.NOTE, problem)) == "note: is empty"
    assert Finding(Level.ERROR, Problem("who knows")).code is None
