"""The commands as a user meets them: exit codes, what is printed where, what is left on disk."""

from __future__ import annotations

import json
import re
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from project import EXECUTION, PERSON, STEP, calibration, subject, write_project

from refnms import __version__, cli, job
from refnms.io.ceinms import PARAMETERS
from refnms.io.files import MARKER
from refnms.objective import Objective

SIGNALS = 8  # files of one trial


@pytest.fixture(scope="module")
def master(tmp_path_factory: Any) -> Path:
    return write_project(tmp_path_factory.mktemp("master") / "project")


@pytest.fixture
def project(master: Path, tmp_path: Path) -> Path:
    """A folder of its own to every test."""
    return Path(shutil.copytree(master, tmp_path / "project"))


def refnms(*arguments: str | Path) -> int:
    return cli.main([str(argument) for argument in arguments])


def files(folder: Path) -> dict[str, bytes]:
    """Everything below a folder, also what begins with a dot."""
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def spoil_emg(project: Path, trial: str = "walk", lowest: float = -0.25) -> None:
    """EMG outside [0, 1]: read with a warning."""
    path = project / trial / "emg.sto"
    head, labels, first, *rest = re.split(r"(?<=endheader\n)|(?<=\n)(?=\S+\t)", path.read_text())
    cells = first.split("\t")
    path.write_text("".join([head, labels, "\t".join([cells[0], str(lowest), *cells[2:]]), *rest]))


