"""Two folders of results held against each other: every quantity, every column."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from refnms.errors import InputError, Problem
from refnms.io.details import FOLDER
from refnms.io.results import NAMES, V0_9, V0_21
from refnms.io.storage import Table, read_storage
from refnms.physics.excitation import SAME_TIME

# A column whose peak is smaller is measured by this instead; in any other file by the peak alone.
FLOORS = {
    "Activations": 1e-3,
    "FiberLenghts": 1e-3,  # [m]
    "NormFiberLengths": 1e-2,
    "FiberVelocities": 1e-2,  # [m/s]
    "NormFiberVelocities": 1e-2,
    "PennationAngles": 1e-2,  # [rad]
    "MuscleForces": 1.0,  # [N]
    "Torques": 0.1,  # [N.m]
    "AdjustedEmgs": 1e-3,
    "TendonLengths": 1e-3,  # [m]
    "NormTendonLengths": 1e-3,
}
# Names of CEINMS 0.21 -> names of 0.9.
SYNONYMS = {NAMES[V0_21][key]: name for key, name in NAMES[V0_9].items()}


@dataclass(frozen=True)
class Difference:
    """Of one column of one quantity."""

    quantity: str  # the file, by CEINMS 0.9's name
    column: str
    largest: float
    rms: float
    relative: float  # the largest, over the peak of the column in the second folder


@dataclass(frozen=True)
class Comparison:
    """All columns that both folders have, and what only one has."""

    differences: tuple[Difference, ...]
    only_first: tuple[str, ...]  # quantities, or `quantity: column`
    only_second: tuple[str, ...]

    @property
    def lacking(self) -> tuple[str, ...]:
        """Columns that one folder has and the other lacks in the same quantity.

        And quantities of the second, the one that is measured by.
        """
        return (*(name for name in self.only_first if ": " in name), *self.only_second)

    def beyond(self, tolerance: float) -> list[Difference]:
        """What differs by more than so much of its peak."""
        return [d for d in self.differences if not d.relative <= tolerance]


def compare(first: Path, second: Path) -> Comparison:
    """Compare the .sto files of two folders, those below them too.

    Rows belong together by time, and must have the same times. Raises InputError, with all
    problems: no folder, nothing in common, unreadable files, other times.
    """
    a, b = _files(first), _files(second)
    common = [name for name in a if name in b]
    if not common:
        raise InputError(Problem(f"has no .sto file in common with {second}", first))
    problems: list[Problem] = []
    differences: list[Difference] = []
    only: tuple[list[str], list[str]] = (
        [name for name in a if name not in b],
        [name for name in b if name not in a],
    )
    for name in common:
        try:
            found, missing = _columns(name, read_storage(a[name]), read_storage(b[name]))
        except InputError as error:
            problems.extend(error.problems)
            continue
        differences.extend(found)
        for names, more in zip(only, missing, strict=True):
            names.extend(f"{name}: {column}" for column in more)
    if problems:
        raise InputError(problems)
    return Comparison(tuple(differences), *map(tuple, only))


def _files(folder: Path) -> dict[str, Path]:
    """Quantity -> file, in the order of names."""
    if not folder.is_dir():
        raise InputError(Problem("is no folder", folder))
    found = {}
    for path in sorted(folder.rglob("*.sto")):
        inner = path.relative_to(folder)
        if FOLDER in inner.parts:  # what the report needs beside the results
            continue
        name = SYNONYMS.get(inner.stem, inner.stem)
        found[inner.with_name(name).as_posix()] = path
    return found


def _columns(
    quantity: str, a: Table, b: Table
) -> tuple[list[Difference], tuple[list[str], list[str]]]:
    if a.time.shape != b.time.shape:
        message = f"has {len(a.time)} rows, {b.path} has {len(b.time)}"
        raise InputError(Problem(message, a.path))
    apart = np.abs(a.time - b.time)
    if apart.max() > SAME_TIME:
        row = int(np.argmax(apart > SAME_TIME))
        message = (
            f"{a.time[row]:g} s, but {b.time[row]:g} s in {b.path}: rows must have equal times"
        )
        raise InputError(Problem(message, a.path, int(a.lines[row]), "time"))
    common = [name for name in a.names if name in b.names]
    if not common:
        raise InputError(Problem(f"has no column in common with {b.path}", a.path, a.label_line))
    x, y = a.columns(common), b.columns(common)
    peak = np.maximum(np.max(np.abs(y), axis=0), FLOORS.get(Path(quantity).name, 0.0))
    off = np.abs(x - y)
    largest, rms = np.max(off, axis=0), np.sqrt(np.mean(off**2, axis=0))
    relative = np.where(largest > 0.0, largest / np.where(peak > 0.0, peak, 1.0), 0.0)
    relative[(peak == 0.0) & (largest > 0.0)] = np.inf
    rows = zip(common, largest.tolist(), rms.tolist(), relative.tolist(), strict=True)
    missing = (
        [name for name in a.names if name not in common],
        [name for name in b.names if name not in common],
    )
    return [Difference(quantity, *row) for row in rows], missing
