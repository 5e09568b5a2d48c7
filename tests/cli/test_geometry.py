"""`refnms geometry`: from tables to a file that a stepper takes."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from commands import refnms
from geometry.people import CHOSEN, fitted, grid, poses

from refnms.interop.c import export, write_model
from refnms.io import read_geometry, write_geometry
from refnms.io.storage import write_storage
from refnms.model import Model
from refnms.stream import Stepper
from refnms.synthetic import DOFS, generic_model


@pytest.fixture
def tables(tmp_path):
    """OpenSim's tables of a grid of poses, and the options that name them."""
    given = poses(grid((6, 5, 5)))
    rows = np.arange(float(len(given.angle)))
    write_storage(tmp_path / "q.sto", rows, DOFS, given.angle, "coordinates")
    write_storage(tmp_path / "lengths.sto", rows, CHOSEN, given.length, "lengths")
    options = ["--angles", tmp_path / "q.sto", "--lengths", tmp_path / "lengths.sto"]
    for d, dof in enumerate(DOFS):
        write_storage(tmp_path / f"{dof}.sto", rows, CHOSEN, given.moment_arm[:, :, d], "arms")
        options += ["--arms", f"{dof}={tmp_path / dof}.sto"]
    return options


def test_tables_become_a_geometry_with_its_errors(tables, tmp_path, capsys):
    assert refnms("geometry", *tables, "--out", tmp_path / "arm.json") == 0
    told = capsys.readouterr().out.splitlines()
    rows = [line.split() for line in told if line.startswith(CHOSEN)]
    assert [row[0] for row in rows] == list(CHOSEN)
    assert all(float(row[row.index("length") + 1]) < 0.5 for row in rows)
    assert told[-1] == f"written to {tmp_path / 'arm.json'}"
    found, q = read_geometry(tmp_path / "arm.json"), grid()[5:9] + 0.01
    truth = poses(q)
    assert np.abs(found.length(q) - truth.length).max() < 1e-4
    assert np.abs(found.moment_arm(q) - truth.moment_arm).max() < 1e-3


def test_the_same_as_json_with_the_inconsistent_named(tables, tmp_path, capsys):
    given = poses(grid((6, 5, 5)))
    wrong = given.moment_arm[:, :, 0] + 5e-3 * (np.array(CHOSEN) == "TRIlong")
    write_storage(tmp_path / f"{DOFS[0]}.sto", np.arange(150.0), CHOSEN, wrong, "arms")
    assert refnms("geometry", *tables, "--out", tmp_path / "arm.json", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["inconsistent"] == ["TRIlong"] and list(told["muscles"]) == list(CHOSEN)
    assert told["muscles"]["TRIlong"]["consistency"][DOFS[0]] == pytest.approx(5e-3, rel=0.1)
    assert list(told["muscles"]["BRA"]["arm_error"]) == ["elbow_flexion"]


def chosen_muscles() -> Model:
    """The invented person with the muscles of the geometry alone."""
    whole = generic_model()
    at = [whole.muscle_names.index(name) for name in CHOSEN]
    return replace(
        whole,
        muscle_names=CHOSEN,
        muscles=type(whole.muscles)(*(values[at] for values in whole.muscles)),
        emg_to_muscle=whole.emg_to_muscle[at],
        crosses=whole.crosses[at],
    )


def test_a_stepper_takes_the_file(tables, tmp_path):
    refnms("geometry", *tables, "--out", tmp_path / "arm.json", "-q")
    model, geometry = chosen_muscles(), read_geometry(tmp_path / "arm.json")
    by_angles, by_poses = Stepper(model, geometry=geometry), Stepper(model)
    emg = np.full(len(model.emg_names), 0.3)
    for i in range(5):
        q = np.array([[0.3 + 0.02 * i, 0.1, 1.0 - 0.03 * i]])
        first = by_angles.step_angles(0.01 * i, emg, q[0])
        other = by_poses.step(0.01 * i, emg, geometry.length(q)[0], geometry.moment_arm(q)[0])
        assert np.allclose(first, other, rtol=1e-12) and first.any()


def test_the_c_library_takes_the_file(tmp_path, monkeypatch):
    """Its model has the geometry that was written, to the bit."""
    write_geometry(tmp_path / "arm.json", fitted().geometry)
    monkeypatch.setattr(export, "read_model", lambda *files: chosen_muscles())
    files = (tmp_path / "subject.xml", tmp_path / "generator.xml")
    export._write_subject(tmp_path, files, None, "native", tmp_path / "arm.json")
    write_model(tmp_path / "own.h", chosen_muscles(), geometry=fitted().geometry)
    written = (tmp_path / "subject.h").read_text("utf-8")
    assert written == (tmp_path / "own.h").read_text("utf-8")
    assert "subject_coefficients[] = {\n    0x" in written


def test_what_belongs_together_is_asked_for(tables, tmp_path, capsys):
    out = ("--out", tmp_path / "arm.json")
    for given, told in (
        ((), "give --angles, --lengths and --arms, or --model and --grid"),
        ((*tables, "--model", "m.osim", "--grid", "a=0:1:2"), "give --angles"),
        ((*tables[:4], "--arms", "knee"), "'knee': expected COORDINATE="),
        (("--model", "m.osim", "--grid", "knee=0:120"), "expected LOW:HIGH:COUNT"),
    ):
        with pytest.raises(SystemExit) as raised:
            refnms("geometry", *given, *out)
        assert raised.value.code == 2 and told in capsys.readouterr().err
    assert not (tmp_path / "arm.json").exists()


def test_a_file_that_is_no_geometry_stays(tables, tmp_path, capsys):
    assert refnms("geometry", *tables, "--out", tmp_path / "q.sto") == 3
    assert "is no geometry; choose another --out" in capsys.readouterr().err