# ---- usage: exit code 2 ----


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["walk"],
        ["run"],
        ["run", "a.xml", "-S", "b.xml"],
        ["run", "a.xml", "b.xml"],
        ["run", "a.xml", "--profile", "ceinms-0.8"],
        ["run", "a.xml", "--test", "b.xml"],
        ["calibrate"],
        ["calibrate", "a.xml", "--method", "annealing"],
        ["calibrate", "a.xml", "--steps", "0"],
        ["calibrate", "a.xml", "--steps", "-3"],
        ["calibrate", "a.xml", "--steps", "1e3"],
        ["calibrate", "a.xml", "--test"],
    ],
)
def test_what_is_no_command_ends_with_usage(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    told = capsys.readouterr()
    assert caught.value.code == 2 and told.out == ""
    assert told.err.startswith("usage: refnms")


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["calibrate", "--help"]])
def test_help_is_printed_and_done(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("usage: refnms")


def test_the_version_is_printed(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"refnms {__version__}\n"


# ---- done: exit code 0 ----


def test_a_run_prints_its_table_and_writes_its_files(project, capsys):
    assert refnms("run", project / "run.xml", "--out", project / "out") == 0
    told = capsys.readouterr()
    lines = told.out.splitlines()
    assert lines[0].split() == ["trial", "role", "moment", "RMSE", "[N.m]", "R2"]
    assert lines[1].split()[:3] == ["walk", "run", "knee"] and len(lines[1].split()) == 5
    assert lines[-1] == f"written to {project / 'out'}"
    assert told.err == ""
    assert len(files(project / "out")) == SIGNALS + 1


def test_the_setup_may_be_given_as_ceinms_has_it(project, capsys):
    assert refnms("run", "-S", project / "run.xml", "--json") == 0
    one = capsys.readouterr().out
    assert refnms("run", project / "run.xml", "--json") == 0
    assert capsys.readouterr().out == one


def test_without_out_the_results_go_where_the_setup_says(project, capsys):
    assert refnms("run", project / "run.xml") == 0
    assert len(files(project / "results" / "walk")) == SIGNALS + 1
    assert refnms("calibrate", project / "calibrate.xml", "--steps", "2") == 0
    assert (project / "results" / "calibrated.xml").is_file()
    assert (project / "results" / "calibrated_results" / MARKER).is_file()


def test_a_calibration_tells_what_it_did(project, capsys):
    tests = ("--test", project / "jump/trial.xml")
    arguments = ("--steps", "30", "--out", project / "out")
    assert refnms("calibrate", project / "calibrate.xml", *tests, *arguments) == 0
    told = capsys.readouterr()
    first, second, *table = told.out.splitlines()
    assert re.fullmatch(
        r"adamw, profile native: objective [\d.]+ -> [\d.e-]+ in [\d.]+ s, 31 evaluations "
        r"\(budget of steps used up\)",
        first,
    )
    assert re.fullmatch(r"CEINMS 0\.9's objective: [\d.]+, penalty [\d.]+", second)
    rows = [line.split()[:3] for line in table[1:7]]
    assert rows == [
        [trial, role, dof]
        for trial, role in (("walk", "calibration"), ("run", "calibration"), ("jump", "test"))
        for dof in ("knee", "ankle")
    ]
    assert table[-1] == f"written to {project / 'out'}"
    assert told.err == ""


def test_bound_hits_and_flags_are_told(project, capsys):
    step = STEP.replace("0.4 2.5", "0.4 0.9")
    (project / "calibration.xml").write_text(calibration(step))
    refnms("calibrate", project / "calibrate.xml", "--steps", "40", "--out", project / "out")
    assert "on a bound: strength_coefficient of muscle_0" in capsys.readouterr().out
    slack = PERSON.muscles.tendon_slack_length * [1.0, 1.0, 2.0]
    person = replace(PERSON, muscles=PERSON.muscles._replace(tendon_slack_length=slack))
    (project / "subject.xml").write_text(subject(person))
    refnms("run", project / "run.xml")
    assert re.search(r"samples flagged SLACK: muscle_2 \d+", capsys.readouterr().out)


def test_tests_may_be_given_again_and_again(project, capsys):
    step = ("--steps", "1", "--json", "--out", project / "out")
    (project / "calibration.xml").write_text(calibration(trials="walk/trial.xml"))
    tests = ("--test", project / "jump/trial.xml", "--test", project / "run/trial.xml")
    assert refnms("calibrate", project / "calibrate.xml", *tests, *step) == 0
    trials = json.loads(capsys.readouterr().out)["trials"]
    roles = [(name, trial["role"]) for name, trial in trials.items()]
    assert roles == [("walk", "calibration"), ("jump", "test"), ("run", "test")]


@pytest.mark.parametrize("profile", ["native", "ceinms-0.9"])
def test_the_profile_is_the_one_asked_for(project, profile, capsys):
    for command in ("run", "calibrate"):
        arguments = ["--profile", profile, "--json", "--out", project / "out" / command]
        arguments += ["--steps", "1"] if command == "calibrate" else []
        assert refnms(command, project / f"{command}.xml", *arguments) == 0
        assert json.loads(capsys.readouterr().out)["profile"] == profile


def refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


@pytest.mark.parametrize("command", ["run", "calibrate"])
def test_json_is_one_object_and_nothing_else_on_standard_output(project, command, capsys):
    spoil_emg(project)
    arguments = ["--json", "--out", project / "out"]
    arguments += ["--steps", "1"] if command == "calibrate" else []
    assert refnms(command, project / f"{command}.xml", *arguments) == 0
    told = capsys.readouterr()
    printed = json.loads(told.out, parse_constant=refuse)
    assert printed == json.loads((project / "out" / MARKER).read_text(), parse_constant=refuse)
    assert told.err.startswith("warning: ")


def test_json_of_a_run_lacks_only_what_belongs_to_the_optimisation(project, capsys):
    refnms("run", project / "run.xml", "--json")
    ran = json.loads(capsys.readouterr().out)
    refnms("calibrate", project / "calibrate.xml", "--json", "--steps", "1")
    calibrated = json.loads(capsys.readouterr().out)
    missing = {"method", "status", "seconds", "evaluations", "objective", "bound_hits"}
    assert set(ran) == set(calibrated) - missing


@pytest.mark.parametrize("profile", ["native", "ceinms-0.9"])
def test_a_warning_is_told_once(project, profile, capsys):
    """However often its file is read: for the run, and for the score in the terms of CEINMS."""
    spoil_emg(project, "walk")
    spoil_emg(project, "jump")
    tests = ("--test", project / "jump/trial.xml", "--profile", profile)
    refnms("calibrate", project / "calibrate.xml", *tests, "--steps", "1", "--out", project / "o")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and all("EMG values are outside [0, 1]" in line for line in lines)
    assert str(project / "walk") in lines[0] and str(project / "jump") in lines[1]


# ---- bad input: exit code 3 ----


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


def test_hybrid_execution_and_several_steps_are_bad_input(project, capsys):
    (project / "calibration.xml").write_text(calibration(STEP, STEP))
    assert refnms("calibrate", project / "calibrate.xml", "--out", project / "out") == 3
    assert "has 2 calibration steps" in capsys.readouterr().err
    hybrid = """<hybrid><alpha>1</alpha><beta>5</beta><gamma>10</gamma><dofSet>knee</dofSet>
<synthMTUs>muscle_0</synthMTUs><adjustMTUs/><algorithm><simulatedAnnealing><noEpsilon>4</noEpsilon>
<rt>.3</rt><T>2</T><NS>15</NS><NT>5</NT><epsilon>1.E-5</epsilon><maxNoEval>20</maxNoEval>
</simulatedAnnealing></algorithm></hybrid>"""
    (project / "execution.xml").write_text(EXECUTION.replace("<openLoop/>", hybrid))
    assert refnms("run", project / "run.xml", "--out", project / "out") == 3
    assert "hybrid execution is not available" in capsys.readouterr().err


def test_an_existing_result_is_replaced_as_a_whole(project):
    assert (
        refnms("calibrate", project / "calibrate.xml", "--steps", "1", "--out", project / "o") == 0
    )
    assert refnms("run", project / "run.xml", "--out", project / "o") == 0
    left = files(project / "o")
    assert len(left) == SIGNALS + 1 and "calibrated.xml" not in left


@pytest.mark.parametrize("command", ["run", "calibrate"])
def test_an_existing_result_survives_bad_input(project, command):
    assert refnms("run", project / "run.xml", "--out", project / "out") == 0
    before = files(project / "out")
    (project / "walk" / "emg.sto").unlink()
    assert refnms(command, project / f"{command}.xml", "--out", project / "out") == 3
    assert files(project / "out") == before


@pytest.mark.parametrize("command", ["run", "calibrate"])
def test_a_folder_with_other_things_in_it_is_not_replaced(project, command, capsys):
    """Not even that of the data themselves."""
    before = files(project)
    assert refnms(command, project / f"{command}.xml", "--out", project) == 3
    assert "holds files that are no refnms result" in capsys.readouterr().err
    assert refnms(command, project / f"{command}.xml", "--out", project / "run.xml") == 3
    assert "is a file, not a folder" in capsys.readouterr().err
    assert files(project) == before


# ---- input and output: exit code 5 ----


@pytest.mark.parametrize("command", ["run", "calibrate"])
def test_a_place_that_cannot_be_written_is_an_io_error(project, command, capsys):
    arguments = ["--steps", "1"] if command == "calibrate" else []
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

    monkeypatch.setattr(job, "write_atomically", full)  # the summary, after the signals
    assert refnms("run", project / "run.xml", "--out", project / "out") == 5
    assert "No space left on device" in capsys.readouterr().err
    assert files(project) == before


# ---- ran, but failed: exit code 4; interrupted: 130 ----


def disturbed(monkeypatch: Any, evaluation: int, how: Any) -> None:
    """Let `how(value)` change the value of one evaluation of the objective."""
    plain, calls = Objective.__call__, iter(range(10**6))

    def call(self: Any, x: Any, progress: float = 1.0) -> Any:
        value, gradient = plain(self, x, progress)
        return (how(value) if next(calls) == evaluation else value), gradient

    monkeypatch.setattr(Objective, "__call__", call)


def test_a_diverged_calibration_writes_the_best_before(project, monkeypatch, capsys):
    disturbed(monkeypatch, 9, lambda value: float("nan"))
    arguments = ("--steps", "50", "--out", project / "out", "--json")
    assert refnms("calibrate", project / "calibrate.xml", *arguments) == 4
    assert "error: the objective was no longer finite after 9" in capsys.readouterr().err
    summary = json.loads((project / "out" / MARKER).read_text())
    assert summary["status"] == "diverged"
    assert summary["objective"]["final"] < summary["objective"]["initial"]


def interrupt(value: float) -> float:
    signal.raise_signal(signal.SIGINT)
    return value


def test_an_interrupted_calibration_writes_the_best_so_far(project, monkeypatch, capsys):
    disturbed(monkeypatch, 9, interrupt)
    arguments = ("--steps", "50", "--out", project / "out", "--json")
    assert refnms("calibrate", project / "calibrate.xml", *arguments) == 130
    summary = json.loads(capsys.readouterr().out)
    assert summary["status"] == "interrupted" and summary["evaluations"] == 8
    assert summary["objective"]["final"] < summary["objective"]["initial"]
    assert (project / "out" / "calibrated.xml").is_file()
    assert json.loads((project / "out" / MARKER).read_text()) == summary


def test_interrupted_before_there_is_anything_nothing_is_written(project, monkeypatch, capsys):
    disturbed(monkeypatch, 0, interrupt)  # the first evaluation, which compiles
    assert refnms("calibrate", project / "calibrate.xml", "--out", project / "out") == 130
    assert "nothing was written" in capsys.readouterr().err
    assert not (project / "out").exists()


# ---- progress ----


def test_on_a_terminal_the_current_objective_is_shown(project, monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    arguments = ("--steps", "5", "--out", project / "out", "--json")
    assert refnms("calibrate", project / "calibrate.xml", *arguments) == 0
    told = capsys.readouterr()
    json.loads(told.out)
    assert re.search(r"\revaluation 6 of 6: objective [\d.e-]+ +\n$", told.err)


# ---- no mutation of a valid input gives a traceback, or half a result ----

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
