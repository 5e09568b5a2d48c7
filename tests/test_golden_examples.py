"""The examples of docs/ that use the golden files: right as they are, and mistakes are found.

The C example finds it with nothing but a compiler and the golden files.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commands import refnms

EXAMPLES = Path(__file__).resolve().parents[1] / "docs" / "examples"
COMPILER = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
needs_a_compiler = pytest.mark.skipif(COMPILER is None, reason="no C compiler is installed")

LENGTH = {"fiber_length fiber_length"}
# Mistakes in muscle.h: what stood there, what stands there now, and columns that must be named.
MISTAKES = {
    "2 for 3 in the slope of a cubic": (
        "t * 3 * k->d[i]",
        "t * 2 * k->d[i]",
        {"curves slope", "force by_fiber_length"},
    ),
    "a spline with natural ends": ("h * h * third(x, y)", "0", {"curves value", "curves slope"}),
    "a length that forgets the activation": (
        "m->change * (1 - a) + 1",
        "m->change + 1",
        {"force tendon_force", "force by_percentage_change"} | LENGTH,
    ),
    "an angle for its sine": (
        "m->lo * sin(m->angle)",
        "m->lo * m->angle",
        {"force tendon_force"} | LENGTH,
    ),
    "a velocity limit that is not kept": (
        "if (!inside) vn = vn > 0 ? 1 : -1;",
        "",
        {"force tendon_force", "force by_fiber_damping"},
    ),
    "a thousandth in one partial derivative": (
        "by[6] = -by_v",
        "by[6] = -1.001 * by_v",
        {"force by_max_contraction_velocity"},
    ),
    "a thousandth in another": (
        "by[8] = strong",
        "by[8] = 1.001 * strong",
        {"force by_fiber_damping"},
    ),
    "pennation that does not answer the fiber length": (
        "by_x / m->lo + by_cosine * height * height / (l * l * l * cosine)",
        "by_x / m->lo",
        {"force by_fiber_length"},
    ),
    "strain of the tendon over its length": ("/ m->lts, &slope", "/ (lmt - along), &slope", LENGTH),
}  # fmt: skip


@pytest.fixture(scope="module")
def golden(tmp_path_factory):
    folder = tmp_path_factory.mktemp("golden")
    assert refnms("golden", "--out", folder) == 0
    return folder


def checked(folder: Path, golden: Path, old: str = "", new: str = "") -> tuple[int, str]:
    """Exit code and output of check.c with a change in muscle.h."""
    muscle = (EXAMPLES / "muscle.h").read_text("utf-8")
    assert not old or muscle.count(old) >= 1
    (folder / "muscle.h").write_text(muscle.replace(old, new) if old else muscle, "utf-8")
    shutil.copy(EXAMPLES / "check.c", folder)
    strict = ["-std=c99", "-Wall", "-Wextra", "-pedantic"]

    command = [COMPILER, *strict, "-O1", "-o", "check", "check.c", "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    ended = subprocess.run([folder / "check", golden], cwd=folder, capture_output=True, text=True)
    return ended.returncode, ended.stdout


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
    """Some sixty lines of code."""
    code = re.sub(r"/\*.*?\*/", "", (EXAMPLES / "muscle.h").read_text("utf-8"), flags=re.S)
    assert len([line for line in code.splitlines() if line.strip()]) <= 66


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed")
def test_the_jax_example_is_right(tmp_path, golden, capsys):
    program = [sys.executable, "-W", "error", EXAMPLES / "golden_jax.py", golden, tmp_path / "mine"]
    subprocess.run(program, check=True, timeout=300)
    found = sorted((tmp_path / "mine").iterdir())
    assert len(found) == 3
    assert refnms("golden", "--check", *found) == 0
    assert capsys.readouterr().out.count("all right") == 3
