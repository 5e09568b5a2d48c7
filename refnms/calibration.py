"""Trials + model + free parameters + a method -> a calibrated model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from refnms.display import by_name, count, listed, page
from refnms.figures import draw, tracking
from refnms.fit import goodness_frame, moment_frame
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
from refnms.simulation import simulate_all
from refnms.terms import TERMS, Term

if TYPE_CHECKING:
    from refnms.display import DataFrame
    from refnms.figures import Figure
    from refnms.fit import Run

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

    def parameters(self) -> DataFrame:
        """The free parameters as a pandas DataFrame: a row for each.

        Its columns: `field`, `muscles` that share the value, `before` (in the model as it was),
        `after`, the bounds `lower` and `upper`, and `on_bound`: `lower`, `upper` or empty.
        """
        packing, x = self.packing, self.result.x
        places = [packing.place(p) for p in range(len(packing.names))]
        columns = {
            "field": [field for field, _ in places],
            "muscles": [" ".join(muscles) for _, muscles in places],
            "before": [packing.model.value(field, muscles[0]) for field, muscles in places],
            "after": x,
            "lower": packing.lower,
            "upper": packing.upper,
            "on_bound": [side or "" for side in packing.sides(x)],
        }
        return by_name("parameter", packing.names, columns)

    def moments(self, trials: Sequence[Trial] | None = None) -> DataFrame:
        """Measured and predicted moments [N.m] as a pandas DataFrame, in the frames that count.

        Rows are `trial` and `time` [s]; columns are degree of freedom, and below it `measured`
        (NaN where nothing was measured), `before` and `after` the calibration. So
        `fit.moments().loc["walk", "knee"].plot()` shows one moment of one trial. Without `trials`
        those that were calibrated on; give others to see how they are predicted.

        Raises InputError for a trial that does not fit the model.
        """
        return moment_frame(self._runs(trials))

    def goodness(self, trials: Sequence[Trial] | None = None) -> DataFrame:
        """How well the moments are followed, as a pandas DataFrame: `trials` as in `moments`.

        Rows are `trial` and `dof`; columns are `rmse` [N.m], `nrmse` (over the range of the
        measured moment) and `r2`, each `before` and `after` the calibration.
        """
        return goodness_frame(self.model, self._runs(trials))

    def plot_moments(self, trials: Sequence[Trial] | None = None) -> Figure:
        """Draw measured and predicted moments, as the report does: `trials` as in `moments`.

        Returns the Matplotlib figure, which shows itself in a notebook; trials that were not
        calibrated on are marked as held out.

        Raises ImportError when Matplotlib is missing (extra `report`); InputError for a trial
        without measured moments, or one that does not fit the model.
        """
        seen = {trial.name for trial in self.objective.trials}
        rows = [tracking(t, t.name not in seen, *pair) for t, *pair in self._runs(trials)]
        return draw(self.model.dof_names, rows)

    def _runs(self, trials: Sequence[Trial] | None) -> list[Run]:
        """Each trial as it was recorded, and as the model predicts it before and after."""
        chosen = self.objective.trials if trials is None else trials
        profile = self.objective.profile
        pair = (simulate_all(model, chosen, profile) for model in (self.packing.model, self.model))
        return list(zip(chosen, *pair, strict=True))

    def __repr__(self) -> str:
        result = self.result
        trials = [trial.name for trial in self.objective.trials]
        return (
            f"<Calibration on {listed(trials)}: {result.status.value}, objective "
            f"{self.initial:.4g} -> {self.final:.4g} in {count(result.evaluations, 'evaluation')} "
            f"and {result.seconds:.2f} s; {len(self.at_bounds)} of "
            f"{count(len(self.packing.names), 'parameter')} on a bound>"
        )

    def _repr_html_(self) -> str:
        return page(repr(self), self.goodness(), self.parameters())


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
