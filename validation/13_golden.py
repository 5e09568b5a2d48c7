"""Are all derivatives right to 1e-12 by an arbiter of 120 digits, and do its files find mistakes?

The arbiter (tests/arbiter) writes all golden files again, which must come out as they are
committed. refnms answers every entry; errors are relative to the largest magnitude of a quantity in
its family. The named curves are held against their papers' formulas at five places between knots.
Then mistakes are planted into the C example, which has the golden files alone to find them. To
pass, every error is at most 1e-12 (1e-9 at seams, as the files say), every curve within 1e-6 of its
formula, and every mistake named. Needs no data, but mpmath and, for the last part, a C compiler.
"""

from __future__ import annotations

import csv
import json
import re
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
from common import options, table, verdict

from refnms.golden import Wrong, names, text
from refnms.golden.numbers import Entry, entries, flat
from refnms.physics.curves import value
from refnms.physics.families import FAMILIES

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import c_mistakes
import ours
from arbiter import write
from arbiter.families import CURVES, FORMULAS
from arbiter.precise import exact

BOUND, FROM_FORMULA = 1e-12, 1e-6


def written_again() -> list[str]:
    """Files that the arbiter writes otherwise than they are."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "curve_points.csv").write_text(text("curve_points.csv"), "utf-8")
        write.main(folder)
        return [name for name in names() if (folder / name).read_text("utf-8") != text(name)]


def answers() -> dict[str, dict[str, float]]:
    """refnms's number for every entry and column."""
    found: dict[str, dict[str, float]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the one delay for all muscles
        texts = ours.answers()
    for name, content in texts.items():
        if name.endswith(".json"):
            for one in json.loads(content)["trajectories"]:
                pairs = [flat(column, values) for column, values in one["outputs"].items()]
                found[one["entry"]] = {place: number for part in pairs for place, number in part}
        else:
            for row in csv.DictReader(content.splitlines()):
                entry = row.pop("entry")
                found[entry] = {column: float(cell) for column, cell in row.items()}
    return found


def kind_of(entry: str, column: str) -> tuple[str, str]:
    """The table, and whether a value or a derivative."""
    derivative = column.startswith(("by_", "loss_by_")) or column == "slope"
    return entry.partition("/")[0], "derivatives" if derivative else "values"


def error_rows(golden: dict[str, Entry]) -> tuple[list[list[str]], float, float]:
    """Worst errors of each table; of all that the files hold to 1e-12 or 1e-11, and of the rest."""
    worst: dict[tuple[str, str], list[float]] = {}
    away, seams = 0.0, 0.0
    for entry, numbers in answers().items():
        for column, number in numbers.items():
            wanted = golden[entry].numbers[column]
            error = Wrong(entry, column, number, wanted).error
            worst.setdefault(kind_of(entry, column), []).append(error)
            if wanted.tolerance > 1e-10:
                seams = max(seams, error)
            else:
                away = max(away, error)
    rows = [[*kind, str(len(errors)), f"{max(errors):.1e}"] for kind, errors in worst.items()]
    return sorted(rows), away, seams


def distance(family: str, name: str) -> float:
    """Of a sampled curve from its formula, at most."""
    curve = getattr(FAMILIES[family](), name)
    steps = np.diff(curve.knots)
    places = np.concatenate(
        [curve.knots[:-1] + part * steps for part in (0.2, 0.35, 0.5, 0.65, 0.8)]
    )
    formula = [float(getattr(FORMULAS[family], name)(x)) for x in exact(places.tolist())]
    return float(np.max(np.abs(value(curve, places) - formula)))


def mistake_rows() -> list[list[str]]:
    """Each mistake, and the columns with wrong numbers that the C program named."""
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        golden, work = Path(scratch) / "golden", Path(scratch) / "work"
        golden.mkdir(), work.mkdir()
        for name in names():
            (golden / name).write_text(text(name), "utf-8")
        for mistake, (old, new, _) in c_mistakes.MISTAKES.items():
            _, told = c_mistakes.checked(work, golden, old, new)
            wrong = re.findall(r"^(\w+)/\S+ (\w+): ", told, re.M)
            named = sorted({" ".join(pair) for pair in wrong})
            shown = named[0] if len(named) == 1 else f"{len(named)} columns of 14"
            rows.append([mistake, str(len(wrong)), shown])
    return rows


def main() -> int:
    options(__doc__, needs_data=False)
    changed = written_again()
    print(f"written again by the arbiter: {len(names())} files, {len(changed)} of them changed\n")
    rows, away, seams = error_rows(entries())
    table(["table", "what", "numbers", "largest error of refnms"], rows)
    print(f"at most {away:.1e} away from seams, {seams:.1e} at them\n")
    far = {(f, c): distance(f, c) for f in FORMULAS for c in CURVES}
    head = ["distance from the formula", *CURVES]
    table(head, [[f, *(f"{far[f, c]:.1e}" for c in CURVES)] for f in FORMULAS])
    found = mistake_rows() if c_mistakes.COMPILER else []
    if found:
        print()
        table(["mistake in C", "wrong of 1636", "named"], found)
    named = all(int(row[1]) > 0 for row in found)
    worst, furthest = max(away, seams / 1e3), max(far.values())
    return verdict(
        not changed and worst <= BOUND and furthest <= FROM_FORMULA and named,
        f"{sum(int(row[2]) for row in rows)} numbers: errors at most {away:.1e}; curves within "
        f"{furthest:.1e} of their formulas; {len(found)} mistakes in C, "
        f"{'all' if named else 'not all'} named",
    )


if __name__ == "__main__":
    sys.exit(main())
