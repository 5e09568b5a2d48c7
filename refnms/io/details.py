"""What a page about a result needs beside its summary: the folder `details` of a result.

`record.json` holds numbers and where they come from; a folder for each trial holds the signals that
results are compared with.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from refnms.errors import InputError, Problem
from refnms.io.files import write_atomically
from refnms.io.storage import CEINMS, Table, read_storage, write_storage
from refnms.physics.types import Array

if TYPE_CHECKING:
    from refnms.model import Model, Trial

FOLDER, RECORD = "details", "record.json"
SCHEMA, SCHEMA_VERSION = "refnms-record", 1

MEASURED = "MeasuredTorques"
UNCALIBRATED = "UncalibratedTorques"
EXCITATIONS = "Excitations"
UNCALIBRATED_LENGTHS = "UncalibratedNormFiberLengths"
# What versions of CEINMS, and of its modes, call the same.
SYNONYMS = {
    "NormFiberLengths": ("NormFibreLengths",),
    EXCITATIONS: ("AdjustedEmgs",),
}


def write_record(result: Path, record: Mapping[str, Any]) -> None:
    """Write the record of a result into its folder. Raises OSError."""
    folder = result / FOLDER
    folder.mkdir(exist_ok=True)
    whole = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, **record}
    write_atomically(folder / RECORD, json.dumps(whole, indent=2, allow_nan=False) + "\n")


def write_compared(
    result: Path,
    model: Model,
    trial: Trial,
    excitation: Array,
    uncalibrated: tuple[Array, Array] | None = None,
) -> None:
    """Write what the signals of a trial are compared with, each on the frames of the trial.

    `excitation` `(T, M)`; `uncalibrated`: moments `(T, D)` [N.m] and norm fiber lengths `(T, M)` of
    the model as it was. Raises InputError for a value that is not finite; OSError.
    """
    folder = result / FOLDER / trial.name
    folder.mkdir(parents=True, exist_ok=True)
    files = [(EXCITATIONS, model.muscle_names, excitation)]
    if trial.moment is not None:
        files.append((MEASURED, model.dof_names, trial.moment))
    if uncalibrated is not None:
        moment, norm_length = uncalibrated
        files.append((UNCALIBRATED, model.dof_names, moment))
        files.append((UNCALIBRATED_LENGTHS, model.muscle_names, norm_length))
    for name, columns, data in files:
        write_storage(folder / f"{name}.sto", trial.time, columns, data, name, CEINMS)


def read_signal(folder: Path, name: str) -> Table | None:
    """The signal of this name, or of a synonym, in a folder; None where there is none."""
    for found in (name, *SYNONYMS.get(name, ())):
        path = folder / f"{found}.sto"
        if path.is_file():
            return read_storage(path)
    return None


def read_document(path: Path) -> dict[str, Any] | None:
    """A JSON object; None where there is no such file. Raises InputError for anything else."""
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise InputError(Problem(f"is no JSON document ({error})", path)) from error
    if not isinstance(found, dict):
        raise InputError(Problem("is no JSON object", path))
    return found
