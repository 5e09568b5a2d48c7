"""What runs of an engine have to fulfil: complex steps, inner products, and another engine."""

from __future__ import annotations

from itertools import pairwise
from types import ModuleType
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from strategies import DELAY, FIELDS, STEP, Case, Run, draw_bars, run, slopes_of

from refnms.physics import muscle, solve
from refnms.physics.reference.bands import stencil
from refnms.physics.reference.trials import trials
from refnms.physics.types import Array, Flag, Muscles, MuscleSignals, Unit

ADJOINT = 1e-9  # a derivative against the complex step, relative to the terms of its sum
ENGINES = 1e-12  # the engines against each other, relative to a signal's peak
SLOPES_AGREE = 1e-10  # their derivatives, relative to the largest of a column
ROUNDING = 1e-15  # of a signal, in its natural units
INNER_PRODUCT = 1e-11  # relative to the terms of the sum
SLACK_BELOW = 0.00131  # strain of the first point at which CEINMS's tendon pulls

Flags: TypeAlias = NDArray[np.bool_]


class Direction(NamedTuple):
    """A way in which the arrays of a case may move."""

    array: str
    values: Array

    def pull(self, bars: tuple[Array, Array, Array]) -> Array:
        """The part of cotangents of table, excitation and length along it, of each muscle."""
        bar = bars[Case._fields.index(self.array) - 1]
        return np.sum(bar * self.values, axis=0)


def directions_of(case: Case, rng: np.random.Generator) -> dict[str, Direction]:
    """Each parameter of all muscles, and each input at random."""
    unit = np.eye(len(FIELDS))[:, :, None] + np.zeros_like(case.table)
    return {
        **{name: Direction("table", unit[k]) for k, name in enumerate(Muscles._fields)},
        "excitation": Direction("excitation", rng.normal(size=case.excitation.shape)),
        "length": Direction(
            "musculotendon_length", rng.normal(size=case.musculotendon_length.shape)
        ),
    }


def stepped(
    of: ModuleType, case: Case, directions: dict[str, Direction]
) -> dict[str, MuscleSignals]:
    """Derivatives of the signals in each direction, by complex steps: a lane for each of them."""
    count = case.table.shape[1]
    wide = case.of(np.tile(np.arange(count), len(directions)))
    moved = {name: getattr(wide, name).astype(complex) for name in Case._fields[1:]}
    lanes = [slice(i * count, (i + 1) * count) for i in range(len(directions))]
    for at, (array, values) in zip(lanes, directions.values(), strict=True):
        moved[array][:, at] += 1j * STEP * values
    signals, _ = run(of, wide._replace(**moved))
    return {
        name: MuscleSignals(*(x[:, at].imag / STEP for x in signals))
        for at, name in zip(lanes, directions, strict=True)
    }


def inner(bars: MuscleSignals, slopes: MuscleSignals) -> tuple[Array, Array]:
    """<bars, slopes> of each muscle, and the sum of the sizes of its terms."""
    pairs = [(b, s) for b, s in zip(bars, slopes, strict=True) if b is not None]
    terms = [np.sum(b * s, axis=0) for b, s in pairs]
    sizes = [np.sum(np.abs(b * s), axis=0) for b, s in pairs]
    return np.sum(terms, axis=0), np.sum(sizes, axis=0)


def natural_units(case: Case) -> MuscleSignals:
    """How large each signal may be `(M,)`, counting what cancels in it.

    A velocity is a difference of lengths over a step; no stencil has weights above 8 steps.
    """
    p, steps = case.muscles, case.system.timeline.spline.steps
    per_second = 8.0 / np.min(steps[steps > 0.0])
    strong = p.max_isometric_force * p.strength_coefficient
    one, lo = np.ones_like(strong), p.optimal_fiber_length
    force = strong * per_second / p.max_contraction_velocity
    return MuscleSignals(one, one, lo, lo * per_second, force)


def rounding_of(case: Case, direction: Direction) -> MuscleSignals:
    """What rounding may leave of the slope of each signal `(M,)` where it vanishes."""
    own = {"table": np.maximum(np.abs(case.table), 0.01), "excitation": 1.0}
    own["musculotendon_length"] = case.muscles.optimal_fiber_length
    moved = np.max(np.abs(direction.values) / own[direction.array], axis=0)
    return MuscleSignals(*(ROUNDING * unit * moved for unit in natural_units(case)))


