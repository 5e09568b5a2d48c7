"""Where physics meets the tape: functions of Vars whose pullback is an engine.

Each is made for the fixed parts of a problem and called with what may vary: a `(12, M)` table of
muscle parameters in the order of `Muscles`, and inputs. Arrays in, array out; any Var in, Var out;
complex in, complex out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from refnms.autodiff import Primitive, Var, primitive
from refnms.physics import excitation as emg
from refnms.physics.engine import pick
from refnms.physics.types import Array, Integers, Muscles, System, unpacked

DELAY = Muscles._fields.index("electromechanical_delay")


def muscle_signals(system: System, flags: Integers) -> Callable[[Any, Any, Any], Any]:
    """`(table, excitation (K, M), musculotendon_length (T, M)) -> (K + 4 T, M)`.

    The result is `unpacked` into `MuscleSignals`; `flags (T, M)` say what each solve needed.
    """
    rows, frames = int(system.timeline.rows[-1]), int(system.timeline.frames[-1])

    def forward(table: Array, *inputs: Array) -> Array:
        shape = (rows + 4 * frames, table.shape[1])
        packed = np.zeros(shape, np.result_type(table, *inputs))
        engine = pick(table, *inputs)
        flags[:] = engine.forward(system, table, *inputs, unpacked(packed, rows, frames))
        return packed

    def pulled_by(wanted: tuple[bool, bool]) -> Callable[..., Any]:
        def pullback(bar: Array, packed: Array, table: Array, *inputs: Array) -> Any:
            signals, bars = (unpacked(array, rows, frames) for array in (packed, bar))
            given = bars._replace(
                **{name: None for name, b in bars._asdict().items() if not b.any()}
            )
            return pick().adjoint(system, table, *inputs, signals, flags, given, wanted)

        return pullback

    def signals(table: Any, excitation: Any, musculotendon_length: Any) -> Any:
        wanted = (type(excitation) is Var, type(musculotendon_length) is Var)
        return primitive(forward, pulled_by(wanted))(table, excitation, musculotendon_length)

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
        return np.concatenate([emg.interpolate(*part, table[DELAY]) for part in parts])

    def pullback(e_bar: Array, _: Array, table: Array) -> tuple[Array]:
        table_bar = np.zeros_like(table)
        parts = np.split(e_bar, np.cumsum([len(time) for time in times])[:-1])
        for emg_time, sample, time, bar in zip(emg_times, samples, times, parts, strict=True):
            slope = emg.interpolate_slope(emg_time, sample, time, table[DELAY])
            table_bar[DELAY] += np.sum(slope * bar, axis=0)
        return (table_bar,)

    return primitive(forward, pullback)
