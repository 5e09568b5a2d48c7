"""What the tests of the physics draw and share: muscles, recordings, and runs of an engine.

Hypothesis draws a seed; everything else follows from it. What a run has to fulfil is in `oracles`.
"""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import NamedTuple, TypeAlias

import numpy as np
from hypothesis import strategies as st

from refnms.physics import muscle
from refnms.physics.activation import NEARLY_STRAIGHT
from refnms.physics.curves import ceinms_default, sampled_curve
from refnms.physics.profiles import NATIVE, Profile, ceinms_0_9
from refnms.physics.solve import plain_curves
from refnms.physics.stencils import timeline
from refnms.physics.types import (
    Array,
    Curves,
    Integers,
    Muscles,
    MuscleSignals,
    System,
    Unit,
)

CURVES = ceinms_default()
# Many short pieces; the tendon pulls the more the longer it is, so an equilibrium has one root.
SMOOTH = Curves(
    sampled_curve(lambda x: np.exp(-(((x - 1.0) / 0.45) ** 2)), 0.0, 2.5),
    sampled_curve(lambda x: 8.0 * np.maximum(x - 1.0, 0.0) ** 3, 0.0, 2.5),
    sampled_curve(lambda v: 0.9 * (np.tanh(2.0 * v) / np.tanh(2.0) + 1.0), -1.0, 1.0),
    sampled_curve(lambda s: 500.0 * (s + np.sqrt(s * s + 1e-6)) ** 2, -0.1, 0.1),
)
STEP = 1e-30  # of complex steps

Run: TypeAlias = tuple[MuscleSignals, Integers]

FIELDS = np.arange(len(Muscles._fields))
DELAY = Muscles._fields.index("electromechanical_delay")

seeds = st.integers(0, 2**32 - 1)
PROFILES = {
    "native": NATIVE,
    "online": ceinms_0_9(online=True, tolerance=0.0),
    "offline": ceinms_0_9(tolerance=0.0),
}
# As CEINMS 0.21 differentiates inside the equilibrium: no version has other points in the force.
FIVE_POINTS = replace(PROFILES["online"], name="five points", solver_points=5)
EVERY_PROFILE = {**PROFILES, "five points": FIVE_POINTS}
KINDS = {  # of cases to draw
    "plain": {},
    "corners": {"corners": True},
    "rigid": {"rigid": True},
    "piecewise": {"piecewise": True},
    "smooth": {"curves": SMOOTH},
}


def draw_muscles(rng: np.random.Generator, count: int) -> Muscles:
    """Muscles within physiological bounds; the first not pennate, the third nearly straight."""
    muscles = Muscles(
        c1=rng.uniform(-0.95, -0.05, count),
        c2=rng.uniform(-0.95, -0.05, count),
        shape_factor=rng.uniform(-2.999, -0.001, count),
        optimal_fiber_length=rng.uniform(0.02, 0.15, count),
        pennation_angle_at_optimal=rng.uniform(0.0, 0.5, count),
        tendon_slack_length=rng.uniform(0.02, 0.4, count),
        max_isometric_force=rng.uniform(100.0, 3000.0, count),
        max_contraction_velocity=rng.uniform(5.0, 15.0, count),
        strength_coefficient=rng.uniform(0.5, 2.0, count),
        electromechanical_delay=rng.uniform(0.0, 0.1, count),
        fiber_damping=rng.uniform(0.01, 0.2, count),
        percentage_change=rng.uniform(0.0, 0.2, count),
    )
    muscles.pennation_angle_at_optimal[0] = 0.0
    muscles.shape_factor[2:3] *= NEARLY_STRAIGHT / 3.0
    return muscles


@st.composite
def one_muscle(draw: st.DrawFn) -> Muscles:
    """One muscle, its parameters complex numbers' real parts."""
    rng = np.random.default_rng(draw(seeds))
    muscles = draw_muscles(rng, 2)
    return Muscles(*(p[draw(st.sampled_from([0, 1, 1]))] for p in muscles))


def units() -> st.SearchStrategy[Unit]:
    """The same, as the formulas want it."""
    return one_muscle().map(muscle.unit)


class Case(NamedTuple):
    """All that a run of the chain takes."""

    system: System
    table: Array
    excitation: Array
    musculotendon_length: Array

    @property
    def muscles(self) -> Muscles:
        return Muscles(*self.table)

    def of(self, lanes: list[int] | Integers) -> Case:
        """Some of the muscles, in this order."""
        arrays = (np.ascontiguousarray(x[:, lanes]) for x in self[1:])
        return Case(self.system, *arrays)


