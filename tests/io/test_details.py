"""What is written beside a summary comes back as it was."""

from __future__ import annotations

import numpy as np
import pytest
from people import person, recording

from refnms.errors import InputError
from refnms.io.details import (
    EXCITATIONS,
    FOLDER,
    MEASURED,
    RECORD,
    UNCALIBRATED,
    UNCALIBRATED_LENGTHS,
    read_document,
    read_signal,
    write_compared,
    write_record,
)
from refnms.io.storage import write_storage


def test_a_record_comes_back_with_its_schema(tmp_path):
    write_record(tmp_path, {"dofs": ["knee"]})
    found = read_document(tmp_path / FOLDER / RECORD)
    assert found == {"schema": "refnms-record", "schema_version": 1, "dofs": ["knee"]}


def test_a_record_holds_no_number_that_is_none(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_record(tmp_path, {"x": float("nan")})


def test_signals_come_back_digit_for_digit(tmp_path, rng):
    model = person(3)
    trial = recording(0, model, 12)
    frames = len(trial.time)
    excitation, lengths = rng.uniform(size=(2, frames, 3))
    moment = rng.normal(size=(frames, len(model.dof_names)))
    write_compared(tmp_path, model, trial, excitation, (moment, lengths))
    folder = tmp_path / FOLDER / trial.name
    expected = {EXCITATIONS: excitation, UNCALIBRATED: moment, UNCALIBRATED_LENGTHS: lengths}
    if trial.moment is not None:
        expected[MEASURED] = trial.moment
    assert {path.stem for path in folder.iterdir()} == {*expected}
    for name, data in expected.items():
        table = read_signal(folder, name)
        assert table is not None
        np.testing.assert_array_equal(table.data, data)
        np.testing.assert_array_equal(table.time, trial.time)


def test_a_signal_is_found_by_the_name_of_another_version(tmp_path):
    assert read_signal(tmp_path, "NormFiberLengths") is None
    path = tmp_path / "NormFibreLengths.sto"
    write_storage(path, np.arange(2.0), ["m"], np.ones((2, 1)), "x")
    table = read_signal(tmp_path, "NormFiberLengths")
    assert table is not None and table.path == path


@pytest.mark.parametrize(("text", "said"), [("{", "is no JSON document"), ("3", "no JSON object")])
def test_damaged_documents_are_refused(tmp_path, text, said):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=said):
        read_document(tmp_path / "a.json")
    assert read_document(tmp_path / "b.json") is None
