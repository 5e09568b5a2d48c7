"""`refnms verify`: a certificate of all derivatives of a model on its own recordings."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from refnms.cli.codes import DONE, FAILED
from refnms.cli.options import add_setup

if TYPE_CHECKING:
    from refnms.cli.options import Commands
    from refnms.verify import Check


def add_to(commands: Commands) -> None:
    parser = commands.add_parser(
        "verify",
        help="verify every derivative and equilibrium of a model on its own recordings",
        description="Verify every derivative and equilibrium of the model, recordings and "
        "parameters that a CEINMS setup file of a calibration or of a run names. Nothing is "
        "written unless --out is given; exit code 4 if anything is wrong.",
    )
    add_setup(parser, "certificate (default: none is written)")
    parser.set_defaults(command=_verify)


def _verify(options: argparse.Namespace) -> int:
    from refnms.certification import certify_setup, json_of
    from refnms.verify.text import summary

    callback = _progress if sys.stderr.isatty() else None
    found = certify_setup(options.setup, options.profile, options.out, callback)
    if callback is not None:
        print(file=sys.stderr)
    print(json_of(found) if options.json else summary(found), end="" if options.json else "\n")
    if options.out is not None and not options.json:
        print(f"written to {options.out}")
    return DONE if found.passed else FAILED


def _progress(check: Check) -> None:
    print(f"\rchecked: {check.name:60.60}", end="", file=sys.stderr, flush=True)
