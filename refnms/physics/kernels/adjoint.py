"""Cotangents of parameters and inputs from those of the signals, last frame first (see `linear`).

The transpose of `tangents`: with x_bar the cotangent of x, length, velocity and force of a frame
have given l_bar, v_bar and F_bar. What they owe to activation, musculotendon length, parameters and
v_past, the part of the velocity that earlier lengths determine, is that of `implicit.pull`; then

    l_bar[t-k] += w[k] v_past_bar, k > 0
    u_bar += a_u a_bar,                                                 p_bar += A_P a_bar

and the filter backwards: e_bar += alpha u_bar, u_bar[t-1] -= beta1 u_bar, u_bar[t-2] -= beta2
u_bar. A force whose velocity is not that of the solver goes before,

    a_bar += f_a F_bar,  l_bar += f_l F_bar,  v_bar = f_v F_bar,        p_bar += F_P F_bar
    l_bar[t-k] += w_force[k] v_bar
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refnms.jit import kernel, pure, section
from refnms.physics import activation as act
from refnms.physics import implicit, muscle
from refnms.physics.kernels import row
from refnms.physics.kernels.block import AHEAD, fetch, load, pieces_of, unit_of, width
from refnms.physics.kernels.equilibrium import sample_of
from refnms.physics.kernels.forward import fetch_frame
from refnms.physics.kernels.linear import force_slopes, take_frame
from refnms.physics.muscle import ForcePartials
from refnms.physics.types import (
    Array,
    FilterStart,
    Integers,
    MuscleSignals,
    System,
)


@kernel
def adjoint(
    system: System,
    table: Array,
    blocks: Integers,
    begin: int,
    end: int,
    lengths: bool,
    forces: bool,
    excitation: Array,
    musculotendon_length: Array,
    signals: MuscleSignals,
    flags: Integers,
    bars: MuscleSignals,
    parameters_bar: Array,
    excitation_bar: Array,
    lmt_bar: Array,
    memories: Array,
) -> None:
    """Add to the cotangents of parameters `(trials or 1, 12, M)` and inputs, frames [begin, end).

    The last frames of a trial come first; `memories` keep what the call before them needs.
    Those of lengths are used up, and where lengths and forces come in two calls, those of
    activation and velocity. Where those of neural activation, activation or velocity have no rows
    they are zero; so for lengths, where there is but one velocity, and where a lane is in two
    blocks. Where those of the inputs have none, they are not wanted.
    """
    timeline = system.timeline
    for i in range(blocks.shape[0]):
        trial, m = blocks[i, 0], np.uint64(blocks[i, 1])
        memory, own = memories[i, : row.END + blocks[i, 2]], np.uint64(blocks[i, 3])
        first, stop = timeline.frames[trial], timeline.frames[trial + 1]
        start, offset = timeline.rows[trial], timeline.rows[trial + 1] - stop
        if first + end >= stop:
            load(system, table, m, memory)
        for t in range(min(stop, first + end) - 1, first + begin - 1, -1):
            newest, then = timeline.solver_weights[t, 0], t - AHEAD
            inputs = (excitation, musculotendon_length)
            fetch_frame(*inputs, signals, flags, then, offset, m, memory)
            if not timeline.one_velocity:
                fetch(signals.fiber_velocity, then, m, memory)
            fetch_bars(bars, excitation_bar, lmt_bar, then, offset, m, memory)
            on_rigid = take_frame(
                system,
                lengths,
                musculotendon_length,
                signals,
                flags,
                t,
                m,
                first,
                offset,
                memory,
            )
            one_velocity = forces and lengths and timeline.one_velocity
            # `load` has left zeros in these rows, and `pull_both` does not write to the first two.
            if not one_velocity or bars.activation.shape[0] > 0:
                take_bar(bars.activation, t, m, row.A_BAR, memory)
            if not one_velocity or bars.fiber_velocity.shape[0] > 0:
                take_bar(bars.fiber_velocity, t, m, row.V_BAR, memory)
            if one_velocity:
                if bars.fiber_length.shape[0] > 0:
                    take_bar(bars.fiber_length, t, m, row.L_BAR, memory)
                older = timeline.solver_weights[t, 1]
                pull_both(newest, older, bars.tendon_force, t, m, memory)
            elif forces:
                pull_forces(bars, t, m, memory)
            if forces and timeline.force_weights.shape[1] == 0:
                give_bar(bars.activation, t, m, row.A_BAR, memory)
                give_bar(bars.fiber_velocity, t, m, row.V_BAR, memory)
            if forces and not one_velocity:
                weights = timeline.force_weights
                if weights.shape[1] > 0:
                    add_newest(weights[t, 0], bars.fiber_length, t, m, memory)
                spread(weights, bars.fiber_length, t, m, first, row.V_BAR, memory)
            if lengths:
                if not one_velocity:
                    pull_lengths(newest, bars, t, m, memory)
                if on_rigid > 0:
                    pull_rigid(memory)
                weights = timeline.solver_weights
                if bars.fiber_length.shape[0] > 0:
                    spread(weights, bars.fiber_length, t, m, first, row.PAST_BAR, memory)
                add_bar(lmt_bar, t, m, row.LMT_BAR, own, memory)
                for r in range(t + offset, start - 1 if t == first else t + offset - 1, -1):
                    inputs = (excitation, signals.neural_activation)
                    given = (bars.neural_activation, excitation_bar)
                    pull_row(system.start, *inputs, *given, r, start, m, own, memory)
        if begin == 0:
            trial = min(trial, parameters_bar.shape[0] - 1)
            give_parameters(parameters_bar, trial, m, own, memory)


@pure
def fetch_bars(
    bars: MuscleSignals,
    excitation_bar: Array,
    lmt_bar: Array,
    t: int,
    offset: int,
    m: Any,
    memory: Array,
) -> None:
    """The cotangents of frame t, before its turn comes."""
    fetch(bars.neural_activation, t + offset, m, memory)
    fetch(bars.activation, t, m, memory)
    fetch(bars.fiber_length, t, m, memory)
    fetch(bars.fiber_velocity, t, m, memory)
    fetch(bars.tendon_force, t, m, memory)
    fetch(excitation_bar, t + offset, m, memory)
    fetch(lmt_bar, t, m, memory)


@section
def take_bar(bar: Array, t: int, m: Any, base: Any, memory: Array) -> None:
    """Cotangents of frame t into a row of the memory."""
    if bar.shape[0] == 0:
        for j in range(width(memory)):
            memory[base + j] = 0.0
    else:
        for j in range(width(memory)):
            memory[base + j] = bar[t, m + j]


@section
def give_bar(bar: Array, t: int, m: Any, base: Any, memory: Array) -> None:
    """And back."""
    for j in range(width(memory)):
        bar[t, m + j] = memory[base + j]


@section
def add_bar(bar: Array, t: int, m: Any, base: Any, own: Any, memory: Array) -> None:
    """Add a row of the memory, where it is wanted, from the first lane of its own on."""
    if bar.shape[0] > 0:
        for j in range(own, width(memory)):
            bar[t, m + j] += memory[base + j]


@section
def add_newest(weight: float, length_bar: Array, t: int, m: Any, memory: Array) -> None:
    """From the velocity of the force to the length of the same frame."""
    for j in range(width(memory)):
        length_bar[t, m + j] += weight * memory[row.V_BAR + j]


@pure
def pull_force(d: ForcePartials, bar: float, memory: Array, j: Any) -> Any:
    """From the tendon force of lane j to parameters; returns activation's share, v's and l's."""
    p = row.BARS
    memory[p.optimal_fiber_length + j] += d.optimal_fiber_length * bar
    memory[p.pennation_angle_at_optimal + j] += d.pennation_angle_at_optimal * bar
    memory[p.max_isometric_force + j] += d.max_isometric_force * bar
    memory[p.max_contraction_velocity + j] += d.max_contraction_velocity * bar
    memory[p.strength_coefficient + j] += d.strength_coefficient * bar
    memory[p.fiber_damping + j] += d.fiber_damping * bar
    memory[p.percentage_change + j] += d.percentage_change * bar
    return d.activation * bar, d.fiber_velocity * bar, d.fiber_length * bar


