"""Loops of the fiber velocity: fixed linear functions of fiber lengths, and their transposes."""

from __future__ import annotations

from refnms.jit import kernel, pure
from refnms.physics import solve
from refnms.physics.kernels.lanes import place
from refnms.physics.types import Array, Integers, Muscles, SplineFactors, System


@kernel
def trailing_velocity(
    system: System,
    muscles: Muscles,
    lanes: Integers,
    begin: int,
    end: int,
    fiber_length: Array,
    fiber_velocity: Array,
) -> None:
    """Fiber velocity of the force from the last few lengths."""
    weights = system.timeline.force_weights
    for lane in lanes:
        m, first, stop, _ = place(system.timeline, lane, muscles.c1.size)
        for t in range(first + begin, min(stop, first + end)):
            past = solve.past_velocity(weights, fiber_length, t, m, t - first)
            fiber_velocity[t, m] = weights[t, 0] * fiber_length[t, m] + past


@kernel
def trailing_velocity_vjp(
    system: System,
    muscles: Muscles,
    lanes: Integers,
    fiber_length: Array,
    fiber_velocity: Array,
    fiber_velocity_bar: Array,
    muscles_bar: Muscles,
    fiber_length_bar: Array,
) -> None:
    """Adjoint of `trailing_velocity`."""
    weights = system.timeline.force_weights
    for lane in lanes:
        m, first, stop, _ = place(system.timeline, lane, muscles.c1.size)
        for t in range(first, stop):
            for k in range(min(weights.shape[1], t - first + 1)):
                fiber_length_bar[t - k, m] += weights[t, k] * fiber_velocity_bar[t, m]


@pure
def solve_spline(spline: SplineFactors, s: Array, m: int, first: int, stop: int) -> None:
    """Replace column m of s, frames [first, stop), by the solution of the spline's system."""
    h, pivots = spline.steps, spline.pivots
    for t in range(first + 1, stop):
        s[t, m] -= h[t - 1] / pivots[t - 1] * s[t - 1, m]
    s[stop - 1, m] /= pivots[stop - 1]
    for t in range(stop - 2, first - 1, -1):
        s[t, m] = (s[t, m] - h[t] * s[t + 1, m]) / pivots[t]


@kernel
def whole_trial_velocity(
    system: System,
    muscles: Muscles,
    lanes: Integers,
    begin: int,
    end: int,
    fiber_length: Array,
    fiber_velocity: Array,
) -> None:
    """Fiber velocity of the force from the spline through all lengths of the trial.

    It knows no part of a trial: `begin` and `end` are not looked at. `fiber_velocity` first holds
    the curvatures s, then, from the front, the slopes.
    """
    spline, h = system.timeline.spline, system.timeline.spline.steps
    l, v = fiber_length, fiber_velocity
    for lane in lanes:
        m, first, stop, _ = place(system.timeline, lane, muscles.c1.size)
        trial, last = lane // muscles.c1.size, stop - 1
        for t in range(first, stop):
            v[t, m] = 0.0
        if first == last:
            continue
        for t in range(first + 1, last):
            v[t, m] = (l[t + 1, m] - l[t, m]) / h[t] - (l[t, m] - l[t - 1, m]) / h[t - 1]
        if stop - first > 3:
            for j in range(4):
                v[first, m] += spline.first[trial, j] * l[first + j, m]
                v[last, m] += spline.last[trial, j] * l[stop - 4 + j, m]
        if stop - first > 2:
            solve_spline(spline, v, m, first, stop)
        chord = (l[last, m] - l[last - 1, m]) / h[last - 1]
        end_slope = chord + h[last - 1] * (v[last - 1, m] + 2.0 * v[last, m])
        for t in range(first, last):
            chord = (l[t + 1, m] - l[t, m]) / h[t]
            v[t, m] = chord - h[t] * (v[t + 1, m] + 2.0 * v[t, m])
        v[last, m] = end_slope


@kernel
def whole_trial_velocity_vjp(
    system: System,
    muscles: Muscles,
    lanes: Integers,
    fiber_length: Array,
    fiber_velocity: Array,
    fiber_velocity_bar: Array,
    muscles_bar: Muscles,
    fiber_length_bar: Array,
) -> None:
    """Adjoint of `whole_trial_velocity`; the spline's system is symmetric.

    `fiber_velocity_bar` becomes the cotangents of the curvatures s, from the front.
    """
    spline, h = system.timeline.spline, system.timeline.spline.steps
    for lane in lanes:
        m, first, stop, _ = place(system.timeline, lane, muscles.c1.size)
        trial, end = lane // muscles.c1.size, stop - 1
        l_bar, s_bar = fiber_length_bar, fiber_velocity_bar
        if stop - first == 1:
            continue
        last, before = s_bar[end, m], 0.0
        for t in range(first, end):
            v_bar = s_bar[t, m]
            chord_bar = (v_bar + last if t == end - 1 else v_bar) / h[t]
            l_bar[t + 1, m] += chord_bar
            l_bar[t, m] -= chord_bar
            s_bar[t, m] = -2.0 * h[t] * v_bar - before
            before = h[t] * v_bar
        s_bar[end, m] = 2.0 * h[end - 1] * last - before
        s_bar[end - 1, m] += h[end - 1] * last
        if stop - first < 3:
            continue
        solve_spline(spline, s_bar, m, first, stop)
        for t in range(first + 1, end):
            l_bar[t + 1, m] += s_bar[t, m] / h[t]
            l_bar[t, m] -= s_bar[t, m] / h[t] + s_bar[t, m] / h[t - 1]
            l_bar[t - 1, m] += s_bar[t, m] / h[t - 1]
        if stop - first > 3:
            for j in range(4):
                l_bar[first + j, m] += spline.first[trial, j] * s_bar[first, m]
                l_bar[stop - 4 + j, m] += spline.last[trial, j] * s_bar[end, m]
