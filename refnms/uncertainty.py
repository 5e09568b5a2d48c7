"""How far a calibration can be trusted: deviations, correlations, trade-offs, prediction bands.

Least squares puts parameters that the data do not determine on a bound, where no interval can be
centred. So the bounds count as knowledge: each free parameter has a prior as wide as the room
between its bounds (variance room^2 / 12, that of an even draw), around the start. With residuals r,
derivatives J, and the long-run variance s of the errors, the most plausible point minimises

    sum of r^2 + s sum of (x - start)^2 / (room^2 / 12),

a few steps from the calibrated one, and the covariance there is, with L = s 12 / room^2 on a
diagonal, H = J'J + L (and the open one-sided terms), and G the covariance of the errors in time
(`noise`),

    C = H^-1 (J' G J + s L) H^-1.

It holds to first order, and for errors of the moments: errors of EMG, geometry and the model itself
are seen as far as they look like errors of the moments.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from refnms.calibration import Calibration, calibrate
from refnms.display import by_name, count, page
from refnms.model import Trial
from refnms.noise import Errors
from refnms.objective import Objective
from refnms.optimize import LevenbergMarquardt
from refnms.parameters import Packing
from refnms.physics.profiles import Profile
from refnms.physics.types import Array
from refnms.sensitivity import moment_jacobian
from refnms.terms import Kind, Prior, Term

if TYPE_CHECKING:
    from refnms.display import DataFrame

WIDE = 100.0  # the prior counts so much less where trade-offs are looked for
TRADED = 0.95  # correlation that is told
LOOSE = 0.05  # deviation in shares of the room, below which no trade-off matters
UNDETERMINED = 0.8  # of the deviation that the bounds alone leave


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """What data and bounds say about P free parameters, to first order."""

    packing: Packing
    profile: Profile
    center: Array  # (P,) the most plausible values
    covariance: Array  # (P, P)
    correlation: Array  # (P, P) with hardly any prior: what the data trade off
    noise: Array  # (D,) deviation of a measured moment from the predicted one [N.m]

    @property
    def deviation(self) -> Array:
        """Standard deviation `(P,)`."""
        return np.sqrt(np.diag(self.covariance))

    def interval(self, sigmas: float = 1.96) -> tuple[Array, Array]:
        """Ends `(P,)` of the interval, by default the one of 95 %, cut at the bounds."""
        half, packing = sigmas * self.deviation, self.packing
        low, high = self.center - half, self.center + half
        return np.maximum(low, packing.lower), np.minimum(high, packing.upper)

    def band(self, trial: Trial) -> tuple[Array, Array]:
        """Moments `(T, D)` of a trial at `center`, and their standard deviation [N.m].

        The deviation is that of the model's moment; a measured one deviates by `noise` as well.
        Raises InputError for a trial that cannot be run.
        """
        moment, jacobian = moment_jacobian(self.packing, self.center, trial, self.profile)
        variance = np.einsum("tdp,pq,tdq->td", jacobian, self.covariance, jacobian, optimize=True)
        return moment, np.sqrt(np.maximum(variance, 0.0))

    def to_frame(self) -> DataFrame:
        """The parameters as a pandas DataFrame: `center`, `deviation`, and the ends `low` and
        `high` of the interval of 95 %; `undetermined` where the data say next to nothing.
        """
        low, high = self.interval()
        loose = set(self.undetermined())
        columns = {
            "center": self.center,
            "deviation": self.deviation,
            "low": low,
            "high": high,
            "undetermined": [name in loose for name in self.packing.names],
        }
        return by_name("parameter", self.packing.names, columns)

    def __repr__(self) -> str:
        parameters = count(len(self.packing.names), "parameter")
        pairs = count(len(self.trade_offs()), "pair")
        return (
            f"<Uncertainty of {parameters}: {len(self.undetermined())} undetermined, "
            f"{pairs} that trade off>"
        )

    def _repr_html_(self) -> str:
        return page(repr(self), self.to_frame())

    def undetermined(self) -> list[str]:
        """Names of the parameters about which the data say next to nothing."""
        alone = (self.packing.upper - self.packing.lower) / np.sqrt(12.0)
        hits = self.deviation > UNDETERMINED * alone
        return [name for name, hit in zip(self.packing.names, hits, strict=True) if hit]

    def trade_offs(self) -> list[str]:
        """Pairs of parameters that the data hardly tell apart, in words, the closest first."""
        return [words for _, words in sorted(self._pairs(), reverse=True)]

    def _pairs(self) -> Iterator[tuple[float, str]]:
        names = self.packing.names
        loose = self.deviation > LOOSE * (self.packing.upper - self.packing.lower)
        close = np.triu(np.abs(self.correlation) >= TRADED, k=1) & np.outer(loose, loose)
        for i, j in np.argwhere(close):
            rho = float(self.correlation[i, j])
            yield abs(rho), f"{_both(names[i], names[j])} trade off at {rho:.2f}"


def uncertainty_of(fit: Calibration) -> Uncertainty:
    """Standard deviations, correlations and trade-offs of a calibration.

    It refits with the prior, from the calibrated point: a dozen evaluations.
    """
    packing, objective = fit.packing, fit.objective
    room = packing.upper - packing.lower
    residuals, jacobians = _linearized(objective, fit.result.x)
    rough = max(float(np.mean(np.concatenate(residuals) ** 2)), 1e-300)
    known = np.diag(12.0 / room**2)
    matrix = _products(jacobians) + _others(objective, fit.result.x, objective.terms)
    errors = Errors(residuals, jacobians, _inverse(matrix + rough * known))
    size = max(errors.long_run, 1e-300)
    prior = Prior(weight=12.0 * size * len(room))
    others = [term for term in objective.terms if not isinstance(term, Prior)]
    center = calibrate(
        packing.model,
        objective.trials,
        packing,
        LevenbergMarquardt(),
        objective.profile,
        [*others, prior],
        objective.dofs,
        start=fit.result.x,
    ).result.x
    _, jacobians = _linearized(objective, center)
    matrix = _products(jacobians) + _others(objective, center, others)
    inverse = _inverse(matrix + size * known)
    spread = errors.spread(jacobians) + size**2 * known
    loose = _inverse(matrix + size / WIDE * known)
    scale = 1.0 / np.sqrt(np.diag(loose))
    return Uncertainty(
        packing,
        objective.profile,
        center,
        inverse @ spread @ inverse,
        loose * scale * scale[:, None],
        _noise(objective, errors),
    )


def _linearized(objective: Objective, x: Array) -> tuple[list[Array], list[Array]]:
    """Residuals `(n, D)` of the moments of every trial, and their derivatives `(n, D, P)`.

    Of the frames and degrees of freedom that count.
    """
    problem, packing = objective.problem, objective.problem.packing
    residuals, jacobians = [], []
    counted = problem.scale.any(axis=0)
    for i, trial in enumerate(objective.trials):
        frames = problem.joined.frames(i)
        scale = problem.scale[frames][:, counted]
        moment, jacobian = moment_jacobian(packing, x, trial, objective.profile)
        error = moment[:, counted] - problem.measured[frames][:, counted]
        scored = scale.all(axis=1)
        residuals.append((error * scale)[scored])
        jacobians.append((jacobian[:, counted] * scale[..., None])[scored])
    return residuals, jacobians


def _products(jacobians: Sequence[Array]) -> Array:
    """J'J `(P, P)`."""
    return np.asarray(sum(np.einsum("tdp,tdq->pq", j, j, optimize=True) for j in jacobians))


