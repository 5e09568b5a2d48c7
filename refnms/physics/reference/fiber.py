"""Fiber length under a rigid tendon, and in equilibrium with an elastic one.

The equilibrium is solved for whole trajectories (see `trajectory`). A sample that this does not
plainly settle is solved alone, as the kernels solve it, and so is the rest of its lane; Brent's
path is one sample after the other by nature.
The adjoint is the transposed system with the same h: with l_bar the cotangents given,

    bar[t] + sum_{k>0} W[t+k,k] h[t+k] bar[t+k] = l_bar[t],      p_bar = -(l_o w/x) bar / G dg/dp.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from refnms.physics import muscle, solve
from refnms.physics.reference.bands import solve_transposed, stencil
from refnms.physics.reference.lanes import Part, add, add_all, parts
from refnms.physics.reference.trajectory import (
    AT_FLOOR,
    ON_RIGID_LENGTH,
    Window,
    complex_newton,
    solve_window,
)
from refnms.physics.types import SLOPE_FLOOR, Array, Integers, Muscles, System


def rigid_fiber_length(
    system: System,
    muscles: Muscles,
    lanes: Integers,
    begin: int,
    end: int,
    musculotendon_length: Array,
    fiber_length: Array,
) -> None:
    """Fiber length under a rigid tendon."""
    for part in parts(system, muscles, lanes, begin, end):
        at = part.asked
        fiber_length[at] = muscle.rigid_fiber_length(part.unit, musculotendon_length[at])


def rigid_fiber_length_vjp(
    system: System,
    muscles: Muscles,
    lanes: Integers,
    musculotendon_length: Array,
    fiber_length: Array,
    fiber_length_bar: Array,
    muscles_bar: Muscles,
    musculotendon_length_bar: Array,
) -> None:
    """Adjoint of `rigid_fiber_length`."""
    for part in parts(system, muscles, lanes):
        at = part.asked
        partials = muscle.rigid_fiber_length_partials(part.unit, musculotendon_length[at])
        add_all(part, fiber_length_bar[at], partials, muscles_bar)
        musculotendon_length_bar[at] += fiber_length_bar[at] * partials.musculotendon_length


class Signals(NamedTuple):
    """What the equilibrium links, each `(T, M)`."""

    activation: Array
    musculotendon_length: Array
    fiber_length: Array


def _window(system: System, part: Part, signals: Signals) -> Window:
    trial, asked = slice(part.first, part.stop), slice(part.start, part.stop)
    weights = system.timeline.solver_weights
    known = signals.fiber_length[trial, part.columns]
    known[part.start - part.first :] = 0.0
    return Window(
        system.curves,
        part.unit,
        weights[asked],
        stencil(weights[trial], known)[part.start - part.first :],
        signals.activation[asked, part.columns],
        signals.musculotendon_length[asked, part.columns],
    )


def elastic_fiber_length(
    system: System,
    muscles: Muscles,
    lanes: Integers,
    begin: int,
    end: int,
    activation: Array,
    musculotendon_length: Array,
    fiber_length: Array,
    flags: Integers,
) -> None:
    """Fiber length in equilibrium with an elastic tendon, and a flag for each solve.

    With complex numbers the derivative is that of the equilibrium, whatever path found its root.
    """
    rigid = muscles.tendon_slack_length[lanes % muscles.c1.size].real == 0.0
    rigid_fiber_length(
        system, muscles, lanes[rigid], begin, end, musculotendon_length, fiber_length
    )
    for part in parts(system, muscles, lanes[rigid], begin, end):
        flags[part.start : part.stop, part.columns] = solve.NOTHING
    signals = Signals(activation, musculotendon_length, fiber_length)
    for part in parts(system, muscles, lanes[~rigid], begin, end):
        if not np.iscomplexobj(fiber_length):
            _solve_part(system, part, signals, flags)
            continue
        unit = Muscles(*(p.real for p in part.unit))
        real = Signals(*(signal.real.copy() for signal in signals))
        _solve_part(system, part._replace(unit=unit), real, flags)
        asked, window = part.asked, _window(system, part, signals)
        fiber_length[asked] = complex_newton(window, real.fiber_length[asked], flags[asked])


def _solve_part(system: System, part: Part, signals: Signals, flags: Integers) -> None:
    root, length = system.root, signals.fiber_length
    alone = np.full(part.columns.size, part.start)  # frame from which a lane is solved alone
    if root.upper == 0.0 and part.start == part.first:
        _solve_alone(system, part._replace(stop=part.start + 1), alone, signals, flags)
        part = part._replace(start=part.start + 1)
    if root.tolerance == 0.0 and part.start < part.stop:
        before = np.zeros((2, part.columns.size))
        known = length[max(part.first, part.start - 2) : part.start, part.columns]
        before[2 - len(known) :] = known
        window = _window(system, part, signals)
        length[part.asked], flags[part.asked], settled = solve_window(window, root, before)
        end = np.zeros((1, part.columns.size), dtype=bool)
        alone = part.start + np.argmin(np.concatenate([settled, end]), axis=0)
    _solve_alone(system, part, alone, signals, flags)


def _solve_alone(
    system: System, part: Part, start: Integers, signals: Signals, flags: Integers
) -> None:
    """Each lane of the part from its own frame `start`, `(m,)`, sample by sample."""
    length = signals.fiber_length
    for lane, m in enumerate(part.columns):
        unit = Muscles(*(p[lane] for p in part.unit))
        for t in range(max(start[lane], part.start), part.stop):
            length[t, m], flags[t, m] = solve.at_frame(system, unit, *signals, t, m, part.first)


def elastic_fiber_length_vjp(
    system: System,
    muscles: Muscles,
    lanes: Integers,
    activation: Array,
    musculotendon_length: Array,
    fiber_length: Array,
    flags: Integers,
    fiber_length_bar: Array,
    muscles_bar: Muscles,
    activation_bar: Array,
    musculotendon_length_bar: Array,
) -> None:
    """Adjoint of `elastic_fiber_length`.

    A sample whose slope is below `SLOPE_FLOOR` has no derivative; none is passed on through it.
    """
    rigid = muscles.tendon_slack_length[lanes % muscles.c1.size].real == 0.0
    rigid_fiber_length_vjp(
        system,
        muscles,
        lanes[rigid],
        musculotendon_length,
        fiber_length,
        fiber_length_bar,
        muscles_bar,
        musculotendon_length_bar,
    )
    signals = Signals(activation, musculotendon_length, fiber_length)
    for part in parts(system, muscles, lanes[~rigid]):
        window, at = _window(system, part, signals), part.asked
        a_bar, l_mt_bar = _elastic_vjp(
            part, window, fiber_length[at], flags[at], fiber_length_bar[at], muscles_bar
        )
        activation_bar[at] += a_bar
        musculotendon_length_bar[at] += l_mt_bar


def _elastic_vjp(
    part: Part, window: Window, length: Array, flags: Integers, bar: Array, muscles_bar: Muscles
) -> tuple[Array, Array]:
    """Cotangents of activation and musculotendon length; adds those of the muscles."""
    unit, weights = part.unit, window.weights
    lo, angle = unit.optimal_fiber_length, unit.pennation_angle_at_optimal
    on_rigid = flags & ON_RIGID_LENGTH != 0
    x, cosine = muscle.projection(unit, length)
    w = np.where(on_rigid, 1.0, x * cosine)
    g = muscle.equilibrium_partials(
        window.curves,
        unit,
        w,
        window.activation,
        stencil(weights, length),
        window.musculotendon_length,
    )
    slope = solve.total_slope(unit, g, w, weights[:, :1])
    free = ~on_rigid & (flags & AT_FLOOR == 0) & (np.abs(slope) >= SLOPE_FLOOR)
    per_bar = np.where(free, -lo * cosine / np.where(free, slope, 1.0), 0.0)
    total = solve_transposed(weights, -per_bar * g.fiber_velocity, bar)
    ratio = total * per_bar
    rigid_bar = np.where(on_rigid, total, 0.0)
    of_rigid = muscle.rigid_fiber_length_partials(unit, window.musculotendon_length)
    # What scales l = l_o x at a fixed w: the length itself and the velocity that follows it.
    scale_bar = np.where(on_rigid, 0.0, total) + ratio * g.fiber_velocity * weights[:, :1]
    sine_bar = scale_bar * lo * np.sin(angle) / x + ratio * g.pennation_sine
    add_all(part, ratio, g, muscles_bar)
    add_all(part, rigid_bar, of_rigid, muscles_bar)
    add(part, scale_bar * x, muscles_bar.optimal_fiber_length)
    add(part, sine_bar * np.cos(angle), muscles_bar.pennation_angle_at_optimal)
    l_mt_bar = ratio * g.musculotendon_length + rigid_bar * of_rigid.musculotendon_length
    return ratio * g.activation, l_mt_bar
