"""The commands, called as a user does, and what they leave on disk."""

from __future__ import annotations

import re
from pathlib import Path

from refnms import cli

SIGNALS = 8  # files of one trial
COMPARED = 3  # what the signals of a run are compared with, and the record


def refnms(*arguments: str | Path) -> int:
    return cli.main([str(argument) for argument in arguments])


def files(folder: Path) -> dict[str, bytes]:
    """Everything below a folder, also what begins with a dot."""
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def spoil_emg(project: Path, trial: str = "walk", lowest: float = -0.25) -> None:
    """EMG outside [0, 1]: read with a warning."""
    path = project / trial / "emg.sto"
    head, labels, first, *rest = re.split(r"(?<=endheader\n)|(?<=\n)(?=\S+\t)", path.read_text())
    cells = first.split("\t")
    path.write_text("".join([head, labels, "\t".join([cells[0], str(lowest), *cells[2:]]), *rest]))
