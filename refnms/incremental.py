"""An objective asked at one point after another that differ in few muscles, as annealing asks.

CEINMS computes anew only the muscles whose parameters have changed since its last evaluation. Here
each muscle remembers two sets of parameters, so that going back from a try costs nothing. Values
are those of the objective, to the bit: the kernels do not mix muscles.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refnms.objective import Objective
from refnms.physics.engine import pick
from refnms.physics.types import Array, Integers
from refnms.simulation import Joined, Signals, chain

OF_MUSCLES = Signals._fields[:-1]  # all but the moments


class Incremental:
    """The value of an objective, by running the muscles that have changed."""

    def __init__(self, objective: Objective) -> None:
        self.objective, self.packing = objective, objective.problem.packing
        self.joined = objective.problem.joined
        self._parts: dict[bytes, Joined] = {}  # of a few muscles, and the fixed data they need
        self._now: _Known | None = None
        self._before: _Known | None = None

    def value(self, x: Array) -> float:
        """The objective at x `(P,)`."""
        table = self.packing.table(x)
        if self._now is None:
            self._now, self._before = self._whole(table), self._whole(table)
        self._move(table)
        return self.objective.value_of(x, table, self._now.signals)

    def _whole(self, table: Array) -> _Known:
        flags = self.objective.problem.flags
        signals = chain(self.joined, table, flags)
        own = Signals(*(np.array(signal) for signal in signals))
        return _Known(table.copy(), own, flags.copy())

    def _move(self, table: Array) -> None:
        """Make the muscles of `_now` those of the table; `_before` keeps what they were."""
        assert self._now is not None and self._before is not None
        changed = np.flatnonzero((self._now.table != table).any(axis=0))
        if not changed.size:
            return
        self._now.swap(self._before, changed)
        new = changed[(self._now.table[:, changed] != table[:, changed]).any(axis=0)]
        if new.size:
            part = self._part(new)
            flags = np.zeros(part.musculotendon_length.shape, np.int64)
            own = np.ascontiguousarray(table[:, new])
            self._now.put(new, own, chain(part, own, flags), flags)
        signals = self._now.signals
        signals.moment[:] = pick().moments(signals.tendon_force, self.joined.moment_arm)
        self.objective.problem.flags[:] = self._now.flags

    def _part(self, muscles: Integers) -> Joined:
        key = muscles.tobytes()
        if key not in self._parts:
            if len(self._parts) > len(self.joined.musculotendon_length.T) ** 2:
                self._parts.clear()
            self._parts[key] = self.joined.of_muscles(muscles)
        return self._parts[key]


class _Known:
    """Parameters of each muscle, and its signals for them."""

    def __init__(self, table: Array, signals: Signals, flags: Integers) -> None:
        self.table, self.signals, self.flags = table, signals, flags

    def _arrays(self) -> list[Any]:
        return [self.table, *(getattr(self.signals, name) for name in OF_MUSCLES), self.flags]

    def swap(self, other: _Known, muscles: Integers) -> None:
        for mine, theirs in zip(self._arrays(), other._arrays(), strict=True):
            for m in muscles:
                kept = mine[:, m].copy()
                mine[:, m] = theirs[:, m]
                theirs[:, m] = kept

    def put(self, muscles: Integers, table: Array, signals: Signals, flags: Integers) -> None:
        new = [table, *(getattr(signals, name) for name in OF_MUSCLES), flags]
        for mine, theirs in zip(self._arrays(), new, strict=True):
            for k, m in enumerate(muscles):
                mine[:, m] = theirs[:, k]
