"""Someone else's numbers against the golden ones: which are wrong, and by how much."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from refnms.errors import InputError, Problem
from refnms.golden.numbers import Entry, Number, entries, flat

SCHEMA = 1
NOTES = ("tolerance", "reason")  # columns that may stand in a file and are not read
Given = dict[str, dict[str, float]]  # entry -> column -> value


class Wrong(NamedTuple):
    """A number that is not the golden one."""

    entry: str
    column: str
    given: float
    golden: Number

    @property
    def error(self) -> float:
        """Relative to the largest magnitude of the column; infinite for what is no number."""
        off = abs(self.given - self.golden.value)
        if not math.isfinite(off):
            return math.inf
        return off / self.golden.scale if self.golden.scale > 0.0 else (math.inf if off else 0.0)

    def __str__(self) -> str:
        return (
            f"{self.entry} {self.column}: {self.given!r}, should be {self.golden.value!r}: "
            f"off by {self.error:.1e} of the largest there, allowed {self.golden.tolerance:.0e} "
            f"({self.golden.reason})"
        )


@dataclass(frozen=True)
class Comparison:
    """What became of one file."""

    file: Path
    given: int  # numbers in it
    missing: int  # numbers of the same tables that it leaves out
    worst: float  # error of all that are right
    wrong: tuple[Wrong, ...]  # the worst first

    def columns(self) -> list[tuple[str, int, int]]:
        """Columns with wrong numbers, the most first: name, wrong ones, entries concerned."""
        by: dict[str, list[str]] = {}
        for one in self.wrong:
            by.setdefault(column_of(one), []).append(one.entry)
        counted = [(name, len(found), len({*found})) for name, found in by.items()]
        return sorted(counted, key=lambda row: (-row[1], row[0]))


def column_of(wrong: Wrong) -> str:
    """Table and column, without the place in an array."""
    table = wrong.entry.partition("/")[0]
    return f"{table}: {wrong.column.partition('[')[0]}"


def compare(file: str | PathLike[str]) -> Comparison:
    """Hold the numbers of a CSV or JSON file, laid out as the golden ones, against them.

    Raises InputError when the file cannot be read so, with all problems found.
    """
    path = Path(file)
    given = _read(path)
    golden = entries()
    pairs = [
        Wrong(entry, column, value, golden[entry].numbers[column])
        for entry, columns in given.items()
        for column, value in columns.items()
    ]
    wrong = [pair for pair in pairs if not pair.error <= pair.golden.tolerance]
    right = [pair.error for pair in pairs if pair.error <= pair.golden.tolerance]
    tables = {_table(entry) for entry in given}
    expected = sum(len(entry.numbers) for name, entry in golden.items() if _table(name) in tables)
    return Comparison(
        file=path,
        given=len(pairs),
        missing=expected - len(pairs),
        worst=max(right, default=0.0),
        wrong=tuple(sorted(wrong, key=lambda pair: -pair.error)),
    )


def _table(entry: str) -> str:
    return entry.partition("/")[0]


def _read(path: Path) -> Given:
    try:
        content = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise InputError(Problem("cannot be read: there is no such file", file=path)) from None
    except UnicodeDecodeError as error:
        message = f"is not UTF-8: byte {error.start} is {error.object[error.start]:#x}"
        raise InputError(Problem(message, file=path)) from None
    problems: list[Problem] = []
    reader = _read_json if path.suffix.lower() == ".json" else _read_csv
    given = reader(path, content, problems)
    if not problems and not any(given.values()):
        problems.append(Problem("holds no number to compare with golden ones", file=path))
    if problems:
        raise InputError(problems)
    return given


def _read_csv(path: Path, content: str, problems: list[Problem]) -> Given:
    given: Given = {}
    rows = csv.DictReader(content.splitlines(), restkey="", restval="")
    columns = [name.strip() for name in rows.fieldnames or ()]
    rows.fieldnames = columns
    if "entry" not in columns:
        message = "no column is called 'entry', which names the golden question of a line"
        problems.append(Problem(message, file=path, line=1))
        return given
    for row in rows:
        name, line = row["entry"], rows.line_num
        entry = entries().get(name)
        if entry is None:
            problems.append(Problem(_unknown(name), file=path, line=line))
        elif name in given:
            problems.append(
                Problem(f"golden entry {name!r} is answered twice", file=path, line=line)
            )
        elif "" in row:
            problems.append(
                Problem("answers a golden entry with more cells than columns", file=path, line=line)
            )
        else:
            given[name] = {}
            for column in columns:
                problem = _take(entry, column, row[column], given[name])
                if problem:
                    problems.append(Problem(problem, file=path, line=line, column=column))
    return given


def _take(entry: Entry, column: str, cell: str, into: dict[str, float]) -> str | None:
    """Put a cell where it belongs, or say what is wrong with it."""
    if column in NOTES or column == "entry":
        return None
    try:
        if column in entry.numbers:
            if cell.strip():
                into[column] = float(cell)
            return None
        if column not in entry.inputs:
            return f"no golden column is called so; there are {', '.join(entry.numbers)}"
        wanted = entry.inputs[column]
        same = cell == wanted or float(cell) == float(wanted)
    except ValueError:
        same = False
        if column in entry.numbers:
            return f"{cell!r} is no number to hold against the golden one"
    return None if same else f"another question: {cell!r}, where the golden one has {wanted!r}"


def _unknown(name: str) -> str:
    known = sorted({_table(entry) for entry in entries()})
    return f"no golden entry is called {name!r}; they begin with {', '.join(known)}"


def _read_json(path: Path, content: str, problems: list[Problem]) -> Given:
    given: Given = {}
    try:
        told = json.loads(content)
        trajectories = told["trajectories"]
        pairs = [(one["entry"], one.get("inputs"), one["outputs"]) for one in trajectories]
    except json.JSONDecodeError as error:
        message = f"is not the JSON of golden answers: {error.msg}"
        problems.append(Problem(message, file=path, line=error.lineno, column=error.colno))
        return given
    except (KeyError, TypeError, AttributeError):
        shape = "{'trajectories': [{'entry': name, 'outputs': {name: numbers}}, ...]}"
        message = f"golden answers are {shape}"
        problems.append(Problem(message, file=path))
        return given
    if told.get("schema", SCHEMA) != SCHEMA:
        message = f"has golden schema {told['schema']!r}, not {SCHEMA}: write the files anew"
        problems.append(Problem(message, file=path))
        return given
    for name, inputs, outputs in pairs:
        entry = entries().get(name)
        if entry is None:
            problems.append(Problem(_unknown(name), file=path))
        elif name in given:
            problems.append(Problem(f"golden entry {name!r} is answered twice", file=path))
        elif inputs is not None and inputs != entry.inputs["inputs"]:
            problems.append(Problem(f"{name}: its inputs are not the golden ones", file=path))
        else:
            given[name] = _numbers(path, name, entry, outputs, problems)
    return given


def _numbers(
    path: Path, name: str, entry: Entry, outputs: dict[str, Any], problems: list[Problem]
) -> dict[str, float]:
    found: dict[str, float] = {}
    for column, values in outputs.items():
        try:
            numbers = dict(flat(column, values))
        except (TypeError, ValueError):
            problems.append(
                Problem(f"golden entry {name}: {column} holds what is no number", file=path)
            )
            continue
        wanted = {place for place in entry.numbers if place.partition("[")[0] == column}
        if not wanted:
            known = sorted({place.partition("[")[0] for place in entry.numbers})
            message = f"golden entry {name} has no {column!r}; there are {', '.join(known)}"
            problems.append(Problem(message, file=path))
        elif {*numbers} != wanted:
            shape = f"{len(numbers)} numbers where {len(wanted)} are due, or another nesting"
            problems.append(Problem(f"golden entry {name}: {column} has {shape}", file=path))
        else:
            found |= numbers
    return found
