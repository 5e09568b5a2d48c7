"""What a job did, told in lines or as one JSON object."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from refnms.cli.codes import DONE, FAILED, INTERRUPTED

if TYPE_CHECKING:
    from refnms.job import Done

REPORT = "report.html"  # of a result, where the extra `report` is there
NEAR = 1.02  # of the best objective


def finish(done: Done, as_json: bool) -> int:
    _show(done, as_json)
    if done.failure is not None:
        print(f"error: {done.failure}", file=sys.stderr)
        return FAILED
    return INTERRUPTED if done.interrupted else DONE


def show_lines(
    lines: Iterable[str], summary: Mapping[str, Any], options: argparse.Namespace
) -> None:
    """The result of a command: one JSON object, or lines, or nothing."""
    if options.json:
        print(json.dumps(summary, indent=2, allow_nan=False))
    else:
        print("\n".join(lines))


def _show(done: Done, as_json: bool) -> None:
    summary = done.summary
    if as_json:
        print(json.dumps(summary, indent=2, allow_nan=False))
        return
    if "objective" in summary:
        print("\n".join(_calibration(summary)))
    print("\n".join(_table(summary["trials"])))
    if "assistance" in summary:
        print(_assistance(summary["assistance"]))
    for field, owners in _by_field(summary.get("bound_hits", [])).items():
        print(f"on a bound: {field} of {', '.join(owners)}")
    if "uncertainty" in summary:
        print("\n".join(_doubts(summary["uncertainty"])))
    for flag, muscles in summary["flags"].items():
        print(f"samples flagged {flag}: " + ", ".join(f"{m} {n}" for m, n in muscles.items()))
    print(f"written to {done.folder}")
    if (done.folder / REPORT).exists():
        print(f"to look at: {done.folder / REPORT}")


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
    for n, step in enumerate(summary.get("steps", ()), 1):
        way = f"{_told(step['initial'])} -> {_told(step['final'])}"
        yield f"  step {n}, {' '.join(step['dofs'])}: {way} ({step['status']})"
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


def _assistance(found: dict[str, Any]) -> str:
    unsettled = f"; {found['unsettled']} frames did not settle" if found["unsettled"] else ""
    return (
        f"cost of a frame {found['cost']:.4g}; without weights: moment error "
        f"{found['moment_error']:.4g}, excitations {found['squared_excitations']:.4g}, "
        f"tracking {found['tracking']:.4g}{unsettled}"
    )


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
