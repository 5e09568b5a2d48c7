"""The command line: parse, call one function, print. Results go to standard output, the rest to
standard error. Each command is a module with its own parser; exit codes stand in `codes`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from refnms import __version__
from refnms.cli import (
    calibrate,
    check,
    compare,
    completion,
    convert,
    demo,
    doctor,
    emg,
    explain,
    export_c,
    geometry,
    golden,
    report,
    run,
    verify,
)
from refnms.cli.codes import BAD_INPUT, FAILED, INPUT_OUTPUT, INTERRUPTED
from refnms.cli.options import add_manner, name_setup

# In the order of the help.
COMMANDS = (
    calibrate,
    run,
    report,
    check,
    compare,
    convert,
    emg,
    geometry,
    verify,
    golden,
    export_c,
    demo,
    doctor,
    explain,
    completion,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    command_line = parser()
    options = command_line.parse_args(arguments)
    name_setup(options, command_line)
    from refnms.cli import manner  # not for --help, which should be there at once
    from refnms.errors import DivergedError, InputError

    try:
        with manner.of(options):
            return int(options.command(options))
    except InputError as error:
        manner.tell_problems(error, options)
        return BAD_INPUT
    except DivergedError as error:
        manner.tell_error(error, options)
        return FAILED
    except BrokenPipeError:  # whoever read our output has had enough
        sys.stdout = open(os.devnull, "w")  # the interpreter flushes it at exit
        return INPUT_OUTPUT
    except OSError as error:
        manner.tell_error(error, options)
        return INPUT_OUTPUT
    except KeyboardInterrupt:
        print("interrupted; nothing was written", file=sys.stderr)
        return INTERRUPTED


def parser() -> argparse.ArgumentParser:
    """The parser of all commands; shell completion is made from it."""
    made = argparse.ArgumentParser(
        prog="refnms",
        description="EMG-driven neuromusculoskeletal models, calibrated with exact gradients.",
        epilog="Exit codes: 0 done, 1 a bug, 2 usage, 3 bad input, 4 failed or diverged, "
        "5 input/output, 6 partly done, 130 interrupted. `refnms COMMAND --help` tells more.",
    )
    made.add_argument("--version", action="version", version=f"refnms {__version__}")
    commands = made.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(commands)
    for added in commands.choices.values():
        add_manner(added)
    return made