@pure
def pull_sample(
    newest: float,
    length_bar: float,
    velocity_bar: float,
    force_bar: float,
    a_bar: float,
    memory: Array,
    j: Any,
) -> None:
    """From length, velocity and force of lane j to parameters and, by activation, the filter."""
    sample, pieces, p = sample_of(newest, memory, j), pieces_of(memory, j), row.BARS
    at = memory[row.X + j], memory[row.COSINE + j], memory[row.VS + j]
    held = memory[row.ON_RIGID + j] + memory[row.AT_FLOOR + j]
    bars = implicit.pull(pieces, sample, *at, held, length_bar, velocity_bar, force_bar)
    a_bar += bars.activation
    memory[row.W_BAR + j] = bars.w
    memory[row.U_BAR + j] = memory[row.A_U + j] * a_bar
    memory[row.LMT_BAR + j] = bars.musculotendon_length
    memory[row.PAST_BAR + j] = bars.past_velocity
    memory[p.shape_factor + j] += memory[row.A_SHAPE + j] * a_bar
    memory[p.optimal_fiber_length + j] += bars.optimal_fiber_length
    memory[p.fiber_damping + j] += bars.fiber_damping
    memory[p.percentage_change + j] += bars.percentage_change
    memory[row.SUMS.strongest_force + j] += bars.strongest_force
    memory[row.SUMS.pennation_sine + j] += bars.pennation_sine
    memory[row.SUMS.log_per_speed + j] += bars.log_per_speed
    memory[row.SUMS.log_per_tendon + j] += bars.log_per_tendon


