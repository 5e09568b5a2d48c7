"""What users do wrong with a run's files: one clear error each, before anything is computed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from project import EXECUTION, execute_so, hybrid

from refnms.errors import InputError
from refnms.job import run

CURVES = ("activeForceLength", "passiveForceLength", "forceVelocity", "tendonForceStrain")


def change(path: Path, pattern: str, new: str) -> None:
    text = path.read_text("utf-8")
    changed = re.sub(pattern, new, text, flags=re.S)
    assert changed != text
    path.write_text(changed, "utf-8")


def keep_rows(path: Path, keep: Callable[[list[str]], list[str]]) -> None:
    head, end, rows = path.read_text("utf-8").partition("endheader\n")
    labels, *lines = rows.splitlines()
    kept = keep(lines)
    head = re.sub(r"nRows=\d+", f"nRows={len(kept)}", head)
    path.write_text("\n".join([f"{head}{end}{labels}", *kept, ""]), "utf-8")


def drop(path: Path, *columns: str) -> None:
    head, end, rows = path.read_text("utf-8").partition("endheader\n")
    cells = [line.split("\t") for line in rows.splitlines()]
    kept = [k for k, name in enumerate(cells[0]) if name not in columns]
    head = re.sub(r"nColumns=\d+", f"nColumns={len(kept)}", head)
    lines = ["\t".join(row[k] for k in kept) for row in cells]
    path.write_text("\n".join([f"{head}{end}{lines[0]}", *lines[1:], ""]), "utf-8")


def without_curves(project: Path) -> None:
    change(project / "subject.xml", r"<curve>.*</curve>\s*", "")


def without_moment_arms(project: Path) -> None:
    drop(project / "walk/ma_knee.sto", "muscle_1", "muscle_2")


def without_an_arms_file(project: Path) -> None:
    change(project / "walk/trial.xml", r'<momentArmsFile dofName="knee">.*?</momentArmsFile>\n', "")


def without_two_channels(project: Path) -> None:
    drop(project / "walk/emg.sto", "channel_1", "channel_2")


def with_slow_emg(project: Path) -> None:
    keep_rows(project / "walk/emg.sto", lambda lines: lines[::5])


def shorter_than_the_delay(project: Path) -> None:
    for name in ("lmt", "ma_knee", "ma_ankle", "id"):
        keep_rows(project / f"walk/{name}.sto", lambda lines: lines[:3])
    keep_rows(
        project / "walk/emg.sto",
        lambda lines: [line for line in lines if 0.0 <= float(line.split("\t")[0]) < 0.03],
    )


def with_short_torques(project: Path) -> None:
    keep_rows(project / "walk/id.sto", lambda lines: lines[:30])


def with_an_unknown_dof(project: Path) -> None:
    execute_so(project, hybrid(dofs="knee hip"))


BOTH, NATIVE, CEINMS = ("native", "ceinms-0.9"), ("native",), ("ceinms-0.9",)
# What is done wrong -> profiles, the file at fault, what is told of it.
MISUSE = {
    without_curves: (BOTH, "subject.xml", [f"mtuDefault lacks the curve {c}" for c in CURVES]),
    without_moment_arms: (
        BOTH,
        "walk/ma_knee.sto",
        ["column 'muscle_1': no column of this name", "column 'muscle_2': no column"],
    ),
    without_an_arms_file: (BOTH, "walk/trial.xml", ["names no moment arm file for 'knee'"]),
    without_two_channels: (
        BOTH,
        "walk/emg.sto",
        ["column 'channel_1': no column of this name", "column 'channel_2': no column"],
    ),
    with_slow_emg: (CEINMS, "walk/emg.sto", ["the EMG is slower than the frames"]),
    shorter_than_the_delay: (
        NATIVE,
        "walk/emg.sto",
        ["does not cover .* less the electromechanical delay of up to 0.03 s"],
    ),
    with_short_torques: (
        NATIVE,
        "walk/id.sto",
        ["0.00959679 to 0.30316 s does not cover the length frames"],
    ),
    with_an_unknown_dof: (
        NATIVE,
        "execution.xml",
        ["no degree of freedom is called hip; there are knee, ankle"],
    ),
}
CASES = [(wrong, profile) for wrong, (profiles, *_) in MISUSE.items() for profile in profiles]


@pytest.mark.parametrize(("wrong", "profile"), CASES, ids=lambda x: getattr(x, "__name__", x))
def test_a_misuse_is_told_by_file_and_all_of_it_at_once(project, wrong, profile):
    _, file, messages = MISUSE[wrong]
    wrong(project)
    with pytest.raises(InputError) as caught:
        run(project / "run.xml", profile, project / "out")
    assert len(caught.value.problems) == len(messages)
    for problem, message in zip(caught.value.problems, messages, strict=True):
        assert problem.file == project / file
        assert re.search(message, str(problem))
    assert not (project / "out").exists()


@pytest.mark.parametrize(
    ("wrong", "messages"),
    [
        (with_short_torques, ["has 30 rows and .* has 40; ceinms-0.9 pairs them by row"]),
        (
            shorter_than_the_delay,
            ["the EMG starts after the first frame", "slower than the frames"],
        ),
    ],
)
def test_by_the_rules_of_ceinms_the_same_is_told_otherwise(project, wrong, messages):
    wrong(project)
    with pytest.raises(InputError) as caught:
        run(project / "run.xml", "ceinms-0.9", project / "out")
    told = [str(problem) for problem in caught.value.problems]
    assert len(told) == len(messages)
    assert all(re.search(m, line) for m, line in zip(messages, told, strict=True))


def test_the_project_itself_is_sound(project):
    """Else the tests above might find other faults than theirs."""
    assert EXECUTION in (project / "execution.xml").read_text()
    run(project / "run.xml", out=project / "out")
