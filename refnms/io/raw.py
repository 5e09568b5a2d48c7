"""Raw recordings, evenly sampled: .sto and .mot, .csv, and C3D (extra `c3d`)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from refnms.errors import InputError, Problem
from refnms.io.schema import nearest, short
from refnms.io.storage import Faults, read_storage, reason_against

if TYPE_CHECKING:
    from refnms.physics.types import Array

EXTRA = "C3D files need ezc3d: install the extra `c3d`, as in `pip install refnms[c3d]`"
SEPARATORS = (b"\t", b";", b",")
TIME_LABELS = ("time", "t", "x[s]", "x [s]")  # beginnings, in lower case


@dataclass(frozen=True, eq=False)
class Raw:
    """N samples of E channels."""

    path: Path
    start: float  # time of the first sample [s]
    rate: float  # [Hz]
    names: tuple[str, ...]  # (E,)
    values: Array  # (N, E)

    @property
    def time(self) -> Array:
        return self.start + np.arange(len(self.values)) / self.rate

    def chosen(self, channels: Sequence[str]) -> Raw:
        """These channels, each given as its name or as `name=new name`.

        Raises InputError naming every one that is not there, with the nearest, or there twice.
        """
        pairs = [(old, new or old) for old, _, new in (c.partition("=") for c in channels)]
        problems = []
        for old in dict.fromkeys(old for old, _ in pairs):
            if old not in self.names:
                message = f"no column of this name{nearest(old, self.names)}"
                problems.append(Problem(message, self.path, column=old))
            elif self.names.count(old) > 1:
                message = f"{self.names.count(old)} columns have this name; keep one"
                problems.append(Problem(message, self.path, column=old))
        named = [new for _, new in pairs]
        for new in dict.fromkeys(named):
            if named.count(new) > 1 and self.names.count(new) < 2:
                problems.append(Problem("two channels would get this name", self.path, column=new))
        if problems:
            raise InputError(problems)
        columns = [self.names.index(old) for old, _ in pairs]
        names = tuple(new for _, new in pairs)
        return replace(self, names=names, values=self.values[:, columns])


def read_raw(path: str | os.PathLike[str], rate: float | None = None) -> Raw:
    """Read a recording by the ending of its name. Blanks in names become `_`.

    `rate` [Hz] is for a .csv without a column of time. Of a C3D file the analog channels are read,
    from the time of its first frame. Raises InputError: what is not evenly sampled numbers.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending == ".c3d":
        raw = _read_c3d(path)
    elif ending in (".csv", ".txt", ".tsv"):
        raw = _read_csv(path, rate)
    else:
        table = read_storage(path)
        raw = _even(path, table.time, table.names, table.data)
    return replace(raw, names=tuple("_".join(name.split()) for name in raw.names))


def _even(path: Path, time: Array, names: Sequence[str], values: Array) -> Raw:
    """A recording whose time stamps are those of one rate, but for rounding."""
    if len(time) < 2:
        raise InputError(Problem("has one sample; EMG needs two or more", path))
    step = (time[-1] - time[0]) / (len(time) - 1)
    off = np.abs(time - time[0] - step * np.arange(len(time)))
    if not step > 0.0 or off.max() > 0.5 * step:
        row = int(np.argmax(off))
        message = f"samples are not evenly spaced, at {time[row]:g} s by {off[row]:.3g} s"
        raise InputError(Problem(message, path, column="time"))
    rate = round(1.0 / step, 6)
    return Raw(path, float(time[0]), rate, tuple(names), values)


def _read_csv(path: Path, rate: float | None) -> Raw:
    """Labels in the first line; separated by tabs, semicolons or commas."""
    try:
        lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").splitlines()
    except OSError as error:
        raise InputError(Problem(f"cannot be read: {error.strerror}", path)) from error
    if len(lines) < 3:
        raise InputError(Problem("holds no samples below a line of labels", path))
    separator = max(SEPARATORS, key=lines[0].count)
    try:
        labels = [cell.decode().strip(' "') for cell in lines[0].split(separator)]
    except UnicodeDecodeError as error:
        raise InputError(Problem("is not UTF-8 text; save it as UTF-8", path, 1)) from error
    faults, rows = Faults(path), []
    for number, line in enumerate(lines[1:], 2):
        if line.strip():
            rows.append(_numbers(line.split(separator), labels, number, faults))
    faults.raise_if_any()
    values = np.array(rows)
    if labels[0].lower().startswith(TIME_LABELS):
        return _even(path, values[:, 0], labels[1:], values[:, 1:])
    if rate is None:
        message = f"has no column of time (the first is {short(labels[0])}); give --raw-rate HZ"
        raise InputError(Problem(message, path, 1))
    return Raw(path, 0.0, rate, tuple(labels), values)


def _numbers(
    cells: Sequence[bytes], labels: Sequence[str], line: int, faults: Faults
) -> list[float]:
    if len(cells) != len(labels):
        faults.add(
            line, f"expected {len(labels)} cells as the labels say, found {len(cells)}", None
        )
        return [0.0] * len(labels)
    found = []
    for cell, label in zip(cells, labels, strict=True):
        try:
            value = float(cell)
        except ValueError:
            value = np.nan
        if not np.isfinite(value):
            faults.add(line, reason_against(cell.strip()), label)
        found.append(value)
    return found


def _read_c3d(path: Path) -> Raw:
    try:
        import ezc3d
    except ImportError as error:
        raise InputError(EXTRA) from error
    if not path.is_file():
        raise InputError(Problem("cannot be read: no such file", path))
    try:
        file: Any = ezc3d.c3d(str(path))
    except (RuntimeError, ValueError, OSError) as error:
        raise InputError(Problem(f"cannot be read: {error}", path)) from error
    points, analogs = file["header"]["points"], file["header"]["analogs"]
    values = np.array(file["data"]["analogs"][0].T, dtype=float)
    if not values.size:
        raise InputError(Problem("holds no analog channels", path))
    labels = tuple(file["parameters"]["ANALOG"]["LABELS"]["value"][: values.shape[1]])
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        sample, channel = bad[0]
        message = f"sample {sample} is not a finite number; fill the gap at its source"
        raise InputError(Problem(message, path, column=labels[channel]))
    start = points["first_frame"] / points["frame_rate"] if points["frame_rate"] else 0.0
    return Raw(path, float(start), float(analogs["frame_rate"]), labels, values)
