"""Derivatives of a muscle's signals, and of the moments, by the free parameters (forward mode)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from refnms.model import Trial
from refnms.parameters import Packing
from refnms.physics import muscle
from refnms.physics.engine import pick
from refnms.physics.held import held_filter, held_filter_slopes
from refnms.physics.profiles import NATIVE, Profile
from refnms.physics.types import Array, Integers, Muscles, MuscleSignals
from refnms.simulation import OF_FILTER, Joined, Signals, chain, join, muscle_signals

Consume: TypeAlias = Callable[[int, slice, MuscleSignals], None]

DELAY = Muscles._fields.index("electromechanical_delay")
OF_VELOCITY, OF_NEITHER = (False, True), (False, False)  # wanted besides lengths and forces


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
    consume: Consume,
    wanted: tuple[bool, bool] = (True, True),
) -> None:
    """Hand the slopes of every muscle's signals by its own free fields to `consume`.

    It is called with a trial, some of its frames (n of them), and slopes `(n, F, M)`, F as
    `free_fields` has them: the chunks of a trial in order, those of different trials from several
    threads. `wanted`: those of activation and of fiber velocity, which else may be None; without
    them it is faster.
    """
    fields = free_fields(packing)
    signals = MuscleSignals(*(getattr(at.signals, name) for name in MuscleSignals._fields))
    by_delay = joined.excitation_by_delay(at.table[DELAY]) if DELAY in fields else None
    prepared = None if joined.held is None else _velocity_slopes(joined, at, fields)

    def finish(trial: int, frames: slice, slopes: MuscleSignals) -> None:
        if prepared is not None:
            slopes = _at_velocity(joined, at, fields, frames, slopes, prepared[frames])
        if joined.least_force > -np.inf:
            moves = signals.tendon_force[frames] > joined.least_force
            slopes = slopes._replace(tendon_force=slopes.tendon_force * moves[:, None])
        consume(trial, frames, slopes)

    wanted = (wanted[0] or prepared is not None, wanted[1])
    given = joined, at.table, at.signals.excitation, by_delay, signals, at.flags, fields
    _tangents(*given, finish, wanted)


def _tangents(
    joined: Joined,
    table: Array,
    excitation: Array,
    by_delay: Array | None,
    signals: MuscleSignals,
    flags: Integers,
    fields: Integers,
    consume: Consume,
    wanted: tuple[bool, bool],
) -> None:
    lmt = joined.musculotendon_length
    pick().tangents(
        joined.system, table, excitation, by_delay, lmt, signals, flags, fields, consume, wanted
    )


def _velocity_slopes(joined: Joined, at: At, fields: Integers) -> Array:
    """Slopes `(T, F, M)` of the velocity that CEINMS's preparing pass finds (see `physics.held`).

    Its filter is no kernel's, so c1 and c2 come as the delay would: by what they do to the input.
    """
    assert joined.held is not None
    table, e = np.where(OF_FILTER, 0.0, at.table), at.signals.excitation
    u = held_filter(joined.held, at.table[0], at.table[1], e)
    flags = np.zeros_like(at.flags)
    signals = muscle_signals(joined, table, flags, u, joined.musculotendon_length)
    found = np.zeros((len(flags), len(fields), flags.shape[1]))

    def keep(columns: Integers) -> Consume:
        def consume(_: int, frames: slice, slopes: MuscleSignals) -> None:
            found[frames, columns] = slopes.fiber_velocity

        return consume

    others = np.flatnonzero(fields > 1)
    if others.size:
        of_others = joined, table, u, None, signals, flags, fields[others], keep(others)
        _tangents(*of_others, OF_VELOCITY)
    by_filter = held_filter_slopes(joined.held, at.table[0], at.table[1], e, u)
    for column in np.flatnonzero(fields < 2):
        as_delay = joined, table, u, by_filter[fields[column]], signals, flags
        _tangents(*as_delay, np.array([DELAY]), keep(np.array([column])), OF_VELOCITY)
    return found


def _at_velocity(
    joined: Joined,
    at: At,
    fields: Integers,
    frames: slice,
    slopes: MuscleSignals,
    of_velocity: Array,
) -> MuscleSignals:
    """The slopes with those of another fiber velocity, and of the force that has it."""
    unit = muscle.unit(Muscles(*at.table))
    named = (at.signals.activation, at.signals.fiber_length, at.signals.fiber_velocity)
    d = muscle.tendon_force_partials(joined.system.curves, unit, *(s[frames] for s in named))
    force = (
        d.activation[:, None] * slopes.activation
        + d.fiber_length[:, None] * slopes.fiber_length
        + d.fiber_velocity[:, None] * of_velocity
    )
    for k, field in enumerate(fields):
        force[:, k] += getattr(d, Muscles._fields[field], 0.0)
    return slopes._replace(fiber_velocity=of_velocity, tendon_force=force)


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

    each_chunk(packing, joined, at, consume, OF_NEITHER)
    return at.signals.moment, jacobian
