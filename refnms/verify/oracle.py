"""The complex step through a run whose fiber lengths are known.

An equilibrium may have several roots, so the oracle does not search: it starts at the lengths that
the engine found and carries imaginary parts through. At each frame

    Im g(w + i dw, v + i dv, p + i dp) = 0,        dv[t] = sum_k W[t, k] dl[t - k],

is solved for dw by Newton's method on values of g alone. The hand-written slopes serve as its
matrix; if they are wrong it takes more rounds and arrives all the same, so they are no party to
what they are checked against. Where a length is held by a rule (floor, rigid tendon, an equilibrium
so flat that it is not differentiated), that rule is stepped.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refnms.physics import muscle, solve
from refnms.physics.reference.bands import solve_forward, stencil
from refnms.physics.reference.filter import filtered
from refnms.physics.reference.shape import shaped
from refnms.physics.reference.trials import Trial, trials
from refnms.physics.reference.velocity import velocity
from refnms.physics.types import SLOPE_FLOOR, Array, Flag, Muscles, MuscleSignals, Unit
from refnms.verify.lanes import Lanes, Run

STEP = 1e-30
ROUNDS = 12  # a slope that is off by a share q leaves q^rounds
DONE = 1e-15  # of the imaginary residual, relative to where it began
ON_RIGID_LENGTH, AT_FLOOR = int(Flag.FELL_BACK | Flag.TAUT), int(Flag.FLOOR)


def stepped(run: Run, table: Any = 0.0, excitation: Any = 0.0, length: Any = 0.0) -> MuscleSignals:
    """Derivatives of the signals of a run along one direction: `(12, L)`, `(K, L)`, `(T, L)`."""
    lanes = run.lanes
    moved = (
        lanes.table + 1j * STEP * np.asarray(table),
        lanes.excitation + 1j * STEP * np.asarray(excitation),
        lanes.musculotendon_length + 1j * STEP * np.asarray(length),
    )
    with np.errstate(all="ignore"):
        parts = [_carried(run, trial, *moved) for trial in trials(lanes.system)]
    return MuscleSignals(
        *(np.concatenate(column).imag / STEP for column in zip(*parts, strict=True))
    )


def _carried(run: Run, trial: Trial, table: Any, e: Any, lmt: Any) -> MuscleSignals:
    system, muscles, at = run.lanes.system, Muscles(*table), trial.frames
    u = filtered(system.start, muscles.c1, muscles.c2, e[trial.rows])
    a = shaped(system, muscles, u[len(u) - trial.size :])
    length = _lengths(run, trial, muscles, a, lmt[at])
    v = velocity(trial, length)
    force = muscle.tendon_force(system.curves, muscle.unit(muscles), a, length, v)
    return MuscleSignals(u, a, length, v, np.asarray(force))


def _lengths(run: Run, trial: Trial, muscles: Muscles, a: Array, lmt: Array) -> Array:
    """Complex fiber lengths `(n, L)`, their real parts those of the run."""
    unit, at = muscle.unit(muscles), trial.frames
    rigid = np.asarray(muscle.rigid_fiber_length(unit, lmt))
    elastic = np.flatnonzero(unit.per_tendon.real)
    if run.lanes.system.rigid or elastic.size == 0:
        return rigid
    unit, a, lmt = Unit(*(p[elastic] for p in unit)), a[:, elastic], lmt[:, elastic]
    flags, real = run.solved[at][:, elastic], run.signals.fiber_length[at][:, elastic]
    found = np.array(rigid)
    found[:, elastic] = _implicit(run.lanes, trial, unit, a, lmt, real, flags, rigid[:, elastic])
    return found


def _implicit(
    lanes: Lanes,
    trial: Trial,
    unit: Unit,
    a: Array,
    lmt: Array,
    length: Array,
    flags: Any,
    rigid: Array,
) -> Array:
    curves, weights = lanes.system.curves, trial.solver_weights
    on_rigid, at_floor = flags & ON_RIGID_LENGTH != 0, flags & AT_FLOOR != 0
    still = Unit(*(p.real for p in unit))
    x, cosine = muscle.of_length(still, length)
    v = muscle.norm_velocity(still, stencil(weights, length))
    g = muscle.equilibrium_partials(curves, still, x, cosine, a.real, v, lmt.real)
    slope = solve.total_slope(still, g, cosine, weights[:, :1])
    free = ~on_rigid & ~at_floor & (np.abs(slope) >= SLOPE_FLOOR)
    slope, by_v = np.where(free, slope, 1.0), np.where(free, g.fiber_velocity, 0.0)
    along = still.optimal_fiber_length * cosine
    w = np.where(at_floor, solve.FLOOR, x * cosine).astype(complex)

    def placed(w: Array) -> list[Array]:
        """Norm length and pennation cosine; in a narrow corner a rounding would move the slope."""
        parts = zip((x, cosine), muscle.of_projection(unit, w), strict=True)
        return [real + 1j * moved.imag for real, moved in parts]

    first = 0.0
    for _ in range(ROUNDS):
        x_now, cosine_now = placed(w)
        l = np.where(on_rigid, rigid, unit.optimal_fiber_length * x_now)
        v_now = muscle.norm_velocity(unit, stencil(weights, l))
        off = muscle.equilibrium(curves, unit, x_now, cosine_now, a, v_now, lmt).imag / STEP
        off = np.where(free, off, 0.0)
        largest = float(np.max(np.abs(off)))
        first = first or largest
        if not largest > DONE * first:
            break
        dl = solve_forward(weights, along * by_v / slope, -along * off / slope)
        others = stencil(weights, dl) - weights[:, :1] * dl
        w = w - 1j * STEP * np.where(free, (off + by_v * others) / slope, 0.0)
    return np.where(on_rigid, rigid, unit.optimal_fiber_length * placed(w)[0])
