"""Trials + model + free parameters + a method -> a calibrated model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from refnms.incremental import Incremental
from refnms.model import Model, Trial
from refnms.objective import Objective
from refnms.optimize import (
    AdamW,
    Budget,
    CoranaAnnealing,
    History,
    LevenbergMarquardt,
    Method,
    Result,
    Status,
    minimize,
)
from refnms.parameters import Packing
from refnms.physics.profiles import NATIVE, Profile
from refnms.physics.types import Array
from refnms.terms import TERMS, Term

Callback: TypeAlias = Callable[[int, float, Array], None]


@dataclass(frozen=True, eq=False)
class Calibration:
    """A calibrated model and how it was found."""

    model: Model
    result: Result  # x, objective, status, evaluations, seconds, history
    initial: float  # objective of the model as it was
    packing: Packing
    objective: Objective  # the function of x that was minimised

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
    method: Method | None = None,
    profile: Profile = NATIVE,
    terms: Sequence[Term] = TERMS,
    dofs: Sequence[str] | None = None,
    callback: Callback | None = None,
    budget: Budget | None = None,
    start: Array | None = None,
    past: History | None = None,
) -> Calibration:
    """Fit the free parameters so that predicted moments follow the measured ones of the trials.

    Each trial has moments `(T, D)` in N.m; `dofs` chooses the degrees of freedom that count, all by
    default. The method is Levenberg and Marquardt's unless told otherwise; derivatives are exact:
    those of the chain in the discretisation of `profile`, its roots solved to rounding. CEINMS's
    annealing goes by values alone and takes the profile as it is. A method begins at `start`
    `(P,)`, by default at the values of the model with c1 and c2 set apart (`Packing.apart`); AdamW
    as published, and CEINMS's annealing, at those values as they are.

    `callback(evaluations, objective, x)` is called after each evaluation. A KeyboardInterrupt, or a
    `budget` that is used up, ends the run with the best point so far; with the history of that run
    as `past` and all else the same, it is continued.

    Raises InputError for trials or parameters that cannot be calibrated; ResumeError for a past
    that is not of this run.
    """
    if free.model is not model:
        raise ValueError("free was packed for another model")
    method = method or LevenbergMarquardt()
    as_ceinms = isinstance(method, CoranaAnnealing)
    profile = profile if as_ceinms else profile.for_gradients()
    objective = Objective(free, trials, profile, terms, dofs)
    initial = objective.value(free.start)
    if start is None:
        as_they_are = as_ceinms or isinstance(method, AdamW)
        start = free.start if as_they_are else free.apart()
    box = start, free.lower, free.upper
    asked = Incremental(objective) if as_ceinms else objective
    first = minimize(method, asked, *box, Budget(evaluations=2))  # compiles, off the clock
    if first.status is Status.INTERRUPTED:
        raise KeyboardInterrupt
    result = minimize(method, asked, *box, budget, callback, past)
    return Calibration(free.unpack(result.x), result, initial, free, objective)
