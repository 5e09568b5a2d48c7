"""What is run to be checked: recorded trials, or drawn samples, as lanes of one system."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refnms.physics import muscle
from refnms.physics.curves import value_slope
from refnms.physics.flags import sample_flags
from refnms.physics.reference.bands import stencil
from refnms.physics.types import (
    Array,
    Curve,
    Curves,
    Flag,
    Integers,
    Muscles,
    MuscleSignals,
    System,
)
from refnms.verify.records import Place

FIELDS = Muscles._fields
DELAY = FIELDS.index("electromechanical_delay")
BY_RULE = Flag.FAILED | Flag.FELL_BACK | Flag.TAUT | Flag.FLOOR  # no equilibrium placed these
ON = 1e-9  # this close to a kink a sample sits on it; farther, it is beyond
NEARLY_UPRIGHT = 1e-2  # cosine of the pennation below which a stored length has lost its digits
UPRIGHT, ON_VELOCITY_LIMIT, ON_SPLINE_END = "upright fiber", "velocity limit", "spline end"
FAILED = "no equilibrium"
OF_FLAG = {
    "slack tendon": Flag.SLACK,
    "floor": Flag.FLOOR,
    "just taut start": Flag.TAUT,
    "rigid fallback": Flag.FELL_BACK,
    FAILED: Flag.FAILED,
    "flat equilibrium": Flag.ILL_POSED,
}
UNSTATED = (UPRIGHT, ON_VELOCITY_LIMIT, ON_SPLINE_END, FAILED)  # no oracle has these sides

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Lanes:
    """L lanes, each a muscle of one model with its recording, joined along time."""

    system: System
    table: Array  # (12, L)
    excitation: Array  # (K, L)
    musculotendon_length: Array  # (T, L)
    muscle_names: tuple[str, ...]  # of each lane
    trial_names: tuple[str, ...]  # of each trial; empty: these are drawn samples
    times: tuple[Array, ...]

    @property
    def muscles(self) -> Muscles:
        """The parameters of every lane."""
        return Muscles(*self.table)

    def place(self, quantity: str, t: int | None, lane: int | None) -> Place:
        """Frame t of all trials one after the other, and a lane."""
        name = None if lane is None else self.muscle_names[lane]
        if t is None or not self.trial_names:
            return Place(quantity, name)
        starts = self.system.timeline.frames
        i = int(np.searchsorted(starts, t, side="right")) - 1
        frame = t - int(starts[i])
        return Place(quantity, name, self.trial_names[i], frame, float(self.times[i][frame]))


@dataclass(frozen=True, eq=False)
class Run:
    """Lanes that an engine has run: signals, the solver's flags, and what samples sit on."""

    lanes: Lanes
    engine: ModuleType
    signals: MuscleSignals
    solved: Integers  # (T, L) what each solve needed
    flags: Integers  # (T, L) the same and every limit a sample sits on
    doubts: dict[str, Mask]  # reason -> samples (T, L) whose gradient it makes doubtful

    @property
    def determinate(self) -> Mask:
        """Samples `(T, L)` whose gradient neither slack nor a kink makes doubtful."""
        return np.asarray(~np.any(list(self.doubts.values()), axis=0))

    @property
    def ruled(self) -> Mask:
        """Doubtful samples `(T, L)` whose derivative is that of a rule that an oracle follows."""
        unstated = np.any([self.doubts[reason] for reason in UNSTATED], axis=0)
        return np.asarray(~self.determinate & ~unstated)

    def place(self, quantity: str, t: int | None, lane: int | None) -> Place:
        """A sample, with its coordinates."""
        place = self.lanes.place(quantity, t, lane)
        if t is None or lane is None:
            return place
        p = Muscles(*self.lanes.table[:, lane].tolist())
        a, l, v = (float(s[t, lane]) for s in self.signals[1:4])
        lo = p.optimal_fiber_length
        return replace(place, at=coordinates(p, a, l / lo, v / (lo * p.max_contraction_velocity)))


