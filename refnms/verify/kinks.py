"""What samples sit on: kinks, limits and slack, where a gradient is one-sided or none at all.

They are listed, muscle by muscle and frame by frame, and do not enter the errors of the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refnms.model import Model, Trial
from refnms.physics import excitation as emg
from refnms.physics import muscle
from refnms.physics.types import Curves
from refnms.simulation import Joined
from refnms.verify.lanes import (
    DELAY,
    OF_FLAG,
    ON,
    ON_SPLINE_END,
    ON_VELOCITY_LIMIT,
    UPRIGHT,
    Run,
    asked,
    end_jumps,
    solver_velocity,
)
from refnms.verify.records import Place

RULES = {
    "velocity limit": "no derivative through the velocity at and beyond the limit",
    "spline end": "the straight line outside; the curve at its end point itself",
    "slack tendon": "the force is that of the fiber alone, about none; so are its derivatives",
    "upright fiber": "no derivative through the pennation",
    "floor": "the length stays where it is held",
    "just taut start": "the derivative of the length under a rigid tendon",
    "rigid fallback": "the derivative of the length under a rigid tendon",
    "no equilibrium": "the number is no solution",
    "flat equilibrium": "no derivative: the root moves freely",
    "excitation clamp": "EMG outside [0, 1] is clipped before anything is differentiated",
    "EMG sample": "the derivative by the delay is the mean of both sides",
    "EMG end": "no derivative by the delay where the first or last EMG sample is held",
}


@dataclass(frozen=True)
class Kink:
    """Samples of one muscle that sit on one kink."""

    kind: str  # a key of `RULES`
    muscle: str
    samples: int
    on: int  # of these, on the kink itself: their gradient is doubtful, and no error counts them
    first: Place
    curve: str | None = None
    jump: float | None = None  # of the slope, at a spline's end

    @property
    def rule(self) -> str:
        """Which derivative is taken there."""
        return RULES[self.kind]


def kinks(run: Run, joined: Joined, model: Model, trials: Sequence[Trial]) -> list[Kink]:
    """All that the recorded samples sit on, muscle by muscle."""
    return [*_of_muscles(run), *_of_curves(run), *_of_emg(run, joined, model, trials)]


def indeterminate(run: Run) -> list[dict[str, Any]]:
    """Runs of frames whose gradient is doubtful: muscle, trial, first and last frame, reasons."""
    found = []
    doubtful, starts = ~run.determinate, run.lanes.system.timeline.frames
    for m, name in enumerate(run.lanes.muscle_names):
        for trial, (first, stop) in zip(run.lanes.trial_names, pairwise(starts), strict=True):
            spans = _spans(doubtful[first:stop, m])
            if spans:
                doubts = run.doubts.items()
                reasons = [reason for reason, holds in doubts if holds[first:stop, m].any()]
                found.append({"muscle": name, "trial": trial, "frames": spans, "reasons": reasons})
    return found


def _spans(holds: NDArray[np.bool_]) -> list[list[int]]:
    """First and last index of each unbroken run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], holds, [False]]).astype(int)))
    return [[int(a), int(b) - 1] for a, b in edges.reshape(-1, 2)]


def _listed(
    run: Run,
    kind: str,
    holds: Any,
    on: Any,
    curve: str | None = None,
    jump: float | None = None,
) -> Iterator[Kink]:
    for m, name in enumerate(run.lanes.muscle_names):
        where = np.flatnonzero(holds[:, m])
        if where.size:
            count = int(np.count_nonzero(on[:, m] & holds[:, m]))
            first = run.lanes.place(kind, int(where[0]), m)
            yield Kink(kind, name, where.size, count, first, curve, jump)


def _of_muscles(run: Run) -> Iterator[Kink]:
    lanes = run.lanes
    per_speed = muscle.unit(lanes.muscles).per_speed
    speeds = (run.signals.fiber_velocity, solver_velocity(lanes, run.signals))
    limit = np.logical_or(*(np.abs(v) * per_speed >= 1.0 - ON for v in speeds))
    yield from _listed(run, ON_VELOCITY_LIMIT, limit, run.doubts[ON_VELOCITY_LIMIT])
    for kind in (UPRIGHT, *OF_FLAG):
        yield from _listed(run, kind, run.doubts[kind], run.doubts[kind])


def _of_curves(run: Run) -> Iterator[Kink]:
    curves, arguments = run.lanes.system.curves, asked(run.lanes, run.signals)
    for name, curve, at in zip(Curves._fields, curves, arguments, strict=True):
        ends = zip((0, -1), end_jumps(curve), (-1.0, 1.0), strict=True)
        for end, jump, side in ends:
            knot, size = curve.knots[end], np.ptp(curve.knots)
            on = np.abs(at - knot) <= ON * size
            beyond = (side * (at - knot) > 0.0) | on
            if name == "tendon_force_strain" and end == 0:
                continue  # a slack tendon, which is named as such
            if name == "force_velocity":
                beyond, on = beyond & (np.abs(at) < 1.0), on & (np.abs(at) < 1.0)
            if jump == 0.0:
                continue
            side_name = "first" if end == 0 else "last"
            yield from _listed(run, ON_SPLINE_END, beyond, on, f"{name}, {side_name}", jump)


def _of_emg(run: Run, joined: Joined, model: Model, trials: Sequence[Trial]) -> Iterator[Kink]:
    clipped, sample, held = (np.zeros(run.flags.shape, bool) for _ in range(3))
    delay = run.lanes.table[DELAY]
    starts = pairwise(run.lanes.system.timeline.frames)
    for trial, (first, stop) in zip(trials, starts, strict=True):
        mapped = trial.emg @ model.emg_to_muscle.T
        outside = (mapped < 0.0) | (mapped > 1.0)
        time = trial.emg_time
        for m in range(len(delay)):
            wanted = trial.time - delay[m]
            left = np.clip(np.searchsorted(time, wanted, side="right") - 1, 0, len(time) - 2)
            clipped[first:stop, m] = outside[left, m] | outside[left + 1, m]
            if joined.rows is None:
                share = (wanted - time[left]) / (time[left + 1] - time[left])
                held[first:stop, m] = (share < 0.0) | (share > 1.0)
                near = np.minimum(np.abs(share), np.abs(share - 1.0))
                sample[first:stop, m] = near < emg.AT_SAMPLE
    none = np.zeros_like(clipped)
    yield from _listed(run, "excitation clamp", clipped, none)
    yield from _listed(run, "EMG sample", sample, none)
    yield from _listed(run, "EMG end", held, none)
