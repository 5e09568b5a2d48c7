"""The commands as a user meets them: exit codes, what is printed where, what is left on disk."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from project import EXECUTION, PERSON, STEP, calibration, subject

from refnms import __version__, cli, job, summary
from refnms.io.files import MARKER
from refnms.objective import Objective

SIGNALS = 8  # files of one trial


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
        ["calibrate", "a.xml", "--starts", "0"],
        ["calibrate", "a.xml", "--seconds", "0"],
        ["calibrate", "a.xml", "--seconds", "soon"],
        ["calibrate", "a.xml", "--prior", "-1"],
        ["calibrate", "a.xml", "--prior", "automatic"],
        ["calibrate", "a.xml", "--evaluations", "0"],
        ["calibrate", "a.xml", "--evaluations", "-3"],
        ["calibrate", "a.xml", "--evaluations", "1e3"],
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
    assert refnms("calibrate", project / "calibrate.xml", "--evaluations", "2") == 0
    assert (project / "results" / "calibrated.xml").is_file()
    assert (project / "results" / "calibrated_results" / MARKER).is_file()


def test_a_calibration_tells_what_it_did(project, capsys):
    tests = ("--test", project / "jump/trial.xml")
    arguments = ("--out", project / "out")
    assert refnms("calibrate", project / "calibrate.xml", *tests, *arguments) == 0
    told = capsys.readouterr()
    first, second, *table = told.out.splitlines()
    assert re.fullmatch(
        r"lm, profile native: objective [\d.]+ -> [\d.e-]+ in [\d.]+ s, \d+ evaluations "
        r"\(converged\)",
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
    refnms("calibrate", project / "calibrate.xml", "--evaluations", "40", "--out", project / "out")
    assert "on a bound: strength_coefficient of muscle_0" in capsys.readouterr().out
    slack = PERSON.muscles.tendon_slack_length * [1.0, 1.0, 2.0]
    person = replace(PERSON, muscles=PERSON.muscles._replace(tendon_slack_length=slack))
    (project / "subject.xml").write_text(subject(person))
    refnms("run", project / "run.xml")
    assert re.search(r"samples flagged SLACK: muscle_2 \d+", capsys.readouterr().out)


def test_tests_may_be_given_again_and_again(project, capsys):
    step = ("--evaluations", "1", "--json", "--out", project / "out")
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
        arguments += ["--evaluations", "1"] if command == "calibrate" else []
        assert refnms(command, project / f"{command}.xml", *arguments) == 0
        assert json.loads(capsys.readouterr().out)["profile"] == profile


def refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


@pytest.mark.parametrize("command", ["run", "calibrate"])
def test_json_is_one_object_and_nothing_else_on_standard_output(project, command, capsys):
    spoil_emg(project)
    arguments = ["--json", "--out", project / "out"]
    arguments += ["--evaluations", "1"] if command == "calibrate" else []
    assert refnms(command, project / f"{command}.xml", *arguments) == 0
    told = capsys.readouterr()
    printed = json.loads(told.out, parse_constant=refuse)
    assert printed == json.loads((project / "out" / MARKER).read_text(), parse_constant=refuse)
    assert told.err.startswith("warning: ")


def test_json_of_a_run_lacks_only_what_belongs_to_the_optimisation(project, capsys):
    refnms("run", project / "run.xml", "--json")
    ran = json.loads(capsys.readouterr().out)
    refnms("calibrate", project / "calibrate.xml", "--json", "--evaluations", "1")
    calibrated = json.loads(capsys.readouterr().out)
    missing = {"method", "status", "seconds", "evaluations", "starts", "objective", "bound_hits"}
    assert set(ran) == set(calibrated) - missing


@pytest.mark.parametrize("profile", ["native", "ceinms-0.9"])
def test_a_warning_is_told_once(project, profile, capsys):
    """However often its file is read: for the run, and for the score in the terms of CEINMS."""
    spoil_emg(project, "walk")
    spoil_emg(project, "jump")
    tests = ("--test", project / "jump/trial.xml", "--profile", profile)
    refnms(
        "calibrate", project / "calibrate.xml", *tests, "--evaluations", "1", "--out", project / "o"
    )
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and all("EMG values are outside [0, 1]" in line for line in lines)
    assert str(project / "walk") in lines[0] and str(project / "jump") in lines[1]


def test_a_warning_from_several_places_is_told_once(project, capsys):
    """The delay of CEINMS: for the objective, for the signals, and for the score in its terms."""
    path = project / "subject.xml"
    own = "<name>muscle_1</name>\n<emDelay>0.05</emDelay>"
    path.write_text(path.read_text().replace("<name>muscle_1</name>\n", own))
    arguments = ("--profile", "ceinms-0.9", "--evaluations", "1", "--out", project / "out")
    refnms("calibrate", project / "calibrate.xml", *arguments)
    lines = capsys.readouterr().err.splitlines()
    assert len([line for line in lines if "delays every muscle by the 0.03 s" in line]) == 1


def test_starts_priors_and_doubts_are_told(project, capsys):
    arguments = ("--starts", "3", "--prior", "auto", "--uncertainty", "--out", project / "out")
    assert refnms("calibrate", project / "calibrate.xml", *arguments) == 0
    told = capsys.readouterr().out
    assert re.search(r"^4 runs, of which [1-4] ended within 2 % of the best$", told, re.M)
    assert re.search(r"^weight of the prior, chosen by leaving trials out: [\d.]+$", told, re.M)
    assert re.search(r"^strength_coefficient of muscle_0( +[\d.e+-]+){3}$", told, re.M)


def test_a_run_is_resumed(project, capsys):
    arguments = ("--json", "--out", project / "out")
    assert refnms("calibrate", project / "calibrate.xml", *arguments) == 0
    whole = json.loads(capsys.readouterr().out)
    assert refnms("calibrate", project / "calibrate.xml", "--evaluations", "3", *arguments) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "budget used up"
    assert refnms("calibrate", project / "calibrate.xml", "--resume", *arguments) == 0
    resumed = json.loads(capsys.readouterr().out)
    assert resumed["objective"] == whole["objective"]
    assert refnms("calibrate", project / "calibrate.xml", "--resume", *arguments) == 3


@pytest.mark.parametrize("method", cli.METHODS)
def test_every_method_lowers_the_objective(project, method, capsys):
    arguments = ("--method", method, "--evaluations", "60", "--out", project / "out", "--json")
    assert refnms("calibrate", project / "calibrate.xml", *arguments) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["method"] == method
    assert told["objective"]["final"] < told["objective"]["initial"]


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
        refnms("calibrate", project / "calibrate.xml", "--evaluations", "1", "--out", project / "o")
        == 0
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
    arguments = ["--evaluations", "1"] if command == "calibrate" else []
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
    """Let `how(value)` change one value of AdamW's; the first two are those that compile."""
    plain, calls = Objective.gradient, iter(range(10**6))

    def call(self: Any, x: Any, progress: float = 1.0) -> Any:
        value, gradient = plain(self, x, progress)
        return (how(value) if next(calls) == evaluation else value), gradient

    monkeypatch.setattr(Objective, "gradient", call)


