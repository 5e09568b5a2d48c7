"""The page about a folder of results: one HTML file that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from refnms import __version__
from refnms.io.files import write_atomically
from refnms.report import contents, drawings
from refnms.report.folder import Result, read_result
from refnms.report.svg import INLINE

NAME = "report.html"
CARD_ROWS = 24  # muscles in one drawing of fiber lengths
BOUNDS_ALONE = 1.0 / np.sqrt(12.0)  # deviation of an even draw, in shares of the room


def write(folder: Path, path: Path | None = None, title: str | None = None) -> Path:
    """Write the page about a folder of results, by default into it as `report.html`.

    `title` is what it is about, by default the name of the folder. Raises InputError: no result, or
    a damaged one; ImportError: Matplotlib or Jinja is missing (extra `report`); OSError.
    """
    path = folder / NAME if path is None else path
    write_atomically(path, render(read_result(folder), title or folder.resolve().name))
    return path


def render(result: Result, title: str) -> str:
    """The page about a result."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from matplotlib import rc_context

    environment = Environment(
        loader=PackageLoader("refnms.report", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": contents.number,
        "significant": contents.significant,
        "words": drawings.words,
    }
    with rc_context(INLINE):
        found = {section: content or None for section, content in _sections(result)}
    rows = contents.rows(result)
    return environment.get_template("page.html").render(
        title=title,
        version=__version__,
        summary={"starts": [], **result.summary},
        settings=result.record.get("settings"),
        fiber_length_range=result.record.get("fiber_length_range"),
        headline=contents.headline(rows),
        notices=list(contents.notices(result, rows)),
        rows=rows,
        roles=contents.by_role(rows),
        dofs=contents.by_dof(rows),
        trials=contents.by_trial(rows),
        drawn=found,
        is_calibration="method" in result.summary,
    )


def _sections(result: Result) -> Iterator[tuple[str, Any]]:
    """Name and content of what the page may show; empty where the folder lacks what it takes."""
    yield "moments", _moments(result)
    yield "parameters", _parameters(result)
    yield "bound_hits", contents.bound_hits(result.summary.get("bound_hits", []))
    yield "fibers", _fibers(result)
    yield "activations", _activations(result)
    yield "search", _search(result)
    yield "terms", result.record.get("terms")
    yield "doubts", _doubts(result)
    yield "flags", _flags(result)
    yield "certificate", result.certificate
    yield "provenance", result.record.get("provenance")


def _moments(result: Result) -> list[dict[str, Any]]:
    shown = [r for r in result.recordings if r.after is not None]
    return [
        {
            "name": recording.name,
            "role": contents.ROLES.get(recording.role, recording.role),
            "svg": _safe(drawings.moments(recording, recording.after.names, f"m{n}")),
        }
        for n, recording in enumerate(shown)
        if recording.after is not None
    ]


def _parameters(result: Result) -> list[dict[str, Any]]:
    doubts = result.summary.get("uncertainty", {}).get("parameters", {})
    found = []
    for n, (field, rows) in enumerate(
        contents.by_field(result.record.get("parameters", [])).items()
    ):
        svg, note = drawings.parameters(rows, doubts, f"p{n}")
        unit = contents.UNITS.get(field, "")
        found.append(
            {
                "field": field,
                "note": note or unit,
                "unit": unit,
                "svg": _safe(svg),
                "decimals": contents.decimals_for(
                    [row[key] for row in rows for key in ("before", "after")]
                ),
                "hits": sum(bool(row["on_bound"]) for row in rows),
                "rows": [
                    {**row, "owner": drawings.owner(row["name"]), "doubt": doubts.get(row["name"])}
                    for row in rows
                ],
            }
        )
    return found


def _fibers(result: Result) -> list[Any]:
    after = contents.lengths(result.recordings)
    before = contents.lengths(result.recordings, before=True)
    names = list(after)
    parts = -(-len(names) // CARD_ROWS)
    return [
        _safe(
            drawings.fiber_lengths(
                list(part), before, after, result.record.get("fiber_length_range"), f"f{n}"
            )
        )
        for n, part in enumerate(np.array_split(names, parts) if parts else ())
    ]


def _activations(result: Result) -> dict[str, Any] | None:
    shown = [r for r in result.recordings if r.activation is not None]
    if not shown:
        return None
    muscles = list(
        dict.fromkeys(name for r in shown if r.activation for name in r.activation.names)
    )
    return {
        "trials": [{"name": r.name, "held_out": r.held_out} for r in shown],
        "excited": any(r.excitation is not None for r in shown),
        "muscles": [
            {"name": name, "svg": _safe(svg), "top": top}
            for name, (svg, top) in zip(muscles, drawings.strips(shown, muscles, "a"), strict=True)
        ],
    }


def _search(result: Result) -> list[Any]:
    runs = result.record.get("runs", [])
    if not runs or not runs[0]["objective"]:
        return []
    return [
        _safe(drawings.descent(runs, against, f"s{n}"))
        for n, against in enumerate(("evaluations", "seconds"))
    ]


def _doubts(result: Result) -> dict[str, Any] | None:
    doubts: Mapping[str, Any] | None = result.summary.get("uncertainty")
    if doubts is None:
        return None
    shares: dict[str, list[float]] = {}
    for row in result.record.get("parameters", []):
        if row["name"] in doubts["parameters"]:
            deviation = doubts["parameters"][row["name"]]["deviation"]
            shares.setdefault(row["field"], []).append(deviation / (row["upper"] - row["lower"]))
    return {
        **doubts,
        "svg": _safe(drawings.knowledge(shares, BOUNDS_ALONE, "k")) if shares else None,
        "loose": contents.bound_hits(doubts["undetermined"]),
    }


def _flags(result: Result) -> list[dict[str, Any]]:
    return [
        {"name": name, "meaning": contents.FLAGS.get(name, ""), "muscles": muscles}
        for name, muscles in result.summary.get("flags", {}).items()
    ]


def _safe(svg: str) -> Any:
    """Drawings are escaped where they are made, name by name."""
    from markupsafe import Markup

    return Markup(svg)
