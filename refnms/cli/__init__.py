"""The command line: parse, call one function, print. Results go to standard output, the rest to
standard error. Each command is a module with its own parser; exit codes stand in `codes`.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from refnms import __version__
from refnms.cli import calibrate, demo, export_c, run
from refnms.cli.codes import BAD_INPUT, FAILED, INPUT_OUTPUT, INTERRUPTED
from refnms.cli.options import name_setup
from refnms.errors import DivergedError, InputError, InputWarning

COMMANDS = (calibrate, run, demo, export_c)  # in the order of the help


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    name_setup(options, parser)
    try:
        with _plain_warnings():
            return int(options.command(options))
    except InputError as error:
        for problem in error.problems:
            print(f"error: {problem}", file=sys.stderr)
        return BAD_INPUT
    except DivergedError as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    except BrokenPipeError:  # whoever read our output has had enough
        sys.stdout = open(os.devnull, "w")  # the interpreter flushes it at exit
        return INPUT_OUTPUT
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return INPUT_OUTPUT
    except KeyboardInterrupt:
        print("interrupted; nothing was written", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="refnms",
        description="EMG-driven neuromusculoskeletal models, calibrated with exact gradients.",
        epilog="Exit codes: 0 done, 1 a bug, 2 usage, 3 bad input, 4 failed or diverged, "
        "5 input/output, 6 partly done, 130 interrupted.",
    )
    parser.add_argument("--version", action="version", version=f"refnms {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(commands)
    return parser


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Warnings of the input as one plain line each, in the order they come."""
    with warnings.catch_warnings():
        warnings.simplefilter("default", InputWarning)
        told: set[str] = set()

        def show(message: Warning | str, *_: Any, **__: Any) -> None:
            if str(message) not in told:
                told.add(str(message))
                print(f"warning: {message}", file=sys.stderr)

        warnings.showwarning = show
        yield
