"""Drawn lanes: short trials that carry every muscle over the whole domain, for the engine to solve.

Each lane is a muscle of the model whose tendon, pennation, activation, length and velocity are
drawn (see `domain`), over four frames of every time step. What the engine makes of them passes
through the very code that runs recorded trials.
"""

from __future__ import annotations

import numpy as np

from refnms.physics.profiles import Profile
from refnms.physics.stencils import timeline
from refnms.physics.types import Array, Muscles, System
from refnms.verify.domain import STRAINS, TIME_STEPS, carried, draw
from refnms.verify.lanes import Lanes

FRAMES = 4
SMOOTH = 0.4  # of the lanes move smoothly, the others jump from frame to frame
JUMP = 0.2  # optimal fiber lengths


def probes(
    system: System,
    profile: Profile,
    table: Array,
    names: tuple[str, ...],
    count: int,
    rng: np.random.Generator,
) -> Lanes:
    """`count` lanes or a few more, of the muscles of a `(12, M)` table one after the other."""
    muscles = table.shape[1]
    owner = np.arange(-(-count // muscles) * muscles) % muscles
    clocks: tuple[Array, ...] = tuple(step * np.arange(float(FRAMES)) for step in TIME_STEPS)
    ratio, pennation = (draw(name, len(owner), rng) for name in ("ratio", "pennation"))
    p = carried(Muscles(*table[:, owner]), ratio, pennation, rng)
    parts = [_motion(p, step, rng) for step in TIME_STEPS]
    excitation = [_excitation(len(owner), rng) for _ in TIME_STEPS]
    return Lanes(
        system=system._replace(timeline=timeline(clocks, [0] * len(clocks), profile)),
        table=np.ascontiguousarray(np.array(p)),
        excitation=np.concatenate(excitation),
        musculotendon_length=np.concatenate(parts),
        muscle_names=tuple(names[m] for m in owner),
        trial_names=(),
        times=clocks,
    )


def _motion(p: Muscles, step: float, rng: np.random.Generator) -> Array:
    """Musculotendon lengths `(FRAMES, L)` of a fiber that moves at a drawn velocity."""
    count, lo = len(p.c1), p.optimal_fiber_length
    w, v = (draw(name, count, rng) for name in ("w", "v"))
    t = step * np.arange(FRAMES)[:, None]
    w = np.clip(w + v * p.max_contraction_velocity * t, 0.0, 2.5)
    jumps = np.where(rng.random(count) < SMOOTH, 0.0, JUMP)
    w = np.maximum(w + jumps * rng.uniform(-1.0, 1.0, w.shape), 0.0)
    strain = rng.uniform(*STRAINS, count) + 0.01 * jumps * rng.uniform(-1.0, 1.0, w.shape)
    return np.asarray(p.tendon_slack_length * (1.0 + strain) + lo * w)


def _excitation(count: int, rng: np.random.Generator) -> Array:
    level = draw("activation", count, rng)
    noise = 0.1 * rng.uniform(-1.0, 1.0, (FRAMES, count)) * (rng.random(count) < 0.5)
    return np.asarray(np.clip(level + noise, 0.0, 1.0))
