"""Where physics meets the tape: functions of Vars whose pullback is an engine.

Each is made for the fixed parts of a problem and called with what may vary: a `(12, M)` table of
muscle parameters in the order of `Muscles`, and inputs. Arrays in, arrays out; any Var in, Vars
out; complex in, complex out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from refnms.autodiff import Primitive, Var, primitive
from refnms.physics import apart, muscle
from refnms.physics import excitation as emg
from refnms.physics.engine import pick
from refnms.physics.held import Held, held_filter, held_filter_vjp
from refnms.physics.types import Array, Curves, Integers, Muscles, MuscleSignals, System

DELAY = Muscles._fields.index("electromechanical_delay")


def muscle_signals(system: System, flags: Integers) -> Callable[[Any, Any, Any], MuscleSignals]:
    """`(table, excitation (K, M), musculotendon_length (T, M)) -> MuscleSignals`.

    `flags (T, M)` are overwritten with what each solve needed.
    """
    rows, frames = int(system.timeline.rows[-1]), int(system.timeline.frames[-1])

    def forward(table: Array, *inputs: Array) -> MuscleSignals:
        kind, muscles = np.result_type(table, *inputs), table.shape[1]
        counts = (rows, frames, frames, frames, frames)
        signals = MuscleSignals(
            *(apart.empty(k, (n, muscles), kind) for k, n in enumerate(counts, apart.SIGNALS))
        )
        pick(table, *inputs).forward(system, table, *inputs, signals, flags)
        return signals

    def pulled_by(wanted: tuple[bool, bool]) -> Callable[..., Any]:
        def pullback(bars: Any, signals: Any, table: Array, *inputs: Array) -> Any:
            given = (MuscleSignals(*signals), flags, MuscleSignals(*bars))
            return pick(table, *inputs).adjoint(system, table, *inputs, *given, wanted)

        return pullback

    def signals(table: Any, excitation: Any, musculotendon_length: Any) -> MuscleSignals:
        wanted = (type(excitation) is Var, type(musculotendon_length) is Var)
        run = primitive(forward, pulled_by(wanted))
        return MuscleSignals(*run(table, excitation, musculotendon_length))

    return signals


def moments(force: Any, arm: Any) -> Any:
    """`(force (T, M), arm (T, M, D)) -> (T, D)`: moments [N.m]."""

    def forward(force: Array, arm: Array) -> Array:
        return np.asarray(pick(force, arm).moments(force, arm))

    def pullback(bar: Array, _: Array, force: Array, arm: Array) -> tuple[Array | None, ...]:
        force_bar = np.einsum("td,tmd->tm", bar, arm)
        return force_bar, np.einsum("td,tm->tmd", bar, force) if moves else None

    moves = type(arm) is Var
    return primitive(forward, pullback)(force, arm)


def excitation(
    emg_times: Sequence[Array], samples: Sequence[Array], times: Sequence[Array]
) -> Primitive:
    """`(table) -> (K, M)`: excitations `(N_i, M)` of each trial, interpolated at its frames."""

    def forward(table: Array) -> Array:
        parts = zip(emg_times, samples, times, strict=True)
        rows = [emg.interpolate(*part, table[DELAY]) for part in parts]
        return np.asarray(apart.joined(apart.EXCITATION, *rows))

    def pullback(e_bar: Array, _: Array, table: Array) -> tuple[Array]:
        table_bar = np.zeros_like(table)
        parts = np.split(e_bar, np.cumsum([len(time) for time in times])[:-1])
        for emg_time, sample, time, bar in zip(emg_times, samples, times, parts, strict=True):
            slope = emg.interpolate_slope(emg_time, sample, time, table[DELAY])
            table_bar[DELAY] += np.sum(slope * bar, axis=0)
        return (table_bar,)

    return primitive(forward, pullback)


def held_activation(held: Held) -> Primitive:
    """`(table, excitation (K, M)) -> (K, M)`: neural activation of CEINMS's preparing pass."""

    def forward(table: Array, e: Array) -> Array:
        return held_filter(held, table[0], table[1], e)

    def pullback(u_bar: Array, u: Array, table: Array, e: Array) -> tuple[Array, Array]:
        c1_bar, c2_bar, e_bar = held_filter_vjp(held, table[0], table[1], e, u, u_bar)
        table_bar = np.zeros(table.shape, np.result_type(c1_bar, table))
        table_bar[0], table_bar[1] = c1_bar, c2_bar
        return table_bar, e_bar

    return primitive(forward, pullback)


def tendon_force(curves: Curves) -> Primitive:
    """`(table, activation, fiber_length, fiber_velocity) -> tendon_force`, `(T, M)` each."""

    def forward(table: Array, *signals: Array) -> Array:
        return np.asarray(muscle.tendon_force(curves, muscle.unit(Muscles(*table)), *signals))

    def pullback(bar: Array, _: Array, table: Array, *signals: Array) -> Any:
        slopes = muscle.tendon_force_partials(curves, muscle.unit(Muscles(*table)), *signals)
        table_bar = np.zeros(table.shape, np.result_type(bar, table, *signals))
        for row, field in enumerate(Muscles._fields):
            if field in slopes._fields:
                table_bar[row] = np.sum(getattr(slopes, field) * bar, axis=0)
        return table_bar, *(getattr(slopes, s) * bar for s in slopes._fields[: len(signals)])

    return primitive(forward, pullback)
