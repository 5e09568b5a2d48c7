"""Every derivative by a parameter of a muscle, over whole trials.

Forward (tangents) and reverse (adjoint) derivatives of the engine stand against the complex step,
each muscle, frame and parameter on its own; against each other by the inner product; and the forces
against differences of many steps. The delay acts through the excitation, so its column is that of
the excitation's slope by the delay; `inputs` holds that slope itself to account.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from refnms.physics.types import Array, MuscleSignals
from refnms.verify.lanes import DELAY, FIELDS, Run
from refnms.verify.oracle import stepped
from refnms.verify.records import (
    EVERYWHERE,
    INNER_PRODUCT,
    VANISHING,
    Check,
    Worst,
    relative,
)

NAMES = ("activation", "fiber_length", "fiber_velocity", "tendon_force")  # tangents come of these


@dataclass(frozen=True, eq=False)
class Derivatives:
    """By every field: complex steps, and the engine's tangents `(T, 12, L)`."""

    run: Run
    by_delay: Array  # (K, L) slope of the excitation by the delay
    exact: MuscleSignals
    tangents: MuscleSignals
    by: tuple[str, ...] = FIELDS  # what the columns stand for

    def floor(self, signal: str, field: int) -> Array:
        """A derivative `(L,)` so small that it counts as none.

        A velocity is a difference of lengths over a step, and the force follows it: what cancels
        there counts into their size.
        """
        lanes = self.run.lanes
        p, steps = lanes.muscles, lanes.system.timeline.spline.steps
        per_second = np.maximum(1.0 / np.min(steps[steps > 0.0]), p.max_contraction_velocity)
        size = {
            "activation": np.ones_like(p.c1),
            "fiber_length": p.optimal_fiber_length,
            "fiber_velocity": p.optimal_fiber_length * per_second,
            "tendon_force": p.max_isometric_force
            * p.strength_coefficient
            * per_second
            / p.max_contraction_velocity,
        }[signal]
        return np.asarray(VANISHING * size / np.maximum(np.abs(p[field]), 0.01))


def derivatives(run: Run, by_delay: Array | None, rng: np.random.Generator) -> Derivatives:
    """All derivatives of a run by the fields of `Muscles`.

    Where the excitation has no slope by the delay, any change of it stands in its column.
    """
    by: tuple[str, ...] = FIELDS
    if by_delay is None:
        by = tuple("excitation" if name == FIELDS[DELAY] else name for name in FIELDS)
        by_delay = rng.uniform(-1.0, 1.0, run.lanes.excitation.shape)
    lanes = run.lanes
    columns = []
    for field in range(len(FIELDS)):
        if field == DELAY:
            columns.append(stepped(run, excitation=by_delay))
        else:
            unit = np.zeros_like(lanes.table)
            unit[field] = 1.0
            columns.append(stepped(run, table=unit))
    exact = MuscleSignals(*(np.stack(parts, axis=1) for parts in zip(*columns, strict=True)))
    return Derivatives(run, by_delay, exact, tangents(run, by_delay), by)


def tangents(run: Run, by_delay: Array) -> MuscleSignals:
    """The engine's own `(T, 12, L)`, with `by_delay (K, L)` in place of the excitation's slope."""
    lanes = run.lanes
    shape = (len(run.flags), len(FIELDS), run.flags.shape[1])
    found = MuscleSignals(None, *(np.full(shape, np.nan) for _ in range(4)))

    def consume(trial: int, frames: slice, slopes: MuscleSignals) -> None:
        for whole, part in zip(found[1:], slopes[1:], strict=True):
            whole[frames] = part

    run.engine.tangents(
        lanes.system,
        lanes.table,
        lanes.excitation,
        by_delay,
        lanes.musculotendon_length,
        run.signals,
        run.solved,
        np.arange(len(FIELDS)),
        consume,
    )
    return found


def derivative_checks(d: Derivatives, frames: Sequence[int], where: str) -> Iterator[Check]:
    """Forward, reverse (the forces of some frames one by one), and one against the other."""
    yield from forward_checks(d, where)
    yield adjoint_check(d, frames, where)
    yield inner_product_check(d, where)


