"""The scripts of validation/ start, say what they miss, and give verdicts; one of them runs."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
SCRIPTS = sorted((CHECKOUT / "validation").glob("[0-9]*.py"))
WITH_DATA = [script for script in SCRIPTS if "needs_data=False" not in script.read_text("utf-8")]


def run(script: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Compiled in any case: as plain Python a script takes too long."""
    compiled = {"NUMBA_DISABLE_JIT": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, script, *arguments],
        cwd=CHECKOUT,
        env=os.environ | compiled | {"PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=300,
    )


def name(script: Path) -> str:
    return script.stem


def test_the_scripts_are_numbered_without_gaps():
    numbers = [int(script.stem.partition("_")[0]) for script in SCRIPTS]
    assert numbers == list(range(1, len(SCRIPTS) + 1))


@pytest.mark.parametrize("script", SCRIPTS, ids=name)
def test_a_script_opens_with_its_question(script):
    documentation = ast.get_docstring(ast.parse(script.read_text("utf-8")))
    assert "?" in documentation.splitlines()[0] + documentation.splitlines()[1]


@pytest.mark.parametrize("script", WITH_DATA, ids=name)
def test_a_script_without_its_data_says_so(script, tmp_path):
    ended = run(script, "--data", tmp_path)
    assert (ended.returncode, ended.stderr) == (2, "")
    assert "no data" in ended.stdout
    assert "--data" in ended.stdout


@pytest.mark.parametrize("script", SCRIPTS, ids=name)
def test_the_readme_has_the_figures_of_every_script(script):
    assert f"`{script.name}`" in (CHECKOUT / "README.md").read_text("utf-8")


def test_a_verdict_comes_with_its_exit_code_and_figure(shared, tmp_path):
    pytest.importorskip("matplotlib")
    ended = run(CHECKOUT / "validation" / "04_rat_soleus.py", "--data", shared, "--out", tmp_path)
    verdict = ended.stdout.splitlines()[-1]
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert re.fullmatch(r"PASS: mean errors of 2\.9 to 9\.3 % of .*", verdict)
    assert [figure.name for figure in tmp_path.iterdir()] == ["04_rat_soleus.png"]


def test_a_muscle_that_is_too_strong_fails(shared, tmp_path):
    """The verdict depends on the force: with another isometric force in the data it is FAIL."""
    data = tmp_path / "rat_soleus"
    data.mkdir()
    for file in (shared / "rat_soleus").glob("*.*"):
        text = file.read_text("utf-8")
        (data / file.name).write_text(text.replace("1.2758948506", "1.35"), "utf-8")
    ended = run(
        CHECKOUT / "validation" / "04_rat_soleus.py", "--data", tmp_path, "--out", tmp_path / "out"
    )
    assert ended.returncode == 1
    assert ended.stdout.splitlines()[-1].startswith("FAIL: ")
