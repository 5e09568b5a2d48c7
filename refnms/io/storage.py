"""Storage files (.sto, .mot) of OpenSim, SIMM and CEINMS: columns of numbers over time.

Every dialect is header lines down to `endheader`, a row of labels that begins with `time`, and rows
of numbers; they differ in what the header says and in how cells are separated. So the header is
read for information only, and the rows decide.

The promise: every number of a `Table` is the float of one cell of the file, in its column; anything
else is an InputError with its line. Hence no cell is guessed, no row filled up, and no number
accepted that is not plain decimal. Cells are converted by Python's own `float`, which is
correctly rounded: 50 MB/s, and done before a data frame library would be imported.
"""

from __future__ import annotations

import difflib
import re
import warnings
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from refnms.errors import InputError, InputWarning, Problem
from refnms.io.files import write_atomically
from refnms.physics.types import Array, Integers

if TYPE_CHECKING:
    import pandas as pd

HEADER_LIMIT = 256 * 1024  # bytes; the deepest `endheader` of 4,974 public files is in line 22
PROBLEM_LIMIT = 20  # a file with every cell wrong is told briefly
COMPONENTS = {"vec2": 2, "vec3": 3, "unitvec3": 3, "quaternion": 4, "vec6": 6, "spatialvec": 6}
KEY_VALUE = re.compile(r"([^=\s][^=]*?)\s*=\s*(.*)")
SIMM_KEY = re.compile(r"(name|datacolumns|datarows|otherdata|range)\s+(.*)", re.IGNORECASE)
PLAIN_CHARACTERS = b"0123456789+-.eE \t"  # of plain decimal numbers and their separators
PLAIN_NUMBER = re.compile(rb"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
NOT_FINITE = re.compile(rb"[-+]?(nan.*|inf(inity)?|1\.#\w+)", re.IGNORECASE)
EMPTY_CELL = re.compile(rb"(?:^|\t) *\t")
MISLABELED = "ObjectiveFunctionComponentsAndWeightings"  # CEINMS writes muscle names over 7 values


class Layout(NamedTuple):
    """How a written file looks: its header, and what follows the last cell of a row."""

    header: str
    row_end: str


OPENSIM = Layout(
    "{title}\nversion=1\nnRows={rows}\nnColumns={columns}\ninDegrees=no\nendheader\n", ""
)
CEINMS = Layout("{title}\ndatacolumns {columns}\ndatarows {rows}\nendheader\n", "\t")


@dataclass(frozen=True, eq=False)
class Table:
    """One storage file. T rows, N columns besides time; times strictly increase, all is finite."""

    path: Path
    title: str
    metadata: Mapping[str, str]  # key and value of the header lines, as written
    in_degrees: bool | None  # None: the file does not say
    names: tuple[str, ...]  # (N,) may repeat; `columns` refuses a repeated one
    time: Array  # (T,)
    data: Array  # (T, N)
    label_line: int
    lines: Integers  # (T,) line of the file that each row stands in

    def to_frame(self) -> pd.DataFrame:
        """The columns as a pandas DataFrame, indexed by time."""
        import pandas as pd

        return pd.DataFrame(self.data, pd.Index(self.time, name="time"), list(self.names))

    def columns(self, names: Sequence[str]) -> Array:
        """The columns of these names, in this order: `(T, len(names))`.

        Raises InputError that lists every missing name, with the nearest ones, and every repeated
        one.
        """
        problems = []
        for name in dict.fromkeys(names):
            if name not in self.names:
                near = difflib.get_close_matches(name, self.names, 3, cutoff=0.0)
                message = f"no column of this name; the nearest are {', '.join(near)}"
                problems.append(Problem(message, self.path, self.label_line, name))
            elif self.names.count(name) > 1:
                message = f"{self.names.count(name)} columns have this name; keep one"
                problems.append(Problem(message, self.path, self.label_line, name))
        if problems:
            raise InputError(problems)
        return self.data[:, [self.names.index(name) for name in names]]


def read_storage(path: str | PathLike[str]) -> Table:
    """Read a storage file of any known dialect.

    Vector cells (`a,b,c` under one label `name`) become columns `name_1`, `name_2`, ...
    Warned of (InputWarning): column counts in the header that differ from the labels, two row
    counts that disagree, fewer rows declared than there are, and repeated times, of which the last
    row counts. Refused (InputError, all faults of the rows at once): a missing final newline,
    because then the last number may be cut; more rows declared than there are, for the same
    reason (of 4,974 public files only 9 declare wrongly); rows that do not fit the labels; cells
    that are not plain finite decimal numbers; times that go back; text that is not UTF-8.
    """
    path = Path(path)
    lines = _lines(path)
    end = _end_of_header(path, lines)
    title, metadata = _header(lines[:end])
    components = COMPONENTS.get(_lookup(metadata, "DataType", "double").lower(), 1)
    label_line, names = _labels(path, lines, end + 1, components)
    numbers, table = _rows(path, lines, label_line, names, components)
    _check_counts(path, metadata, len(table), 1 + len(names) // components)
    keep = _last_of_each_time(path, table[:, 0], numbers)
    degrees = _lookup(metadata, "inDegrees", "").lower()
    return Table(
        path=path,
        title=title,
        metadata=metadata,
        in_degrees={"yes": True, "no": False}.get(degrees),
        names=names,
        time=table[keep, 0],
        data=table[keep, 1:],
        label_line=label_line,
        lines=numbers[keep],
    )


def write_storage(
    path: str | PathLike[str],
    time: Array,
    names: Sequence[str],
    data: Array,
    title: str,
    layout: Layout = OPENSIM,
    digits: int | None = None,
) -> None:
    """Write `time (T,)` and `data (T, N)` under `names`, every number with all its digits.

    `digits`: rounded to so many significant ones instead, as `%g` of C writes them.

    Raises InputError for a name or title that would break the file and for a value that is not
    finite, ValueError for shapes that disagree, OSError when the file cannot be written.
    """
    table = np.column_stack((time, data))
    if table.shape[1] != 1 + len(names):
        raise ValueError(f"{table.shape[1] - 1} columns of data under {len(names)} names")
    problems = [
        Problem(f"{text!r} cannot be written as a label or title", path)
        for text in (title, *names)
        if not text or text != text.strip() or any(mark in text for mark in '\t\n\r"')
    ]
    for row, column in np.argwhere(~np.isfinite(table))[:1]:
        message = f"the value in row {row + 1} is not finite"
        problems.append(Problem(message, path, column=("time", *names)[column]))
    if problems:
        raise InputError(problems)
    header = layout.header.format(title=title, rows=table.shape[0], columns=table.shape[1])
    told = repr if digits is None else f"{{:.{digits}g}}".format
    rows = [("time", *names), *(map(told, row) for row in table.tolist())]
    write_atomically(path, header + "".join("\t".join(row) + layout.row_end + "\n" for row in rows))


def _lines(path: Path) -> list[bytes]:
    """The lines of a complete text file; the header's text is the only place beyond ASCII."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(Problem(f"cannot be read: {error.strerror}", path)) from error
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(Problem("is UTF-16 text; save it as UTF-8", path, 1))
    raw = raw.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b"\0" in raw:
        line = raw.count(b"\n", 0, raw.index(b"\0")) + 1
        raise InputError(Problem("is UTF-16 or no text; save it as UTF-8", path, line))
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(Problem("is not UTF-8 text; save it as UTF-8", path, line)) from error
    if not raw:
        raise InputError(Problem("is empty", path))
    lines = raw.split(b"\n")
    if lines.pop():
        message = (
            "does not end with a newline, so its last number may be cut; "
            "export it again, or add a newline if the last row is complete"
        )
        raise InputError(Problem(message, path, len(lines) + 1))
    return lines


def _end_of_header(path: Path, lines: list[bytes]) -> int:
    size = 0
    for index, line in enumerate(lines):
        if line.strip(b' \t"').lower() == b"endheader":
            return index
        size += len(line) + 1
        if size > HEADER_LIMIT:
            break
    raise InputError(Problem("no line `endheader`: is it a .sto or .mot file?", path))


def _header(lines: list[bytes]) -> tuple[str, dict[str, str]]:
    """Title, and the values by key; of a key given twice the first counts."""
    texts = [text for line in lines if (text := line.decode().strip(' \t"'))]
    metadata: dict[str, str] = {}
    for text in texts:
        if match := SIMM_KEY.fullmatch(text) or KEY_VALUE.fullmatch(text):
            metadata.setdefault(match[1], match[2])
    untitled = not texts or SIMM_KEY.fullmatch(texts[0]) or KEY_VALUE.fullmatch(texts[0])
    return (_lookup(metadata, "name", "") if untitled else texts[0]), metadata


def _lookup(metadata: Mapping[str, str], key: str, default: str) -> str:
    return next((metadata[k] for k in metadata if k.lower() == key.lower()), default)


def _labels(
    path: Path, lines: list[bytes], start: int, components: int
) -> tuple[int, tuple[str, ...]]:
    """Line and names of the label row, the first line after the header that is not blank."""
    index = next((k for k in range(start, len(lines)) if lines[k].strip()), None)
    if index is None:
        raise InputError(Problem("no labels after `endheader`: was the file cut?", path, start))
    text = lines[index].decode().rstrip(" \t")
    labels = text.split("\t") if "\t" in text else text.split()
    first, *names = (label.strip(' "') for label in labels)
    if first.lower() != "time":
        message = f"the first label is {_shown(first)}, not 'time'; are the labels missing?"
        raise InputError(Problem(message, path, index + 1))
    if "" in names:
        message = f"label {names.index('') + 2} is empty; name the column or remove it"
        raise InputError(Problem(message, path, index + 1))
    if components > 1:
        names = [f"{name}_{k + 1}" for name in names for k in range(components)]
    return index + 1, tuple(names)


def _rows(
    path: Path, lines: list[bytes], label_line: int, names: tuple[str, ...], components: int
) -> tuple[Integers, Array]:
    """Line numbers `(T,)` and cells `(T, 1 + N)` of the rows below the labels."""
    labels = ("time", *names)
    faults = Faults(path)
    numbers, values = array("q"), array("d")
    for number, line in enumerate(lines[label_line:], label_line + 1):
        if components > 1:
            line = _without_commas(line, components)
        row = line.rstrip(b" \t")
        cells = row.split()
        if not cells:
            continue
        numbers.append(number)
        sound = len(cells) == len(labels) and not row.translate(None, PLAIN_CHARACTERS)
        if sound and not EMPTY_CELL.search(row):
            try:
                values.extend(map(float, cells))
                continue
            except ValueError:  # plain characters, no number: 1.2.3
                pass
        for message, column in _faults_of_row(row, labels):
            faults.add(number, message, column)
    if faults and MISLABELED in path.name:
        message = (
            "CEINMS labels this file wrongly: its columns are time, moment error, sum of squared "
            "excitations, sum of squared tracking errors, alpha, beta, gamma; correct the labels"
        )
        raise InputError(Problem(message, path, label_line))
    if not numbers:
        raise InputError(Problem("no rows below the labels", path, label_line))
    faults.raise_if_any()
    table = np.array(values).reshape(-1, len(labels))
    for row_index, column_index in np.argwhere(~np.isfinite(table)):
        message = "the number is too large for double precision"
        faults.add(numbers[row_index], message, labels[column_index])
    faults.raise_if_any()
    return np.array(numbers), table


def _without_commas(line: bytes, components: int) -> bytes:
    """A row of vector cells with every component a cell, or as it is if a vector is incomplete."""
    vectors = line.split()[1:]
    complete = all(vector.count(b",") == components - 1 for vector in vectors)
    return line.replace(b",", b"\t") if complete else line


def _faults_of_row(row: bytes, labels: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """What is wrong with a row, as message and column."""
    cells = [cell.strip(b" ") for cell in row.split(b"\t")]
    if b"" not in cells:
        cells = re.split(rb"[ \t]+", row.strip(b" "))
    if len(cells) != len(labels):
        yield f"expected {len(labels)} cells as the labels say, found {len(cells)}", None
        return
    for cell, label in zip(cells, labels, strict=True):
        if not PLAIN_NUMBER.fullmatch(cell):
            yield reason_against(cell), label


def reason_against(cell: bytes) -> str:
    shown = _shown(cell.decode())
    if not cell:
        return "empty cell; fill it at its source"
    if NOT_FINITE.fullmatch(cell):
        return f"{shown} is not a finite number; fill the gap at its source"
    if re.fullmatch(rb"[-+]?\d+,\d+", cell):
        return f"{shown} has a decimal comma? Export with decimal points"
    if re.fullmatch(rb"[-+.\d]+[dD][-+]?\d+", cell):
        return f"{shown} has a Fortran exponent; write E for D"
    return f"{shown} is not a plain decimal number"


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "...")


class Faults:
    """Faults of rows: for each column the first one with its place, and the number of rows."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.first: dict[str | None, tuple[int, str]] = {}
        self.rows: dict[str | None, int] = {}

    def __bool__(self) -> bool:
        return bool(self.first)

    def add(self, line: int, message: str, column: str | None) -> None:
        self.first.setdefault(column, (line, message))
        self.rows[column] = self.rows.get(column, 0) + 1

    def raise_if_any(self) -> None:
        problems = []
        for column, (line, message) in self.first.items():
            more = f" (and {self.rows[column] - 1} more rows)" if self.rows[column] > 1 else ""
            problems.append(Problem(message + more, self.path, line, column))
        if len(problems) > PROBLEM_LIMIT:
            rest = Problem(f"and {len(problems) - PROBLEM_LIMIT} more columns", self.path)
            problems[PROBLEM_LIMIT:] = [rest]
        if problems:
            raise InputError(problems)


def _check_counts(path: Path, metadata: Mapping[str, str], rows: int, columns: int) -> None:
    """Compare the header's counts with the file's; see `read_storage` for what follows."""
    declared_rows = _declared(path, metadata, "nRows", "datarows")
    declared_columns = _declared(path, metadata, "nColumns", "datacolumns")
    if declared_rows is not None and declared_rows > rows:
        message = (
            f"the header declares {declared_rows} rows, the file has {rows}: was it cut? "
            "Export it again, or correct the header"
        )
        raise InputError(Problem(message, path))
    for declared, found, noun in (
        (declared_rows, rows, "rows"),
        (declared_columns, columns, "columns"),
    ):
        if declared is not None and declared != found:
            _warn(f"{path}: the header declares {declared} {noun}; all {found} are read")


def _declared(path: Path, metadata: Mapping[str, str], *keys: str) -> int | None:
    """A count of the header, which may state it in OpenSim's and in SIMM's words."""
    texts = [text for key in keys if (text := _lookup(metadata, key, ""))]
    counts = [int(text) for text in texts if re.fullmatch(r"[0-9]{1,18}", text)]
    if len(counts) < len(texts) or len(set(counts)) > 1:
        _warn(f"{path}: the header's {' and '.join(keys)} make no sense: {', '.join(texts)[:80]}")
    return counts[0] if counts else None


def _last_of_each_time(path: Path, time: Array, numbers: Integers) -> Integers:
    """Rows to keep: of repeated times the last, for integrators write a corrected step again."""
    back = time[1:] < time[:-1]
    if np.any(back):
        row = int(np.argmax(back)) + 1
        before, after = time[row - 1 : row + 1].tolist()
        message = f"time goes back from {before!r} to {after!r}; sort or split it"
        raise InputError(Problem(message, path, int(numbers[row]), "time"))
    keep = np.flatnonzero(np.append(time[1:] > time[:-1], True))
    if len(keep) < len(time):
        count = len(time) - len(keep)
        _warn(f"{path}: {count} rows repeat the time of their successor; the last of each is kept")
    return keep


def _warn(message: str) -> None:
    warnings.warn(message, InputWarning, stacklevel=4)
