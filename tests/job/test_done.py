"""What every job refuses before its work, and tells after it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from refnms import job
from refnms.errors import DivergedError, InputError
from refnms.io.files import MARKER
from refnms.job import Settings, calibrate_setup, run
from refnms.optimize import Budget
from refnms.physics.types import Flag
from refnms.simulation import simulate, simulate_all

SHORT = Settings(budget=Budget(evaluations=3))


@pytest.mark.parametrize("command", ["run", "calibrate"])
def test_what_could_not_be_solved_is_written_and_told(project, monkeypatch, command):
    def failing(*arguments: Any) -> list[Any]:
        first, *others = simulate_all(*arguments)
        flags = first.flags.copy()
        flags[3:5, 1] |= Flag.FAILED
        return [replace(first, flags=flags), *others]

    monkeypatch.setattr(job.done, "simulate_all", failing)
    if command == "run":
        done = run(project / "run.xml", out=project / "out")
    else:
        done = calibrate_setup(project / "calibrate.xml", settings=SHORT, out=project / "out")
    assert done.failure == "no fiber equilibrium was found (samples by muscle): {'muscle_1': 2}"
    assert json.loads((project / "out" / MARKER).read_text())["flags"]["FAILED"] == {"muscle_1": 2}


def test_a_foreign_folder_is_refused_before_the_work(project, monkeypatch):
    (project / "out").mkdir()
    (project / "out" / "thesis.docx").write_text("three years")
    monkeypatch.setattr(job.calibrate, "run_steps", lambda *a: pytest.fail("calibrated in vain"))
    for command, setup in ((calibrate_setup, "calibrate.xml"), (run, "run.xml")):
        with pytest.raises(InputError, match="holds files that are no refnms result"):
            command(project / setup, out=project / "out")
    assert [p.name for p in (project / "out").iterdir()] == ["thesis.docx"]


def test_a_folder_that_holds_an_input_is_not_replaced(project):
    """Its subject may be the result of an earlier calibration, as here."""
    calibrate_setup(project / "calibrate.xml", settings=SHORT, out=project / "out")
    setup = (project / "run.xml").read_text()
    (project / "run.xml").write_text(setup.replace("subject.xml", "out/calibrated.xml"))
    with pytest.raises(InputError, match=r"holds calibrated\.xml, which is read"):
        run(project / "run.xml", out=project / "out")
    assert (project / "out" / "calibrated.xml").exists()


def test_a_force_that_is_not_finite_names_muscle_and_time(project, monkeypatch):
    def overflowing(*arguments: Any) -> list[Any]:
        found = simulate(*arguments[:1], arguments[1][0], arguments[2])
        found.tendon_force[3:, 1] = np.inf
        return [found]

    monkeypatch.setattr(job.done, "simulate_all", overflowing)
    with pytest.raises(DivergedError, match=r"not finite: muscle_1 from [\d.]+ s of trial 'walk'"):
        run(project / "run.xml", out=project / "out")
    assert not (project / "out").exists()
