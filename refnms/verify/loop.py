"""Do undamped passive elements keep their energy?

A passive fiber and a tendon are springs. Without activation and damping, the force of a muscle is a
function of its length alone, so a closed loop does no work, however fast it is run:

    sum of (F[i] + F[i+1]) / 2 (L[i+1] - L[i]) = 0

over lengths that are visited once in stretching and once, four times as slowly, in shortening. A
velocity, a hysteresis or a wrong root that leaks into the force shows as work.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from refnms.physics.profiles import Profile
from refnms.physics.stencils import timeline
from refnms.physics.types import Array
from refnms.verify.lanes import BY_RULE, FIELDS, Lanes, Run, run
from refnms.verify.records import WORK, Check, Worst

HALF = 60  # frames of stretching, and of shortening
STEPS = (0.005, 0.02)  # [s]
STRETCH = (1.05, 1.45)  # of the fiber under a tendon at its slack length, in optimal lengths
DAMPING = FIELDS.index("fiber_damping")


def loop_check(lanes: Lanes, profile: Profile, engine: object) -> Check:
    """The work of a closed loop of every muscle, of what goes in and out of it."""
    worst = Worst(
        "work of a closed loop",
        "undamped passive fibers and tendons do no work over a closed loop",
        WORK,
    )
    table = lanes.table.copy()
    table[DAMPING] = 0.0
    undamped = run(engine, _loop(lanes, profile, table))  # type: ignore[arg-type]
    work, scale = _work(undamped)
    solved = ~(undamped.flags & int(BY_RULE) != 0).any(axis=0) & (scale > 0.0)
    error = np.abs(work) / np.where(scale > 0.0, scale, 1.0)
    names = lanes.muscle_names
    worst.add(error, lambda i: undamped.lanes.place("work", None, i[0]), solved)
    damped, size = _work(run(engine, _loop(lanes, profile, lanes.table)))  # type: ignore[arg-type]
    share = float(np.median(damped[solved] / size[solved])) if solved.any() else 0.0
    note = f"with their own damping the same loop takes up {100.0 * share:.2g} % (median)"
    left_out = [name for name, ok in zip(names, solved, strict=True) if not ok]
    return worst.check(
        note + (f"; without passive force: {', '.join(left_out)}" if left_out else "")
    )


def _loop(lanes: Lanes, profile: Profile, table: Array) -> Lanes:
    count = len(lanes.muscle_names)
    phase = 0.5 - 0.5 * np.cos(np.linspace(0.0, np.pi, HALF))
    way = np.concatenate([phase, phase[-2::-1]])[:, None]
    steps = np.repeat(STEPS, (HALF - 1, HALF - 1))
    clock = np.concatenate([[0.0], np.cumsum(steps)])
    p = lanes.muscles
    low, high = STRETCH
    lmt = p.tendon_slack_length + p.optimal_fiber_length * (low + (high - low) * way)
    return replace(
        lanes,
        system=lanes.system._replace(timeline=timeline((clock,), [0], profile)),
        table=table,
        excitation=np.zeros((len(clock), count)),
        musculotendon_length=np.ascontiguousarray(lmt),
        trial_names=(),
        times=(clock,),
    )


def _work(of: Run) -> tuple[Array, Array]:
    """Work `(L,)` of the loop [J], and the sizes of what it sums."""
    force, length = of.signals.tendon_force, of.lanes.musculotendon_length
    parts = 0.5 * (force[1:] + force[:-1]) * np.diff(length, axis=0)
    return np.sum(parts, axis=0), np.sum(np.abs(parts), axis=0)
