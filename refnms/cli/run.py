"""`refnms run`: a trial run as a CEINMS setup file says."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from refnms.cli.options import add_setup, count
from refnms.cli.show import finish

if TYPE_CHECKING:
    from refnms.cli.options import Commands


def add_to(commands: Commands) -> None:
    parser = commands.add_parser(
        "run",
        help="run a trial as a CEINMS setup file says",
        description="Run a trial as a CEINMS setup file says: EMG-driven, or with excitations that "
        "follow the moments (EMG-assisted, hybrid, static optimization).",
    )
    add_setup(parser, "signals of the trial (default: the setup's output directory)")
    parser.add_argument(
        "--digits",
        type=count,
        metavar="N",
        help="significant digits in the files of signals, 6 as CEINMS has them (default: all)",
    )
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    from refnms.job import run

    return finish(run(options.setup, options.profile, options.out, options.digits), options.json)
