"""Where physics meets the tape: each signal of the chain as a function whose pullback is a kernel.

A primitive is made for the fixed parts of a problem (`System`) and called with what may vary: a
`(12, M)` table of muscle parameters in the order of `Muscles`, then the signals before it in the
chain. Arrays in, array out; any Var in, Var out; complex in, complex out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from refnms.autodiff import Primitive, primitive
from refnms.physics import excitation as emg
from refnms.physics.engine import pick
from refnms.physics.types import Array, Integers, Muscles, System

DELAY = Muscles._fields.index("electromechanical_delay")


def neural_activation(system: System) -> Primitive:
    """`(table, excitation (K, M)) -> (K, M)`."""
    return _signal("neural_activation", system, int(system.timeline.rows[-1]))


def exponential_activation(system: System) -> Primitive:
    """`(table, neural_activation (K, M)) -> (T, M)`."""
    return _signal("exponential_activation", system, int(system.timeline.frames[-1]))


def piecewise_activation(system: System) -> Primitive:
    """`(table, neural_activation (K, M)) -> (T, M)`."""
    return _signal("piecewise_activation", system, int(system.timeline.frames[-1]))


def rigid_fiber_length(system: System) -> Primitive:
    """`(table, musculotendon_length (T, M)) -> (T, M)`."""
    return _signal("rigid_fiber_length", system, int(system.timeline.frames[-1]))


def elastic_fiber_length(system: System, flags: Integers) -> Primitive:
    """`(table, activation, musculotendon_length) -> (T, M)`; `flags (T, M)` tell of each solve."""
    return _signal("elastic_fiber_length", system, int(system.timeline.frames[-1]), flags)


def fiber_velocity(system: System) -> Primitive:
    """`(table, fiber_length (T, M)) -> (T, M)`, as the force sees it."""
    trailing = system.timeline.force_weights.shape[1] > 0
    name = "trailing_velocity" if trailing else "whole_trial_velocity"
    return _signal(name, system, int(system.timeline.frames[-1]))


def tendon_force(system: System) -> Primitive:
    """`(table, activation, fiber_length, fiber_velocity) -> (T, M)`."""
    return _signal("tendon_force", system, int(system.timeline.frames[-1]))


def _signal(name: str, system: System, rows: int, *flags: Integers) -> Primitive:
    """The pair `name`, `name_vjp` of an engine (see `physics.kernels`) as one primitive."""
    frames = int(system.timeline.frames[-1])
    trials = len(system.timeline.frames) - 1

    def forward(table: Array, *inputs: Array) -> Array:
        output = np.zeros((rows, table.shape[1]), np.result_type(table, *inputs))
        lanes = np.arange(trials * table.shape[1])
        signal = getattr(pick(table, *inputs), name)
        signal(system, Muscles(*table), lanes, 0, frames, *inputs, output, *flags)
        return output

    def pullback(
        output_bar: Array, output: Array, table: Array, *inputs: Array
    ) -> tuple[Array, ...]:
        bars = [np.zeros_like(x) for x in (table, *inputs)]
        lanes = np.arange(trials * table.shape[1])
        signal_vjp = getattr(pick(), f"{name}_vjp")
        bar = np.array(output_bar, order="C")  # the kernel uses it up
        muscles, muscles_bar = Muscles(*table), Muscles(*bars[0])
        signal_vjp(system, muscles, lanes, *inputs, output, *flags, bar, muscles_bar, *bars[1:])
        return tuple(bars)

    return primitive(forward, pullback)


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
            table_bar[DELAY] += emg.interpolate_vjp(emg_time, sample, time, table[DELAY], bar)
        return (table_bar,)

    return primitive(forward, pullback)
