"""A recording that is written is the one that is read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from people import person, recording
from project import write_project

from refnms.errors import InputError
from refnms.io import read_model, read_trial
from refnms.io.recordings import write_trial

SIGNALS = ("time", "musculotendon_length", "moment_arm", "emg_time", "emg", "moment", "scored")


@pytest.fixture
def model(tmp_path):
    project = write_project(tmp_path / "person", frames=12)
    return read_model(project / "subject.xml", project / "excitationGenerator.xml")


def same(one, other):
    for name in SIGNALS:
        a, b = getattr(one, name), getattr(other, name)
        assert (a is None) == (b is None), name
        assert a is None or np.array_equal(a, b), name


@pytest.mark.parametrize("change", [{}, {"moment": None}, {"scored": slice(3, 9)}])
def test_every_number_reads_back(model, tmp_path, change):
    trial = recording(4, model, 40, name="stairs")
    if "scored" in change:
        change = {"scored": np.isin(np.arange(40), np.arange(40)[change["scored"]])}
    # Arms of muscles that do not cross a joint are not read.
    trial = replace(trial, moment_arm=trial.moment_arm * model.crosses, **change)
    path = write_trial(tmp_path / "new" / "stairs", model, trial)
    again = read_trial(path, model)
    assert again.name == "stairs"
    same(again, trial)


def test_what_cannot_be_written_is_refused_before_anything_is(model, tmp_path):
    trial = recording(4, model, 40)
    holes = replace(trial, scored=np.arange(40) % 2 == 0)
    for bad in (holes, replace(trial, scored=np.zeros(40, bool))):
        with pytest.raises(InputError, match="no window of time"):
            write_trial(tmp_path / "out", model, bad)
    with pytest.raises(InputError, match="has shape"):
        write_trial(tmp_path / "out", person(1, muscles=5), trial)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_there_is_left_alone(model, tmp_path):
    with pytest.raises(FileExistsError):
        write_trial(tmp_path, model, recording(4, model, 40))