def vanishing(case: Case, direction: Direction, bars: MuscleSignals) -> Array:
    """The same of cotangents along a direction."""
    pairs = zip(rounding_of(case, direction), bars, strict=True)
    return np.sum([unit * np.sum(np.abs(b), axis=0) for unit, b in pairs if b is not None], axis=0)


def check_adjoint(of: ModuleType, oracle: ModuleType, case: Case, rng: np.random.Generator) -> None:
    """Every cotangent against complex steps of `oracle`, muscle by muscle.

    Each signal is pulled back alone, so that none hides behind a larger one.
    """
    signals, flags = run(of, case)
    directions = directions_of(case, rng)
    slopes = stepped(oracle, case, directions)
    for signal in signals._fields:
        bars = draw_bars(rng, signals, (signal,))
        found = of.adjoint(*case, signals, flags, bars)
        for name, direction in directions.items():
            pulled = direction.pull(found)
            wanted, size = inner(bars, slopes[name])
            size = size + np.abs(pulled)
            bound = ADJOINT * size + vanishing(case, direction, bars)
            assert (np.abs(pulled - wanted) <= bound).all(), f"{signal} by {name}"


def check_tangents(
    of: ModuleType, oracle: ModuleType, case: Case, rng: np.random.Generator
) -> None:
    """Every tangent against complex steps of `oracle`, column by column."""
    signals, flags = run(of, case)
    directions = directions_of(case, rng)
    by_delay = directions["excitation"].values
    found = slopes_of(of, case, signals, flags, by_delay=by_delay)
    slopes = stepped(oracle, case, directions)
    for k, name in enumerate(Muscles._fields):
        moved_by = "excitation" if k == DELAY else name
        rounding = rounding_of(case, directions[moved_by])
        for signal in signals._fields[1:]:
            wanted = getattr(slopes[moved_by], signal)
            error = np.abs(getattr(found, signal)[:, k] - wanted)
            bound = ADJOINT * np.max(np.abs(wanted), axis=0) + getattr(rounding, signal)
            assert (error <= bound).all(), f"{signal} by {name}"


def peak_error(x: Array, y: Array) -> float:
    """Largest difference of two signals, each column relative to its peak."""
    peak = np.max(np.abs(y), axis=0)
    return float(np.max(np.abs(x - y) / np.where(peak > 0.0, peak, 1.0)))


def check_inner_product(of: ModuleType, case: Case, rng: np.random.Generator) -> None:
    """<bars, tangents> is the cotangent of every parameter, the delay's by way of excitation."""
    signals, flags = run(of, case)
    bars, by_delay = draw_bars(rng, signals, signals._fields[1:]), rng.normal(size=signals[0].shape)
    slopes = slopes_of(of, case, signals, flags, by_delay=by_delay)
    table_bar, excitation_bar, _ = of.adjoint(*case, signals, flags, bars)
    assert not table_bar[DELAY].any()
    for k, name in enumerate(Muscles._fields):
        wanted = np.sum(excitation_bar * by_delay, axis=0) if k == DELAY else table_bar[k]
        found, size = inner(bars, MuscleSignals(None, *(s[:, k] for s in slopes[1:])))
        assert (np.abs(found - wanted) <= INNER_PRODUCT * (size + np.abs(wanted))).all(), name


def check_derivatives_agree(
    ours: ModuleType, theirs: ModuleType, case: Case, rng: np.random.Generator
) -> None:
    """Two engines differentiate one run alike.

    Tangents and cotangents of inputs are compared relative to the largest of a column, those of
    parameters relative to the terms of their sum.
    """
    signals, flags = run(theirs, case)
    directions = directions_of(case, rng)
    by_delay = directions["excitation"].values
    found, slopes = (
        slopes_of(of, case, signals, flags, by_delay=by_delay) for of in (ours, theirs)
    )
    for name, x, y in zip(signals._fields[1:], found[1:], slopes[1:], strict=True):
        assert (np.abs(x - y) <= SLOPES_AGREE * np.max(np.abs(y), axis=0)).all(), name
    for names in (signals._fields, *((name,) for name in signals._fields)):
        bars = draw_bars(rng, signals, names)
        (p, *x), (q, *y) = (of.adjoint(*case, signals, flags, bars) for of in (ours, theirs))
        for mine, wanted in zip(x, y, strict=True):
            scale = np.max(np.abs(wanted), axis=0)
            assert (np.abs(mine - wanted) <= SLOPES_AGREE * scale).all(), names
        for k, name in enumerate(Muscles._fields):
            through = MuscleSignals(None, *(s[:, k] for s in slopes[1:]))
            size = inner(bars._replace(neural_activation=None), through)[1] + np.abs(q[k])
            bound = SLOPES_AGREE * size + vanishing(case, directions[name], bars)
            assert (np.abs(p[k] - q[k]) <= bound).all(), (names, name)