def coordinates(p: Muscles, a: Any, x: Any, v: Any) -> tuple[tuple[str, Any], ...]:
    """Samples in the coordinates of the scans: activation a, norm fiber length x and velocity v."""
    return (
        ("activation", a),
        ("norm_fiber_length", x),
        ("norm_fiber_velocity", v),
        ("tendon_slack_ratio", p.tendon_slack_length / p.optimal_fiber_length),
        ("pennation_angle_at_optimal", p.pennation_angle_at_optimal),
    )


def run(engine: ModuleType, lanes: Lanes) -> Run:
    """Signals, flags and doubts of lanes by one engine."""
    e, l = lanes.excitation, lanes.musculotendon_length
    signals = MuscleSignals(*(np.zeros(shape) for shape in (e.shape, *4 * (l.shape,))))
    solved = np.zeros(l.shape, np.int64)
    with np.errstate(all="ignore"):
        engine.forward(lanes.system, lanes.table, e, l, signals, solved)
        bits = sample_flags(lanes.system, lanes.muscles, l, *signals[1:])
        if lanes.system.rigid:
            bits &= ~int(Flag.ILL_POSED)
        flags = solved | bits
        doubts = {reason: flags & flag != 0 for reason, flag in OF_FLAG.items()}
        doubts |= _on_kinks(lanes, signals)
    return Run(lanes, engine, signals, solved, flags, doubts)


def _on_kinks(lanes: Lanes, signals: MuscleSignals) -> dict[str, Mask]:
    unit = muscle.unit(lanes.muscles)
    cosine = muscle.of_length(unit, signals.fiber_length)[1]
    speeds = (signals.fiber_velocity, solver_velocity(lanes, signals))
    on_limit = [np.abs(np.abs(v) * unit.per_speed - 1.0) <= ON for v in speeds]
    on_end = np.zeros(cosine.shape, bool)
    for curve, at in zip(lanes.system.curves, asked(lanes, signals), strict=True):
        for knot, jump in zip(curve.knots[[0, -1]], end_jumps(curve), strict=True):
            if jump != 0.0:
                on_end |= np.abs(at - knot) <= ON * np.ptp(curve.knots)
    return {
        UPRIGHT: cosine <= NEARLY_UPRIGHT,
        ON_VELOCITY_LIMIT: np.logical_or(*on_limit),
        ON_SPLINE_END: on_end,
    }


def asked(lanes: Lanes, signals: MuscleSignals) -> Curves:
    """Where the force asks each curve, `(T, L)` each."""
    unit = muscle.unit(lanes.muscles)
    x, cosine = muscle.of_length(unit, signals.fiber_length)
    v = muscle.norm_velocity(unit, signals.fiber_velocity)
    found: Curves = muscle.arguments(
        unit, x, cosine, signals.activation, v, lanes.musculotendon_length
    )
    return found


def solver_velocity(lanes: Lanes, signals: MuscleSignals) -> Array:
    """Velocity `(T, L)` of the fibers inside the equilibrium [m/s], trial by trial."""
    timeline, length = lanes.system.timeline, signals.fiber_length
    parts = [
        stencil(timeline.solver_weights[a:b], length[a:b]) for a, b in pairwise(timeline.frames)
    ]
    return np.concatenate(parts)


def near_knot(curve: Curve, at: Array, share: float) -> Mask:
    """Whether arguments are within a share of their piece's width of one of its knots."""
    i = np.clip(np.searchsorted(curve.knots, at), 1, len(curve.knots) - 1)
    low, high = curve.knots[i - 1], curve.knots[i]
    return np.asarray(np.minimum(np.abs(at - low), np.abs(at - high)) <= share * (high - low))


def end_jumps(curve: Curve) -> tuple[float, float]:
    """By how much the slope jumps at the first and at the last knot."""
    first, last = (float(x) for x in curve.knots[[0, -1]])
    width = float(np.ptp(curve.knots))
    inner = [float(value_slope(curve, x)) for x in (first, last)]
    outer = [float(value_slope(curve, x)) for x in (first - width, last + width)]
    return inner[0] - outer[0], outer[1] - inner[1]
