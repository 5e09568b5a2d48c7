"""The fiber lengths of a frame, in equilibrium with elastic tendons, all lanes of a block together.

They are looked for by plain Newton steps. A lane stands still once its step is small, so its bits
do not depend on its neighbors. What a few steps do not settle is left to the search for one sample
(`solve`), which has the brackets, the safeguards and the flags.

The first guess follows the tangent of the equilibrium: with the partials of the last frame,

    dw = -(g_a da + g_lmt dl_mt + g_v dv) / G,     dv: change of the velocity at the old length.

The last step is not followed by another look at the curves: what is wanted at its end is there to
first order, which leaves an error of the step's square too.
"""

from __future__ import annotations

from typing import Any

from refnms.jit import pure, section, spliced
from refnms.physics import muscle, solve
from refnms.physics.kernels import row
from refnms.physics.kernels.block import (
    ask,
    look_up,
    muscle_of,
    pieces_of,
    unit_of,
    width,
)
from refnms.physics.types import Array, Curves, Integers, MuscleSignals, Root, System

SWEEPS = 12  # of plain Newton steps
SETTLED = 1e-10  # a step as short leaves an error of its square
LONGEST = 0.2  # step, in optimal fiber lengths: farther off, a piece of a curve means nothing


@spliced
def find_length(
    system: System,
    table: Array,
    musculotendon_length: Array,
    signals: MuscleSignals,
    flags: Integers,
    t: int,
    m: Any,
    first: int,
    memory: Array,
) -> None:
    """Fiber length of frame t in equilibrium with an elastic tendon."""
    weights, length = system.timeline.solver_weights, signals.fiber_length
    newest = weights[t, 0]
    find_past(weights, length, t, m, first, memory)
    if system.root.tolerance == 0.0 and t > first:
        newer = newest - weights[t - 1, 0]
        if guess(newest, newer, musculotendon_length, t, m, memory) > 0:
            look_up(system.curves, memory)
        for _ in range(SWEEPS):
            left, away = sweep(newest, memory)
            if left == 0:
                break
            if away > 0:
                look_up(system.curves, memory)
    else:
        open_all(musculotendon_length, t, m, memory)
    if system.root.upper > 0.0:
        doubtful = enclosed(system.root, system.plain, newest, length, flags, t, m, memory)
    else:
        doubtful = reached(newest, length, flags, t, m, memory)
    if doubtful > 0:
        settle_alone(
            system, table, musculotendon_length, signals, flags, newest, t, m, first, memory
        )
        look_up(system.curves, memory)
        force_alone(memory)


@section
def find_past(
    weights: Array, fiber_length: Array, t: int, m: Any, first: int, memory: Array
) -> None:
    """The part of the solver's velocity that earlier lengths determine."""
    for j in range(width(memory)):
        memory[row.LAST_PAST + j] = memory[row.PAST + j]
        memory[row.PAST + j] = weights[t, 1] * fiber_length[t - 1, m + j] if t > first else 0.0
    for k in range(2, min(weights.shape[1], t - first + 1)):
        for j in range(width(memory)):
            memory[row.PAST + j] += weights[t, k] * fiber_length[t - k, m + j]


@section
def open_all(musculotendon_length: Array, t: int, m: Any, memory: Array) -> None:
    """Leave all lanes to the search for one sample."""
    for j in range(width(memory)):
        memory[row.LMT + j], memory[row.OPEN + j] = musculotendon_length[t, m + j], 1.0
        memory[row.LAST_A + j] = memory[row.A + j]


