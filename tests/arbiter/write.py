"""Writes the golden files: `PYTHONPATH=.:tests python -m arbiter.write refnms/golden/files`.

Every number in a column of results is the arbiter's, rounded to the nearest float, so the files
come out the same to the bit on every machine. Inputs are decimals of `samples`. Where the named
families are sampled, their knots are a choice of refnms's, taken from `curve_points.csv` if it is
there; their heights are the arbiter's.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from arbiter import rows
from arbiter.families import CURVES, FORMULAS
from arbiter.muscle import Curves
from arbiter.rows import FORCE_BY, LENGTH_BY, POINTS, Row
from arbiter.trial import PROFILES, Profile

SCHEMA = 1


def knots_of(folder: Path) -> dict[tuple[str, str], list[float]]:
    """Where each sampled curve has its knots: as the files say, or as refnms does."""
    if (folder / "curve_points.csv").exists():
        found: dict[tuple[str, str], list[float]] = {}
        for row in csv.DictReader((folder / "curve_points.csv").read_text("utf-8").splitlines()):
            found.setdefault((row["family"], row["curve"]), []).append(float(row["x"]))
        return found
    from refnms.physics.families import FAMILIES as OURS

    return {
        (name, curve): getattr(OURS[name](), curve).knots.tolist()
        for name in FORMULAS
        for curve in CURVES
    }


LENGTH, SPEED, FORCE, RATE = "m", "m/s", "N", "1/s"
UNITS = {
    "optimal_fiber_length": LENGTH,
    "pennation_angle_at_optimal": "rad",
    "tendon_slack_length": LENGTH,
    "max_isometric_force": FORCE,
    "max_contraction_velocity": "optimal fiber lengths / s",
    "fiber_length": LENGTH,
    "fiber_velocity": SPEED,
    "time": "s",
    "length": LENGTH,
    "musculotendon_length": LENGTH,
    "tendon_force": FORCE,
    "newest": RATE,
    "past": SPEED,
}
NOTES = ("entry", "tolerance", "reason")


def described(what: str, group: list[str], inputs: Iterable[str], outputs: list[str]) -> Row:
    units = {name: UNITS.get(name, "-") for name in inputs}
    return {"what": what, "group": group, "inputs": units, "outputs": outputs}


TABLES = {
    "splines.csv": described(
        "coefficients of pieces of the splines through curve_points.csv",
        ["family", "curve"],
        ["knot"],
        ["c1", "c2", "c3"],
    ),
    "curves.csv": described(
        "value and slope of a curve", ["family", "curve"], ["x"], ["value", "slope"]
    ),
    "activation.csv": described(
        "activation of a neural activation, and its slopes",
        ["shape"],
        ["neural_activation", "shape_factor"],
        ["activation", "by_neural_activation", "by_shape_factor"],
    ),
    "filter.csv": described(
        "the recursion from excitation to neural activation, sample by sample, and its slopes",
        ["case"],
        ["starts_at_rest", "third_sample_restarts", "c1", "c2", "sample", "excitation"],
        ["neural_activation", "by_c1", "by_c2"],
    ),
    "velocity.csv": described(
        "slope at each sample of the splines through the last 2, 4, 5, 15, and through all",
        [],
        ["sample", "time", "length"],
        [*(f"by_last_{points}" for points in POINTS), "by_all"],
    ),
    "force.csv": described(
        "force of the fibers along the tendon, and its partial derivatives",
        ["family"],
        FORCE_BY,
        ["tendon_force", *(f"by_{name}" for name in FORCE_BY)],
    ),
    "fiber_length.csv": described(
        "fiber length in equilibrium with its tendon at velocity newest * fiber_length + past, and"
        " its derivatives",
        ["family"],
        ["newest", *LENGTH_BY],
        ["fiber_length", *(f"by_{name}" for name in LENGTH_BY)],
    ),
}


def manifest(profiles: Iterable[Profile]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "rule": "A number is right if it differs from the one here by no more than `tolerance`"
        " times the largest magnitude of its column among the rows of the same group; in"
        " trajectories.json, of its array.",
        "made": "by an arbiter of 120 digits (tests/arbiter), rounded to the nearest float64",
        "tables": TABLES,
        "profiles": {profile.name: profile._asdict() for profile in profiles},
    }


def as_csv(found: Iterable[Row]) -> str:
    lines = list(found)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def as_json(content: Any, indent: str = "") -> str:
    """JSON with every list of plain numbers on one line."""
    if isinstance(content, dict) and content:
        items = [f"{json.dumps(k)}: {as_json(v, indent + ' ')}" for k, v in content.items()]
    elif isinstance(content, list) and any(isinstance(v, list | dict) for v in content):
        items = [as_json(v, indent + " ") for v in content]
    else:
        return json.dumps(content, allow_nan=False)
    opening, closing = "{}" if isinstance(content, dict) else "[]"
    inner = f",\n{indent} ".join(items)
    return f"{opening}\n{indent} {inner}\n{indent}{closing}"


def tables(curves: dict[str, Curves]) -> dict[str, str]:
    """Text of every CSV file."""
    return {
        "curve_points.csv": as_csv(rows.point_rows(curves)),
        "splines.csv": as_csv(rows.spline_rows(curves)),
        "curves.csv": as_csv(rows.curve_rows(curves)),
        "activation.csv": as_csv(rows.activation_rows()),
        "filter.csv": as_csv(rows.filter_rows()),
        "velocity.csv": as_csv(rows.velocity_rows()),
        "force.csv": as_csv(rows.force_rows(curves)),
        "fiber_length.csv": as_csv(rows.length_rows(curves)),
    }


def main(folder: Path, profiles: Iterable[Profile] = PROFILES) -> None:
    curves = rows.all_curves(knots_of(folder))
    texts = tables(curves) | {"golden.json": as_json(manifest(profiles)) + "\n"}
    found = [rows.trajectory(curves, choice) for choice in rows.choices(profiles)]
    texts["trajectories.json"] = as_json({"schema": SCHEMA, "trajectories": found}) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8", newline="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
