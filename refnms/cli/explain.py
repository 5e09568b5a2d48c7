"""`refnms explain`: what an error code means, and the mend."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from refnms.cli.codes import DONE

if TYPE_CHECKING:
    from refnms.cli.options import Commands


def add_to(commands: Commands) -> None:
    parser = commands.add_parser(
        "explain",
        help="what an error code such as RN203 means, and the mend",
        description="Tell what an error code such as RN203 means, and the mend.",
    )
    parser.add_argument("code", nargs="?", metavar="CODE", help="(default: list all codes)")
    parser.set_defaults(command=_explain, parser=parser)


def _explain(options: argparse.Namespace) -> int:
    from refnms.catalogue import BY_CODE, CATALOGUE, explanation

    if options.code is None:
        print("\n".join(f"{entry.code}  {entry.title}" for entry in CATALOGUE))
        return DONE
    entry = BY_CODE.get(options.code.upper().strip("[]"))
    if entry is None:
        options.parser.error(f"there is no code {options.code}")
    print(explanation(entry))
    return DONE
