"""Is every fiber length an equilibrium, with the velocity that the solver itself used?

g is in units of the strongest force. A sample passes below `RESIDUAL`; or where g changes its sign
between the doubles next to its length, so that no other length does better: at steps of 1 ms, or
where a fiber stands almost upright, one digit of the length moves g by more than that. Samples that
a rule and no equilibrium placed (no root, the floor, a just taut tendon) carry a flag and do not
count; they are counted.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refnms.physics import muscle, solve
from refnms.physics.types import Array, Flag, Unit
from refnms.verify.lanes import BY_RULE, Lanes, Mask, Run, solver_velocity
from refnms.verify.records import RESIDUAL, Check, Worst

NEXT = 8  # doubles to either side: projecting a length and straining a tendon round some off


def residuals(run: Run) -> Array:
    """g `(T, L)` of every sample."""
    return _residual(run, run.signals.fiber_length, np.s_[:], np.s_[:])


def _elastic(lanes: Lanes) -> Mask:
    return np.asarray(lanes.muscles.tendon_slack_length > 0.0)


def _residual(run: Run, length: Array, t: Any, m: Any) -> Array:
    """g of other lengths of some samples, their earlier lengths as they are."""
    lanes = run.lanes
    unit = Unit(*(np.broadcast_to(p, run.flags.shape)[t, m] for p in muscle.unit(lanes.muscles)))
    newest = np.broadcast_to(lanes.system.timeline.solver_weights[:, :1], run.flags.shape)[t, m]
    velocity = solver_velocity(lanes, run.signals)[t, m]
    past = velocity - newest * run.signals.fiber_length[t, m]
    a, lmt = run.signals.activation[t, m], lanes.musculotendon_length[t, m]
    sample = solve.Sample(unit, a, lmt, newest, past)
    return np.asarray(solve.residual(lanes.system.curves, sample, length))


def at_last_digit(run: Run, some: Mask) -> Mask:
    """Of some samples `(T, L)`, those whose g changes its sign within the next few doubles."""
    t, m = np.nonzero(some)
    length = run.signals.fiber_length[t, m]
    step = NEXT * np.spacing(length)
    shorter, longer = (_residual(run, length + side * step, t, m) for side in (-1.0, 1.0))
    found = np.zeros_like(some)
    found[t, m] = (shorter >= 0.0) & (longer <= 0.0)
    return found


def equilibrium_check(run: Run, where: str) -> Check:
    """The residual of every sample that no flag takes out."""
    worst = Worst(
        f"equilibrium, {where}",
        f"the residual of every fiber equilibrium is below 1e-12 of the strongest force, {where}",
        RESIDUAL,
    )
    counts = (run.flags & int(BY_RULE) == 0) & _elastic(run.lanes) & (not run.lanes.system.rigid)
    with np.errstate(all="ignore"):
        size = np.abs(residuals(run))
        last = at_last_digit(run, counts & ~(size <= RESIDUAL))
    error = np.where(last, np.minimum(size, RESIDUAL), size)
    worst.add(error, lambda i: run.place("residual of the equilibrium", *i), counts)
    ruled = {
        str(flag.name): int(np.count_nonzero(run.flags & flag))
        for flag in (Flag.FAILED, Flag.FELL_BACK, Flag.TAUT, Flag.FLOOR)
    }
    told = ", ".join(f"{n} {name}" for name, n in ruled.items() if n)
    note = f"by a rule and no equilibrium: {told or 'none'}"
    digits = f"; {np.count_nonzero(last)} as near as doubles come" if last.any() else ""
    return worst.check(note + digits)
