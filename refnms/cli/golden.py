"""`refnms golden`: the golden files, and someone else's numbers held against them."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from refnms.cli.codes import DONE, FAILED
from refnms.cli.options import add_json
from refnms.cli.show import show_lines

if TYPE_CHECKING:
    from refnms.cli.options import Commands
    from refnms.golden import Comparison

SHOWN = 20  # wrong numbers of a file that are printed


def add_to(commands: Commands) -> None:
    parser = commands.add_parser(
        "golden",
        help="numbers to test another implementation against",
        description="Write the golden files, or compare someone's numbers with them: curves, "
        "activation, forces, fiber lengths, whole trials and all their derivatives.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--out", type=Path, metavar="DIR", help="write the golden files there")
    what.add_argument(
        "--check",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="say which numbers of these files, laid out as the golden ones, are wrong",
    )
    add_json(parser)
    parser.set_defaults(command=_golden)


def _golden(options: argparse.Namespace) -> int:
    return _write(options) if options.check is None else _check(options)


def _write(options: argparse.Namespace) -> int:
    from refnms.golden import names, text
    from refnms.io.files import write_atomically

    folder: Path = options.out
    folder.mkdir(parents=True, exist_ok=True)
    for name in names():
        write_atomically(folder / name, text(name))
    lines = [f"wrote {len(names())} files to {folder}"]
    show_lines(lines, {"folder": str(folder), "files": names()}, options)
    return DONE


def _check(options: argparse.Namespace) -> int:
    from refnms.golden import compare

    found = [compare(file) for file in options.check]
    lines = [line for comparison in found for line in _lines(comparison)]
    show_lines(lines, {"files": [_summary(comparison) for comparison in found]}, options)
    return FAILED if any(comparison.wrong for comparison in found) else DONE


def _summary(found: Comparison) -> dict[str, Any]:
    return {
        "file": str(found.file),
        "numbers": found.given,
        "left_out": found.missing,
        "largest_error_of_right_ones": found.worst,
        "wrong": [
            {
                "entry": wrong.entry,
                "column": wrong.column,
                "given": wrong.given if math.isfinite(wrong.given) else None,
                "golden": wrong.golden.value,
                "error": wrong.error if math.isfinite(wrong.error) else None,
                "tolerance": wrong.golden.tolerance,
                "reason": wrong.golden.reason,
            }
            for wrong in found.wrong
        ],
    }


def _lines(found: Comparison) -> list[str]:
    left_out = f", {found.missing} left out" if found.missing else ""
    numbers = f"{found.given} numbers{left_out}"
    if not found.wrong:
        return [f"{found.file}: {numbers}; all right, to {found.worst:.1e}"]
    lines = [f"{found.file}: {numbers}; {len(found.wrong)} wrong"]
    lines += [
        f"  {column}: {wrong} wrong, in {entries} entries"
        for column, wrong, entries in found.columns()
    ]
    lines += [f"  {wrong}" for wrong in found.wrong[:SHOWN]]
    if len(found.wrong) > SHOWN:
        lines.append(f"  and {len(found.wrong) - SHOWN} more, less far off")
    return lines
