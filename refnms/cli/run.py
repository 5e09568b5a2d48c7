"""`refnms run`: a trial run as a CEINMS setup file says."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from refnms.cli.options import add_setup
from refnms.cli.show import finish

if TYPE_CHECKING:
    from refnms.cli.options import Commands


def add_to(commands: Commands) -> None:
    parser = commands.add_parser(
        "run",
        help="run a trial, EMG-driven, as a CEINMS setup file says",
        description="Run a trial, EMG-driven, as a CEINMS setup file says.",
    )
    add_setup(parser, "signals of the trial (default: the setup's output directory)")
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    from refnms.job import run

    return finish(run(options.setup, options.profile, options.out), options.json)
