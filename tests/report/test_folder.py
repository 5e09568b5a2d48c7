"""Reading a folder of results: what is there, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from results import write_result

from refnms.errors import InputError
from refnms.report.folder import read_result


def test_signals_are_cut_to_the_window_that_counts(tmp_path):
    folder = write_result(tmp_path / "x", frames=201)
    path = folder / "details" / "record.json"
    record = json.loads(path.read_text())
    record["windows"]["walk"] = [0.5, 1.0]
    path.write_text(json.dumps(record))
    walk, run = read_result(folder).recordings
    assert walk.after is not None and walk.measured is not None and run.after is not None
    assert (walk.after.time[0], walk.after.time[-1]) == (0.5, 1.0)
    assert len(walk.measured.time) == 51 and len(run.after.time) == 201
    assert run.held_out and not walk.held_out
    np.testing.assert_allclose(walk.after.of("ankle_angle_r") - walk.measured.data[:, 0], 1.0)
    assert walk.after.of("knee") is None


def test_what_is_not_there_is_none(tmp_path):
    folder = write_result(tmp_path / "x")
    (folder / "walk" / "Torques.sto").unlink()
    (folder / "details" / "walk" / "MeasuredTorques.sto").unlink()
    walk = read_result(folder).recordings[0]
    assert walk.after is None and walk.measured is None and walk.activation is not None


def test_the_signals_of_a_run_stand_in_the_folder_itself(tmp_path):
    folder = write_result(tmp_path / "x", trials=["walk"])
    for file in (folder / "walk").iterdir():
        file.rename(folder / file.name)
    summary = json.loads((folder / "refnms.json").read_text())
    assert read_result(folder).recordings[0].after is None
    summary["trials"]["walk"]["role"] = "run"
    (folder / "refnms.json").write_text(json.dumps(summary))
    (walk,) = read_result(folder).recordings
    assert walk.after is not None and walk.measured is not None and walk.activation is not None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "holds no refnms.json; name a folder"),
        ("{", "is no JSON document"),
        ("[]", "is no JSON object"),
        ("{}", "is no summary of calibrate, run or demo"),
        ('{"trials": {"../../etc": {"role": "test", "dofs": {}}}}', "no trial can be called"),
    ],
)
def test_what_is_no_result_is_refused(tmp_path, content, said):
    if content is not None:
        (tmp_path / "refnms.json").write_text(content)
    with pytest.raises(InputError, match=said):
        read_result(tmp_path)
