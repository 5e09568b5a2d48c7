"""The history of a run that ended early: what it takes to continue it."""

from __future__ import annotations

import io
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from refnms.errors import InputError, Problem
from refnms.io.files import write_atomically
from refnms.optimize import History

NAME = "history.npz"  # in the folder of results
FIELDS = ("evaluations", "seconds", "objective", "mark", "gradient")


def write_history(path: Path, history: History) -> None:
    """Write a history as a whole: plain arrays, no code. Raises OSError."""
    content = io.BytesIO()
    np.savez_compressed(content, **{name: getattr(history, name) for name in FIELDS})
    write_atomically(path, content.getvalue())


def read_history(path: Path) -> History:
    """Raises InputError for a file that is not there, or is no history."""
    if not path.exists():
        message = "no run to resume: it stands here after an interruption or a budget used up"
        raise InputError(Problem(message, path))
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return History(**{name: arrays[name] for name in FIELDS})
    except (BadZipFile, KeyError, ValueError, EOFError) as error:
        raise InputError(Problem(f"is no history of a run ({error})", path)) from error
