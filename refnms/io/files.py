"""Writing so that a reader finds the old file or the new one whole, never a part of either."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from os import PathLike
from pathlib import Path

from refnms.errors import InputError, Problem

MARKER = "refnms.json"  # lies in every result folder; its presence permits replacing the folder


def write_atomically(path: str | PathLike[str], content: str | bytes) -> None:
    """Write a file as a whole: an interrupted or failed write leaves what was there before.

    Text is written as UTF-8 with its line ends as they are. A process killed while writing leaves
    a stray `.<name>.<random>.part` beside the target. Raises OSError (disk full, no permission).
    """
    path = Path(path).resolve()
    part = _part(path)
    try:
        with part.open("xb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def replace_folder(target: str | PathLike[str], writer: Callable[[Path], object]) -> None:
    """Let `writer` fill a fresh folder, then put that in the place of `target`, whole.

    An existing `target` must be empty or an earlier result (it holds `refnms.json`), else
    InputError; it is removed after the swap, with everything in it. The new folder gets an empty
    `refnms.json` unless `writer` wrote one. Whatever `writer` raises passes through, and `target`
    stays as it was. A process killed between the two renames of the swap leaves the earlier result
    as `.<name>.previous`; the next call replaces it, or puts it back if its writer fails.
    """
    target = Path(target).resolve()
    previous = target.with_name(f".{target.name}.previous")
    target.parent.mkdir(parents=True, exist_ok=True)
    check_replaceable(target)
    part = _part(target)
    try:
        part.mkdir()
        writer(part)
        if not (part / MARKER).exists():
            write_atomically(part / MARKER, "{}\n")
        _sync_folder(part)
        if target.exists():
            _remove(previous)
            target.rename(previous)
        part.rename(target)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        if previous.exists() and not target.exists():
            previous.rename(target)
        raise
    _sync_folder(target.parent)
    _remove(previous)


def new_folder(target: str | PathLike[str], writer: Callable[[Path], object]) -> None:
    """Let `writer` fill a folder that is not there yet, or is empty: whole or not at all.

    For what a person edits afterwards: nothing is ever replaced. Raises InputError; OSError.
    """
    if os.path.exists(target) and (not os.path.isdir(target) or os.listdir(target)):
        message = "is there already, and its files may be yours; name another folder"
        raise InputError(Problem(message, target))
    target = Path(target).resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    part = _part(target)
    try:
        part.mkdir()
        writer(part)
        _sync_folder(part)
        if target.exists():
            target.rmdir()
        part.rename(target)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    _sync_folder(target.parent)


def check_replaceable(target: Path) -> None:
    """Raise InputError unless a result may take the place of `target` (see `replace_folder`)."""
    if not target.exists():
        return
    if not target.is_dir():
        raise InputError(Problem("is a file, not a folder; choose another --out", target))
    if any(target.iterdir()) and not (target / MARKER).exists():
        raise InputError(
            Problem(
                "holds files that are no refnms result, and a result replaces its folder as a "
                "whole; choose another --out",
                target,
            )
        )


def _part(path: Path) -> Path:
    """A new name beside `path`, on the same file system, so that a rename is atomic."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut; only POSIX opens folders."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
