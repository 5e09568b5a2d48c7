"""Writing leaves the old file or the new one, whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from refnms.errors import InputError
from refnms.io import files
from refnms.io.files import MARKER, new_folder, replace_folder, write_atomically


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_text_and_bytes_are_written_as_they_are(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a", "é\r\n")
    write_atomically(tmp_path / "b", b"\0\n")
    assert (tmp_path / "a").read_bytes() == "é\r\n".encode()
    assert (tmp_path / "b").read_bytes() == b"\0\n"
    assert names(tmp_path) == ["a", "b"]


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_written_file_is_readable_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    write_atomically(tmp_path / "ours", "")
    replace_folder(tmp_path / "folder", lambda folder: None)
    (tmp_path / "plain folder").mkdir()
    mode = {p.name: p.stat().st_mode for p in tmp_path.iterdir()}
    assert mode["ours"] == mode["plain"]
    assert mode["folder"] == mode["plain folder"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f"
    path.write_text("old")

    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, step, fail)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["f"]


KILLED = """
import sys
from refnms.io.files import write_atomically
for k in range(100_000):
    write_atomically(sys.argv[1], bytes([48 + k % 2]) * 200_000)
    if k == 0:
        print(flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
def test_a_killed_write_never_tears_a_file(tmp_path: Path) -> None:
    path = tmp_path / "f"
    for k in range(5):
        root = Path(files.__file__).parents[2]
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, cwd=root
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.003 * k)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        content = path.read_bytes()
        assert content in (b"0" * 200_000, b"1" * 200_000)


def result(folder: Path) -> None:
    (folder / "Torques.sto").write_text("new")


def test_a_result_folder_is_made_with_its_parents_and_its_marker(tmp_path: Path) -> None:
    replace_folder(tmp_path / "a" / "out", result)
    assert names(tmp_path / "a") == ["out"]
    assert names(tmp_path / "a" / "out") == ["Torques.sto", MARKER]


def test_an_earlier_result_is_replaced_as_a_whole(tmp_path: Path) -> None:
    out = tmp_path / "out"
    replace_folder(out, lambda folder: (folder / "stale.sto").write_text("old"))
    replace_folder(out, result)
    assert names(out) == ["Torques.sto", MARKER]
    assert names(tmp_path) == ["out"]


def test_a_marker_of_the_writer_is_kept(tmp_path: Path) -> None:
    replace_folder(tmp_path / "out", lambda folder: (folder / MARKER).write_text("mine"))
    assert (tmp_path / "out" / MARKER).read_text() == "mine"


def test_an_empty_folder_may_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    replace_folder(tmp_path / "out", result)
    assert (tmp_path / "out" / "Torques.sto").exists()


def test_a_folder_of_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(InputError, match="--out"):
        replace_folder(tmp_path, result)
    with pytest.raises(InputError, match="--out"):
        replace_folder(tmp_path / "thesis.txt", result)
    assert names(tmp_path) == ["thesis.txt"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failing_writer_leaves_the_earlier_result(error: BaseException, tmp_path: Path) -> None:
    out = tmp_path / "out"
    replace_folder(out, lambda folder: (folder / "old.sto").write_text("old"))

    def fail(folder: Path) -> None:
        result(folder)
        raise error

    with pytest.raises(type(error)):
        replace_folder(out, fail)
    assert names(out) == ["old.sto", MARKER]
    assert names(tmp_path) == ["out"]


def test_a_failing_swap_puts_the_earlier_result_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, rename = tmp_path / "out", Path.rename
    replace_folder(out, lambda folder: (folder / "old.sto").write_text("old"))

    def refuse_the_new(path: Path, target: Path) -> Path:
        if path.suffix == ".part":
            raise OSError(16, "Device or resource busy")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse_the_new)
    with pytest.raises(OSError, match="busy"):
        replace_folder(out, result)
    assert names(out) == ["old.sto", MARKER]
    assert names(tmp_path) == ["out"]


def test_a_swap_that_was_killed_half_way_loses_nothing(tmp_path: Path) -> None:
    out, previous = tmp_path / "out", tmp_path / ".out.previous"
    replace_folder(out, lambda folder: (folder / "old.sto").write_text("old"))
    out.rename(previous)

    def fail(folder: Path) -> None:
        raise OSError

    with pytest.raises(OSError):
        replace_folder(out, fail)
    assert names(out) == ["old.sto", MARKER]
    out.rename(previous)
    replace_folder(out, result)
    assert names(tmp_path) == ["out"]
    assert names(out) == ["Torques.sto", MARKER]


def test_an_earlier_result_left_over_by_a_kill_after_the_swap_is_removed(tmp_path: Path) -> None:
    out, previous = tmp_path / "out", tmp_path / ".out.previous"
    replace_folder(out, result)
    replace_folder(previous, result)
    replace_folder(out, result)
    assert names(tmp_path) == ["out"]


def test_a_new_folder_appears_whole_and_replaces_nothing(tmp_path):
    target = tmp_path / "deep" / "out"
    new_folder(target, lambda folder: (folder / "a").write_text("1"))
    assert (target / "a").read_text() == "1"
    with pytest.raises(InputError, match="may be yours"):
        new_folder(target, lambda folder: None)
    assert [p.name for p in target.parent.iterdir()] == ["out"]


def test_an_empty_folder_may_be_filled_and_a_failure_leaves_it(tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(ZeroDivisionError):
        new_folder(tmp_path / "out", lambda folder: 1 / 0)
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    new_folder(tmp_path / "out", lambda folder: (folder / "a").touch())
    assert (tmp_path / "out" / "a").exists()
