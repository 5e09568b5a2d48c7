"""How a command speaks: warnings and errors in one style, quiet, verbose, in color or not.

Standard output holds results alone; all else goes to standard error.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from refnms.catalogue import code_of
from refnms.errors import InputError, InputWarning

RED, YELLOW = "31", "33"


@contextmanager
def of(options: argparse.Namespace) -> Iterator[None]:
    """`--quiet` and `--verbose` around a command."""
    began = time.perf_counter()
    # A JSON object is a result that was asked for, whatever else is quiet.
    silent = options.quiet and not getattr(options, "json", False)
    try:
        with contextlib.redirect_stdout(io.StringIO()) if silent else contextlib.nullcontext():
            with _warnings(options.quiet):
                yield
    finally:
        if options.verbose:
            from refnms.cli.doctor import environment

            print(f"{environment()}; took {time.perf_counter() - began:.2f} s", file=sys.stderr)


def tell_problems(error: InputError, options: argparse.Namespace) -> None:
    """Every problem on a line of its own, with its code."""
    codes = []
    for problem in error.problems:
        codes.append(code_of(problem.message))
        print(f"{_colored('error', RED)}: {problem} [{codes[-1]}]", file=sys.stderr)
    if sys.stderr.isatty():
        print(f"`refnms explain {codes[0]}` tells what to do", file=sys.stderr)
    _tell_trace(options)


def tell_error(error: Exception, options: argparse.Namespace) -> None:
    print(f"{_colored('error', RED)}: {error}", file=sys.stderr)
    _tell_trace(options)


def _tell_trace(options: argparse.Namespace) -> None:
    if options.verbose:
        traceback.print_exc()


@contextmanager
def _warnings(quiet: bool) -> Iterator[None]:
    """Warnings of the input as one plain line each, in the order they come."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if quiet else "default", InputWarning)
        told: set[str] = set()

        def show(message: Warning | str, *_: Any, **__: Any) -> None:
            if str(message) not in told:
                told.add(str(message))
                print(f"{_colored('warning', YELLOW)}: {message}", file=sys.stderr)

        warnings.showwarning = show
        yield


def _colored(word: str, color: str) -> str:
    """`word` in color on a terminal that has it, unless NO_COLOR (no-color.org) is set."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return word if plain or not sys.stderr.isatty() else f"\033[1;{color}m{word}\033[0m"
