"""Trials + model + free parameters + a method -> a calibrated model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from refnms.model import Model, Trial
from refnms.objective import TERMS, Objective, Term
from refnms.optimize import AdamW, Result, minimize
from refnms.parameters import Packing
from refnms.physics.profiles import NATIVE, Profile
from refnms.physics.types import Array

Callback: TypeAlias = Callable[[int, float, Array], None]


@dataclass(frozen=True, eq=False)
class Calibration:
    """A calibrated model and how it was found."""

    model: Model
    result: Result  # x, objective, status, evaluations, seconds, history
    initial: float  # objective at the start
    packing: Packing

    @property
    def final(self) -> float:
        """Objective of `model`."""
        return self.result.objective

    @property
    def at_bounds(self) -> list[str]:
        """The parameters that ended on a bound."""
        return self.packing.at_bounds(self.result.x)


def calibrate(
    model: Model,
    trials: Sequence[Trial],
    free: Packing,
    method: AdamW | None = None,
    profile: Profile = NATIVE,
    terms: Sequence[Term] = TERMS,
    dofs: Sequence[str] | None = None,
    callback: Callback | None = None,
) -> Calibration:
    """Fit the free parameters so that predicted moments follow the measured ones of the trials.

    Each trial has moments `(T, D)` in N.m; `dofs` chooses the degrees of freedom that count, all by
    default. The gradient is exact: the adjoint of the chain in the discretisation of `profile`,
    its roots solved to rounding. `callback(evaluations, objective, x)` is called after each
    evaluation. A KeyboardInterrupt ends the run with the best point so far.

    Raises InputError for trials or parameters that cannot be calibrated.
    """
    if free.model is not model:
        raise ValueError("free was packed for another model")
    objective = Objective(free, trials, profile.for_gradients(), terms, dofs)
    initial, _ = objective(free.start)  # compiles what is not compiled yet, before the clock runs
    result = minimize(
        method or AdamW(), objective, free.start, free.lower, free.upper, callback=callback
    )
    return Calibration(free.unpack(result.x), result, initial, free)