@section
def pull_both(newest: float, older: float, force_bar: Array, t: int, m: Any, memory: Array) -> None:
    """Force and length, where the force has the velocity of the solver.

    So it is made of the same earlier length, whose cotangent is left in L_BAR: PAST_BAR is that of
    both velocities.
    """
    for j in range(width(memory)):
        length_bar, velocity_bar = memory[row.L_BAR + j], memory[row.V_BAR + j]
        bars = length_bar, velocity_bar, force_bar[t, m + j], memory[row.A_BAR + j]
        pull_sample(newest, *bars, memory, j)
        memory[row.L_BAR + j] = older * memory[row.PAST_BAR + j]


@section
def pull_forces(bars: MuscleSignals, t: int, m: Any, memory: Array) -> None:
    """The forces of frame t."""
    for j in range(width(memory)):
        d = force_slopes(memory, j)
        to_a, to_v, to_length = pull_force(d, bars.tendon_force[t, m + j], memory, j)
        memory[row.A_BAR + j] += to_a
        memory[row.V_BAR + j] += to_v
        bars.fiber_length[t, m + j] += to_length


@section
def pull_lengths(newest: float, bars: MuscleSignals, t: int, m: Any, memory: Array) -> None:
    """The lengths of frame t."""
    for j in range(width(memory)):
        length_bar, a_bar = bars.fiber_length[t, m + j], memory[row.A_BAR + j]
        pull_sample(newest, length_bar, 0.0, 0.0, a_bar, memory, j)


@section
def pull_rigid(memory: Array) -> None:
    """The lengths under a rigid tendon."""
    for j in range(width(memory)):
        if memory[row.ON_RIGID + j] > 0.0:
            d = muscle.rigid_projection_partials(unit_of(memory, j), memory[row.LMT + j])
            bar, p = memory[row.W_BAR + j], row.BARS
            memory[row.LMT_BAR + j] += d.musculotendon_length * bar
            memory[p.optimal_fiber_length + j] += d.optimal_fiber_length * bar
            memory[p.tendon_slack_length + j] += d.tendon_slack_length * bar


@section
def spread(
    weights: Array, length_bar: Array, t: int, m: Any, first: int, velocity_bar: Any, memory: Array
) -> None:
    """From a velocity to the earlier lengths."""
    for i in range(1, min(weights.shape[1], t - first + 1)):
        for j in range(width(memory)):
            length_bar[t - i, m + j] += weights[t, i] * memory[velocity_bar + j]


@pure
def pull_row(
    start: FilterStart,
    excitation: Array,
    neural: Array,
    neural_bar: Array,
    excitation_bar: Array,
    r: int,
    first: int,
    m: Any,
    own: Any,
    memory: Array,
) -> None:
    """Row r of the filter; the rows U1_BAR and U2_BAR carry what is due to the two rows before."""
    k = r - first
    if neural_bar.shape[0] > 0:
        add_row(neural_bar, r, m, memory)
    if k < 2 or k == start.restart or k == start.restart + 1:
        take_past(start, excitation, neural, r, first, m, memory)
        pull_filter(excitation, r, m, memory)
        add_bar(excitation_bar, r, m, row.E_BAR, own, memory)
        give_past(start, excitation_bar, k, first, m, own, memory)
    else:
        pull_inner_filter(excitation, neural, r, m, memory)
        add_bar(excitation_bar, r, m, row.E_BAR, own, memory)