def times(rng: np.random.Generator, count: int) -> Array:
    """Time stamps about 10 ms apart, not uniform."""
    return np.cumsum(rng.uniform(0.008, 0.012, count))


def draw_case(
    seed: int,
    profile: Profile,
    muscles: int = 3,
    rigid: bool = False,
    piecewise: bool = False,
    corners: bool = False,
    curves: Curves = CURVES,
) -> Case:
    """Three trials, one of a single frame, whose lengths here and there slacken the tendons.

    With `corners` some are too long for CEINMS's bracket, too short for their tendon, or passive.
    """
    rng = np.random.default_rng(seed)
    clocks = [times(rng, int(n)) for n in (rng.integers(15, 25), 1, rng.integers(1, 8))]
    p = draw_muscles(rng, muscles)
    system = System(
        curves=curves,
        timeline=timeline(clocks, rng.integers(0, 4, 3), profile),
        start=profile.start,
        root=profile.root,
        node_tolerance=profile.node_tolerance,
        rigid=rigid,
        plain=plain_curves(curves, profile.root),
        piecewise=piecewise,
    )
    p.tendon_slack_length[rng.random(muscles) < 0.05] = 0.0
    if piecewise:
        p.shape_factor[:] = rng.uniform(0.01, 0.12, muscles)
    reach = np.where(rng.random(muscles) < 0.3, 0.6, 0.3)  # a long reach slackens the tendon
    phase, rate = rng.uniform(0.0, 6.0, muscles), rng.uniform(3.0, 12.0, muscles)
    fiber = 0.95 + reach * np.sin(rate * np.concatenate(clocks)[:, None] + phase)
    rows = int(system.timeline.rows[-1])
    wave = np.sin(np.arange(rows)[:, None] * rng.uniform(0.05, 0.3, muscles) + phase)
    drive = np.full(muscles, 0.4)
    if corners:
        corner = rng.integers(0, 4, muscles)
        fiber += np.array([0.0, 1.3, -0.9, -0.2])[corner]
        drive[corner == 3] = 0.0
    noise = rng.normal(0.0, 0.1, wave.shape)
    return Case(
        system,
        table=np.array(p),
        excitation=np.clip(drive * (1.0 + wave + noise), 0.0, 1.0),
        musculotendon_length=1.02 * p.tendon_slack_length + p.optimal_fiber_length * fiber,
    )


def run(of: ModuleType, case: Case) -> Run:
    """Signals and flags by one engine; complex if anything of the case is."""
    kind = np.result_type(*case[1:])
    rows, frames = case.excitation.shape, case.musculotendon_length.shape
    signals = MuscleSignals(*(np.full(shape, np.nan, kind) for shape in (rows, *4 * (frames,))))
    flags = np.full(frames, -1)
    of.forward(*case, signals, flags)
    return signals, flags


def draw_bars(
    rng: np.random.Generator, signals: MuscleSignals, names: tuple[str, ...] = ()
) -> MuscleSignals:
    """Cotangents of all signals, or of some and None for the others."""
    return MuscleSignals(
        *(
            rng.normal(size=x.shape) if name in (names or signals._fields) else None
            for name, x in signals._asdict().items()
        )
    )


def slopes_of(
    of: ModuleType,
    case: Case,
    signals: MuscleSignals,
    flags: Integers,
    fields: Integers = FIELDS,
    by_delay: Array | None = None,
    wanted: tuple[bool, bool] = (True, True),
) -> MuscleSignals:
    """Tangents `(T, F, M)` by one engine, every frame of which has come exactly once."""
    shape = (len(flags), len(fields), flags.shape[1])
    found = MuscleSignals(None, *(np.full(shape, np.nan) for _ in range(4)))
    timeline = case.system.timeline

    def consume(trial: int, frames: slice, slopes: MuscleSignals) -> None:
        assert timeline.frames[trial] <= frames.start < frames.stop <= timeline.frames[trial + 1]
        for whole, part in zip(found[1:], slopes[1:], strict=True):
            assert np.isnan(whole[frames]).all()
            if part is not None:
                whole[frames] = part

    system, table, e, lmt = case
    of.tangents(system, table, e, by_delay, lmt, signals, flags, fields, consume, wanted)
    return found
