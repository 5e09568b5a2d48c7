"""The files to try the commands on: valid, and the participant of the demo to the bit."""

from __future__ import annotations

import json

import numpy as np
import pytest

from refnms import cli, example
from refnms.errors import InputError
from refnms.io import read_model, read_trial
from refnms.synthetic import participant


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("example") / "person"
    example.write(folder)
    return folder


def test_the_files_are_those_of_the_participant(folder):
    person = participant(0)
    model = read_model(folder / "subject.xml", folder / "excitationGenerator.xml")
    np.testing.assert_array_equal(model.table(), person.generic.table())
    np.testing.assert_array_equal(model.emg_to_muscle, person.generic.emg_to_muscle)
    np.testing.assert_array_equal(model.crosses, person.generic.crosses)
    for trial in person.trials:
        read = read_trial(folder / trial.name / "trial.xml", model)
        np.testing.assert_array_equal(read.moment, trial.moment)
        np.testing.assert_array_equal(read.emg, trial.emg)


@pytest.mark.parametrize("setup", [example.SETUP, example.RUN])
def test_a_check_finds_no_error(folder, setup, capsys):
    assert cli.main(["check", str(folder / setup), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [f for f in found["findings"] if f["level"] == "error"] == []


def test_a_folder_that_is_there_is_left_alone(folder):
    before = {path: path.read_bytes() for path in folder.rglob("*.xml")}
    with pytest.raises(InputError, match="is there already"):
        example.write(folder)
    assert {path: path.read_bytes() for path in folder.rglob("*.xml")} == before


def test_the_command_writes_them_and_says_what_they_are(tmp_path, capsys):
    folder = tmp_path / "person"
    assert cli.main(["demo", "--files", str(folder)]) == 0
    assert capsys.readouterr().out.startswith(f"{folder / example.SETUP}: three trials")
    assert cli.main(["demo", "--files", str(tmp_path / "other"), "--json"]) == 0
    written = json.loads(capsys.readouterr().out)["written"]
    assert written == [str(tmp_path / "other" / name) for name in (example.SETUP, example.RUN)]
