"""Derivatives of a muscle's signals by its own parameters, frame after frame (see `linear`).

With x_p the derivative of x by parameter p, and the filter's u = alpha e - beta1 u1 - beta2 u2:

    u_p = (slope of u by p) + alpha e_p - beta1 u1_p - beta2 u2_p
    a_p = A_P + a_u u_p
    l_p = L_P + l_a a_p + l_v sum_{k>0} w_solver[k] l_p[t-k]
    F_p = F_P + f_a a_p + f_l l_p + f_v v_p,    v_p = sum_k w_force[k] l_p[t-k]

Excitation depends on no parameter but the electromechanical delay.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refnms.jit import kernel, pure, section
from refnms.physics import activation as act
from refnms.physics.kernels import row
from refnms.physics.kernels.block import AHEAD, fetch, load, width
from refnms.physics.kernels.forward import fetch_frame, next_neural_activation, start_filter
from refnms.physics.kernels.linear import (
    force_slopes,
    force_slopes_at_solver,
    length_slopes,
    rigid_slopes,
    take_frame,
)
from refnms.physics.muscle import ForcePartials
from refnms.physics.types import (
    Array,
    FilterStart,
    Integers,
    MuscleSignals,
    System,
)


@kernel
def tangents(
    system: System,
    table: Array,
    blocks: Integers,
    begin: int,
    end: int,
    lengths: bool,
    forces: bool,
    fields: Integers,
    excitation: Array,
    excitation_by_delay: Array,
    musculotendon_length: Array,
    signals: MuscleSignals,
    flags: Integers,
    lead: int,
    slopes: MuscleSignals,
    memories: Array,
) -> None:
    """Derivatives `(lead + frames, F, M)` of frames [begin, end) by the parameters `fields (F,)`.

    Row `lead` is frame `begin`; before it stand the last `lead` rows of the call before, at least
    as many as a velocity has earlier lengths; a trial begins by writing zeros to the last of them.
    `lengths`: of fiber lengths; `forces`: of tendon forces; both: of activation and, where it
    follows from few lengths, velocity. Where activation has no rows, or velocity where the force
    has that of the solver, theirs are not wanted. `excitation_by_delay (K, M)` has no rows where
    the delay is fixed.
    """
    timeline = system.timeline
    for i in range(blocks.shape[0]):
        trial, m = blocks[i, 0], np.uint64(blocks[i, 1])
        memory = memories[i, : row.END + blocks[i, 2]]
        first, stop = timeline.frames[trial], timeline.frames[trial + 1]
        start, offset = timeline.rows[trial], timeline.rows[trial + 1] - stop
        if begin == 0:
            load(system, table, m, memory)
        for t in range(first + begin, min(stop, first + end)):
            inputs = (excitation, musculotendon_length)
            fetch_frame(*inputs, signals, flags, t + AHEAD, offset, m, memory)
            if not timeline.one_velocity:
                fetch(signals.fiber_velocity, t + AHEAD, m, memory)
            for r in range(start if t == first else t + offset, t + offset + 1):
                start_filter(system.start, excitation, r, r - start, m, memory)
                start_slopes(system.start, excitation_by_delay, r, r - start, m, memory)
                advance_slopes(excitation, r, m, memory)
                if excitation_by_delay.shape[0] > 0:
                    advance_delay(excitation_by_delay, r, m, memory)
            newest = timeline.solver_weights[t, 0]
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
            one_velocity = lengths and forces and timeline.one_velocity
            if one_velocity:
                keep_both(newest, memory)
            if lengths and not one_velocity:
                keep_lengths(newest, memory)
            if forces and not one_velocity:
                keep_forces(memory)
            if on_rigid > 0:
                keep_rigid(memory)
            slopes_of_activation(memory)
            at, solver = lead + t - first - begin, timeline.solver_weights
            if lengths and t == first:
                for k in range(fields.size):
                    clear(slopes.fiber_length, at - 1, k, m, memory)
            if one_velocity:
                each_of_both(solver, fields, slopes, t, at, m, memory)
            else:
                for k in range(fields.size):
                    p, weights = np.uint64(fields[k] * row.LANES), timeline.force_weights
                    if lengths:
                        sum_past(solver, slopes.fiber_length, t, first, at, k, m, memory)
                        slopes_of_length(p, slopes.fiber_length, at, k, m, memory)
                    if forces and weights.shape[1] > 0:
                        sum_past(weights, slopes.fiber_length, t, first, at, k, m, memory)
                        slopes_of_velocity(weights[t, 0], 0.0, slopes, at, k, m, memory)
                    if forces:
                        slopes_of_force(p, slopes, at, k, m, memory)
            if lengths and slopes.activation.shape[0] > 0:
                for k in range(fields.size):
                    p = np.uint64(fields[k] * row.LANES)
                    give_activation(p, slopes.activation, at, k, m, memory)


@pure
def start_slopes(
    start: FilterStart, excitation_by_delay: Array, r: int, k: int, m: Any, memory: Array
) -> None:
    """What `start_filter` sets, differentiated: of the parameters only the delay moves it."""
    if k == 0 or k == start.restart:
        for j in range(width(memory)):
            memory[row.U1_C1 + j] = memory[row.U2_C1 + j] = 0.0
            memory[row.U1_C2 + j] = memory[row.U2_C2 + j] = 0.0
        if excitation_by_delay.shape[0] > 0:
            for j in range(width(memory)):
                if k == start.restart:
                    newer, older = (
                        excitation_by_delay[r - 1, m + j],
                        excitation_by_delay[r - 2, m + j],
                    )
                    by_delay = 0.5 * (newer + older)
                else:
                    by_delay = start.rest * excitation_by_delay[r, m + j]
                memory[row.U1_D + j] = memory[row.U2_D + j] = by_delay


@section
def advance_slopes(excitation: Array, r: int, m: Any, memory: Array) -> None:
    """Neural activation of row r and its slopes by c1 and c2."""
    for j in range(width(memory)):
        c1, c2, e = memory[row.C1 + j], memory[row.C2 + j], excitation[r, m + j]
        beta1, beta2 = memory[row.BETA1 + j], memory[row.BETA2 + j]
        by_c1, by_c2 = act.filter_partials(c1, c2, e, memory[row.U1 + j], memory[row.U2 + j])
        by_c1 -= beta1 * memory[row.U1_C1 + j] + beta2 * memory[row.U2_C1 + j]
        by_c2 -= beta1 * memory[row.U1_C2 + j] + beta2 * memory[row.U2_C2 + j]
        memory[row.U2_C1 + j], memory[row.U1_C1 + j] = memory[row.U1_C1 + j], by_c1
        memory[row.U2_C2 + j], memory[row.U1_C2 + j] = memory[row.U1_C2 + j], by_c2
        next_neural_activation(e, memory, j)


@section
def advance_delay(excitation_by_delay: Array, r: int, m: Any, memory: Array) -> None:
    """Slope of the neural activation of row r by the delay: the filter of that of excitation."""
    for j in range(width(memory)):
        u1, u2 = memory[row.U1_D + j], memory[row.U2_D + j]
        u = memory[row.ALPHA + j] * excitation_by_delay[r, m + j]
        memory[row.U1_D + j] = u - memory[row.BETA1 + j] * u1 - memory[row.BETA2 + j] * u2
        memory[row.U2_D + j] = u1


@pure
def keep_length(newest: float, memory: Array, j: Any) -> None:
    """l_a, l_v and L_P of lane j into the memory."""
    d, p = length_slopes(newest, memory, j), row.L_P
    memory[row.L_A + j], memory[row.L_V + j] = d.activation, d.past_velocity
    memory[p.optimal_fiber_length + j] = d.optimal_fiber_length
    memory[p.pennation_angle_at_optimal + j] = d.pennation_angle_at_optimal
    memory[p.tendon_slack_length + j] = d.tendon_slack_length
    memory[p.max_contraction_velocity + j] = d.max_contraction_velocity
    memory[p.fiber_damping + j] = d.fiber_damping
    memory[p.percentage_change + j] = d.percentage_change


@pure
def keep_force(d: ForcePartials, memory: Array, j: Any) -> None:
    """f_a, f_l, f_v and F_P of lane j into the memory."""
    p = row.F_P
    memory[row.F_A + j], memory[row.F_L + j] = d.activation, d.fiber_length
    memory[row.F_V + j] = d.fiber_velocity
    memory[p.optimal_fiber_length + j] = d.optimal_fiber_length
    memory[p.pennation_angle_at_optimal + j] = d.pennation_angle_at_optimal
    memory[p.max_isometric_force + j] = d.max_isometric_force
    memory[p.max_contraction_velocity + j] = d.max_contraction_velocity
    memory[p.strength_coefficient + j] = d.strength_coefficient
    memory[p.fiber_damping + j] = d.fiber_damping
    memory[p.percentage_change + j] = d.percentage_change


@section
def keep_both(newest: float, memory: Array) -> None:
    """Length and force, where the force has the velocity of the solver."""
    for j in range(width(memory)):
        keep_length(newest, memory, j)
        keep_force(force_slopes_at_solver(memory, j), memory, j)


@section
def keep_lengths(newest: float, memory: Array) -> None:
    """The slopes of the lengths."""
    for j in range(width(memory)):
        keep_length(newest, memory, j)


@section
def keep_forces(memory: Array) -> None:
    """The slopes of the forces."""
    for j in range(width(memory)):
        keep_force(force_slopes(memory, j), memory, j)


@section
def keep_rigid(memory: Array) -> None:
    """The slopes of the lengths under a rigid tendon."""
    for j in range(width(memory)):
        if memory[row.ON_RIGID + j] > 0.0:
            d, p = rigid_slopes(memory, j), row.L_P
            memory[p.optimal_fiber_length + j] = d.optimal_fiber_length
            memory[p.pennation_angle_at_optimal + j] = d.pennation_angle_at_optimal
            memory[p.tendon_slack_length + j] = d.tendon_slack_length


@section
def slopes_of_activation(memory: Array) -> None:
    """A_P: a_p of the parameters that move activation."""
    for j in range(width(memory)):
        by_u, p = memory[row.A_U + j], row.A_P
        memory[p.c1 + j] = by_u * memory[row.U1_C1 + j]
        memory[p.c2 + j] = by_u * memory[row.U1_C2 + j]
        memory[p.shape_factor + j] = memory[row.A_SHAPE + j]
        memory[p.electromechanical_delay + j] = by_u * memory[row.U1_D + j]


@section
def clear(slopes: Array, at: int, k: int, m: Any, memory: Array) -> None:
    """No length before the first has slopes."""
    for j in range(width(memory)):
        slopes[at, k, m + j] = 0.0


@section
def sum_past(
    weights: Array, slopes: Array, t: int, first: int, at: int, k: int, m: Any, memory: Array
) -> None:
    """Slopes of a velocity through earlier lengths."""
    for j in range(width(memory)):
        memory[row.V_D + j] = 0.0
    for i in range(1, min(weights.shape[1], t - first + 1)):
        for j in range(width(memory)):
            memory[row.V_D + j] += weights[t, i] * slopes[at - i, k, m + j]


@section
def give_activation(p: Any, slopes: Array, at: int, k: int, m: Any, memory: Array) -> None:
    """a_p of the parameter whose rows are p numbers behind the first ones."""
    for j in range(width(memory)):
        slopes[at, k, m + j] = memory[row.A_P[0] + p + j]


@section
def each_of_both(
    weights: Array,
    fields: Integers,
    slopes: MuscleSignals,
    t: int,
    at: int,
    m: Any,
    memory: Array,
) -> None:
    """Slopes by every field where the force has the velocity of the solver."""
    for k in range(fields.size):
        p = np.uint64(fields[k] * row.LANES)
        slopes_of_both(weights[t, 0], weights[t, 1], p, slopes, at, k, m, memory)
        if slopes.fiber_velocity.shape[0] > 0:
            slopes_of_velocity(weights[t, 0], weights[t, 1], slopes, at, k, m, memory)


@section
def slopes_of_both(
    newest: float,
    older: float,
    p: Any,
    slopes: MuscleSignals,
    at: int,
    k: int,
    m: Any,
    memory: Array,
) -> None:
    """l_p and F_p where the force has the velocity of the solver."""
    for j in range(width(memory)):
        a_p = memory[row.A_P[0] + p + j]
        past = older * slopes.fiber_length[at - 1, k, m + j]
        l_p = memory[row.L_P[0] + p + j] + memory[row.L_A + j] * a_p + memory[row.L_V + j] * past
        v_p = newest * l_p + past
        f_p = memory[row.F_P[0] + p + j] + memory[row.F_A + j] * a_p + memory[row.F_L + j] * l_p
        slopes.fiber_length[at, k, m + j] = l_p
        slopes.tendon_force[at, k, m + j] = f_p + memory[row.F_V + j] * v_p


@section
def slopes_of_length(p: Any, slopes: Array, at: int, k: int, m: Any, memory: Array) -> None:
    """l_p, from the rows of L_P and of a_p."""
    for j in range(width(memory)):
        a_p, past = memory[row.A_P[0] + p + j], memory[row.V_D + j]
        l_p = memory[row.L_P[0] + p + j] + memory[row.L_A + j] * a_p + memory[row.L_V + j] * past
        slopes[at, k, m + j] = l_p


@section
def slopes_of_velocity(
    newest: float, older: float, slopes: MuscleSignals, at: int, k: int, m: Any, memory: Array
) -> None:
    """v_p, from the sum over earlier lengths, or from the last one."""
    for j in range(width(memory)):
        past = memory[row.V_D + j] + older * slopes.fiber_length[at - 1, k, m + j]
        slopes.fiber_velocity[at, k, m + j] = newest * slopes.fiber_length[at, k, m + j] + past


@section
def slopes_of_force(p: Any, slopes: MuscleSignals, at: int, k: int, m: Any, memory: Array) -> None:
    """F_p, from the rows of F_P and of a_p."""
    for j in range(width(memory)):
        l_p, v_p = slopes.fiber_length[at, k, m + j], slopes.fiber_velocity[at, k, m + j]
        by_length, by_velocity = memory[row.F_L + j] * l_p, memory[row.F_V + j] * v_p
        f_p = memory[row.F_P[0] + p + j] + memory[row.F_A + j] * memory[row.A_P[0] + p + j]
        slopes.tendon_force[at, k, m + j] = f_p + by_length + by_velocity