def _others(objective: Objective, x: Array, terms: Sequence[Term]) -> Array:
    """The share `(P, P)` of the terms besides the moments."""
    others = [term for term in terms if getattr(term, "kind", None) is not Kind.MOMENTS]
    alone = Objective(
        objective.problem.packing, objective.trials, objective.profile, others, objective.dofs
    )
    model = alone.model(x)
    matrix, (offset, slopes, columns, weight) = 0.5 * model.products, model.hinges
    for r in np.flatnonzero(offset > 0.0):
        at = np.ix_(columns[r], columns[r])
        np.add.at(matrix, at, weight[r] * np.outer(slopes[r], slopes[r]))
    return matrix


def _inverse(matrix: Array) -> Array:
    """Of a symmetric matrix, scaled first: its entries have unlike units."""
    scale = 1.0 / np.sqrt(np.diag(matrix))
    return np.asarray(np.linalg.inv(matrix * scale * scale[:, None]) * scale * scale[:, None])


def _noise(objective: Objective, errors: Errors) -> Array:
    """Deviation `(D,)` of the errors [N.m]; NaN for a degree of freedom that does not count."""
    problem = objective.problem
    noise = np.full(problem.scale.shape[1], np.nan)
    counted = problem.scale.any(axis=0)
    units = [
        problem.scale[problem.joined.frames(i)].max(axis=0)[counted]
        for i in range(len(objective.trials))
    ]
    noise[counted] = np.sqrt(np.mean(np.array(errors.variance) / np.square(units), axis=0))
    return noise


def _both(first: str, second: str) -> str:
    """`c1 of soleus` and `c2 of soleus` as `c1 and c2 of soleus`."""
    (a, of_a), (b, of_b) = (name.split(" of ", 1) for name in (first, second))
    a, b = a.replace("_", " "), b.replace("_", " ")
    return f"{a} and {b} of {of_a}" if of_a == of_b else f"{a} of {of_a} and {b} of {of_b}"
