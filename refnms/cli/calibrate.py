"""`refnms calibrate`: a subject calibrated as a CEINMS calibration setup file says."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from refnms.cli.options import add_progress, add_setup, count, number, positive
from refnms.cli.progress import progress
from refnms.cli.show import finish

if TYPE_CHECKING:
    from refnms.cli.options import Commands

METHODS = ("lm", "adamw", "l-bfgs-b", "dual-annealing", "corana", "strengths")


def add_to(commands: Commands) -> None:
    parser = commands.add_parser(
        "calibrate",
        help="calibrate a subject as a CEINMS calibration setup file says",
        description="Calibrate a subject as a CEINMS calibration setup file says, and predict the "
        "moments of trials it has not seen.",
    )
    add_setup(parser, "calibrated subject and its results (default: where the setup says)")
    _add_method(parser)
    add_progress(parser)
    parser.add_argument(
        "--test",
        type=Path,
        action="append",
        default=[],
        metavar="TRIAL.xml",
        help="a trial (CEINMS inputData file) to predict but not to calibrate on; may be repeated",
    )
    parser.set_defaults(command=_calibrate)


def _add_method(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--method", choices=METHODS, default="lm", help="how to search (default: lm)")
    add("--starts", type=count, default=1, metavar="N", help="starts of the method (default: 1)")
    add("--seed", type=int, default=0, metavar="N", help="of starts and annealing (default: 0)")
    add(
        "--random",
        choices=("glibc", "msvc"),
        default="glibc",
        help="C library whose random numbers `corana` takes: CEINMS on Linux or on Windows "
        "(default: glibc)",
    )
    add("--evaluations", type=count, metavar="N", help="stop after so many evaluations")
    add("--seconds", type=positive, metavar="S", help="stop after so many seconds")
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


def _prior(text: str) -> float | None:
    if text == "auto":
        return None
    weight = number(text)
    if not weight >= 0.0:
        raise argparse.ArgumentTypeError(f"{text!r} is below 0")
    return weight


def _calibrate(options: argparse.Namespace) -> int:
    from refnms.job import calibrate_setup
    from refnms.optimize import Budget
    from refnms.steps import Settings

    settings = Settings(
        profile=options.profile,
        method=options.method,
        starts=options.starts,
        seed=options.seed,
        random=options.random,
        budget=Budget(options.evaluations, options.seconds),
        prior=options.prior,
        uncertainty=options.uncertainty,
        resume=options.resume,
    )
    with progress(settings.budget, options.progress) as callback:
        done = calibrate_setup(options.setup, settings, options.test, options.out, callback)
    return finish(done, options.json)
