"""`refnms export-c`: the model as a C library."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from refnms.cli.codes import DONE

if TYPE_CHECKING:
    from refnms.cli.options import Commands

STREAMED = ("native", "ceinms-0.9")


def add_to(commands: Commands) -> None:
    parser = commands.add_parser(
        "export-c",
        help="write the model as a C library that needs no Python",
        description="Write librefnms.a, librefnms.so, refnms.h and an example with CMake; with a "
        "subject subject.h too, and with a trial trial.bin, which the example runs.",
    )
    parser.add_argument("directory", type=Path, metavar="DIR", help="made if it is not there")
    parser.add_argument(
        "--processor",
        metavar="NAME",
        help="LLVM's name of the oldest processor that is to run it (default: this machine's)",
    )
    parser.add_argument("--subject", type=Path, metavar="FILE", help="CEINMS subject")
    parser.add_argument(
        "--generator", type=Path, metavar="FILE", help="its CEINMS excitation generator"
    )
    parser.add_argument("--trial", type=Path, metavar="FILE", help="CEINMS inputData file")
    parser.add_argument(
        "--geometry", type=Path, metavar="FILE", help="of `refnms geometry`: steps by joint angles"
    )
    parser.add_argument(
        "--profile",
        choices=STREAMED,
        default="native",
        help="of the subject; CEINMS 0.9's with its online velocity (default: native)",
    )
    parser.set_defaults(command=_export, parser=parser)


def _export(options: argparse.Namespace) -> int:
    if (options.subject is None) != (options.generator is None):
        options.parser.error("--subject and --generator belong together")
    for name in ("trial", "geometry"):
        if getattr(options, name) is not None and options.subject is None:
            options.parser.error(f"--{name} needs a --subject")
    from refnms.interop.c import export_c

    for path in export_c(
        options.directory,
        options.processor,
        options.subject and (options.subject, options.generator),
        options.trial,
        options.profile,
        options.geometry,
    ):
        print(path)
    return DONE
