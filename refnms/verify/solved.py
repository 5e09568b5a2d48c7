"""The slopes of a fiber length that solves its equilibrium, sample by sample.

With every slope of g by the complex step of its value, the velocity following the length,

    dw/dq = -(dg/dq) / (dg/dw),       l = l_o x(w),

for activation, musculotendon length, the past velocity and every parameter: the implicit function
theorem without any hand-written slope, against `implicit.length_slopes`, which both engines use.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from refnms.physics import implicit, muscle, solve
from refnms.physics.types import Array, Muscles
from refnms.verify.lanes import FIELDS, Mask, Run, asked, near_knot, solver_velocity
from refnms.verify.oracle import STEP
from refnms.verify.records import AWAY, EVERYWHERE, Check, Worst, relative

UPRIGHT_SEAM = 0.03  # cosine of the pennation
FLAT_SEAM = 0.1  # slope of g
SEAM = 1e-5  # of the width of a curve's piece, and of the velocity limit


def solved_checks(run: Run, where: str) -> Iterator[Check]:
    """Every slope of every solved fiber length, and those away from seams."""
    elastic = run.lanes.muscles.tendon_slack_length > 0.0
    counts = run.determinate & elastic & (not run.lanes.system.rigid)
    every = Worst(
        f"fiber lengths, {where}",
        f"the slopes of every solved fiber length are those of its equilibrium, {where}",
        EVERYWHERE,
    )
    away = Worst(f"fiber lengths away from seams, {where}", "the same where no seam is near", AWAY)
    with np.errstate(all="ignore"):
        q = _arguments(run)
        found = _hand_written(run, q)
        slope = _residual(run, {**q, "w": q["w"] + 1j * STEP}).imag / STEP
        seam = _seams(run, q, slope)
        for name, slopes in found.items():
            moved = {**q, name: q[name] + 1j * STEP}
            by_q = _residual(run, moved).imag / STEP
            moved["w"] = q["w"] - 1j * STEP * by_q / slope
            exact = _length(moved).imag / STEP
            exact, ours = (np.where(counts, s, 0.0) for s in (exact, slopes))
            error = relative(ours, exact, 0.0)
            told = lambda i, name=name: run.place(f"fiber_length by {name}", *i)
            every.add(error, told, counts)
            away.add(error, told, counts & ~seam)
    yield every.check()
    yield away.check()


def _arguments(run: Run) -> dict[str, Any]:
    lanes, length = run.lanes, run.signals.fiber_length
    newest = lanes.system.timeline.solver_weights[:, :1]
    x, cosine = muscle.of_length(muscle.unit(lanes.muscles), length)
    return {
        **dict(zip(FIELDS, lanes.table, strict=True)),
        "w": x * cosine,
        "newest": newest,
        "past_velocity": solver_velocity(lanes, run.signals) - newest * length,
        "activation": run.signals.activation,
        "musculotendon_length": lanes.musculotendon_length,
    }


def _hand_written(run: Run, q: dict[str, Any]) -> dict[str, Array]:
    unit = muscle.unit(run.lanes.muscles)
    x, cosine = muscle.of_projection(unit, q["w"])
    length = unit.optimal_fiber_length * x
    v = muscle.norm_velocity(unit, q["newest"] * length + q["past_velocity"])
    sample = solve.Sample(
        unit, q["activation"], q["musculotendon_length"], q["newest"], q["past_velocity"]
    )
    shape = np.zeros(x.shape, np.int64)
    slopes = implicit.length_slopes(run.lanes.system.curves, sample, x, cosine, v, shape, shape)
    return {name: np.asarray(s) for name, s in slopes._asdict().items()}


def _unit(q: dict[str, Any]) -> Any:
    return muscle.unit(Muscles(*(q[name] for name in FIELDS)))


def _length(q: dict[str, Any]) -> Any:
    return q["optimal_fiber_length"] * muscle.of_projection(_unit(q), q["w"])[0]


def _residual(run: Run, q: dict[str, Any]) -> Any:
    """g, whose velocity follows the length."""
    unit = _unit(q)
    x, cosine = muscle.of_projection(unit, q["w"])
    velocity = q["newest"] * _length(q) + q["past_velocity"]
    v = muscle.norm_velocity(unit, velocity)
    return muscle.equilibrium(
        run.lanes.system.curves, unit, x, cosine, q["activation"], v, q["musculotendon_length"]
    )


def _seams(run: Run, q: dict[str, Any], slope: Array) -> Mask:
    """Samples `(T, L)` near a knot, a limit, an upright fiber or a flat equilibrium."""
    unit = _unit(q)
    x, cosine = muscle.of_projection(unit, q["w"])
    velocity = (q["newest"] * unit.optimal_fiber_length * x + q["past_velocity"]) * unit.per_speed
    seam = (cosine <= UPRIGHT_SEAM) | (np.abs(slope) <= FLAT_SEAM)
    seam |= np.abs(np.abs(velocity) - 1.0) <= SEAM
    curves = run.lanes.system.curves
    for curve, at in zip(curves, asked(run.lanes, run.signals), strict=True):
        seam |= near_knot(curve, at, SEAM)
    return np.asarray(seam)
