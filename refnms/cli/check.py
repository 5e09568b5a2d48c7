"""`refnms check`: everything that is wrong, or looks wrong, in the inputs of a set-up."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from refnms.cli.codes import BAD_INPUT, DONE
from refnms.cli.options import PROFILES, add_json
from refnms.cli.show import show_lines

if TYPE_CHECKING:
    from refnms.cli.options import Commands
    from refnms.lint.files import Checked


def add_to(commands: Commands) -> None:
    parser = commands.add_parser(
        "check",
        help="everything that is wrong, or looks wrong, in the inputs of a set-up",
        description="Read every file of a set-up and tell all problems at once, with what looks "
        "wrong in the signals: scaling of EMG, lag of moments behind it, idle muscles, signs. "
        "Nothing is computed or written. Any single file can be checked too.",
    )
    add = parser.add_argument
    add("file", type=Path, metavar="FILE", help="setup, or any file of one")
    add(
        "--test",
        type=Path,
        action="append",
        default=[],
        metavar="TRIAL.xml",
        help="a further trial to check with the setup; may be repeated",
    )
    add("--profile", choices=PROFILES, default="native", help="whose rules (default: native)")
    add_json(parser)
    parser.set_defaults(command=_check)


def _check(options: argparse.Namespace) -> int:
    from refnms.lint.files import check_file
    from refnms.lint.findings import Level

    checked = check_file(options.file, options.test, options.profile)
    show_lines(_lines(checked), _summary(checked), options)
    return BAD_INPUT if checked.findings.of(Level.ERROR) else DONE


def _summary(checked: Checked) -> dict[str, Any]:
    return {
        "files": [str(file) for file in checked.files],
        "findings": [
            {
                "level": finding.level.value,
                "code": finding.code,
                "file": None if finding.problem.file is None else str(finding.problem.file),
                "line": finding.problem.line,
                "column": finding.problem.column,
                "message": finding.problem.message,
            }
            for finding in checked.findings.found
        ],
    }


def _lines(checked: Checked) -> Iterator[str]:
    from refnms.lint.findings import Level

    counts = []
    for level in Level:
        found = checked.findings.of(level)
        yield from map(str, found)
        plural = "" if len(found) == 1 else "s"
        counts.append(f"{len(found)} {level.value}{plural}")
    yield f"{len(checked.files)} files: {', '.join(counts)}"
