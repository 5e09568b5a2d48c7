"""`refnms demo` as a user meets it; what it computes is tested with the demo itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from commands import refnms

from refnms import demo


@dataclass(frozen=True)
class Told:
    status: str
    seconds: float = 0.5


def played(monkeypatch: Any, status: str) -> list[Path | None]:
    """The demo replaced by one that ends so; the folders it was given."""
    folders: list[Path | None] = []

    def run(*, out: Path | None, say: Callable[[str], None]) -> Told:
        folders.append(out)
        say("Once upon a time")
        return Told(status)

    monkeypatch.setattr(demo, "run", run)
    return folders


@pytest.mark.parametrize(
    ("status", "code"),
    [("converged", 0), ("budget used up", 0), ("diverged", 4), ("interrupted", 130)],
)
def test_the_end_of_the_calibration_is_the_exit_code(status, code, monkeypatch, capsys):
    folders = played(monkeypatch, status)
    assert refnms("demo", "--out", "there") == code
    assert folders == [Path("there")]
    assert capsys.readouterr() == ("Once upon a time\n", "")


def test_as_json_the_story_goes_to_standard_error(monkeypatch, capsys):
    assert played(monkeypatch, "converged") == [] and refnms("demo", "--json") == 0
    told = capsys.readouterr()
    assert json.loads(told.out) == {"status": "converged", "seconds": 0.5}
    assert told.err == "Once upon a time\n"
