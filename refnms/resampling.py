"""What other choices of trials say: a prior's weight, and the spread of the parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from refnms.calibration import Calibration, calibrate
from refnms.errors import InputError
from refnms.model import Model, Trial
from refnms.objective import Objective
from refnms.optimize import Method
from refnms.parameters import Packing
from refnms.physics.profiles import NATIVE, Profile
from refnms.physics.types import Array
from refnms.terms import TERMS, MomentError, Prior, Term

WEIGHTS = (0.0, 0.001, 0.01, 0.03, 0.1, 0.3, 1.0)  # of a prior, where moment errors are 1 - R2


@dataclass(frozen=True, eq=False)
class PriorChoice:
    """How well trials that were left out are predicted for each weight of the prior."""

    weights: Array  # (W,)
    errors: Array  # (W, trials) moment error of each trial when left out

    @property
    def best(self) -> float:
        """The weight of least mean error; of equal ones the largest."""
        mean = self.errors.mean(axis=1)
        return float(self.weights[np.flatnonzero(mean == mean.min())[-1]])


def choose_prior(
    model: Model,
    trials: Sequence[Trial],
    free: Packing,
    method: Method | None = None,
    profile: Profile = NATIVE,
    terms: Sequence[Term] = TERMS,
    dofs: Sequence[str] | None = None,
    weights: Sequence[float] = WEIGHTS,
) -> PriorChoice:
    """Calibrate without each trial in turn, with a prior of each weight, and predict it.

    The error is `MomentError`'s. Raises InputError for fewer than two trials, or trials that cannot
    be calibrated on.
    """
    if len(trials) < 2:
        raise InputError("the weight of the prior is chosen by leaving trials out: it takes two")
    errors = np.zeros((len(weights), len(trials)))
    for i, left_out in enumerate(trials):
        others = [trial for k, trial in enumerate(trials) if k != i]
        judge = Objective(free, [left_out], profile.for_gradients(), (MomentError(),), dofs)
        for w, weight in enumerate(weights):
            weighted = with_prior(terms, weight)
            fit = calibrate(model, others, free, method, profile, weighted, dofs)
            errors[w, i] = judge.value(fit.result.x)
    return PriorChoice(np.array(weights, dtype=float), errors)


def with_prior(terms: Sequence[Term], weight: float) -> tuple[Term, ...]:
    """The terms with a prior of this weight in place of theirs."""
    return (*(term for term in terms if not isinstance(term, Prior)), Prior(weight))


def bootstrap(fit: Calibration, count: int = 20, seed: int = 0) -> Array:
    """Parameters `(count, P)` refitted to trials drawn with replacement, from the calibrated ones.

    Few trials give few different draws: of three, ten. Raises InputError for a single trial.
    """
    objective, packing = fit.objective, fit.packing
    trials = objective.trials
    if len(trials) < 2:
        raise InputError("a bootstrap over trials takes two trials")
    random = np.random.default_rng(seed)
    found: dict[tuple[int, ...], Array] = {}
    draws = []
    for _ in range(count):
        draw = tuple(sorted(random.integers(len(trials), size=len(trials)).tolist()))
        if draw not in found:
            found[draw] = calibrate(
                packing.model,
                [replace(trials[i], name=f"{trials[i].name} {k}") for k, i in enumerate(draw)],
                packing,
                None,
                objective.profile,
                objective.terms,
                objective.dofs,
                start=fit.result.x,
            ).result.x
        draws.append(found[draw])
    return np.array(draws)
