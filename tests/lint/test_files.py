"""Whole set-ups: what a job would refuse is an error, all of it at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from commands import spoil_emg
from models import muscle, v4
from project import EXECUTION, STEP, calibration, execute_so, hybrid

from refnms.errors import InputError
from refnms.lint.files import check_file
from refnms.lint.findings import Level
from refnms.task import read_task


def told(path: Path, *tests: Path, level: Level = Level.ERROR) -> list[str]:
    return [str(finding) for finding in check_file(path, tests).findings.of(level)]


@pytest.mark.parametrize("setup", ["calibrate.xml", "run.xml"])
def test_a_sound_setup_has_no_errors_and_all_its_files_are_read(setup, project):
    checked = check_file(project / setup)
    assert checked.findings.of(Level.ERROR) == []
    names = {file.relative_to(project).as_posix() for file in checked.files}
    assert {"subject.xml", "walk/emg.sto", "walk/ma_knee.sto", "walk/id.sto"} <= names


def test_faults_of_every_file_come_at_once(project):
    """Also of trials, though the subject cannot be read."""
    text = (project / "subject.xml").read_text()
    (project / "subject.xml").write_text(text.replace("<c1>", "<c1>x", 1))
    text = (project / "excitationGenerator.xml").read_text()
    (project / "excitationGenerator.xml").write_text(text.replace(">channel_0<", ">chanel_0<", 1))
    (project / "walk" / "emg.sto").write_text("nonsense\n")
    (project / "run" / "lmt.sto").unlink()
    found = told(project / "calibrate.xml")
    for part in (
        "subject.xml, line",
        "'chanel_0' is not among the inputSignals; the nearest known is 'channel_0' [RN305]",
        "walk/emg.sto: no line `endheader`: is it a .sto or .mot file? [RN202]",
        "but there is no file",
    ):
        assert any(part in line for line in found), part


def test_signals_are_looked_for_though_the_subject_cannot_be_read(project):
    text = (project / "subject.xml").read_text()
    (project / "subject.xml").write_text(text.replace("<c1>", "<c1>x", 1))
    path = project / "run" / "emg.sto"
    path.write_text(path.read_text().replace("channel_1", "chan_1", 1))
    found = told(project / "calibrate.xml")
    assert len(found) == 2
    assert any("run/emg.sto" in line and "'channel_1': no column" in line for line in found)


def test_every_problem_of_the_job_is_found(project):
    """Faults of several trials, which only their comparison with the model shows."""
    for trial in ("walk", "run"):
        path = project / trial / "ma_knee.sto"
        path.write_text(path.read_text().replace("muscle_1", "muscle_9"))
    with pytest.raises(InputError) as caught:
        read_task(project / "calibrate.xml", "native")
    found = told(project / "calibrate.xml")
    assert {f"error: {problem} [RN205]" for problem in caught.value.problems} <= set(found)


def test_warnings_of_readers_and_looks_are_told(project):
    spoil_emg(project)
    found = told(project / "calibrate.xml", level=Level.WARNING)
    assert any("EMG values are outside [0, 1]" in line for line in found)


def test_further_trials_are_checked(project):
    (project / "jump" / "id.sto").write_text("")
    assert told(project / "calibrate.xml") == []
    (line,) = told(project / "calibrate.xml", project / "jump" / "trial.xml")
    assert "jump/id.sto: is empty [RN101]" in line


def test_what_only_the_job_knows_is_found(project):
    (project / "calibration.xml").write_text(calibration(STEP.replace("knee ankle", "knee hip")))
    (line,) = told(project / "calibrate.xml")
    assert "<dofs> names hip; the subject has knee, ankle [RN305]" in line


def test_a_run_is_checked_with_its_execution(project):
    (project / "execution.xml").write_text(EXECUTION.replace("1e-9", "0"))
    (line,) = told(project / "run.xml")
    assert "tolerance must be above 0 m [RN304]" in line


@pytest.mark.parametrize(
    "name",
    ["subject.xml", "excitationGenerator.xml", "calibration.xml", "execution.xml",
     "walk/trial.xml", "walk/emg.sto"],
)  # fmt: skip
def test_any_file_of_a_setup_can_be_checked_alone(name, project):
    assert told(project / name) == []
    path = project / name
    path.write_text(path.read_text()[: len(path.read_text()) // 2])
    assert told(path) != []


def test_excitations_that_cannot_follow_the_moments_are_found(project):
    execute_so(project, hybrid(synthesized="nobody", dofs="hip"))
    found = told(project / "run.xml")
    assert any("no synthesized muscle is called nobody" in line for line in found)
    assert any("no degree of freedom is called hip" in line for line in found)
    execute_so(project, hybrid())
    assert told(project / "run.xml") == []


def test_trials_without_moments_are_no_calibration(project):
    for name in ("walk", "run"):
        path = project / name / "trial.xml"
        path.write_text(re.sub(r" *<externalTorquesFile>.*\n", "", path.read_text()))
    found = told(project / "calibrate.xml")
    assert [re.findall("'(.*)' has no measured moments", line) for line in found] == [
        ["walk"],
        ["run"],
    ]


def test_models_are_checked_and_strangers_refused(tmp_path):
    (tmp_path / "m.osim").write_text(v4(muscle()))
    assert told(tmp_path / "m.osim") == []
    (tmp_path / "a.xml").write_text("<html/>")
    (line,) = told(tmp_path / "a.xml")
    assert "cannot tell what this file is: <html>" in line and "[RN106]" in line
    assert "cannot be read" in told(tmp_path / "none.xml")[0]


def test_the_measured_setup_is_sound(shared):
    checked = check_file(shared / "s06_calibration" / "calibrationSetup.xml")
    assert checked.findings.of(Level.ERROR) == []
    found = [str(finding) for finding in checked.findings.of(Level.WARNING)]
    assert len(found) == 4 and all("normalised fiber length" in line for line in found)
    (knee, ankle) = (str(finding) for finding in checked.findings.of(Level.NOTE))
    assert "knee_angle_r: moments lag EMG by 0.1" in knee
    assert "ankle_angle_r: moments lag EMG by 0.07 s (r = 0.95); emDelay is 0.08 s" in ankle
