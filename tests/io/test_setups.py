from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from refnms.errors import InputError
from refnms.io.setups import read_calibration_setup, read_input_data, read_run_setup


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def replace(path: Path, old: str, new: str) -> Path:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


def test_input_data_names_the_files_of_a_trial(folder: Path, version: str) -> None:
    trial = read_input_data(folder / "run.xml")
    assert trial.name == "run"
    assert trial.lengths == folder / "lmt.sto"
    assert trial.excitations == folder / "emg.sto"
    assert trial.moments == folder / "id.sto"
    assert trial.moment_arms == {"ankle": folder / "ma_ankle.sto", "knee": folder / "ma_knee.sto"}
    assert trial.start_stop == ((0.45, 1.799) if version == "0.21" else None)
    assert trial.source == folder / "run.xml"


def test_a_file_called_trial_has_the_name_of_its_folder(folder: Path) -> None:
    assert read_input_data(folder / "walk" / "trial.xml").name == "walk"


def test_moments_may_be_absent(copy: Path) -> None:
    path = replace(copy / "run.xml", "<externalTorquesFile>id.sto</externalTorquesFile>", "")
    assert read_input_data(path).moments is None


def test_every_missing_file_is_told_with_its_line(copy: Path) -> None:
    for name in ("lmt.sto", "emg.sto", "ma_ankle.sto", "ma_knee.sto", "id.sto"):
        (copy / name).unlink()
    with pytest.raises(InputError) as error:
        read_input_data(copy / "run.xml")
    assert [problem.line for problem in error.value.problems] == [2, 3, 4, 5, 6]
    assert "'.\\\\ma_ankle.sto', but there is no file" in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('dofName="knee"', 'dofName="ankle"', "line 5: a second moment-arm file for 'ankle'"),
        ("</inputData>", "<startStopTime>2 1</startStopTime></inputData>", "the lower first"),
        ("lmt.sto", "", "expected a text, found nothing"),
        ("lmt.sto", "x" * 5000, "there is no file"),
    ],
)
def test_faulty_input_data_is_refused(copy: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_input_data(replace(copy / "run.xml", old, new))


def test_setups_resolve_paths_against_their_own_folder(folder: Path) -> None:
    run = read_run_setup(folder / "ceinms.xml")
    assert run.subject == folder / "subject.xml"
    assert run.input_data == folder / "run.xml"
    assert run.execution == folder / "execution.xml"
    assert run.excitation_generator == folder / "excitationGenerator.xml"
    assert run.output == folder / "out"
    calibration = read_calibration_setup(folder / "ceinmsCalibration.xml")
    assert calibration.subject == folder / "subject.xml"
    assert calibration.excitation_generator == folder / "excitationGenerator.xml"
    assert calibration.calibration == folder / "calibration.xml"
    assert calibration.output == folder / "out" / "calibrated.xml"


def test_a_setup_tells_every_missing_file_at_once(copy: Path) -> None:
    for name in ("subject", "run", "execution", "excitationGenerator", "calibration"):
        (copy / f"{name}.xml").unlink()
    with pytest.raises(InputError) as error:
        read_run_setup(copy / "ceinms.xml")
    assert [problem.line for problem in error.value.problems] == [1, 2, 3, 4]
    with pytest.raises(InputError) as error:
        read_calibration_setup(copy / "ceinmsCalibration.xml")
    assert [problem.line for problem in error.value.problems] == [1, 2, 3]


def test_absolute_paths_stay_as_they_are(copy: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "lmt.sto"
    elsewhere.touch()
    path = replace(copy / "run.xml", "lmt.sto", str(elsewhere))
    assert read_input_data(path).lengths == elsewhere
