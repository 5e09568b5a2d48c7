"""The history of a run as a file: back to the bit, without code, and refused when damaged."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from objectives import many_minima

from refnms.errors import InputError
from refnms.io.history import FIELDS, read_history, write_history
from refnms.optimize import AdamW, Budget, History, LevenbergMarquardt, MultiStart, minimize

FLOATS = st.floats(width=64)  # not a number and infinite ones too


@st.composite
def histories(draw) -> History:
    n, variables = draw(st.integers(0, 5)), draw(st.integers(1, 3))
    marks = st.integers(0, 2**64 - 1)
    return History(
        np.arange(1, n + 1),
        draw(arrays(float, n, elements=FLOATS)),
        draw(arrays(float, n, elements=FLOATS)),
        draw(arrays(np.uint64, n, elements=marks)),
        draw(arrays(float, (draw(st.integers(0, n)), variables), elements=FLOATS)),
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("history") / "history.npz"


@pytest.fixture(scope="module")
def content(path) -> bytes:
    write_history(path, sample())
    return path.read_bytes()


def sample() -> History:
    problem = many_minima()
    history = minimize(AdamW(), problem.objective, *problem.box, Budget(6)).history
    return replace(history, seconds=0.125 * history.evaluations)  # the same file every time


@given(histories())
def test_every_number_comes_back_to_the_bit(path, history):
    write_history(path, history)
    again = read_history(path)
    for field in FIELDS:
        one, other = getattr(history, field), getattr(again, field)
        assert one.dtype == other.dtype and one.shape == other.shape
        assert one.tobytes() == other.tobytes()


def test_all_of_a_history_is_written():
    assert set(FIELDS) == set(vars(sample()))


@pytest.mark.parametrize("method", [AdamW(steps=20), LevenbergMarquardt(), MultiStart(starts=4)])
def test_a_run_continues_from_its_file(path, method):
    problem = many_minima()
    box = problem.objective, *problem.box
    whole = minimize(method, *box)
    write_history(path, minimize(method, *box, Budget(5)).history)
    done = minimize(method, *box, past=read_history(path))
    np.testing.assert_array_equal(done.history.objective, whole.history.objective)
    np.testing.assert_array_equal(done.x, whole.x)


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    target, old = tmp_path / "history.npz", sample()
    write_history(target, old)
    before = target.read_bytes()

    def full(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="disk full"):
        write_history(target, old)
    assert target.read_bytes() == before
    assert list(tmp_path.iterdir()) == [target]


# ---- what is refused ----


def assert_refused(path: Path) -> None:
    with pytest.raises(InputError, match="is no history of a run") as caught:
        read_history(path)
    assert [problem.file for problem in caught.value.problems] == [path]


def test_a_file_that_is_not_there_says_when_there_is_one(tmp_path):
    with pytest.raises(InputError, match=r"history\.npz: no run to resume: it stands here after"):
        read_history(tmp_path / "history.npz")


@given(st.floats(0.0, 1.0, exclude_max=True))
def test_a_file_that_was_cut_is_refused(path, content, share):
    path.write_bytes(content[: int(share * len(content))])
    assert_refused(path)


@settings(max_examples=200)
@given(st.floats(0.0, 1.0, exclude_max=True), st.integers(1, 255))
def test_a_file_with_a_wrong_byte_is_refused_or_says_the_same(path, content, share, change):
    """What stands in an archive twice, or is not looked at, may be wrong."""
    wrong = bytearray(content)
    wrong[int(share * len(content))] ^= change
    path.write_bytes(wrong)
    try:
        again = read_history(path)
    except InputError:
        return
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(again, field), getattr(sample(), field), strict=True)


@pytest.mark.parametrize("content", [b"", b"<subject/>", b"time\tknee\n0\t1\n", b"PK\x03\x04"])
def test_another_kind_of_file_is_refused(tmp_path, content):
    (tmp_path / "history.npz").write_bytes(content)
    assert_refused(tmp_path / "history.npz")


@pytest.mark.parametrize("field", FIELDS)
def test_a_history_that_lacks_an_array_is_refused(tmp_path, field):
    fields = {name: array for name, array in vars(sample()).items() if name != field}
    np.savez(tmp_path / "history.npz", **fields)
    assert_refused(tmp_path / "history.npz")


class Trap:
    """Unpickled, it would run what its file says."""

    sprung = False

    def __reduce__(self):
        return setattr, (Trap, "sprung", True)


def test_no_code_in_a_file_is_run(tmp_path):
    fields = {**vars(sample()), "mark": np.array([Trap()], object)}
    np.savez(tmp_path / "history.npz", **fields)
    assert_refused(tmp_path / "history.npz")
    np.array([Trap()], object).dump(tmp_path / "history.npz")
    assert_refused(tmp_path / "history.npz")
    assert not Trap.sprung


@pytest.mark.parametrize("field", FIELDS)
def test_arrays_of_another_kind_are_refused(path, field):
    arrays_ = {name: getattr(sample(), name) for name in FIELDS}
    arrays_[field] = np.full(arrays_[field].shape, "6")
    np.savez(path, **arrays_)
    assert_refused(path)


def test_a_history_of_unequal_lengths_is_refused(path):
    write_history(path, replace(sample(), seconds=np.zeros(2)))
    assert_refused(path)


def test_a_folder_of_that_name_is_no_history(tmp_path):
    (tmp_path / "history.npz").mkdir()
    with pytest.raises(InputError, match="no run to resume"):
        read_history(tmp_path / "history.npz")
