"""Which numbers are free: bounds and groups, and the way from a vector x to a model and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from refnms.display import count
from refnms.errors import InputError, Problem
from refnms.model import Model
from refnms.physics.types import Array, Integers, Muscles


@dataclass(frozen=True)
class Free:
    """One field of `Muscles` set free.

    `groups` name the muscles that share a value, one value per group; None frees every muscle by
    itself, and one group of all muscles shares a single value. `bounds` are lower and upper, as
    they stand or, with `relative`, as multiples of the value that the group's first muscle has.
    Muscles that no group names keep their value.
    """

    field: str
    bounds: tuple[float, float]
    relative: bool = False
    groups: tuple[tuple[str, ...], ...] | None = None


class Packing:
    """x `(P,)` <-> `Model`. Unpacking is linear: each x is copied to the muscles of its group.

    Attributes: `names` of the P entries, `lower` and `upper` bounds and `start`, each `(P,)`; a
    start outside its bounds is moved onto them, and named in `moved`. Raises InputError for unknown
    fields and muscles, a muscle freed twice, bounds without room between them or beyond what a
    `Model` can be, and nothing free.
    """

    def __init__(self, model: Model, free: Sequence[Free]) -> None:
        self.model = model
        self.base = model.table()
        self.index: Integers = np.full(self.base.shape, -1)  # which x stands at each entry
        self.names: list[str] = []
        problems: list[Problem] = []
        bounds: list[list[float]] = []
        start: list[float] = []
        for f in free:
            if f.field not in Muscles._fields:
                fields = ", ".join(Muscles._fields)
                problems.append(Problem(f"no parameter is called {f.field!r}; there are {fields}"))
                continue
            row = Muscles._fields.index(f.field)
            alone = tuple((name,) for name in model.muscle_names)
            for group in alone if f.groups is None else f.groups:
                columns = self._columns(f, row, group, problems)
                if not columns:
                    continue
                value = self.base[row, columns[0]]
                pair = sorted(b * value for b in f.bounds) if f.relative else list(f.bounds)
                label = f"{f.field} of {_shortened(group)}"
                if not pair[0] < pair[1]:
                    problems.append(
                        Problem(f"{label}: no room between bounds {pair[0]:g} and {pair[1]:g}")
                    )
                self.index[row, columns] = len(start)
                self.names.append(label)
                bounds.append(pair)
                start.append(value)
        self.lower, self.upper = np.array(bounds, dtype=float).reshape(-1, 2).T.copy()
        problems += self._impossible_corners()
        if not self.names:
            problems.append(Problem("no parameter is free"))
        if problems:
            raise InputError(problems)
        self.start: Array = np.clip(np.array(start, dtype=float), self.lower, self.upper)
        self.moved = [self.names[p] for p in np.flatnonzero(self.start != np.array(start))]

    def _impossible_corners(self) -> list[Problem]:
        """What a model may be is a box too: if both corners are possible, all between them is."""
        problems = []
        for corner in (self.lower, self.upper) if self.names else ():
            try:
                self.unpack(corner)
            except InputError as error:
                problems += [Problem(f"at a bound, {p.message}") for p in error.problems]
        return problems

    def _columns(
        self, f: Free, row: int, group: tuple[str, ...], problems: list[Problem]
    ) -> list[int]:
        names = self.model.muscle_names
        unknown = [name for name in group if name not in names]
        problems += [Problem(f"{f.field}: no muscle is called {name!r}") for name in unknown]
        columns = [names.index(name) for name in group if name in names]
        for column in columns:
            if self.index[row, column] >= 0 or columns.count(column) > 1:
                problems.append(Problem(f"{f.field} of {names[column]} is freed twice"))
        return columns

    def table(self, x: Any) -> Any:
        """The `(12, M)` table of the muscles with the free entries taken from x `(P,)`."""
        return np.where(self.index >= 0, x[np.maximum(self.index, 0)], self.base)

    def unpack(self, x: Array) -> Model:
        """The model that x stands for."""
        return self.model.with_table(self.table(x))

    def frees(self, field: str) -> bool:
        """Whether any muscle's `field` is free."""
        return bool((self.index[Muscles._fields.index(field)] >= 0).any())

    def apart(self, share: float = 0.05) -> Array:
        """The start with c1 and c2 of a muscle set apart where both are free and equal.

        The filter is symmetric in them: where they are equal, so are their gradients, and they
        would stay equal. c1 goes down and c2 up, by a share of the room between their bounds.
        """
        x = self.start.copy()
        for c1, c2 in self.index[:2].T:
            if min(c1, c2) >= 0 and c1 != c2 and self.start[c1] == self.start[c2]:
                x[c1] = self.start[c1] - share * (self.upper[c1] - self.lower[c1])
                x[c2] = self.start[c2] + share * (self.upper[c2] - self.lower[c2])
        return np.clip(x, self.lower, self.upper)

    def entries(self, field: str) -> tuple[int, ...]:
        """The entries of x that stand for a field."""
        row = self.index[Muscles._fields.index(field)]
        return tuple(sorted({int(p) for p in row} - {-1}))

    def place(self, p: int) -> tuple[str, tuple[str, ...]]:
        """The field, and the muscles, that an entry of x stands for."""
        rows, columns = np.nonzero(self.index == p)
        return Muscles._fields[rows[0]], tuple(self.model.muscle_names[m] for m in columns)

    def sides(self, x: Array, share: float = 1e-6) -> list[str | None]:
        """The bound, `lower` or `upper`, on which each entry lies, to a share of their distance."""
        margin = share * (self.upper - self.lower)
        low, high = x <= self.lower + margin, x >= self.upper - margin
        return ["lower" if a else "upper" if b else None for a, b in zip(low, high, strict=True)]

    def at_bounds(self, x: Array, share: float = 1e-6) -> list[str]:
        """The names of the entries of x that lie on a bound."""
        pairs = zip(self.names, self.sides(x, share), strict=True)
        return [name for name, side in pairs if side is not None]

    def __repr__(self) -> str:
        fields = dict.fromkeys(self.place(p)[0] for p in range(len(self.names)))
        return f"<Packing: {count(len(self.names), 'free parameter')}: {', '.join(fields)}>"


def _shortened(group: Sequence[str]) -> str:
    return group[0] if len(group) == 1 else f"{group[0]} and {len(group) - 1} more"
