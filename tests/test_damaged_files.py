"""No damage to a valid file gives a traceback, a number that is not in it, or half a result."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from project import EXECUTION

from refnms import cli
from refnms.io.ceinms import PARAMETERS
from refnms.io.files import MARKER

SIGNALS = 8  # files of one trial


def refnms(*arguments: str | Path) -> int:
    return cli.main([str(argument) for argument in arguments])


def files(folder: Path) -> dict[str, bytes]:
    """Everything below a folder but `details`, also what begins with a dot."""
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file() and "details" not in p.parts
    }


def spoil_emg(project: Path, trial: str = "walk", lowest: float = -0.25) -> None:
    """EMG outside [0, 1]: read with a warning."""
    path = project / trial / "emg.sto"
    head, labels, first, *rest = re.split(r"(?<=endheader\n)|(?<=\n)(?=\S+\t)", path.read_text())
    cells = first.split("\t")
    path.write_text("".join([head, labels, "\t".join([cells[0], str(lowest), *cells[2:]]), *rest]))


VALID = (
    "run.xml",
    "subject.xml",
    "excitationGenerator.xml",
    "execution.xml",
    "walk/trial.xml",
    "walk/lmt.sto",
    "walk/emg.sto",
    "walk/ma_knee.sto",
    "walk/ma_ankle.sto",
    "walk/id.sto",
)


@st.composite
def mutations(draw: st.DrawFn) -> tuple[str, str, int, int]:
    """A file, what happens to it, and two places."""
    place = st.integers(0, 10**6)
    return (
        draw(st.sampled_from(VALID)),
        draw(st.sampled_from(sorted(WAYS))),
        draw(place),
        draw(place),
    )


def cells(text: str) -> list[str]:
    """A text as words and what stands between them, to be joined again."""
    return re.split(r"([\t\n <>=]+)", text)


def put(word: str) -> Any:
    def way(text: str, i: int, j: int) -> str:
        parts = cells(text)
        parts[2 * (i % ((len(parts) + 1) // 2))] = word
        return "".join(parts)

    return way


def swap(text: str, i: int, j: int) -> str:
    parts = cells(text)
    a, b = (2 * (k % ((len(parts) + 1) // 2)) for k in (i, j))
    parts[a], parts[b] = parts[b], parts[a]
    return "".join(parts)


def lose_line(text: str, i: int, j: int) -> str:
    lines = text.splitlines(keepends=True)
    del lines[i % len(lines)]
    return "".join(lines)


def double_line(text: str, i: int, j: int) -> str:
    lines = text.splitlines(keepends=True)
    lines.insert(j % len(lines), lines[i % len(lines)])
    return "".join(lines)


def change_byte(text: str, i: int, j: int) -> str:
    at = i % len(text)
    return text[:at] + chr(j % 255 + 1) + text[at + 1 :]


WAYS = {
    "cut": lambda text, i, j: text[: i % len(text)],
    "cut out": lambda text, i, j: text[: i % len(text)] + text[i % len(text) + 1 + j % 30 :],
    "nan": put("nan"),
    "infinity": put("1e400"),
    "huge": put("1e200"),
    "negative": put("-1"),
    "zero": put("0"),
    "comma": put("0,5"),
    "word": put("muscle"),
    "lost cell": put(""),
    "doubled cell": put("0.25\t0.25"),
    "swapped cells": swap,
    "lost line": lose_line,
    "doubled line": double_line,
    "changed character": change_byte,
}


@pytest.fixture(scope="module")
def truth(master: Path) -> dict[str, bytes]:
    """What the valid files give."""
    assert refnms("run", master / "run.xml", "--out", master.parent / "truth") == 0
    return files(master.parent / "truth")


def refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def check_outcome(code: int, out: Path) -> None:
    """Done or bad input (or, of wild but valid numbers, not solvable): whole result, or none."""
    assert code in (0, 3, 4)
    left = files(out.parent)
    if code == 3:
        assert not left
    else:
        assert len(left) == SIGNALS + 1
        json.loads(left[f"out/{MARKER}"], parse_constant=refuse)
        assert not any(b"nan" in content for content in left.values())


@settings(max_examples=150)
@given(mutation=mutations(), profile=st.sampled_from(["native", "ceinms-0.9"]))
def test_no_mutation_of_a_file_gives_a_traceback(master, tmp_path_factory, mutation, profile):
    name, way, i, j = mutation
    folder = tmp_path_factory.mktemp("fuzz")
    project = Path(shutil.copytree(master, folder / "project"))
    path, out = project / name, folder / "results" / "out"
    out.parent.mkdir()
    path.write_text(WAYS[way](path.read_text("utf-8"), i, j), "utf-8", newline="")
    check_outcome(refnms("run", project / "run.xml", "--profile", profile, "--out", out), out)
    shutil.rmtree(folder)


@pytest.mark.parametrize("shape", ["exponential", "piecewise"])
@pytest.mark.parametrize("tag", [*PARAMETERS])
def test_no_value_of_a_parameter_gives_a_traceback(project, tmp_path, tag, shape):
    (project / "execution.xml").write_text(EXECUTION.replace("exponential", shape))
    path = project / "subject.xml"
    text = path.read_text()
    if shape == "piecewise":
        text = text.replace("<shapeFactor>-1.0<", "<shapeFactor>0.05<")
    for number in ("-1", "0", "1e-300", "0.3", "-1.5", "1.5", "1e200"):
        changed = re.sub(f"<{tag}>[^<]*<", f"<{tag}>{number}<", text, count=1)
        assert changed != text
        path.write_text(changed)
        for profile in ("native", "ceinms-0.9"):
            out = tmp_path / number / profile / "out"
            out.parent.mkdir(parents=True)
            code = refnms("run", project / "run.xml", "--profile", profile, "--out", out)
            check_outcome(code, out)


@pytest.mark.parametrize("name", VALID)
@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"\x00" * 100, b"\xff\xfe<\x00?\x00", bytes(range(256)), b"<a>" * 3000],
    ids=["empty", "blank", "zeros", "utf16", "bytes", "nested"],
)
def test_no_content_gives_a_traceback(project, tmp_path, name, content):
    (project / name).write_bytes(content)
    out = tmp_path / "results" / "out"
    out.parent.mkdir()
    assert refnms("run", project / "run.xml", "--out", out) == 3
    assert not files(out.parent)


@pytest.mark.parametrize("name", VALID)
def test_a_missing_file_is_told(project, tmp_path, name, capsys):
    (project / name).unlink()
    assert refnms("run", project / "run.xml", "--out", tmp_path / "out") == 3
    assert Path(name).name in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", VALID)
def test_a_file_without_its_last_line_end_is_refused_as_cut(project, tmp_path, name, capsys):
    path = project / name
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    code = refnms("run", project / "run.xml", "--out", tmp_path / "out")
    assert code == (3 if name.endswith(".sto") else 0)  # the last tag of XML says as much


TABLES = [name for name in VALID if name.endswith(".sto")]


@pytest.mark.parametrize(
    ("one", "other"), [(a, b) for i, a in enumerate(TABLES) for b in TABLES[i + 1 :]]
)
def test_swapped_files_are_noticed(project, tmp_path, one, other):
    a, b = (project / name for name in (one, other))
    a_content, b_content = a.read_bytes(), b.read_bytes()
    a.write_bytes(b_content)
    b.write_bytes(a_content)
    assert refnms("run", project / "run.xml", "--out", tmp_path / "out") == 3


@pytest.mark.parametrize("name", TABLES)
def test_columns_in_another_order_give_the_same_numbers(project, tmp_path, name, truth):
    """Labels say which column is whose."""
    path = project / name
    header, _, rows = path.read_text().partition("endheader\n")
    lines = [line.split("\t") for line in rows.splitlines()]
    turned = ["\t".join([line[0], *line[:0:-1]]) for line in lines]
    path.write_text("\n".join([f"{header}endheader", *turned, ""]))
    assert refnms("run", project / "run.xml", "--out", tmp_path / "out") == 0
    assert files(tmp_path / "out") == truth


def test_the_truth_is_numbers(truth):
    assert len(truth) == SIGNALS + 1
    assert np.isfinite([len(content) for content in truth.values()]).all()
