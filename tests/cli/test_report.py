"""`refnms report`: from the command line to the page."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from commands import refnms
from results import write_result

from refnms.cli.codes import BAD_INPUT, DONE, INPUT_OUTPUT

pytest.importorskip("jinja2", reason="the extra `report` is not installed")


@pytest.fixture
def folder(tmp_path):
    return write_result(tmp_path / "result")


def test_the_page_lies_in_the_folder(folder, capsys):
    assert refnms("report", folder) == DONE
    told = capsys.readouterr().out
    assert str(folder / "report.html") in told and " MB" in told
    assert (folder / "report.html").read_text("utf-8").startswith("<!DOCTYPE html>")


def test_the_page_can_go_elsewhere_and_be_told_in_json(folder, tmp_path, capsys):
    page = tmp_path / "page.html"
    assert refnms("report", folder, "--out", page, "--json") == DONE
    assert json.loads(capsys.readouterr().out) == {"page": str(page), "bytes": page.stat().st_size}
    assert not (folder / "report.html").exists()


def test_a_folder_that_is_no_result_is_bad_input(tmp_path, capsys):
    assert refnms("report", tmp_path) == BAD_INPUT
    assert "holds no refnms.json" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_told(folder, tmp_path, capsys):
    assert refnms("report", folder, "--out", tmp_path / "no" / "page.html") == INPUT_OUTPUT


@pytest.mark.parametrize("library", ["jinja2", "matplotlib"])
def test_without_the_extra_its_name_is_told(folder, monkeypatch, capsys, library):
    monkeypatch.setitem(sys.modules, library, None)
    assert refnms("report", folder) == BAD_INPUT
    said = capsys.readouterr().err
    assert library in said and "refnms[report]" in said
    assert not (folder / "report.html").exists()


def test_reading_a_result_waits_for_no_compiler():
    program = "import refnms.report.page, sys; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
