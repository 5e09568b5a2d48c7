"""The adjoint against central differences, which know of no partial and no implicit function.

The sum of a muscle's forces, with random weights, over the samples with a sure gradient. The step
is chosen for each muscle by the differences' own error, and where they cannot tell (a kink within
every step) they say so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from refnms.autodiff import difference_sweep
from refnms.physics.types import Array, MuscleSignals
from refnms.verify.lanes import DELAY, FIELDS, Lanes, Run
from refnms.verify.parameters import pulled
from refnms.verify.records import DIFFERENCES, VANISHING, Check, Worst, against

EXCITATION = 0.01  # how far a direction moves it
LENGTH = 1e-3  # [optimal fiber lengths]


def parameter_check(run: Run) -> Check:
    """Each parameter of all muscles at once: none knows of another."""
    lanes = run.lanes
    worst = Worst(
        "differences, parameters",
        "the adjoint of every parameter is that of central differences of many steps",
        DIFFERENCES,
    )
    bar = _weights(run)
    table_bar = pulled(run, {"tendon_force": bar})[0]
    for field, label in enumerate(FIELDS):
        if field == DELAY:  # it acts through the excitation
            continue
        size = np.maximum(np.abs(lanes.table[field]), 0.01)

        def moved(share: Array, field: int = field, size: Array = size) -> Lanes:
            table = lanes.table.copy()
            table[field] = table[field] + share * size
            return replace(lanes, table=table)

        _compare(run, f"tendon_force by {label}", moved, bar, table_bar[field] * size, worst)
    return worst.check()


def input_check(run: Run) -> Check:
    """All excitations, then all lengths, along a random direction."""
    lanes, rng = run.lanes, np.random.default_rng(10)
    worst = Worst(
        "differences, inputs",
        "the adjoint along excitation and length is that of central differences",
        DIFFERENCES,
    )
    bar = _weights(run)
    _, excitation_bar, length_bar = pulled(run, {"tendon_force": bar})
    scatter = rng.uniform(-1.0, 1.0, lanes.musculotendon_length.shape)
    smooth = np.cumsum(scatter, axis=0) / np.sqrt(len(scatter))  # velocities stay about the same
    ways = {
        "excitation": (excitation_bar, EXCITATION * rng.uniform(-1.0, 1.0, excitation_bar.shape)),
        "musculotendon_length": (
            length_bar,
            LENGTH * lanes.muscles.optimal_fiber_length * smooth,
        ),
    }
    for name, (cotangent, direction) in ways.items():

        def moved(share: Array, name: str = name, direction: Array = direction) -> Lanes:
            return replace(lanes, **{name: getattr(lanes, name) + share * direction})

        exact = np.sum(cotangent * direction, axis=0)
        _compare(run, f"tendon_force by {name}", moved, bar, exact, worst)
    return worst.check()


def _weights(run: Run) -> Array:
    weights = np.random.default_rng(9).uniform(0.5, 1.0, run.flags.shape)
    return np.where(run.determinate, weights, 0.0)


def _compare(
    run: Run,
    quantity: str,
    moved: Callable[[Array], Lanes],
    bar: Array,
    exact: Array,
    into: Worst,
) -> None:
    """Add what `exact (L,)` is off the differences of the summed forces of moved lanes."""

    def summed(share: Array) -> Array:
        lanes = moved(share)
        e, l = lanes.excitation, lanes.musculotendon_length
        signals = MuscleSignals(*(np.zeros(shape) for shape in (e.shape, *4 * (l.shape,))))
        with np.errstate(all="ignore"):
            run.engine.forward(
                lanes.system, lanes.table, e, l, signals, np.zeros(l.shape, np.int64)
            )
        return np.asarray(np.sum(bar * signals.tendon_force, axis=0))

    width = len(exact)
    estimate = difference_sweep(summed, np.zeros(width), np.ones(width))
    size = VANISHING * np.sum(np.abs(bar * run.signals.tendon_force), axis=0)
    error, sure = against(estimate, exact, np.maximum(np.abs(exact), size))
    into.add(error, lambda i: run.place(quantity, None, *i), sure)
    names = [run.lanes.muscle_names[m] for m in np.flatnonzero(~sure)]
    into.undecided += [f"{quantity} of {name}" for name in names]