def parted(case: Case, ours: Run, theirs: Run) -> Flags:
    """Where `(T, M)` two runs went on from different roots.

    CEINMS's points let a tendon push a little where it is slack, so that an equilibrium may have
    two or three roots there, and each engine has its own way to one of them.
    """
    timeline, lengths = case.system.timeline, [ours[0].fiber_length, theirs[0].fiber_length]
    apart = np.abs(lengths[0] - lengths[1]) > ENGINES * np.max(np.abs(lengths[1]), axis=0)
    for first, stop in pairwise(timeline.frames):
        for m in np.flatnonzero(apart[first:stop].any(axis=0)):
            t = first + int(np.argmax(apart[first:stop, m]))
            assert all(rests(case, run, int(first), t, int(m)) for run in (ours, theirs)), (t, m)
            apart[t:stop, m] = True
    return apart


def rests(case: Case, run: Run, first: int, t: int, m: int) -> bool:
    """Whether a slack tendon's fiber has a root where the residual falls, or would leave the floor.

    Beyond the floor it would be shorter.
    """
    (_, a, length, *_), flags = run
    weights, lmt = case.system.timeline.solver_weights, case.musculotendon_length
    unit = Unit(*(p[m] for p in muscle.unit(case.muscles)))
    past = solve.past_velocity(weights, length, t, m, t - first)
    sample = solve.Sample(unit, a[t, m], lmt[t, m], weights[t, 0], past)
    x, cosine = muscle.of_length(unit, length[t, m])
    g, slope = solve.partials_at(case.system.curves, sample, x * cosine)
    if muscle.strain(unit, x * cosine, lmt[t, m]) > SLACK_BELOW:
        return False
    if flags[t, m] & Flag.FLOOR:
        return bool(g.residual < 0.0)
    return bool(abs(g.residual) <= solve.RESIDUAL and slope < 0.0)


def check_equilibria(case: Case, run: Run) -> None:
    """Every length under an elastic tendon that carries no flag solves its equilibrium."""
    (_, a, length, *_), flags = run
    unit = muscle.unit(case.muscles)
    x, cosine = muscle.of_length(unit, length)
    for trial in trials(case.system):
        at = trial.frames
        v = muscle.norm_velocity(unit, stencil(trial.solver_weights, length[at]))
        rest = a[at], v, case.musculotendon_length[at]
        g = muscle.equilibrium(case.system.curves, unit, x[at], cosine[at], *rest)
        bound = solve.RESIDUAL + 100.0 * ROUNDING / np.maximum(cosine[at], np.sqrt(ROUNDING))
        unflagged = (flags[at] & ~int(Flag.HELPED) == 0) & (unit.per_tendon > 0.0)
        assert ((np.abs(g) <= bound) | ~unflagged).all()


def force_rounding(case: Case, signals: MuscleSignals) -> Array:
    """How large a force may be `(T, M)`, counting what a nearly upright fiber's cosine has lost."""
    p, unit = case.muscles, muscle.unit(case.muscles)
    cosine = muscle.of_length(unit, signals.fiber_length)[1]
    strong = p.max_isometric_force * p.strength_coefficient
    return natural_units(case).tendon_force + strong / np.maximum(cosine, np.sqrt(ROUNDING))


def check_forward(case: Case, ours: Run, theirs: Run) -> Flags:
    """Two runs agree but where they are `parted`; which is returned."""
    apart = parted(case, ours, theirs)
    after = apart.copy()
    if case.system.timeline.force_weights.shape[1] == 0:  # the spline sees the whole trial
        for first, stop in pairwise(case.system.timeline.frames):
            after[first:stop] |= apart[first:stop].any(axis=0)
    rounding = natural_units(case)._replace(tendon_force=force_rounding(case, theirs[0]))
    skipped = MuscleSignals(False, False, apart, after, after)
    for name, x, y, unit, skip in zip(
        MuscleSignals._fields, ours[0], theirs[0], rounding, skipped, strict=True
    ):
        bound = ENGINES * np.max(np.abs(y), axis=0) + ROUNDING * unit
        assert ((np.abs(x - y) <= bound) | skip).all(), name
    assert (((ours[1] ^ theirs[1]) & ~int(Flag.HELPED) == 0) | apart).all()
    return apart
