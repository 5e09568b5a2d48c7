"""Fiber velocities: fixed linear functions of the fiber lengths, and their transposes."""

from __future__ import annotations

import numpy as np

from refnms.physics.reference.bands import stencil, stencil_transposed
from refnms.physics.reference.lanes import parts
from refnms.physics.types import Array, Integers, Muscles, SplineFactors, System


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
    for part in parts(system, muscles, lanes, begin, end):
        trial = slice(part.first, part.stop)
        velocity = stencil(system.timeline.force_weights[trial], fiber_length[trial, part.columns])
        asked = velocity[part.start - part.first :]
        fiber_velocity[part.start : part.stop, part.columns] = asked


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
    for part in parts(system, muscles, lanes):
        at = part.asked
        weights = system.timeline.force_weights[at[0]]
        fiber_length_bar[at] += stencil_transposed(weights, fiber_velocity_bar[at])


def _solve_spline(h: Array, right: Array) -> Array:
    """Solution of the spline's symmetric system (see `curves`) for steps `(n - 1, 1)`."""
    from scipy.linalg import solve_banded

    bands = np.zeros((3, len(right)))
    bands[0, 1:] = bands[2, :-1] = h[:, 0]
    bands[1] = np.concatenate([-h[:1, 0], 2.0 * (h[1:, 0] + h[:-1, 0]), -h[-1:, 0]])
    return np.asarray(solve_banded((1, 1), bands, right, check_finite=False))


def _end_weights(spline: SplineFactors, trial: int, frames: int) -> tuple[Array, Array]:
    count = 4 if frames > 3 else 0  # fewer frames have no third derivative
    return spline.first[trial, :count, None], spline.last[trial, :count, None]


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

    It knows no part of a trial: `begin` and `end` are not looked at.
    """
    for part in parts(system, muscles, lanes):
        at = part.asked
        length, h = fiber_length[at], system.timeline.spline.steps[part.start : part.stop - 1, None]
        frames = len(length)
        if frames == 1:
            fiber_velocity[at] = 0.0
            continue
        chord = np.diff(length, axis=0) / h
        s = np.zeros_like(length)
        if frames > 2:
            first, last = _end_weights(system.timeline.spline, part.trial, frames)
            s[0] = np.sum(first * length[: len(first)], axis=0)
            s[-1] = np.sum(last * length[frames - len(last) :], axis=0)
            s[1:-1] = np.diff(chord, axis=0)
            s = _solve_spline(h, s)
        fiber_velocity[part.start : part.stop - 1, part.columns] = chord - h * (
            s[1:] + 2.0 * s[:-1]
        )
        fiber_velocity[part.stop - 1, part.columns] = chord[-1] + h[-1] * (s[-2] + 2.0 * s[-1])


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
    """Adjoint of `whole_trial_velocity`; the spline's system is symmetric."""
    for part in parts(system, muscles, lanes):
        at = part.asked
        bar, h = (
            fiber_velocity_bar[at],
            system.timeline.spline.steps[part.start : part.stop - 1, None],
        )
        frames = len(bar)
        if frames == 1:
            continue
        chord_bar = bar[:-1].copy()
        chord_bar[-1] += bar[-1]
        r_bar = np.zeros_like(bar)
        r_bar[1:] -= h * bar[:-1]
        r_bar[:-1] -= 2.0 * h * bar[:-1]
        r_bar[-2] += h[-1] * bar[-1]
        r_bar[-1] += 2.0 * h[-1] * bar[-1]
        length_bar = np.zeros_like(bar)
        if frames > 2:
            r_bar = _solve_spline(h, r_bar)
            first, last = _end_weights(system.timeline.spline, part.trial, frames)
            length_bar[: len(first)] += first * r_bar[0]
            length_bar[frames - len(last) :] += last * r_bar[-1]
            chord_bar[1:] += r_bar[1:-1]
            chord_bar[:-1] -= r_bar[1:-1]
        length_bar[1:] += chord_bar / h
        length_bar[:-1] -= chord_bar / h
        fiber_length_bar[at] += length_bar