def forward_checks(d: Derivatives, where: str) -> Iterator[Check]:
    """Tangents against the complex step: samples with a sure gradient, and then the others."""
    claims = {
        f"forward, {where}": "the forward derivatives by every parameter are those of the complex "
        "step",
        f"forward by rule, {where}": "where slack or a limit makes them doubtful, they are those "
        "of the rule that is stated",
    }
    sure = d.run.determinate
    for (name, claim), counts in zip(claims.items(), (sure, d.run.ruled), strict=True):
        worst = Worst(name, claim, EVERYWHERE)
        for signal in NAMES:
            for field, label in enumerate(d.by):
                found, exact = (getattr(s, signal)[:, field] for s in (d.tangents, d.exact))
                error = relative(found, exact, d.floor(signal, field))
                quantity = f"{signal} by {label}"
                worst.add(error, lambda i, q=quantity: d.run.place(q, *i), counts)
        yield worst.check()


def adjoint_check(d: Derivatives, frames: Sequence[int], where: str) -> Check:
    """Cotangents of parameters: of the force of single frames, and of each signal of all."""
    run, exact = d.run, d.exact
    worst = Worst(
        f"reverse, {where}",
        "the adjoint of every parameter is that of the complex step, frame by frame",
        EVERYWHERE,
    )
    rows = {t: pulled(run, {"tendon_force": one_frame(run, t)})[0] for t in frames}
    for field, label in enumerate(d.by):
        if field == DELAY:
            continue  # it acts on the excitation, whose cotangents `inputs` checks
        wanted = exact.tendon_force[:, field]
        found = wanted.copy()
        for t, table_bar in rows.items():
            found[t] = table_bar[field]
        error = relative(found, wanted, d.floor("tendon_force", field))
        counts = np.zeros(error.shape, bool)
        counts[list(rows)] = run.determinate[list(rows)]
        quantity = f"tendon_force by {label}"
        worst.add(error, lambda i, q=quantity: run.place(q, *i), counts)
    rng = np.random.default_rng(7)
    for signal in NAMES:
        bar = np.where(run.determinate, rng.uniform(-1.0, 1.0, run.flags.shape), 0.0)
        table_bar = pulled(run, {signal: bar})[0]
        for field, label in enumerate(d.by):
            if field == DELAY:
                continue
            terms = bar * getattr(exact, signal)[:, field]
            size = np.sum(np.abs(terms), axis=0)
            size = np.maximum(size, d.floor(signal, field))
            error = np.abs(np.sum(terms, axis=0) - table_bar[field]) / size
            quantity = f"{signal} by {label}"
            worst.add(error, lambda i, q=quantity: run.place(q, None, *i))
    return worst.check()


def one_frame(run: Run, t: int) -> Array:
    bar = np.zeros(run.flags.shape)
    bar[t] = 1.0
    return bar


def pulled(run: Run, bars: dict[str, Array]) -> tuple[Array, Array, Array]:
    """Cotangents of table, excitation and musculotendon length of some signals' cotangents."""
    lanes, none = run.lanes, MuscleSignals(*(None,) * 5)
    found: tuple[Array, Array, Array] = run.engine.adjoint(
        lanes.system,
        lanes.table,
        lanes.excitation,
        lanes.musculotendon_length,
        run.signals,
        run.solved,
        none._replace(**bars),
    )
    return found


def inner_product_check(d: Derivatives, where: str) -> Check:
    """<u, J v> against <J'u, v>: forward and reverse are one matrix and its transpose."""
    run, rng = d.run, np.random.default_rng(8)
    worst = Worst(
        f"inner product, {where}",
        "forward and reverse derivatives are transposes: <u, J v> = <J'u, v>",
        INNER_PRODUCT,
    )
    direction = rng.uniform(-1.0, 1.0, run.lanes.excitation.shape)
    along = tangents(run, direction)
    weights = {name: rng.uniform(-1.0, 1.0, run.flags.shape) for name in NAMES}
    bars = {name: np.where(run.determinate, weight, 0.0) for name, weight in weights.items()}
    table_bar, excitation_bar, _ = pulled(run, bars)
    for field, label in enumerate(d.by):
        pairs = [(bars[name], getattr(along, name)[:, field]) for name in NAMES]
        forward = np.sum([np.sum(u * j, axis=0) for u, j in pairs], axis=0)
        size = np.sum([np.sum(np.abs(u * j), axis=0) for u, j in pairs], axis=0)
        if field == DELAY:
            terms = excitation_bar * direction
            reverse, label = np.sum(terms, axis=0), "excitation"
            size = np.maximum(size, np.sum(np.abs(terms), axis=0))
        else:
            reverse = table_bar[field]
        least = np.sum([d.floor(name, field) for name in NAMES], axis=0)
        error = np.abs(forward - reverse) / np.maximum(size, least)
        worst.add(error, lambda i, q=f"all signals by {label}": run.place(q, None, *i))
    return worst.check()
