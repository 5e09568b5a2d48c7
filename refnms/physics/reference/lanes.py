"""Which muscles, frames and rows a call is about, as indices of whole arrays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from refnms.physics.types import Array, Integers, Muscles, System


class Part(NamedTuple):
    """Some muscles of one trial and the frames asked for."""

    trial: int
    columns: Integers  # (m,) muscles
    unit: Muscles  # each (m,)
    first: int  # frame of the trial
    start: int  # frame asked for
    stop: int  # frame past the last one asked for
    offset: int  # from a frame to its excitation row

    @property
    def asked(self) -> tuple[slice, Integers]:
        """Index of the part in frames."""
        return slice(self.start, self.stop), self.columns

    @property
    def asked_rows(self) -> tuple[slice, Integers]:
        """Index of the part in excitation rows, one for each frame."""
        return slice(self.start + self.offset, self.stop + self.offset), self.columns


def parts(
    system: System, muscles: Muscles, lanes: Integers, begin: int = 0, end: int | None = None
) -> Iterator[Part]:
    """The requested lanes, trial by trial, with frames [begin, end) of each."""
    timeline = system.timeline
    trials, columns = np.divmod(lanes, muscles.c1.size)
    for trial in np.unique(trials):
        first, stop = int(timeline.frames[trial]), int(timeline.frames[trial + 1])
        offset = int(timeline.rows[trial + 1]) - stop
        stop = stop if end is None else min(stop, first + end)
        chosen = columns[trials == trial]
        if first + begin < stop:
            unit = Muscles(*(p[chosen] for p in muscles))
            yield Part(int(trial), chosen, unit, first, first + begin, stop, offset)


def add(part: Part, bar: Array, parameter_bar: Array) -> None:
    """Add cotangents `(n, m)` of one parameter."""
    parameter_bar[part.columns] += np.sum(bar, axis=0)


def add_all(part: Part, bar: Array, partials: Any, muscles_bar: Muscles) -> None:
    """Add bar times each of the partials that are named after a parameter."""
    for name in set(partials._fields) & set(Muscles._fields):
        add(part, bar * getattr(partials, name), getattr(muscles_bar, name))
