"""The history of a run that ended early: what it takes to continue it."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from refnms.errors import InputError, Problem
from refnms.io.files import write_atomically
from refnms.optimize import History

NAME = "history.npz"  # in the folder of results
FIELDS = ("evaluations", "seconds", "objective", "mark", "gradient")
KINDS = (np.int64, np.float64, np.float64, np.uint64, np.float64)


def write_history(path: Path, history: History) -> None:
    """Write a history as a whole: plain arrays, no code. Raises OSError."""
    content = io.BytesIO()
    np.savez_compressed(content, **{name: getattr(history, name) for name in FIELDS})
    write_atomically(path, content.getvalue())


def read_history(path: Path) -> History:
    """Raises InputError for a file that is not there, or is no history; OSError."""
    if not path.is_file():
        message = "no run to resume: it stands here after an interruption or a budget used up"
        raise InputError(Problem(message, path))
    content = path.read_bytes()
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            history = History(**{name: arrays[name] for name in FIELDS})
        _check(history)
    except Exception as error:  # damaged bytes raise whatever unpacking meets first
        raise InputError(Problem(f"is no history of a run ({error})", path)) from error
    return history


def _check(history: History) -> None:
    count = len(history.evaluations)
    for name, kind in zip(FIELDS, KINDS, strict=True):
        array = getattr(history, name)
        rows = array.ndim == 2 if name == "gradient" else array.shape == (count,)
        if array.dtype != kind or not rows:
            raise ValueError(f"its {name} are no numbers of a run")
