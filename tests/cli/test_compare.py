"""`refnms compare` as a user meets it."""

from __future__ import annotations

import json

import pytest
from commands import refnms


def spoil(path, factor):
    """Multiply the last number of a file."""
    head, _, last = path.read_text().rstrip("\t\n").rpartition("\t")
    path.write_text(f"{head}\t{float(last) * factor!r}\t\n")


def test_a_run_agrees_with_itself_to_six_digits(project, capsys):
    assert refnms("run", project / "run.xml", "--out", project / "a") == 0
    assert refnms("run", project / "run.xml", "--out", project / "b", "--digits", "6") == 0
    capsys.readouterr()
    assert refnms("compare", project / "b", project / "a") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["quantity", "column", "largest", "rms", "largest", "/", "peak"]
    assert len(lines) == 1 + 7 * 3 + 2 + 1  # by muscle, by degree of freedom, the verdict
    assert lines[-1].startswith("23 of 23 columns agree to 1e-05 of their peak; the largest")
    assert refnms("compare", project / "b", project / "a", "--tolerance", "1e-12") == 4


@pytest.mark.parametrize(("factor", "code"), [(1.0, 0), (1.001, 4)])
def test_one_number_that_is_off_is_found(project, capsys, factor, code):
    for name in ("a", "b"):
        assert refnms("run", project / "run.xml", "--out", project / name) == 0
    spoil(project / "a" / "Activations.sto", factor)
    capsys.readouterr()
    assert refnms("compare", project / "a", project / "b", "--json") == code
    found = json.loads(capsys.readouterr().out)
    assert found["agree"] == (code == 0) and found["tolerance"] == 1e-5
    off = [
        (quantity, column)
        for quantity, columns in found["quantities"].items()
        for column, of in columns.items()
        if of["largest"] > 0.0
    ]
    assert off == ([] if code == 0 else [("Activations", "muscle_2")])


def test_a_column_that_is_missing_is_no_agreement(project, capsys):
    for name in ("a", "b"):
        assert refnms("run", project / "run.xml", "--out", project / name) == 0
    path = project / "a" / "Activations.sto"
    path.write_text(path.read_text().replace("muscle_2", "muscle_3"))
    (project / "b" / "Torques.sto").unlink()
    capsys.readouterr()
    assert refnms("compare", project / "a", project / "b") == 4
    told = capsys.readouterr().out
    assert f"only in {project / 'a'}: Torques, Activations: muscle_3" in told
    assert f"only in {project / 'b'}: Activations: muscle_2" in told


def test_a_quantity_that_the_second_folder_alone_has_is_no_agreement(project, capsys):
    for name in ("a", "b"):
        assert refnms("run", project / "run.xml", "--out", project / name) == 0
    (project / "a" / "Torques.sto").unlink()
    assert refnms("compare", project / "a", project / "b") == 4
    assert refnms("compare", project / "b", project / "a") == 0


def test_what_is_no_folder_is_bad_input(project, capsys):
    assert refnms("compare", project / "run.xml", project) == 3
    assert "is no folder" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        refnms("compare", project, project, "--tolerance", "-1")