@section
def take_past(
    start: FilterStart, excitation: Array, neural: Array, r: int, first: int, m: Any, memory: Array
) -> None:
    """The past values that row r of the filter saw; `first` is the first row of the trial."""
    k = r - first
    if k > 1:
        for j in range(width(memory)):
            memory[row.U1 + j], memory[row.U2 + j] = neural[r - 1, m + j], neural[r - 2, m + j]
    else:
        for j in range(width(memory)):
            rest = start.rest * excitation[first, m + j]
            memory[row.U1 + j] = neural[r - 1, m + j] if k > 0 else rest
            memory[row.U2 + j] = rest
    if k == start.restart or (k > 0 and k == start.restart + 1):
        newer, older = first + start.restart - 1, first + start.restart - 2
        for j in range(width(memory)):
            mean = 0.5 * (excitation[newer, m + j] + excitation[older, m + j])
            memory[row.U2 + j] = mean
            memory[row.U1 + j] = mean if k == start.restart else memory[row.U1 + j]


@section
def add_row(neural_bar: Array, r: int, m: Any, memory: Array) -> None:
    """The cotangents of row r that were given."""
    for j in range(width(memory)):
        memory[row.U_BAR + j] += neural_bar[r, m + j]


@pure
def pull_lane(e: float, u1: float, u2: float, memory: Array, j: Any) -> None:
    """From the neural activation of lane j to excitation, the past of the filter, c1 and c2."""
    bar = memory[row.U_BAR + j] + memory[row.U1_BAR + j]
    by_c1, by_c2 = act.filter_partials(memory[row.C1 + j], memory[row.C2 + j], e, u1, u2)
    memory[row.BARS.c1 + j] += by_c1 * bar
    memory[row.BARS.c2 + j] += by_c2 * bar
    memory[row.E_BAR + j] = memory[row.ALPHA + j] * bar
    memory[row.U1_BAR + j] = memory[row.U2_BAR + j] - memory[row.BETA1 + j] * bar
    memory[row.U2_BAR + j] = -memory[row.BETA2 + j] * bar
    memory[row.U_BAR + j] = 0.0  # an earlier row without a frame gets its due from the filter


@section
def pull_filter(excitation: Array, r: int, m: Any, memory: Array) -> None:
    """Row r, of the past that was taken."""
    for j in range(width(memory)):
        pull_lane(excitation[r, m + j], memory[row.U1 + j], memory[row.U2 + j], memory, j)


@section
def pull_inner_filter(excitation: Array, neural: Array, r: int, m: Any, memory: Array) -> None:
    """Row r, whose past are the rows before."""
    for j in range(width(memory)):
        u1, u2 = neural[r - 1, m + j], neural[r - 2, m + j]
        pull_lane(excitation[r, m + j], u1, u2, memory, j)


@section
def give_past(
    start: FilterStart, excitation_bar: Array, k: int, first: int, m: Any, own: Any, memory: Array
) -> None:
    """What is due to excitations, in row k of its trial, where the filter (re)started."""
    newer, older = first + start.restart - 1, first + start.restart - 2
    for j in range(width(memory)):
        u1_bar, u2_bar = memory[row.U1_BAR + j], memory[row.U2_BAR + j]
        memory[row.U2_BAR + j] = 0.0
        if k == start.restart:
            memory[row.U1_BAR + j] = 0.0
        if excitation_bar.shape[0] == 0 or j < own:
            continue
        if k == start.restart:
            excitation_bar[newer, m + j] += 0.5 * (u1_bar + u2_bar)
            excitation_bar[older, m + j] += 0.5 * (u1_bar + u2_bar)
        elif k > 0 and k == start.restart + 1:
            excitation_bar[newer, m + j] += 0.5 * u2_bar
            excitation_bar[older, m + j] += 0.5 * u2_bar
        elif k == 1:
            excitation_bar[first, m + j] += start.rest * u2_bar
        else:
            excitation_bar[first, m + j] += start.rest * (u1_bar + u2_bar)


@section
def give_parameters(parameters_bar: Array, trial: int, m: Any, own: Any, memory: Array) -> None:
    """The cotangents of the parameters; that of the delay comes with the excitation."""
    for j in range(own, width(memory)):
        sums = implicit.Sums(
            memory[row.SUMS[0] + j],
            memory[row.SUMS[1] + j],
            memory[row.SUMS[2] + j],
            memory[row.SUMS[3] + j],
        )
        owed = implicit.parameters_owed(unit_of(memory, j), sums)
        for p in range(len(row.BARS)):
            parameters_bar[trial, p, m + j] += memory[row.BARS[p] + j] + owed[p]
