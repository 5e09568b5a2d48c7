"""The examples of docs/ that use the golden files: right as they are, and mistakes are found.

The C example finds it with nothing but a compiler and the golden files.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys

import pytest
from c_mistakes import COMPILER, EXAMPLES, MISTAKES, checked
from commands import refnms

needs_a_compiler = pytest.mark.skipif(COMPILER is None, reason="no C compiler is installed")


@pytest.fixture(scope="module")
def golden(tmp_path_factory):
    folder = tmp_path_factory.mktemp("golden")
    assert refnms("golden", "--out", folder) == 0
    return folder


@needs_a_compiler
def test_the_c_example_is_right(tmp_path, golden, capsys):
    code, told = checked(tmp_path, golden)
    assert (code, len(told.splitlines())) == (0, 3)
    assert all(line.endswith(" 0 wrong") for line in told.splitlines())
    assert refnms("golden", "--check", *sorted(tmp_path.glob("mine_*.csv"))) == 0


@needs_a_compiler
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_c_is_found_with_the_golden_files_alone(mistake, tmp_path, golden, capsys):
    old, new, columns = MISTAKES[mistake]
    code, told = checked(tmp_path, golden, old, new)
    assert code == 1
    named = set(re.findall(r"^(\w+)/\S+ (\w+): ", told, re.M))
    assert columns <= {" ".join(pair) for pair in named}
    if "thousandth" in mistake:
        assert columns == {" ".join(pair) for pair in named}
    assert refnms("golden", "--check", *sorted(tmp_path.glob("mine_*.csv"))) == 4
    printed = capsys.readouterr().out
    assert all(f"  {column.replace(' ', ': ')}: " in printed for column in columns)


def test_the_c_example_is_short():
    """Fifty lines of code, but for the spline."""
    code = re.sub(r"/\*.*?\*/", "", (EXAMPLES / "muscle.h").read_text("utf-8"), flags=re.S)
    assert len([line for line in code.splitlines() if line.strip()]) <= 50


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed")
def test_the_jax_example_is_right(tmp_path, golden, capsys):
    program = [sys.executable, "-W", "error", EXAMPLES / "golden_jax.py", golden, tmp_path / "mine"]
    subprocess.run(program, check=True, timeout=300)
    found = sorted((tmp_path / "mine").iterdir())
    assert len(found) == 3
    assert refnms("golden", "--check", *found) == 0
    assert capsys.readouterr().out.count("all right") == 3