@section
def guess(
    newest: float, newer: float, musculotendon_length: Array, t: int, m: Any, memory: Array
) -> int:
    """Where the tangent of the last equilibrium points; how many lanes leave their pieces."""
    away = 0
    for j in range(width(memory)):
        unit, w, a = unit_of(memory, j), memory[row.W + j], memory[row.A + j]
        lmt, past = musculotendon_length[t, m + j], memory[row.PAST + j]
        change = newer * memory[row.L + j] + past - memory[row.LAST_PAST + j]
        drive = (
            memory[row.BY_A + j] * (a - memory[row.LAST_A + j])
            + memory[row.BY_LMT + j] * (lmt - memory[row.LMT + j])
            + memory[row.BY_V + j] * change
        )
        step = -drive / memory[row.SLOPE + j]
        x = memory[row.X + j] + memory[row.COSINE + j] * step
        v = newest * (unit.optimal_fiber_length * x) + past
        asked = Curves(
            active_force_length=x * muscle.per_optimal_length(unit, a),
            passive_force_length=x,
            force_velocity=muscle.norm_velocity(unit, v),
            tendon_force_strain=muscle.strain(unit, w + step, lmt),
        )
        held = ask(asked, pieces_of(memory, j), j, memory)
        memory[row.LAST_W + j], memory[row.NEAR + j] = w, w + step
        memory[row.LMT + j], memory[row.LAST_A + j] = lmt, a
        memory[row.AWAY + j] = 0.0 if held else 1.0
        away += 0 if held else 1
    return away


@section
def sweep(newest: float, memory: Array) -> tuple[int, int]:
    """A Newton step of every lane: how many stay open, and how many left their pieces.

    What the frame needs is written as it is at the end of the step. A settled lane keeps the place
    it steps from, so that it finds the same again: by a sum, for of a choice the compiler makes a
    store to open lanes only, far slower than a wide one. What only the last needs: see `at_end`.
    """
    left, away = 0, 0
    for j in range(width(memory)):
        unit, pieces = unit_of(memory, j), pieces_of(memory, j)
        near, a, lmt = memory[row.NEAR + j], memory[row.A + j], memory[row.LMT + j]
        x, cosine = muscle.of_projection(unit, near)
        velocity = newest * (unit.optimal_fiber_length * x) + memory[row.PAST + j]
        v = muscle.norm_velocity(unit, velocity)
        held = ask(muscle.arguments(unit, x, cosine, a, v, lmt), pieces, j, memory)
        g = muscle.equilibrium_partials(pieces, unit, x, cosine, a, v, lmt)
        slope = solve.total_slope(unit, g, cosine, newest)
        step = -g.residual / slope
        step = -LONGEST if step < -LONGEST else step
        step = LONGEST if step > LONGEST else step
        force = muscle.norm_fiber_force(pieces, unit, x, cosine, a, v)
        force = solve.near_fiber_force(unit, g, slope, force, step)
        x, cosine = muscle.near_projection(unit, x, cosine, step)
        settled = held & (slope < 0.0) & (step <= SETTLED) & (step >= -SETTLED)
        memory[row.NEAR + j], memory[row.W + j] = near + (0.0 if settled else step), near + step
        memory[row.OPEN + j], memory[row.AWAY + j] = 0.0 if settled else 1.0, 0.0 if held else 1.0
        memory[row.X + j], memory[row.COSINE + j], memory[row.F + j] = x, cosine, force
        memory[row.BY_A + j], memory[row.BY_LMT + j] = g.activation, g.musculotendon_length
        memory[row.BY_V + j], memory[row.SLOPE + j] = g.fiber_velocity, slope
        left += 0 if settled else 1
        away += 0 if held else 1
    return left, away


@pure
def at_end(newest: float, memory: Array, j: Any) -> Any:
    """Length and velocity of lane j at the end of its last step; whether slopes are as before it.

    They are not where the velocity comes to its limit, or leaves it, within the step.
    """
    unit = unit_of(memory, j)
    length = unit.optimal_fiber_length * memory[row.X + j]
    velocity = newest * length + memory[row.PAST + j]
    memory[row.L + j], memory[row.V + j] = length, velocity
    began, ends = memory[row.VS + j], muscle.norm_velocity(unit, velocity)
    return muscle.norm_velocity_slope(began) == muscle.norm_velocity_slope(ends)


