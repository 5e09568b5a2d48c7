"""Derivatives by what is recorded: excitation, musculotendon length, moment arm, and the delay.

The adjoint gives the cotangent of every input at once. It is held against the complex step in two
ways: along random directions, which move all samples together, and sample by sample, how the force
of one frame depends on the input of another, for frames spread over each trial.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np

from refnms.autodiff import difference_sweep
from refnms.physics import excitation as emg
from refnms.physics.types import Array, Integers
from refnms.simulation import Joined
from refnms.verify.lanes import DELAY, Run
from refnms.verify.lanes import run as run_lanes
from refnms.verify.oracle import STEP, stepped
from refnms.verify.parameters import NAMES, UNSURE, one_frame, pulled, tangents
from refnms.verify.records import DIFFERENCES, EVERYWHERE, Check, Worst, relative

SPREAD = 16  # frames of a trial whose inputs are moved one by one
BESIDE = 1e-3  # EMG samples: how far beside a kink both its slopes are taken


def spread_frames(run: Run) -> list[Integers]:
    """For each trial, frames spread over it from the first to the last."""
    found = []
    for first, stop in pairwise(run.lanes.system.timeline.frames):
        count = min(SPREAD, int(stop - first))
        found.append(np.unique(np.linspace(first, stop - 1, count).round().astype(np.int64)))
    return found


def _rows(run: Run, frames: Integers) -> Integers:
    """The excitation rows of frames: a trial's last row belongs to its last frame."""
    timeline = run.lanes.system.timeline
    trial = np.searchsorted(timeline.frames, frames, side="right") - 1
    return np.asarray(frames - timeline.frames[trial + 1] + timeline.rows[trial + 1])


def sample_check(run: Run) -> Check:
    """How the force of one frame depends on excitation and length of another."""
    worst = Worst(
        "inputs, one by one",
        "the force of a frame depends on the excitation and the length of another as the complex "
        "step says",
        EVERYWHERE,
    )
    spread = spread_frames(run)
    count = max(map(len, spread))
    chosen = np.stack([frames[np.arange(count) % len(frames)] for frames in spread])  # (N, count)
    forces = np.concatenate([np.unique(frames) for frames in chosen])
    bars = {int(t): pulled(run, {"tendon_force": one_frame(run, t)})[1:] for t in forces}
    for k, name in enumerate(("excitation", "musculotendon_length")):
        where = [_rows(run, frames) if k == 0 else frames for frames in chosen]
        shape = (getattr(run.lanes, name)).shape
        for i in range(count):
            moved = np.zeros(shape)
            moved[[rows[i] for rows in where]] = 1.0  # one in every trial; no trial sees another
            exact = stepped(run, **{("excitation", "length")[k]: moved}).tendon_force[forces]
            found = np.stack([np.sum(bars[int(t)][k] * moved, axis=0) for t in forces])
            natural = _natural(run, name)
            counts = run.determinate[forces]
            quantity = f"tendon_force by {name}"
            worst.add(
                relative(found, exact, natural),
                lambda j, q=quantity: run.place(q, int(forces[j[0]]), j[1]),
                counts,
            )
    return worst.check()


def _natural(run: Run, name: str) -> Array:
    """A slope `(L,)` of the force that is small enough to count as none."""
    p = run.lanes.muscles
    strong = p.max_isometric_force * p.strength_coefficient
    per = 1.0 if name == "excitation" else 1.0 / p.optimal_fiber_length
    return np.asarray(1e-3 * strong * per)