def test_a_diverged_calibration_writes_the_best_before(project, monkeypatch, capsys):
    disturbed(monkeypatch, 9, lambda value: float("nan"))
    arguments = ("--method", "adamw", "--out", project / "out", "--json")
    assert refnms("calibrate", project / "calibrate.xml", *arguments) == 4
    assert "error: the objective was no longer finite after 8" in capsys.readouterr().err
    written = json.loads((project / "out" / MARKER).read_text())
    assert written["status"] == "diverged"
    assert written["objective"]["final"] < written["objective"]["initial"]


def test_what_failed_is_told_beside_the_summary(project, monkeypatch, capsys):
    monkeypatch.setattr(summary, "flag_counts", lambda *_: {"FAILED": {"muscle_1": 2}})
    assert refnms("run", project / "run.xml", "--out", project / "out", "--json") == 4
    told = capsys.readouterr()
    assert json.loads(told.out)["flags"] == {"FAILED": {"muscle_1": 2}}
    assert (
        told.err == "error: no fiber equilibrium was found (samples by muscle): {'muscle_1': 2}\n"
    )


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A process that a shell started in the background ignores interrupts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt(value: float) -> float:
    signal.raise_signal(signal.SIGINT)
    return value


@pytest.mark.usefixtures("interruptible")
def test_an_interrupted_calibration_writes_the_best_so_far(project, monkeypatch, capsys):
    disturbed(monkeypatch, 9, interrupt)
    arguments = ("--method", "adamw", "--out", project / "out", "--json")
    assert refnms("calibrate", project / "calibrate.xml", *arguments) == 130
    told = json.loads(capsys.readouterr().out)
    assert told["status"] == "interrupted" and told["evaluations"] == 7
    assert told["objective"]["final"] < told["objective"]["initial"]
    assert (project / "out" / "calibrated.xml").is_file()
    assert json.loads((project / "out" / MARKER).read_text()) == told


@pytest.mark.usefixtures("interruptible")
def test_interrupted_before_there_is_anything_nothing_is_written(project, monkeypatch, capsys):
    disturbed(monkeypatch, 0, interrupt)  # the first evaluation, which compiles
    arguments = ("--method", "adamw", "--out", project / "out")
    assert refnms("calibrate", project / "calibrate.xml", *arguments) == 130
    assert "nothing was written" in capsys.readouterr().err
    assert not (project / "out").exists()


# ---- progress ----


def test_on_a_terminal_the_current_objective_is_shown(project, monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    arguments = ("--evaluations", "5", "--out", project / "out", "--json")
    assert refnms("calibrate", project / "calibrate.xml", *arguments) == 0
    told = capsys.readouterr()
    json.loads(told.out)
    assert re.search(r"\revaluation 5 of 5, [\d.]+ s: best objective [\d.e-]+ +\n$", told.err)
