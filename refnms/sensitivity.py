"""Derivatives of a muscle's signals, and of the moments, by the free parameters (forward mode)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from refnms.model import Trial
from refnms.parameters import Packing
from refnms.physics.engine import pick
from refnms.physics.profiles import NATIVE, Profile
from refnms.physics.types import Array, Integers, Muscles, MuscleSignals
from refnms.simulation import Joined, Signals, chain, join

DELAY = Muscles._fields.index("electromechanical_delay")


@dataclass(frozen=True, eq=False)
class At:
    """A point, and the chain there."""

    x: Array  # (P,)
    table: Array  # (12, M)
    signals: Signals
    flags: Integers  # (T, M)


def free_fields(packing: Packing) -> Integers:
    """The rows of the table of muscles in which anything is free."""
    return np.flatnonzero((packing.index >= 0).any(axis=1)).astype(np.int64)


def each_chunk(
    packing: Packing,
    joined: Joined,
    at: At,
    consume: Callable[[int, slice, MuscleSignals], None],
) -> None:
    """Hand the slopes of every muscle's signals by its own free fields to `consume`.

    It is called with a trial, some of its frames (n of them), and slopes `(n, F, M)`, F as
    `free_fields` has them: the chunks of a trial in order, those of different trials from several
    threads.
    """
    fields = free_fields(packing)
    signals = MuscleSignals(*(getattr(at.signals, name) for name in MuscleSignals._fields))
    by_delay = joined.excitation_by_delay(at.table[DELAY]) if DELAY in fields else None
    pick().tangents(
        joined.system,
        at.table,
        at.signals.excitation,
        by_delay,
        joined.musculotendon_length,
        signals,
        at.flags,
        fields,
        consume,
    )


def moment_jacobian(
    packing: Packing, x: Array, trial: Trial, profile: Profile = NATIVE
) -> tuple[Array, Array]:
    """Moments `(T, D)` of a trial [N.m] at x `(P,)`, and their derivatives by x `(T, D, P)`.

    Raises InputError for a trial that cannot be run.
    """
    table, joined = packing.table(x), join(packing.model, [trial], profile.for_gradients())
    flags = np.zeros(joined.musculotendon_length.shape, np.int64)
    at = At(x, table, chain(joined, table, flags), flags)
    own = packing.index[free_fields(packing)]
    jacobian = np.zeros((*at.signals.moment.shape, len(x)))

    def consume(_: int, frames: slice, slopes: MuscleSignals) -> None:
        for field, entries in enumerate(own):
            for m in np.flatnonzero(entries >= 0):
                by_force = slopes.tendon_force[:, field, m, None] * joined.moment_arm[frames, m]
                jacobian[frames, :, entries[m]] += by_force

    each_chunk(packing, joined, at, consume)
    return at.signals.moment, jacobian
