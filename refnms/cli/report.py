"""`refnms report`: the page about a folder of results."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from refnms.cli.codes import DONE
from refnms.cli.options import add_json
from refnms.cli.show import show_lines

if TYPE_CHECKING:
    from refnms.cli.options import Commands


def add_to(commands: Commands) -> None:
    parser = commands.add_parser(
        "report",
        help="write the page about a folder of results",
        description="Write the page about a folder that calibrate, run or demo has written: one "
        "HTML file that opens offline and prints well.",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder of results")
    parser.add_argument(
        "--out", type=Path, metavar="FILE.html", help="the page (default: DIR/report.html)"
    )
    add_json(parser)
    parser.set_defaults(command=_report)


def _report(options: argparse.Namespace) -> int:
    from refnms.errors import InputError
    from refnms.report import page

    try:
        path = page.write(options.folder, options.out)
    except ImportError as error:
        message = (
            f"the page needs {error.name}: install the extra `report`, as in "
            "`pip install refnms[report]`"
        )
        raise InputError(message) from error
    size = path.stat().st_size
    show_lines([f"{path} ({size / 1e6:.2f} MB)"], {"page": str(path), "bytes": size}, options)
    return DONE
