"""The chain on the tape, from parameters and recordings to moments."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from refnms.autodiff import vjp
from refnms.physics.types import Array
from refnms.simulation import Joined, chain
from refnms.verify.lanes import DELAY, FIELDS, Run
from refnms.verify.oracle import STEP, stepped
from refnms.verify.parameters import Derivatives
from refnms.verify.records import EVERYWHERE, Check, Worst, relative


def tape_check(d: Derivatives, joined: Joined) -> Check:
    """The chain on the tape, from parameters and inputs to moments, against complex steps."""
    # One pass of the engine: CEINMS's preparing pass and held forces are checked with the goal.
    joined = replace(joined, held=None, least_force=-np.inf)
    run, rng = d.run, np.random.default_rng(12)
    lanes, arm = run.lanes, joined.moment_arm
    worst = Worst(
        "tape",
        "the gradient of the moments on the tape, by every parameter, excitation, length and "
        "moment arm, is that of the complex step",
        EVERYWHERE,
    )
    flags = np.zeros_like(run.solved)

    def by_table(table: Any, length: Any, arms: Any) -> Any:
        return chain(joined, table, flags, None, length, arms).moment

    def by_excitation(e: Any) -> Any:
        return chain(joined, lanes.table, flags, e).moment

    moment, pullback = vjp(by_table, lanes.table, lanes.musculotendon_length, arm)
    bar = rng.uniform(-1.0, 1.0, moment.shape)
    force_bar = np.einsum("td,tmd->tm", bar, arm)
    table_bar, length_bar, arm_bar = pullback(bar)
    (excitation_bar,) = vjp(by_excitation, lanes.excitation)[1](bar)
    for field, label in enumerate(FIELDS):
        if field == DELAY and joined.rows is not None:
            continue
        terms = force_bar * d.exact.tendon_force[:, field]
        size = np.maximum(np.sum(np.abs(terms), axis=0), d.floor("tendon_force", field))
        error = np.abs(np.sum(terms, axis=0) - table_bar[field]) / size
        worst.add(error, lambda i, q=f"moment by {label}": run.place(q, None, *i))
    for name, found in (("excitation", excitation_bar), ("musculotendon_length", length_bar)):
        direction = rng.uniform(-1.0, 1.0, found.shape)
        key = "excitation" if name == "excitation" else "length"
        terms = force_bar * stepped(run, **{key: direction}).tendon_force
        pulled_terms = found * direction
        size = np.maximum(np.sum(np.abs(terms), axis=0), np.sum(np.abs(pulled_terms), axis=0))
        error = np.abs(np.sum(terms, axis=0) - np.sum(pulled_terms, axis=0))
        worst.add(
            error / np.where(size > 0.0, size, 1.0),
            lambda i, q=f"moment by {name}": run.place(q, None, *i),
        )
    exact = _by_arm(joined, run, bar)
    error = relative(arm_bar, exact, 0.0)
    worst.add(error, lambda i: run.place("moment by moment_arm", i[0], i[1]))
    return worst.check()


def _by_arm(joined: Joined, run: Run, bar: Array) -> Array:
    """Every derivative `(T, M, D)` of <bar, moment> by a moment arm, a muscle and DOF at a time."""
    arm: Any = joined.moment_arm
    found = np.zeros_like(arm)
    for m in range(arm.shape[1]):
        for d in range(arm.shape[2]):
            moved = arm.astype(complex)
            moved[:, m, d] += 1j * STEP
            moment = np.einsum("tm,tmd->td", run.signals.tendon_force, moved)
            found[:, m, d] = np.einsum("td,td->t", bar, moment.imag) / STEP
    return np.asarray(found)
