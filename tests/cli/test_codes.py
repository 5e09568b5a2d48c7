"""Exit codes: what went wrong, what is told, and what is left on disk."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from commands import files, refnms

from refnms import job, summary
from refnms.io.files import MARKER
from refnms.objective import Objective


def test_every_problem_is_told_on_a_line_of_its_own(project, capsys):
    for name in ("walk", "run"):
        (project / name / "lmt.sto").write_text("nonsense")
    (project / "walk" / "emg.sto").write_text("nonsense")
    assert refnms("calibrate", project / "calibrate.xml", "--out", project / "out") == 3
    told = capsys.readouterr()
    lines = told.err.splitlines()
    assert all(line.startswith(f"error: {project}") for line in lines)
    for bad in ("walk/lmt.sto", "walk/emg.sto", "run/lmt.sto"):
        assert sum(str(project / bad) in line for line in lines) >= 1
    assert told.out == "" and not (project / "out").exists()


@pytest.mark.parametrize("name", ["nobody.xml", "walk"])
def test_a_setup_that_cannot_be_read_is_bad_input(project, name, capsys):
    assert refnms("run", project / name, "--out", project / "out") == 3
    assert f"error: {project / name}: cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "calibrate"])
def test_the_setup_of_another_command_is_bad_input(project, command, capsys):
    other = {"run": "calibrate.xml", "calibrate": "run.xml"}[command]
    assert refnms(command, project / other, "--out", project / "out") == 3
    assert other in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "calibrate"])
def test_an_existing_result_survives_bad_input(project, command):
    assert refnms("run", project / "run.xml", "--out", project / "out") == 0
    before = files(project / "out")
    (project / "walk" / "emg.sto").unlink()
    assert refnms(command, project / f"{command}.xml", "--out", project / "out") == 3
    assert files(project / "out") == before


@pytest.mark.parametrize("command", ["run", "calibrate"])
def test_a_place_that_cannot_be_written_is_an_io_error(project, command, capsys):
    arguments = ["--evaluations", "1"] if command == "calibrate" else []
    out = project / "run.xml" / "below" / "a file"
    assert refnms(command, project / f"{command}.xml", *arguments, "--out", out) == 5
    told = capsys.readouterr()
    assert told.err.startswith("error: ") and told.out == ""


def test_a_full_disk_leaves_the_earlier_result(project, monkeypatch, capsys):
    assert refnms("run", project / "run.xml", "--out", project / "out") == 0
    before = files(project)
    capsys.readouterr()

    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(job.execute, "write_atomically", full)  # the summary, after the signals
    assert refnms("run", project / "run.xml", "--out", project / "out") == 5
    assert "No space left on device" in capsys.readouterr().err
    assert files(project) == before


def disturbed(monkeypatch: Any, evaluation: int, how: Any) -> None:
    """Let `how(value)` change one value of AdamW's; the first two are those that compile."""
    plain, calls = Objective.gradient, iter(range(10**6))

    def call(self: Any, x: Any, progress: float = 1.0) -> Any:
        value, gradient = plain(self, x, progress)
        return (how(value) if next(calls) == evaluation else value), gradient

    monkeypatch.setattr(Objective, "gradient", call)


def test_a_diverged_calibration_writes_the_best_before(project, monkeypatch, capsys):
    disturbed(monkeypatch, 9, lambda value: float("nan"))
    arguments = ("--method", "adamw", "--out", project / "out", "--json")
    assert refnms("calibrate", project / "calibrate.xml", *arguments) == 4
    assert "error: the objective was no longer finite after 8" in capsys.readouterr().err
    written = json.loads((project / "out" / MARKER).read_text())
    assert written["status"] == "diverged"
    assert written["objective"]["final"] < written["objective"]["initial"]


def test_what_failed_is_told_beside_the_summary(project, monkeypatch, capsys):
    monkeypatch.setattr(summary, "flag_counts", lambda *_: {"FAILED": {"muscle_1": 2}})
    assert refnms("run", project / "run.xml", "--out", project / "out", "--json") == 4
    told = capsys.readouterr()
    assert json.loads(told.out)["flags"] == {"FAILED": {"muscle_1": 2}}
    assert (
        told.err == "error: no fiber equilibrium was found (samples by muscle): {'muscle_1': 2}\n"
    )


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A process that a shell started in the background ignores interrupts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt(value: float) -> float:
    signal.raise_signal(signal.SIGINT)
    return value


@pytest.mark.usefixtures("interruptible")
def test_an_interrupted_calibration_writes_the_best_so_far(project, monkeypatch, capsys):
    disturbed(monkeypatch, 9, interrupt)
    arguments = ("--method", "adamw", "--out", project / "out", "--json")
    assert refnms("calibrate", project / "calibrate.xml", *arguments) == 130
    told = json.loads(capsys.readouterr().out)
    assert told["status"] == "interrupted" and told["evaluations"] == 7
    assert told["objective"]["final"] < told["objective"]["initial"]
    assert (project / "out" / "calibrated.xml").is_file()
    assert json.loads((project / "out" / MARKER).read_text()) == told


@pytest.mark.usefixtures("interruptible")
def test_interrupted_before_there_is_anything_nothing_is_written(project, monkeypatch, capsys):
    disturbed(monkeypatch, 0, interrupt)  # the first evaluation, which compiles
    arguments = ("--method", "adamw", "--out", project / "out")
    assert refnms("calibrate", project / "calibrate.xml", *arguments) == 130
    assert "nothing was written" in capsys.readouterr().err
    assert not (project / "out").exists()
