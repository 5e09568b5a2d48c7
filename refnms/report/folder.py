"""A folder of results, read for its page: what is not there is None or empty."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from refnms.errors import InputError, Problem
from refnms.io.details import (
    EXCITATIONS,
    FOLDER,
    MEASURED,
    RECORD,
    UNCALIBRATED,
    UNCALIBRATED_LENGTHS,
    read_document,
    read_signal,
)
from refnms.io.files import MARKER
from refnms.physics.types import Array

CERTIFICATE = "certificate"  # the folder, or the file `.json`, where a certificate may lie
CERTIFICATE_SCHEMA = "refnms-certificate"


@dataclass(frozen=True, eq=False)
class Signal:
    """Columns over time."""

    time: Array  # (T,) [s]
    names: tuple[str, ...]  # (N,)
    data: Array  # (T, N)

    def of(self, name: str) -> Array | None:
        """One column `(T,)`."""
        return self.data[:, self.names.index(name)] if name in self.names else None


@dataclass(frozen=True, eq=False)
class Recording:
    """One trial: what was measured, and what the model made of it, in the window that counts."""

    name: str
    role: str  # calibration, test or run
    measured: Signal | None  # moments [N.m]
    before: Signal | None  # the same, predicted by the model as it was
    after: Signal | None
    excitation: Signal | None
    activation: Signal | None
    norm_length: Signal | None
    norm_length_before: Signal | None

    @property
    def held_out(self) -> bool:
        return self.role == "test"


@dataclass(frozen=True, eq=False)
class Result:
    """A folder of results."""

    summary: Mapping[str, Any]
    record: Mapping[str, Any]
    certificate: Mapping[str, Any] | None
    recordings: tuple[Recording, ...]


def read_result(folder: Path) -> Result:
    """Read what `refnms calibrate`, `run` or `demo` left in a folder.

    Raises InputError: no result, or files in it that are damaged; OSError.
    """
    summary = read_document(folder / MARKER)
    if summary is None:
        message = f"holds no {MARKER}; name a folder that calibrate, run or demo has written"
        raise InputError(Problem(message, folder))
    if not isinstance(summary.get("trials"), dict):
        message = "is no summary of calibrate, run or demo: it has no trials"
        raise InputError(Problem(message, folder / MARKER))
    record = read_document(folder / FOLDER / RECORD) or {}
    windows = record.get("windows", {})
    return Result(
        summary,
        record,
        _certificate(folder),
        tuple(
            _recording(folder, name, trial["role"], windows.get(name))
            for name, trial in summary["trials"].items()
        ),
    )


def _certificate(folder: Path) -> dict[str, Any] | None:
    for path in (folder / CERTIFICATE / MARKER, folder / f"{CERTIFICATE}.json"):
        found = read_document(path)
        if found is not None:
            if found.get("schema") != CERTIFICATE_SCHEMA:
                raise InputError(Problem("is no certificate of refnms verify", path))
            return found
    return None


def _recording(folder: Path, name: str, role: str, window: list[float] | None) -> Recording:
    if Path(name).name != name:
        raise InputError(Problem(f"no trial can be called {json.dumps(name)}", folder / MARKER))
    own = folder if role == "run" else folder / name
    compared = folder / FOLDER / name

    def signal(where: Path, file: str) -> Signal | None:
        table = read_signal(where, file)
        if table is None:
            return None
        counts = np.ones(len(table.time), bool)
        if window is not None:
            counts = (table.time >= window[0] - 1e-9) & (table.time <= window[1] + 1e-9)
        return Signal(table.time[counts], table.names, table.data[counts])

    return Recording(
        name=name,
        role=role,
        measured=signal(compared, MEASURED),
        before=signal(compared, UNCALIBRATED),
        after=signal(own, "Torques"),
        excitation=signal(compared, EXCITATIONS) or signal(own, EXCITATIONS),
        activation=signal(own, "Activations"),
        norm_length=signal(own, "NormFiberLengths"),
        norm_length_before=signal(compared, UNCALIBRATED_LENGTHS),
    )
