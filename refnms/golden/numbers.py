"""The golden files as numbers: for each entry and column a value, and how far off one may be."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

MANIFEST, TRAJECTORIES = "golden.json", "trajectories.json"


class Number(NamedTuple):
    """One golden number."""

    value: float
    scale: float  # the largest magnitude of its column in its group, or of its array
    tolerance: float  # relative to the scale
    reason: str


class Entry(NamedTuple):
    """One question and its answers."""

    inputs: dict[str, Any]  # as they stand in the file
    numbers: dict[str, Number]  # by column, or by place in an array: `fiber_length[3][1]`


def names() -> list[str]:
    """The files, by name."""
    return sorted(file.name for file in (resources.files("refnms.golden") / "files").iterdir())


def text(name: str) -> str:
    """The content of one of them."""
    return (resources.files("refnms.golden") / "files" / name).read_text("utf-8")


@cache
def entries() -> dict[str, Entry]:
    """All entries, by name."""
    found: dict[str, Entry] = {}
    for name, table in json.loads(text(MANIFEST))["tables"].items():
        found |= _of_table(table, list(csv.DictReader(text(name).splitlines())))
    for trajectory in json.loads(text(TRAJECTORIES))["trajectories"]:
        found[trajectory["entry"]] = _of_trajectory(trajectory)
    return found


def _of_table(table: dict[str, Any], rows: list[dict[str, str]]) -> dict[str, Entry]:
    group, outputs = table["group"], table["outputs"]
    scales: dict[tuple[str, ...], float] = {}
    for row in rows:
        for column in outputs:
            key = (column, *(row[name] for name in group))
            scales[key] = max(scales.get(key, 0.0), abs(float(row[column])))
    found = {}
    for row in rows:
        key = tuple(row[name] for name in group)
        numbers = {
            column: Number(
                float(row[column]),
                scales[column, *key],
                float(row["tolerance"]),
                row["reason"],
            )
            for column in outputs
        }
        inputs = {name: row[name] for name in row if name not in outputs}
        found[row["entry"]] = Entry(inputs, numbers)
    return found


def _of_trajectory(trajectory: dict[str, Any]) -> Entry:
    numbers = {}
    for name, values in trajectory["outputs"].items():
        kind = "gradient" if name.startswith("loss_by_") else "signals"
        parts = dict(flat(name, values))
        scale = max(map(abs, parts.values()))
        tolerance = trajectory["tolerance"][kind]
        for place, value in parts.items():
            numbers[place] = Number(value, scale, tolerance, trajectory["reason"])
    return Entry({"inputs": trajectory["inputs"]}, numbers)


def flat(name: str, values: Any) -> Iterator[tuple[str, float]]:
    """The numbers of a nested list, each by its place."""
    if isinstance(values, list):
        for i, value in enumerate(values):
            yield from flat(f"{name}[{i}]", value)
    else:
        yield name, float(values)
