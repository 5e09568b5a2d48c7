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
    from refnms.catalogue import entries

    if options.code is None:
        print("\n".join(f"{entry.code}  {entry.title}" for entry in entries().values()))
        return DONE
    code = options.code.upper().strip("[]")
    if code not in entries():
        options.parser.error(f"there is no code {options.code}; `refnms explain` lists all")
    print(entries()[code])
    return DONE
