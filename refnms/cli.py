"""The command line: parse, call one function, print. Results go to standard output, the rest to
standard error.

Exit codes: 0 done, 1 a bug of ours, 2 usage, 3 bad input, 4 ran but failed or diverged,
5 input/output, 6 partly done, 130 interrupted with the best so far written.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from refnms import __version__
from refnms.errors import DivergedError, InputError, InputWarning

if TYPE_CHECKING:
    from refnms.job import Done

DONE, BAD_INPUT, FAILED, INPUT_OUTPUT, INTERRUPTED = 0, 3, 4, 5, 130
PROFILES = ("native", "ceinms-0.9")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if "named" in options:
        if (options.named is None) == (options.positional is None):
            parser.error("name one setup file, as SETUP.xml or with -S FILE")
        options.setup = options.named or options.positional
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
    calibrate = commands.add_parser(
        "calibrate",
        help="calibrate a subject as a CEINMS calibration setup file says",
        description="Calibrate a subject as a CEINMS calibration setup file says, and predict the "
        "moments of trials it has not seen.",
    )
    _add_setup(calibrate, "calibrated subject and its results (default: where the setup says)")
    calibrate.add_argument("--method", choices=("adamw",), default="adamw", help="default: adamw")
    calibrate.add_argument(
        "--steps", type=_count, metavar="N", help="steps of the method (default: the method's)"
    )
    calibrate.add_argument(
        "--test",
        type=Path,
        action="append",
        default=[],
        metavar="TRIAL.xml",
        help="a trial (CEINMS inputData file) to predict but not to calibrate on; may be repeated",
    )
    calibrate.set_defaults(command=_calibrate)
    run = commands.add_parser(
        "run",
        help="run a trial, EMG-driven, as a CEINMS setup file says",
        description="Run a trial, EMG-driven, as a CEINMS setup file says.",
    )
    _add_setup(run, "signals of the trial (default: the setup's output directory)")
    run.set_defaults(command=_run)
    demo = commands.add_parser(
        "demo",
        help="calibrate an embedded participant whose true parameters are known",
        description="Calibrate an embedded participant, an upper limb with 16 muscles and 3 "
        "degrees of freedom, whose true parameters are known.",
    )
    demo.add_argument("--out", type=Path, metavar="DIR", help="folder for the figure and a summary")
    _add_json(demo)
    demo.set_defaults(command=_demo)
    return parser


def _add_setup(parser: argparse.ArgumentParser, content: str) -> None:
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
        help="discretisation and pairing: refnms's own, or CEINMS 0.9's (default: native)",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help=f"folder for the {content}")
    _add_json(parser)


def _add_json(parser: argparse.ArgumentParser) -> None:
    help = "print one JSON object on standard output and nothing else there"
    parser.add_argument("--json", action="store_true", help=help)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of steps")
    return int(text)


def _calibrate(options: argparse.Namespace) -> int:
    from refnms.job import calibrate_setup
    from refnms.optimize import AdamW

    method = AdamW() if options.steps is None else AdamW(steps=options.steps)
    with _progress(method.steps + 1) as callback:
        done = calibrate_setup(
            options.setup, options.profile, method, options.test, options.out, callback
        )
    return _finish(done, options.json)


def _run(options: argparse.Namespace) -> int:
    from refnms.job import run

    return _finish(run(options.setup, options.profile, options.out), options.json)


def _demo(options: argparse.Namespace) -> int:
    from dataclasses import asdict

    from refnms import demo

    story = sys.stderr if options.json else sys.stdout
    result = demo.run(out=options.out, say=lambda line: print(line, file=story, flush=True))
    if options.json:
        print(json.dumps(asdict(result), indent=2, allow_nan=False))
    return {"interrupted": INTERRUPTED, "diverged": FAILED}.get(result.status, DONE)


def _finish(done: Done, as_json: bool) -> int:
    _show(done, as_json)
    if done.failure is not None:
        print(f"error: {done.failure}", file=sys.stderr)
        return FAILED
    return INTERRUPTED if done.interrupted else DONE


def _show(done: Done, as_json: bool) -> None:
    summary = done.summary
    if as_json:
        print(json.dumps(summary, indent=2, allow_nan=False))
        return
    if "objective" in summary:
        o = summary["objective"]
        print(
            f"{summary['method']}, profile {summary['profile']}: objective {o['initial']:.4g} -> "
            f"{o['final']:.4g} in {summary['seconds']:.2f} s, {summary['evaluations']} evaluations "
            f"({summary['status']})"
        )
        if o["ceinms"] is not None:
            print(f"CEINMS 0.9's objective: {o['ceinms']:.4g}, penalty {o['ceinms_penalty']:.4g}")
    print("\n".join(_table(summary["trials"])))
    for name in summary.get("bound_hits", []):
        print(f"on a bound: {name}")
    for flag, muscles in summary["flags"].items():
        print(f"samples flagged {flag}: " + ", ".join(f"{m} {n}" for m, n in muscles.items()))
    print(f"written to {done.folder}")


def _table(trials: dict[str, Any]) -> Iterator[str]:
    width = max(map(len, trials))
    dofs = max((len(dof) for trial in trials.values() for dof in trial["dofs"]), default=0)
    yield f"{'trial':{width}}  {'role':11}  {'moment':{dofs}}  RMSE [N.m]     R2"
    for name, trial in trials.items():
        for dof, fit in trial["dofs"].items():
            r2 = "     -" if fit["r2"] is None else f"{fit['r2']:6.3f}"
            yield f"{name:{width}}  {trial['role']:11}  {dof:{dofs}}  {fit['rmse']:10.3f}  {r2}"


@contextmanager
def _progress(evaluations: int) -> Iterator[Callable[[int, float, Any], None] | None]:
    """A line with the current objective, rewritten in place, on a terminal only."""
    if not sys.stderr.isatty():
        yield None
        return
    shown = 0.0

    def report(count: int, value: float, _: Any) -> None:
        nonlocal shown
        now = time.monotonic()
        if now - shown > 0.1 or count == evaluations:
            shown = now
            line = f"\revaluation {count} of {evaluations}: objective {value:.5g}   "
            print(line, end="", file=sys.stderr, flush=True)

    try:
        yield report
    finally:
        print(file=sys.stderr)


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
