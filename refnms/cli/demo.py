"""`refnms demo`: the main job on an embedded participant."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from refnms.cli.codes import DONE, FAILED, INTERRUPTED
from refnms.cli.options import add_json

if TYPE_CHECKING:
    from refnms.cli.options import Commands


def add_to(commands: Commands) -> None:
    parser = commands.add_parser(
        "demo",
        help="calibrate an embedded participant whose true parameters are known",
        description="Calibrate an embedded participant, an upper limb with 16 muscles and 3 "
        "degrees of freedom, whose true parameters are known. With --files nothing is calibrated: "
        "the participant is written as CEINMS's files, to try the other commands on.",
    )
    place = parser.add_mutually_exclusive_group()
    place.add_argument(
        "--out", type=Path, metavar="DIR", help="folder for the figure and a summary"
    )
    place.add_argument(
        "--files", type=Path, metavar="DIR", help="new folder for the participant's files"
    )
    add_json(parser)
    parser.set_defaults(command=_demo)


def _demo(options: argparse.Namespace) -> int:
    from dataclasses import asdict

    from refnms import demo

    if options.files is not None:
        return _write_files(options.files, options.json)
    story = sys.stderr if options.json else sys.stdout
    result = demo.run(out=options.out, say=lambda line: print(line, file=story, flush=True))
    if options.json:
        print(json.dumps(asdict(result), indent=2, allow_nan=False))
    return {"interrupted": INTERRUPTED, "diverged": FAILED}.get(result.status, DONE)


def _write_files(folder: Path, as_json: bool) -> int:
    from refnms.example import RUN, SETUP, write

    write(folder)
    told = {
        SETUP: "three trials to calibrate on, and three others beside them",
        RUN: "one trial to run",
    }
    if as_json:
        print(json.dumps({"written": [str(folder / name) for name in told]}, indent=2))
    else:
        print("\n".join(f"{folder / name}: {what}" for name, what in told.items()))
    return DONE
