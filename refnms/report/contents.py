"""What the page says, as plain values: its template has no arithmetic in it."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from refnms.physics.types import Array
from refnms.report.drawings import outside, percent, words
from refnms.report.folder import Recording, Result

ROLES = {"test": "held out", "calibration": "calibration", "run": "run"}  # in order of weight
UNITS = {
    "optimal_fiber_length": "m",
    "tendon_slack_length": "m",
    "max_isometric_force": "N",
    "pennation_angle_at_optimal": "rad",
    "electromechanical_delay": "s",
    "max_contraction_velocity": "optimal fiber lengths per second",
}
FLAGS = {
    "HELPED": "bisection replaced a Newton step; the result is as good",
    "FAILED": "no equilibrium was found: the numbers of these samples mean nothing",
    "FELL_BACK": "no equilibrium in CEINMS's bracket: the length of a rigid tendon was taken",
    "TAUT": "no equilibrium in the first frame: the fiber starts with its tendon just taut",
    "FLOOR": "the fiber would vanish and is held at its shortest",
    "SLACK": "the tendon carries nothing",
    "VELOCITY_LIMIT": "the fiber moves at its maximal velocity or beyond",
    "UPRIGHT": "the fiber is no longer than its height: the limit of pennation",
    "CURVE_END": "beyond the last point of a curve",
    "NEGATIVE_FORCE": "the fibers push",
    "ILL_POSED": "the equilibrium hardly determines the length, nor its derivative",
}
NOT_AVAILABLE = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Notice:
    """One line of the verdict."""

    text: str
    good: bool


@dataclass(frozen=True)
class Row:
    """Goodness of one moment of one trial, or of several together."""

    trial: str
    role: str  # in words
    dof: str
    rmse: float
    r2: float | None
    rmse_before: float | None
    r2_before: float | None


def number(value: float | None, decimals: int) -> str:
    """A number in a column: always so many decimals, a true minus sign."""
    if value is None or not np.isfinite(value):
        return NOT_AVAILABLE
    text = f"{value:.{decimals}f}"
    if float(text) == 0.0:
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def significant(value: float | None) -> str:
    """A number by itself."""
    return NOT_AVAILABLE if value is None else f"{value:.5g}".replace("-", MINUS)


def decimals_for(values: Sequence[float], digits: int = 4) -> int:
    """Decimals that leave the largest of the values so many digits."""
    largest = max(map(abs, values), default=0.0)
    order = int(np.floor(np.log10(largest))) if largest > 0.0 else 0
    return min(6, max(0, digits - 1 - order))


def rows(result: Result) -> list[Row]:
    """Goodness of every moment of every trial, held-out trials first."""
    before = result.record.get("fits_before", {})
    found = []
    for name, trial in result.summary["trials"].items():
        for dof, now in trial["dofs"].items():
            old = before.get(name, {}).get(dof)
            if "after" in now:  # the demo's summary has both
                old, now = now["before"], now["after"]
            past = (old["rmse"], old["r2"]) if old else (None, None)
            role = ROLES.get(trial["role"], trial["role"])
            found.append(Row(name, role, dof, now["rmse"], now["r2"], *past))
    order = list(ROLES.values())
    return sorted(found, key=lambda row: order.index(row.role) if row.role in order else 99)


def together(chosen: Sequence[Row], dof: str = "") -> Row:
    """Several rows of one role as one: root of the mean squared error, median of R²."""

    def middle(values: Iterator[float | None]) -> float | None:
        known = [v for v in values if v is not None]
        return statistics.median(known) if known else None

    def mean(values: Sequence[float | None]) -> float | None:
        known = [v for v in values if v is not None]
        return float(np.sqrt(np.mean(np.square(known)))) if len(known) == len(values) else None

    rmse = mean([row.rmse for row in chosen])
    assert rmse is not None
    return Row(
        f"{len({row.trial for row in chosen})}",
        chosen[0].role,
        dof,
        rmse,
        middle(row.r2 for row in chosen),
        mean([row.rmse_before for row in chosen]),
        middle(row.r2_before for row in chosen),
    )


def by_role(all_rows: Sequence[Row]) -> list[Row]:
    """One row for each role."""
    roles = dict.fromkeys(row.role for row in all_rows)
    return [together([row for row in all_rows if row.role == role]) for role in roles]


def by_dof(all_rows: Sequence[Row]) -> list[Row]:
    """One row for each degree of freedom and role."""
    keys = dict.fromkeys((row.dof, row.role) for row in all_rows)
    return [
        together([row for row in all_rows if (row.dof, row.role) == key], key[0]) for key in keys
    ]


def by_trial(all_rows: Sequence[Row]) -> list[list[Row]]:
    """The rows of each trial."""
    names = dict.fromkeys(row.trial for row in all_rows)
    return [[row for row in all_rows if row.trial == name] for name in names]


def notices(result: Result, all_rows: Sequence[Row]) -> Iterator[Notice]:
    """What to know before believing the numbers, the gravest first."""
    summary, record = result.summary, result.record
    failed = sum(summary.get("flags", {}).get("FAILED", {}).values())
    if failed:
        yield Notice(
            f"{failed} samples have no fiber equilibrium: their numbers mean nothing", False
        )
    status = summary.get("status")
    if status is not None:
        told = f"{summary['evaluations']} evaluations in {summary['seconds']:.2f} s"
        yield Notice(f"The search ended: {status}, {told}", status == "converged")
    yield from _held_out(all_rows)
    free, hits = record.get("parameters", []), summary.get("bound_hits", [])
    if status is not None:
        of = f" of {len(free)}" if free else ""
        text = f"{len(hits)}{of} parameters on a bound" if hits else "No parameter on a bound"
        yield Notice(text, not hits)
    allowed = record.get("fiber_length_range")
    if allowed:
        shares = {
            name: outside(length, allowed) for name, length in lengths(result.recordings).items()
        }
        worst = max(shares, key=lambda name: shares[name], default=None)
        if worst is not None and shares[worst] > 0.0:
            count = sum(share > 0.0 for share in shares.values())
            text = (
                f"Fibers of {count} of {len(shares)} muscles leave the range of their length, "
                f"{worst} in {percent(shares[worst])} of the frames"
            )
            yield Notice(text, False)
        elif shares:
            yield Notice("All fibers stay within the range of their length", True)
    loose = summary.get("uncertainty", {}).get("undetermined", [])
    if loose:
        noun = "parameter is" if len(loose) == 1 else "parameters are"
        yield Notice(f"{len(loose)} {noun} not determined by these trials", False)
    if result.certificate is not None:
        passed = bool(result.certificate.get("passed"))
        text = "passed every check" if passed else "found an error"
        yield Notice(f"The certificate of the derivatives {text}", passed)


def _held_out(all_rows: Sequence[Row]) -> Iterator[Notice]:
    roles = {row.role: row for row in by_role(all_rows)}
    seen, unseen = roles.get("calibration"), roles.get("held out")
    if seen is not None and unseen is None:
        text = "No trial was held out, so how well the model predicts is not known"
        yield Notice(f"{text} (--test TRIAL.xml)", False)
    if seen is not None and unseen is not None and seen.rmse > 0.0:
        ratio = unseen.rmse / seen.rmse
        text = f"The error on held-out trials is {ratio:.2f} times that on calibration trials"
        yield Notice(text, ratio < 1.5)


def headline(all_rows: Sequence[Row]) -> str:
    """The result in one sentence."""
    if not all_rows:
        return "No trial has measured moments, so there is nothing to compare with."
    first = by_role(all_rows)[0]
    subject = {
        "held out": "On held-out trials, predicted moments",
        "calibration": "On the trials calibrated on, predicted moments",
    }.get(first.role, "Predicted moments")
    error = f"an error of {number(first.rmse, 1)} N·m (RMSE)"
    if first.r2 is not None:
        error = f"R² {number(first.r2, 2)} and {error}"
    text = f"{subject} follow the measured ones with {error}"
    if first.rmse_before is None:
        return f"{text}."
    past = f"{number(first.rmse_before, 1)} N·m"
    if first.r2_before is not None:
        past = f"R² {number(first.r2_before, 2)} and {past}"
    return f"{text}; before the calibration it was {past}."


def lengths(recordings: Sequence[Recording], before: bool = False) -> dict[str, Array]:
    """Muscle -> its norm fiber lengths in all trials."""
    found: dict[str, list[Array]] = {}
    for recording in recordings:
        signal = recording.norm_length_before if before else recording.norm_length
        if signal is not None:
            for name, column in zip(signal.names, signal.data.T, strict=True):
                found.setdefault(name, []).append(column)
    return {name: np.concatenate(columns) for name, columns in found.items()}


def by_field(parameters: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Kind of parameter -> its entries."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in parameters:
        found.setdefault(row["field"], []).append(row)
    return found


def bound_hits(names: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Kind of parameter and whose ended on a bound."""
    found: dict[str, list[str]] = {}
    for name in names:
        field, _, muscle = name.partition(" of ")
        found.setdefault(words(field), []).append(muscle)
    return list(found.items())
