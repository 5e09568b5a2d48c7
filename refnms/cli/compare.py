"""`refnms compare`: two folders of results, and whether they agree."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from refnms.cli.codes import DONE, FAILED
from refnms.cli.options import add_json, number

if TYPE_CHECKING:
    from refnms.cli.options import Commands
    from refnms.comparison import Comparison

SIX_DIGITS = 1e-5  # of a peak: what two files of six digits may differ by


def add_to(commands: Commands) -> None:
    parser = commands.add_parser(
        "compare",
        help="hold two folders of results against each other",
        description="Largest and RMS difference of every quantity and column of two folders of "
        "results, of refnms or of CEINMS. The exit code is 0 if all agree, else 4.",
    )
    parser.add_argument("first", type=Path, metavar="DIR_A")
    parser.add_argument("second", type=Path, metavar="DIR_B", help="whose peaks are the measure")
    parser.add_argument(
        "--tolerance",
        type=_tolerance,
        default=SIX_DIGITS,
        metavar="T",
        help=f"largest difference, in peaks of a column (default: {SIX_DIGITS:g})",
    )
    add_json(parser)
    parser.set_defaults(command=_compare)


def _tolerance(text: str) -> float:
    value = number(text)
    if value < 0.0:
        raise argparse.ArgumentTypeError(f"{text!r} is below 0")
    return value


def _compare(options: argparse.Namespace) -> int:
    from refnms.comparison import compare

    found = compare(options.first, options.second)
    agree = not found.beyond(options.tolerance) and not found.lacking
    if options.json:
        print(json.dumps(_summary(found, options.tolerance, agree), indent=2, allow_nan=False))
    else:
        print("\n".join(_table(found, options)))
    return DONE if agree else FAILED


def _summary(found: Comparison, tolerance: float, agree: bool) -> dict[str, object]:
    quantities: dict[str, dict[str, dict[str, float | None]]] = {}
    for d in found.differences:
        relative = d.relative if math.isfinite(d.relative) else None
        numbers = {"largest": d.largest, "rms": d.rms, "relative": relative}
        quantities.setdefault(d.quantity, {})[d.column] = numbers
    return {
        "tolerance": tolerance,
        "agree": agree,
        "quantities": quantities,
        "only_first": list(found.only_first),
        "only_second": list(found.only_second),
    }


def _table(found: Comparison, options: argparse.Namespace) -> Iterator[str]:
    beyond = found.beyond(options.tolerance)
    quantity = max(len("quantity"), *(len(d.quantity) for d in found.differences))
    column = max(len("column"), *(len(d.column) for d in found.differences))
    yield f"{'quantity':{quantity}}  {'column':{column}}     largest         rms  largest / peak"
    for d in found.differences:
        mark = "  beyond" if d in beyond else ""
        yield (
            f"{d.quantity:{quantity}}  {d.column:{column}}  {d.largest:10.3g}  {d.rms:10.3g}"
            f"  {d.relative:14.2g}{mark}"
        )
    for folder, names in ((options.first, found.only_first), (options.second, found.only_second)):
        if names:
            yield f"only in {folder}: {', '.join(names)}"
    worst = max(found.differences, key=lambda d: d.relative)
    within = f"{len(found.differences) - len(beyond)} of {len(found.differences)} columns"
    yield (
        f"{within} agree to {options.tolerance:g} of their peak; the largest difference is "
        f"{worst.relative:.2g}, {worst.column} of {worst.quantity}"
    )
