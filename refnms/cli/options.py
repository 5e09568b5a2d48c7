"""Arguments that several commands share, and what their values must be."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    Commands: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]

PROFILES = ("native", "ceinms-0.9", "ceinms-0.21", "ceinms-0.21-uncropped-arms")
PROGRESS = ("auto", "plain", "json", "none")


def add_setup(parser: argparse.ArgumentParser, content: str) -> None:
    parser.add_argument(
        "positional", nargs="?", type=Path, metavar="SETUP.xml", help="CEINMS setup file"
    )
    parser.add_argument(
        "-S", dest="named", type=Path, metavar="FILE", help="the same, as in CEINMS"
    )
    parser.add_argument(
        "--profile",
        choices=PROFILES,
        default="native",
        help="discretisation and pairing: refnms's own, or a version of CEINMS (default: native)",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help=f"folder for the {content}")
    add_json(parser)


def name_setup(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """One name for the setup file, whichever way a command that has one was given it."""
    if "named" in options:
        if (options.named is None) == (options.positional is None):
            parser.error("name one setup file, as SETUP.xml or with -S FILE")
        options.setup = options.named or options.positional


def add_json(parser: argparse.ArgumentParser) -> None:
    help = "print one JSON object on standard output and nothing else there"
    parser.add_argument("--json", action="store_true", help=help)


def add_manner(parser: argparse.ArgumentParser) -> None:
    """What every command has."""
    add = parser.add_argument
    add("-q", "--quiet", action="store_true", help="errors only; with --json that object too")
    add("-v", "--verbose", action="store_true", help="versions, time, and where an error arose")


def add_progress(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--progress",
        choices=PROGRESS,
        default="auto",
        help="on standard error: a line rewritten on a terminal (auto), a line now and then "
        "(plain), JSON lines, or none (default: auto)",
    )


def count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a count of 1 or more")
    return int(text)


def positive(text: str) -> float:
    value = number(text)
    if not value > 0.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not above 0")
    return value


def number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number")
    return value