@section
def reached(
    newest: float, fiber_length: Array, flags: Integers, t: int, m: Any, memory: Array
) -> int:
    """Write the lengths; mark and count the lanes that the search in motion has to settle."""
    doubtful = 0
    for j in range(width(memory)):
        unit, last, w = unit_of(memory, j), memory[row.LAST_W + j], memory[row.W + j]
        sure = at_end(newest, memory, j) & solve.reaches(unit, last, memory[row.LMT + j], w)
        sure = sure & (memory[row.OPEN + j] == 0.0) & (unit.tendon_slack_length > 0.0)
        memory[row.DOUBT + j] = 0.0 if sure else 1.0
        doubtful += 0 if sure else 1
        fiber_length[t, m + j], flags[t, m + j] = memory[row.L + j], 0
    return doubtful


@section
def enclosed(
    root: Root,
    plain: bool,
    newest: float,
    fiber_length: Array,
    flags: Integers,
    t: int,
    m: Any,
    memory: Array,
) -> int:
    """Write the lengths; mark and count the lanes whose root CEINMS's bracket may not hold."""
    doubtful = 0
    for j in range(width(memory)):
        sample, pieces = sample_of(newest, memory, j), pieces_of(memory, j)
        sure = at_end(newest, memory, j) & plain & (memory[row.OPEN + j] == 0.0)
        sure = sure & solve.plainly_enclosed(pieces, root, sample, memory[row.W + j])
        memory[row.DOUBT + j] = 0.0 if sure else 1.0
        doubtful += 0 if sure else 1
        fiber_length[t, m + j], flags[t, m + j] = memory[row.L + j], 0
    return doubtful


@pure
def sample_of(newest: float, memory: Array, j: Any) -> solve.Sample:
    """The sample of lane j."""
    unit = unit_of(memory, j)
    return solve.Sample(unit, memory[row.A + j], memory[row.LMT + j], newest, memory[row.PAST + j])


@spliced
def settle_alone(
    system: System,
    table: Array,
    musculotendon_length: Array,
    signals: MuscleSignals,
    flags: Integers,
    newest: float,
    t: int,
    m: Any,
    first: int,
    memory: Array,
) -> None:
    """The doubtful lanes by the search for one sample; roots that CEINMS's bracket holds stay."""
    length, root = signals.fiber_length, system.root
    for j in range(width(memory)):
        if memory[row.DOUBT + j] == 0.0:
            continue
        unit, x = muscle.unit(muscle_of(table, m + j)), memory[row.X + j]
        if root.upper > 0.0 and memory[row.OPEN + j] == 0.0 and unit.tendon_slack_length > 0.0:
            sample, forward = sample_of(newest, memory, j), memory[row.W + j] > 0.0
            inside = forward and root.lower < x < root.upper
            if inside and solve.bracketed(system.curves, root, sample):
                continue
        found, flag = solve.at_frame(
            system.curves,
            root,
            system.timeline.solver_weights,
            unit,
            signals.activation,
            musculotendon_length,
            length,
            t,
            m + j,
            first,
        )
        length[t, m + j], flags[t, m + j] = found, flag
        x, cosine = muscle.of_length(unit, found)
        velocity = newest * found + memory[row.PAST + j]
        memory[row.L + j], memory[row.COSINE + j] = found, cosine
        v, w = muscle.norm_velocity(unit, velocity), x * cosine
        asked = muscle.arguments(unit, x, cosine, memory[row.A + j], v, memory[row.LMT + j])
        ask(asked, pieces_of(memory, j), j, memory)
        memory[row.W + j], memory[row.V + j] = w, velocity
        memory[row.BY_A + j] = memory[row.BY_LMT + j] = memory[row.BY_V + j] = 0.0
        memory[row.SLOPE + j] = memory[row.AWAY + j] = 1.0


@section
def force_alone(memory: Array) -> None:
    """The force of the doubtful lanes."""
    for j in range(width(memory)):
        if memory[row.DOUBT + j] > 0.0:
            unit, pieces = unit_of(memory, j), pieces_of(memory, j)
            x, cosine, v = memory[row.X + j], memory[row.COSINE + j], memory[row.VS + j]
            a = memory[row.A + j]
            memory[row.F + j] = muscle.norm_fiber_force(pieces, unit, x, cosine, a, v)
