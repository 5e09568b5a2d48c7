"""The command line: parse, call one function, print. Results go to standard output, the rest to
standard error.

Exit codes: 0 done, 1 a bug of ours, 2 usage, 3 bad input, 4 ran but failed or diverged,
5 input/output, 6 partly done, 130 interrupted with the best so far written.
"""

from __future__ import annotations

import argparse
import json
import math
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
    from refnms.optimize import Budget

DONE, BAD_INPUT, FAILED, INPUT_OUTPUT, INTERRUPTED = 0, 3, 4, 5, 130
PROFILES = ("native", "ceinms-0.9")
NEAR = 1.02  # of the best objective
METHODS = ("lm", "adamw", "l-bfgs-b", "dual-annealing", "corana", "strengths")


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
    _add_method(calibrate)
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


def _add_method(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--method", choices=METHODS, default="lm", help="how to search (default: lm)")
    add("--starts", type=_count, default=1, metavar="N", help="starts of the method (default: 1)")
    add("--seed", type=int, default=0, metavar="N", help="of starts and annealing (default: 0)")
    add("--evaluations", type=_count, metavar="N", help="stop after so many evaluations")
    add("--seconds", type=_positive, metavar="S", help="stop after so many seconds")
    add(
        "--prior",
        type=_prior,
        default=0.0,
        metavar="W",
        help="weight of the distance from the start, or `auto`: chosen by leaving trials out "
        "(default: 0)",
    )
    add(
        "--uncertainty",
        action="store_true",
        help="standard deviations and trade-offs of the parameters, and of the moments",
    )
    add(
        "--resume",
        action="store_true",
        help="continue a run that was interrupted or used up its budget, to the same bits",
    )


def _add_json(parser: argparse.ArgumentParser) -> None:
    help = "print one JSON object on standard output and nothing else there"
    parser.add_argument("--json", action="store_true", help=help)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a count of 1 or more")
    return int(text)


def _positive(text: str) -> float:
    number = _number(text)
    if not number > 0.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not above 0")
    return number


def _prior(text: str) -> float | None:
    if text == "auto":
        return None
    number = _number(text)
    if not number >= 0.0:
        raise argparse.ArgumentTypeError(f"{text!r} is below 0")
    return number


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number")
    return number


def _calibrate(options: argparse.Namespace) -> int:
    from refnms.job import Settings, calibrate_setup
    from refnms.optimize import Budget

    settings = Settings(
        profile=options.profile,
        method=options.method,
        starts=options.starts,
        seed=options.seed,
        budget=Budget(options.evaluations, options.seconds),
        prior=options.prior,
        uncertainty=options.uncertainty,
        resume=options.resume,
    )
    with _progress(settings.budget) as callback:
        done = calibrate_setup(options.setup, settings, options.test, options.out, callback)
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
        print("\n".join(_calibration(summary)))
    print("\n".join(_table(summary["trials"])))
    for field, owners in _by_field(summary.get("bound_hits", [])).items():
        print(f"on a bound: {field} of {', '.join(owners)}")
    if "uncertainty" in summary:
        print("\n".join(_doubts(summary["uncertainty"])))
    for flag, muscles in summary["flags"].items():
        print(f"samples flagged {flag}: " + ", ".join(f"{m} {n}" for m, n in muscles.items()))
    print(f"written to {done.folder}")


def _by_field(names: Sequence[str]) -> dict[str, list[str]]:
    """Names such as `c1 of soleus`, by what stands before the `of`."""
    found: dict[str, list[str]] = {}
    for name in names:
        field, _, owner = name.partition(" of ")
        found.setdefault(field, []).append(owner)
    return found


def _calibration(summary: dict[str, Any]) -> Iterator[str]:
    o = summary["objective"]
    yield (
        f"{summary['method']}, profile {summary['profile']}: objective {_told(o['initial'])} -> "
        f"{_told(o['final'])} in {summary['seconds']:.2f} s, {summary['evaluations']} evaluations "
        f"({summary['status']})"
    )
    if summary["starts"]:
        ends = [end for end in summary["starts"] if end is not None]
        near = sum(end <= NEAR * min(ends) for end in ends)
        yield f"{len(summary['starts'])} runs, of which {near} ended within 2 % of the best"
    if "prior" in summary:
        yield f"weight of the prior, chosen by leaving trials out: {summary['prior']['weight']:g}"
    if o["ceinms"] is not None:
        yield f"CEINMS 0.9's objective: {o['ceinms']:.4g}, penalty {o['ceinms_penalty']:.4g}"
        if o["ceinms_penalty"] > 0.0 and summary["profile"] == "native":
            yield "  if CEINMS will run this subject, calibrate it with --profile ceinms-0.9"


def _told(value: float | None) -> str:
    return "infinite" if value is None else f"{value:.4g}"


def _doubts(doubts: dict[str, Any]) -> Iterator[str]:
    parameters = doubts["parameters"]
    width = max(map(len, parameters))
    yield f"{'parameter':{width}}       value  most likely   deviation"
    for name, of in parameters.items():
        yield f"{name:{width}}  {of['value']:10.4g}   {of['center']:10.4g}  {of['deviation']:10.2g}"
    yield from doubts["trade_offs"]
    for name in doubts["undetermined"]:
        yield f"not determined by these trials: {name}"


def _table(trials: dict[str, Any]) -> Iterator[str]:
    width = max(map(len, trials))
    dofs = max((len(dof) for trial in trials.values() for dof in trial["dofs"]), default=0)
    yield f"{'trial':{width}}  {'role':11}  {'moment':{dofs}}  RMSE [N.m]     R2"
    for name, trial in trials.items():
        for dof, fit in trial["dofs"].items():
            r2 = "     -" if fit["r2"] is None else f"{fit['r2']:6.3f}"
            yield f"{name:{width}}  {trial['role']:11}  {dof:{dofs}}  {fit['rmse']:10.3f}  {r2}"


@contextmanager
def _progress(budget: Budget) -> Iterator[Callable[[int, float, Any], None] | None]:
    """A line with the best objective so far, rewritten in place, on a terminal only."""
    if not sys.stderr.isatty():
        yield None
        return
    began, shown, best = time.monotonic(), 0.0, math.inf
    of = "" if budget.evaluations is None else f" of {budget.evaluations}"

    def report(count: int, value: float, _: Any) -> None:
        nonlocal shown, best
        now, best = time.monotonic(), min(best, value)
        if now - shown > 0.1 or count == budget.evaluations:
            shown = now
            line = f"\revaluation {count}{of}, {now - began:.1f} s: best objective {best:.5g}   "
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
