"""Derivatives by what is recorded: excitation, musculotendon length, moment arm, and the delay.

The adjoint gives the cotangent of every input at once. It is held against the complex step in two
ways: along random directions, which move all samples together, and sample by sample, how the force
of one frame depends on the input of another, for frames spread over each trial.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from refnms.physics import excitation as emg
from refnms.physics.types import Array, Integers
from refnms.simulation import Joined
from refnms.verify.lanes import DELAY, Run
from refnms.verify.oracle import STEP, stepped
from refnms.verify.parameters import NAMES, one_frame, pulled, tangents
from refnms.verify.records import EVERYWHERE, Check, Worst, relative

SPREAD = 16  # frames of a trial whose inputs are moved one by one
INPUTS = {"excitation": "excitation", "musculotendon_length": "length"}  # of `stepped`
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
    for k, (name, argument) in enumerate(INPUTS.items()):
        where = [_rows(run, frames) if k == 0 else frames for frames in chosen]
        shape = (getattr(run.lanes, name)).shape
        for i in range(count):
            moved = np.zeros(shape)
            moved[[rows[i] for rows in where]] = 1.0  # one in every trial; no trial sees another
            exact = stepped(run, **{argument: moved}).tendon_force[forces]
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


def direction_check(run: Run) -> Check:
    """All excitations, and all lengths, moved together at random."""
    rng, lanes, sure = np.random.default_rng(11), run.lanes, run.determinate
    worst = Worst(
        "inputs, together",
        "the adjoint and the forward derivative along excitation and length are those of the "
        "complex step",
        EVERYWHERE,
    )
    bar = np.where(sure, rng.uniform(0.5, 1.0, sure.shape), 0.0)
    found = pulled(run, {"tendon_force": bar})[1:]
    for k, (name, argument) in enumerate(INPUTS.items()):
        direction = rng.uniform(-1.0, 1.0, getattr(lanes, name).shape)
        slopes = stepped(run, **{argument: direction})
        terms, pulled_terms = bar * slopes.tendon_force, found[k] * direction
        scale = np.maximum(np.sum(np.abs(terms), axis=0), np.sum(np.abs(pulled_terms), axis=0))
        error = np.abs(np.sum(pulled_terms, axis=0) - np.sum(terms, axis=0))
        error = error / np.where(scale > 0.0, scale, 1.0)
        worst.add(error, lambda i, q=f"tendon_force by {name}": run.place(q, None, *i))
        if name == "excitation":
            forward = tangents(run, direction)  # in the place of the slope by the delay
            for signal in NAMES:
                error = relative(getattr(forward, signal)[:, DELAY], getattr(slopes, signal), 0.0)
                worst.add(error, lambda i, q=f"{signal} by {name}": run.place(q, *i), sure)
    return worst.check()


def delay_check(joined: Joined, run: Run) -> Check:
    """Slope of the excitation by the delay; on an EMG sample the mean of both sides' slopes."""
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
