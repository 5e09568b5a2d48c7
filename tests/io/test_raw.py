"""Raw recordings: .sto, .csv and C3D give the same numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from refnms.errors import InputError
from refnms.io.raw import Raw, read_raw
from refnms.io.storage import write_storage

RATE = 1000.0
TIME = 2.5 + np.arange(50) / RATE
VALUES = np.random.default_rng(4).standard_normal((50, 2))


def csv(head: str, separator: str = ",", time: bool = True) -> str:
    rows = np.column_stack([TIME, VALUES]) if time else VALUES
    lines = (separator.join(map(repr, row)) for row in rows.tolist())
    return head + "\n" + "\n".join(lines) + "\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "emg.csv"
    path.write_text(text)
    return path


def check(raw: Raw, names: tuple[str, ...] = ("sol", "vas_lat")) -> None:
    assert raw.names == names and raw.rate == RATE
    np.testing.assert_array_equal(raw.values, VALUES)
    np.testing.assert_allclose(raw.time, TIME, rtol=0.0, atol=1e-9)


def test_a_storage_file_is_read(tmp_path):
    write_storage(tmp_path / "emg.sto", TIME, ("sol", "vas_lat"), VALUES, "raw")
    check(read_raw(tmp_path / "emg.sto"))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("label", ["time", "Time [s]", "X[s]"])
def test_a_csv_is_read_whatever_separates_it(separator, label, tmp_path):
    check(read_raw(written(tmp_path, csv(f"{label}{separator}sol{separator}vas lat", separator))))


def test_a_csv_without_time_needs_a_rate(tmp_path):
    path = written(tmp_path, csv("sol,vas lat", time=False))
    raw = read_raw(path, RATE)
    assert raw.rate == RATE and raw.start == 0.0
    np.testing.assert_array_equal(raw.values, VALUES)
    with pytest.raises(InputError, match=r"no column of time \(the first is 'sol'\)"):
        read_raw(path)


def test_channels_are_chosen_and_renamed(tmp_path):
    raw = read_raw(written(tmp_path, csv("time,sol,vas lat")))
    chosen = raw.chosen(["vas_lat=vl", "sol"])
    assert chosen.names == ("vl", "sol")
    np.testing.assert_array_equal(chosen.values, VALUES[:, ::-1])
    with pytest.raises(InputError) as caught:
        raw.chosen(["soll", "vl"])
    assert len(caught.value.problems) == 2 and "nearest known is 'sol'" in str(caught.value)


def test_no_channel_is_picked_among_several_of_one_name(tmp_path):
    raw = read_raw(written(tmp_path, csv("time,sol,sol")))
    with pytest.raises(InputError, match="'sol': 2 columns have this name; keep one"):
        raw.chosen(raw.names)
    raw = read_raw(written(tmp_path, csv("time,sol,tib")))
    with pytest.raises(InputError, match="'a': two channels would get this name"):
        raw.chosen(["sol=a", "tib=a"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time,a\n0,1\n0.1\n", "line 3: expected 2 cells as the labels say, found 1"),
        ("time,a\n0,1\n0.1,\n", "line 3, column 'a': empty cell"),
        ("time,a\n0,1\n0.1,nan\n", "line 3, column 'a': 'nan' is not a finite number"),
        ("time;a\n0;1\n0.1;2,5\n", "has a decimal comma"),
        ("time,a\n0,1\n0.1,x\n", "'x' is not a plain decimal number"),
        ("time,a\n0,1\n0.1,1\n0.9,1\n", "samples are not evenly spaced, at 0.1 s"),
        ("time,a\n0.1,1\n0,1\n", "samples are not evenly spaced"),
        ("time,a\n", "holds no samples"),
    ],
)
def test_what_is_not_evenly_sampled_numbers_is_refused(text, message, tmp_path):
    with pytest.raises(InputError) as caught:
        read_raw(written(tmp_path, text))
    assert message in str(caught.value)


def test_rounded_time_stamps_are_those_of_a_rate(tmp_path):
    time = np.round(np.arange(200) / 1111.0, 4)  # steps of 0.8, 0.9 and 1.0 ms
    write_storage(tmp_path / "e.sto", time, ["a"], np.zeros((200, 1)), "raw")
    assert read_raw(tmp_path / "e.sto").rate == pytest.approx(1111.0, rel=1e-3)


def test_a_c3d_file_is_read(tmp_path):
    ezc3d = pytest.importorskip("ezc3d", reason="the extra `c3d` is not installed")
    file = ezc3d.c3d()
    file["parameters"]["POINT"]["RATE"]["value"] = [100]
    file["parameters"]["ANALOG"]["RATE"]["value"] = [RATE]
    file["parameters"]["POINT"]["LABELS"]["value"] = ("heel",)
    file["parameters"]["ANALOG"]["LABELS"]["value"] = ("Force Fz", "sol EMG")
    file["data"]["points"] = np.zeros((4, 1, 5))
    file["data"]["analogs"] = VALUES.T[None]
    file.write(str(tmp_path / "walk.c3d"))
    raw = read_raw(tmp_path / "walk.c3d")
    assert raw.names == ("Force_Fz", "sol_EMG") and raw.rate == RATE
    np.testing.assert_allclose(raw.values, VALUES, rtol=1e-6)  # C3D holds single precision


def test_a_c3d_file_needs_its_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ezc3d", None)
    with pytest.raises(InputError, match="install the extra `c3d`"):
        read_raw(tmp_path / "walk.c3d")