def direction_checks(run: Run) -> Iterator[Check]:
    """All excitations, and all lengths, moved together at random: complex step and differences."""
    rng = np.random.default_rng(11)
    exact = Worst(
        "inputs, together",
        "the adjoint and the forward derivative along excitation and length are those of the "
        "complex step",
        EVERYWHERE,
    )
    differences = Worst(
        "inputs, differences",
        "the adjoint along excitation and length is that of central differences",
        DIFFERENCES,
    )
    lanes, sure = run.lanes, run.determinate
    bar = np.where(sure, rng.uniform(0.5, 1.0, sure.shape), 0.0)
    found = pulled(run, {"tendon_force": bar})[1:]
    sizes = {"excitation": 0.01, "musculotendon_length": 1e-3 * lanes.muscles.optimal_fiber_length}
    for k, (name, size) in enumerate(sizes.items()):
        direction = rng.uniform(-1.0, 1.0, getattr(lanes, name).shape) * size
        direction = _smooth(direction) if k else direction
        slopes = stepped(run, **{("excitation", "length")[k]: direction})
        terms, pulled_terms = bar * slopes.tendon_force, found[k] * direction
        scale = np.maximum(np.sum(np.abs(terms), axis=0), np.sum(np.abs(pulled_terms), axis=0))
        scale = np.where(scale > 0.0, scale, 1.0)
        total = np.sum(pulled_terms, axis=0)
        quantity = f"tendon_force by {name}"
        place = lambda i, q=quantity: run.place(q, None, *i)
        exact.add(np.abs(total - np.sum(terms, axis=0)) / scale, place)
        if k == 0:
            forward = tangents(run, direction)
            for signal in NAMES:
                column, wanted = getattr(forward, signal)[:, DELAY], getattr(slopes, signal)
                q = f"{signal} by {name}"
                error = relative(column, wanted, 0.0)
                exact.add(error, lambda i, q=q: run.place(q, *i), sure)
        _differ(run, name, direction, bar, total, scale, differences)
    yield exact.check()
    yield differences.check()


def _smooth(direction: Array) -> Array:
    """Without jumps from frame to frame, so that velocities stay what they are, about."""
    return np.asarray(np.cumsum(direction, axis=0) / np.sqrt(len(direction)))


def _differ(
    run: Run, name: str, direction: Array, bar: Array, total: Array, scale: Array, into: Worst
) -> None:
    lanes = run.lanes

    def summed(share: Array) -> Array:
        moved = replace(lanes, **{name: getattr(lanes, name) + share * direction})
        return np.asarray(np.sum(bar * run_lanes(run.engine, moved).signals.tendon_force, axis=0))

    width = len(total)
    estimate = difference_sweep(summed, np.zeros(width), np.ones(width))
    error, doubt = np.abs(total - estimate.value) / scale, estimate.error / scale
    sure = doubt <= UNSURE
    beyond = np.where(error > 2.0 * doubt, error, np.minimum(error, DIFFERENCES))
    quantity = f"tendon_force by {name}"
    into.add(beyond, lambda i: run.place(quantity, None, *i), sure)
    into.undecided += [f"{quantity} of {lanes.muscle_names[m]}" for m in np.flatnonzero(~sure)]


def delay_check(joined: Joined, run: Run) -> Check:
    """Slope of the excitation by the delay; on an EMG sample the mean of the slopes on both sides."""
    worst = Worst(
        "delay",
        "the slope of the excitation by the delay is that of the complex step; on an EMG sample, "
        "the mean of both sides",
        EVERYWHERE,
    )
    delay = run.lanes.table[DELAY]
    found = joined.excitation_by_delay(delay)
    wanted = []
    for emg_time, samples, time in zip(joined.emg_times, joined.samples, joined.times, strict=True):
        beside = BESIDE * float(np.min(np.diff(emg_time)))
        sides = [
            emg.interpolate(emg_time, samples, time, delay + side * beside + 1j * STEP).imag / STEP
            for side in (-1.0, 1.0)
        ]
        wanted.append(0.5 * (sides[0] + sides[1]))
    exact = np.concatenate(wanted)
    kept = np.abs(found - exact) / np.maximum(np.max(np.abs(exact), axis=0), 1.0)
    worst.add(kept, lambda i: run.lanes.place("excitation by electromechanical_delay", *i))
    return worst.check()
