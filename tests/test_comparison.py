"""Result folders held against each other, with differences put there on purpose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from refnms.comparison import compare
from refnms.errors import InputError
from refnms.io.storage import CEINMS, write_storage

TIME = np.array([0.0, 0.01, 0.02])
FORCES = np.array([[100.0, 5.0], [200.0, 4.0], [-400.0, 3.0]])


def write(folder: Path, name: str = "MuscleForces", data=FORCES, time=TIME, names=("m1", "m2")):
    folder.mkdir(exist_ok=True, parents=True)
    write_storage(folder / f"{name}.sto", time, names, data, "t", CEINMS)


def test_a_difference_is_measured_by_column(tmp_path):
    off = FORCES + np.array([[0.0, 0.0], [0.4, 0.0], [0.3, 0.0]])
    write(tmp_path / "a", data=off)
    write(tmp_path / "b")
    first, second = compare(tmp_path / "a", tmp_path / "b").differences
    assert (first.quantity, first.column) == ("MuscleForces", "m1")
    assert first.largest == pytest.approx(0.4)
    assert first.rms == pytest.approx(np.sqrt(0.25 / 3.0))
    assert first.relative == pytest.approx(1e-3)
    assert (second.column, second.largest, second.rms, second.relative) == ("m2", 0.0, 0.0, 0.0)


def test_the_tolerance_divides_what_agrees_from_what_does_not(tmp_path):
    write(tmp_path / "a", data=FORCES * (1.0 + 1e-6))
    write(tmp_path / "b")
    found = compare(tmp_path / "a", tmp_path / "b")
    assert [d.column for d in found.beyond(1e-7)] == ["m1", "m2"]
    assert found.beyond(1e-5) == []


def test_what_hardly_moves_is_measured_by_a_floor_where_its_unit_is_known(tmp_path):
    for name in ("MuscleForces", "Unknown"):
        write(tmp_path / "a", name, np.full((3, 2), 1e-3))
        write(tmp_path / "b", name, np.zeros((3, 2)))
    known, _, unknown, _ = compare(tmp_path / "a", tmp_path / "b").differences
    assert known.relative == 1e-3 and unknown.relative == np.inf


def test_the_names_of_both_versions_mean_the_same(tmp_path):
    write(tmp_path / "a", "FiberLenghts")
    write(tmp_path / "b", "FibreLengths")
    assert {d.quantity for d in compare(tmp_path / "a", tmp_path / "b").differences} == {
        "FiberLenghts"
    }


def test_columns_belong_together_by_name_and_folders_below_count(tmp_path):
    write(tmp_path / "a" / "walk", data=FORCES[:, ::-1], names=("m2", "m1"))
    write(tmp_path / "b" / "walk")
    found = compare(tmp_path / "a", tmp_path / "b")
    assert {(d.quantity, d.largest) for d in found.differences} == {("walk/MuscleForces", 0.0)}


def test_what_only_one_has_is_told(tmp_path):
    write(tmp_path / "a", names=("m1", "m3"))
    write(tmp_path / "a", "Torques")
    write(tmp_path / "b")
    write(tmp_path / "b", "Activations")
    found = compare(tmp_path / "a", tmp_path / "b")
    assert found.only_first == ("Torques", "MuscleForces: m3")
    assert found.only_second == ("Activations", "MuscleForces: m2")
    assert found.lacking == ("MuscleForces: m3", "Activations", "MuscleForces: m2")


def test_what_cannot_be_compared_is_told_all_at_once(tmp_path):
    write(tmp_path / "a", time=TIME + 0.005)
    write(tmp_path / "a", "Torques", FORCES[:2], TIME[:2])
    write(tmp_path / "a", "Activations", names=("x", "y"))
    for name in ("MuscleForces", "Torques", "Activations"):
        write(tmp_path / "b", name)
    with pytest.raises(InputError) as caught:
        compare(tmp_path / "a", tmp_path / "b")
    told = [str(problem) for problem in caught.value.problems]
    assert "no column in common" in told[0]
    assert "0.005 s, but 0 s in" in told[1] and "line 6" in told[1]
    assert "has 2 rows" in told[2] and "has 3" in told[2]


def test_folders_without_anything_in_common_are_refused(tmp_path):
    write(tmp_path / "a")
    write(tmp_path / "b", "Torques")
    with pytest.raises(InputError, match=r"no \.sto file in common"):
        compare(tmp_path / "a", tmp_path / "b")
    with pytest.raises(InputError, match="nothing: is no folder"):
        compare(tmp_path / "a", tmp_path / "nothing")
