"""`refnms emg`: raw EMG to normalised envelopes."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from refnms.cli.codes import DONE
from refnms.cli.options import add_json, count, positive
from refnms.cli.show import show_lines

if TYPE_CHECKING:
    from refnms.cli.options import Commands


def add_to(commands: Commands) -> None:
    parser = commands.add_parser(
        "emg",
        help="raw EMG to normalised envelopes",
        description="Make envelopes of raw EMG (.sto, .csv; .c3d with the extra `c3d`): band-pass, "
        "rectify, low-pass, divide each channel by its maximum over all files given.",
    )
    add = parser.add_argument
    add("trials", nargs="+", type=Path, metavar="FILE", help="raw EMG of a trial")
    add("--out", type=Path, required=True, metavar="DIR", help="folder for envelopes and figures")
    add(
        "--max",
        nargs="+",
        type=Path,
        default=[],
        metavar="FILE",
        help="more recordings to take maxima from, such as maximal contractions",
    )
    add(
        "--channel",
        action="append",
        default=[],
        metavar="NAME[=NEW]",
        help="a channel to take, and its new name; may be repeated (default: all, of a C3D file "
        "those that have EMG in their name)",
    )
    add(
        "--band",
        nargs=2,
        type=positive,
        default=(20.0, 450.0),
        metavar="HZ",
        help="ends of the band-pass (default: 20 450)",
    )
    add("--low", type=positive, default=6.0, metavar="HZ", help="low-pass (default: 6)")
    add("--order", type=count, default=2, help="of the Butterworth filters, one way (default: 2)")
    add("--causal", action="store_true", help="forward only, as in real time: the envelopes lag")
    add("--rate", type=positive, metavar="HZ", help="of the envelopes (default: as recorded)")
    add(
        "--raw-rate",
        type=positive,
        metavar="HZ",
        help="sampling rate of a .csv that has no column of time",
    )
    add_json(parser)
    parser.set_defaults(command=_emg, parser=parser)


def _emg(options: argparse.Namespace) -> int:
    from refnms.emg import Settings, make_envelopes
    from refnms.envelope import Filters

    if not options.band[0] < options.band[1]:
        options.parser.error("--band: the lower end comes first")
    settings = Settings(
        Filters(tuple(options.band), options.low, options.order),
        options.causal,
        tuple(options.channel),
        options.raw_rate,
        options.rate,
    )
    summary = make_envelopes(options.trials, options.out, settings, options.max)
    show_lines(_lines(summary, options.out), summary, options)
    return DONE


def _lines(summary: dict[str, Any], out: Path) -> Iterator[str]:
    width = max(map(len, summary["maxima"]))
    yield f"{'channel':{width}}     maximum  where"
    for name, found in summary["maxima"].items():
        yield f"{name:{width}}  {found['value']:10.4g}  {found['trial']} at {found['time']:.2f} s"
    for trial, found in summary["trials"].items():
        for name, share in found["clipped"].items():
            if share > 0.0:
                yield f"clipped: {share:.2%} of {name} in {trial}; its peaks are lost"
    yield f"written to {out}"
