"""Raw EMG files in, normalised envelopes out: the job of `refnms emg`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from refnms.envelope import Filters, causal, clipped, envelope
from refnms.errors import InputError, Problem
from refnms.io.files import MARKER, check_replaceable, replace_folder, write_atomically
from refnms.io.raw import Raw, read_raw
from refnms.io.storage import write_storage
from refnms.physics.types import Array
from refnms.report.emg import Panel, emg_figure


@dataclass(frozen=True)
class Settings:
    """How envelopes are made."""

    filters: Filters = field(default_factory=Filters)
    causal: bool = False  # as a stream would
    channels: tuple[str, ...] = ()  # `name` or `name=new name`; none: all, of C3D those of EMG
    raw_rate: float | None = None  # [Hz] of .csv files without a column of time
    rate: float | None = None  # [Hz] of the envelopes; None: as recorded


@dataclass(frozen=True, eq=False)
class Maximum:
    """Where a channel is largest."""

    value: float  # in the unit of the recording
    trial: str
    time: float  # [s]


def make_envelopes(
    trials: Sequence[Path],
    out: Path,
    settings: Settings | None = None,
    maximal: Sequence[Path] = (),
) -> dict[str, Any]:
    """Write the envelope of every trial, normalised, into the folder `out`; returns the summary.

    A channel's largest value over the trials and the `maximal` recordings (such as maximal
    contractions, which are not written) becomes 1. A figure of each trial, with raw signal and
    clipping, is drawn where Matplotlib is installed. Raises InputError with all problems; OSError.
    """
    settings = settings or Settings()
    check_replaceable(out)
    _refuse_same_names(trials)
    raws = _read_all([*trials, *maximal], settings)
    made = causal if settings.causal else envelope
    envelopes = [made(raw.values, raw.rate, settings.filters) for raw in raws]
    names = raws[0].names
    maxima = {name: _maximum(name, raws, envelopes) for name in names}
    scale = np.array([maxima[name].value for name in names])
    summary: dict[str, Any] = {
        "filters": asdict(settings.filters)
        | {"band": list(settings.filters.band), "causal": settings.causal},
        "maxima": {name: asdict(maximum) for name, maximum in maxima.items()},
        "trials": {},
    }

    def write(folder: Path) -> None:
        for raw, signal in zip(raws[: len(trials)], envelopes, strict=False):
            time, normal = _thinned(raw, signal / scale, settings.rate)
            title = f"EMG envelopes of {raw.path.name}, normalised to their maxima"
            write_storage(folder / f"{raw.path.stem}.sto", time, names, normal, title)
            at_limit = clipped(raw.values)
            summary["trials"][raw.path.stem] = {
                "rate": settings.rate or raw.rate,
                "clipped": dict(zip(names, at_limit.mean(axis=0).tolist(), strict=True)),
                "peak": dict(zip(names, normal.max(axis=0).tolist(), strict=True)),
            }
            with suppress(ImportError):  # Matplotlib is an extra
                panels = [
                    Panel(name, raw.values[:, e], signal[:, e], at_limit[:, e], scale[e])
                    for e, name in enumerate(names)
                ]
                emg_figure(folder / f"{raw.path.stem}.png", raw.path.stem, raw.time, panels)
        write_atomically(folder / MARKER, json.dumps(summary, indent=2, allow_nan=False) + "\n")

    replace_folder(out, write)
    return summary


def _read_all(paths: Sequence[Path], settings: Settings) -> list[Raw]:
    """All recordings with the same channels in the same order; the problems of all at once."""
    raws: list[Raw] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            raw = read_raw(path, settings.raw_rate)
            raw = raw.chosen(settings.channels or (raws[0].names if raws else _emg_of(raw)))
        except InputError as error:
            problems += error.problems
            continue
        raws.append(raw)
        faults = settings.filters.problems(raw.rate, len(raw.values))
        problems += [Problem(fault, path) for fault in faults]
        for name, values in zip(raw.names, raw.values.T, strict=True):
            if values.min() == values.max():
                message = f"is flat: every sample is {values[0]:g}; was the electrode connected?"
                problems.append(Problem(message, path, column=name))
    if problems:
        raise InputError(problems)
    return raws


def _emg_of(raw: Raw) -> tuple[str, ...]:
    """All channels; of a C3D file, which holds force plates too, those that say so."""
    if raw.path.suffix.lower() != ".c3d":
        return raw.names
    found = tuple(name for name in raw.names if "emg" in name.lower())
    if not found:
        known = ", ".join(raw.names)
        message = f"holds no analog channel called EMG; name them with --channel: {known}"
        raise InputError(Problem(message, raw.path))
    return found


def _maximum(name: str, raws: Sequence[Raw], envelopes: Sequence[Array]) -> Maximum:
    column = raws[0].names.index(name)
    found = []
    for raw, signal in zip(raws, envelopes, strict=True):
        row = int(np.argmax(signal[:, column]))
        found.append(Maximum(float(signal[row, column]), raw.path.stem, float(raw.time[row])))
    return max(found, key=lambda maximum: maximum.value)


def _thinned(raw: Raw, signal: Array, rate: float | None) -> tuple[Array, Array]:
    """Time and samples at a lower rate: interpolated, for the low-pass left nothing in between."""
    if rate is None or rate >= raw.rate:
        return raw.time, signal
    time = np.arange(raw.time[0], raw.time[-1], 1.0 / rate)
    return time, np.column_stack([np.interp(time, raw.time, x) for x in signal.T])


def _refuse_same_names(trials: Sequence[Path]) -> None:
    stems = [path.stem for path in trials]
    twice = sorted({stem for stem in stems if stems.count(stem) > 1})
    if twice:
        raise InputError(f"{', '.join(twice)}: more than once among the trials; rename the files")
