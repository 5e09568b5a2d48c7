"""What a calibration minimises: the weighted sum of terms as a function of the free parameters.

It offers a value, a gradient and a quadratic model. The gradient is reverse mode through the chain.
The model is Gauss-Newton's, from exact derivatives of each muscle's signals by its own parameters
(forward mode), contracted as they come: no Jacobian is stored (see `gauss_newton`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refnms.autodiff import hessian_vector, vjp
from refnms.errors import InputError
from refnms.errors import Problem as InputProblem
from refnms.gauss_newton import GaussNewton
from refnms.model import Model, Trial
from refnms.optimize import Quadratic
from refnms.parameters import Packing
from refnms.physics import apart
from refnms.physics.profiles import NATIVE, Profile
from refnms.physics.types import Array, Muscles
from refnms.sensitivity import At
from refnms.simulation import Signals, chain, check_emg_covers, join
from refnms.terms import TERMS, Problem, Term, one_sided

DELAY = Muscles._fields.index("electromechanical_delay")


class Objective:
    """The weighted sum of terms as a function of the free parameters x `(P,)`.

    Raises InputError when a trial has no measured moments, or a moment that does not vary.
    """

    def __init__(
        self,
        packing: Packing,
        trials: Sequence[Trial],
        profile: Profile = NATIVE,
        terms: Sequence[Term] = TERMS,
        dofs: Sequence[str] | None = None,
    ) -> None:
        if packing.frees("electromechanical_delay") and not profile.interpolates_emg:
            raise InputError(fixes_delay(profile))
        apart.keep_memory()
        joined = join(packing.model, trials, profile)
        if packing.frees("electromechanical_delay"):
            for corner in (packing.lower, packing.upper):
                check_emg_covers(packing.model, trials, packing.table(corner)[DELAY])
        wanted = packing.model.wanted(dofs)
        measured, scale = _targets(packing.model, trials, wanted)
        spanning = packing.model.crosses[:, wanted].any(axis=1).astype(float)
        flags = apart.zeros(apart.FLAGS, joined.musculotendon_length.shape, np.int64)
        muscle = np.arange(len(spanning))
        self.problem = Problem(packing, joined, measured, scale, spanning, muscle, flags)
        self.trials, self.profile, self.dofs = tuple(trials), profile, dofs
        self.terms = tuple(t for t in terms if t.weight_at(0.0) != 0.0 or t.weight_at(1.0) != 0.0)
        self.flags = flags
        fixed = not packing.frees("electromechanical_delay")
        self._excitation = joined.excitation(packing.base) if fixed else None
        self._one_sided = one_sided(self.terms)
        self._gauss_newton = GaussNewton(self.problem, self.terms)
        self._last: tuple[At, Array] | None = None  # the last point, and the parts there

    def parts(self, x: Array) -> Array:
        """Sum of squares `(number of terms,)` of each term that has a weight, at x `(P,)`."""
        table = self.problem.packing.table(x)
        signals = chain(self.problem.joined, table, self.flags, self.excitation(table))
        sums: Array = self.sums(x, table, signals)
        if type(x) is np.ndarray:
            self._last = At(x.copy(), table, signals, self.flags.copy()), sums
        return sums

    def excitation(self, table: Any) -> Any:
        """Excitation rows `(K, M)` of a `(12, M)` parameter table."""
        if self._excitation is not None:
            return self._excitation
        return self.problem.joined.excitation(table)

    def sums(self, x: Any, table: Any, signals: Signals) -> Any:
        """`parts` of signals that were found elsewhere; where they are Vars, x is one too."""
        given = x, table, signals, self.problem
        plain = type(x) is np.ndarray and x.dtype == float
        sums: list[Any] = []
        for term, limit in zip(self.terms, self._one_sided, strict=True):
            # Within all limits, as usual, the squares are zero and need not be made.
            if plain and limit is not None and np.max(limit.excess(*given)) <= 0.0:
                sums.append(0.0)
            else:
                sums.append(np.sum(np.square(term.residuals(*given))))
        return np.stack(sums)

    def value_of(self, x: Array, table: Array, signals: Signals) -> float:
        """The full objective of signals that were found elsewhere."""
        return float(self.weights() @ self.sums(x, table, signals))

    def weights(self, progress: float = 1.0) -> Array:
        """Weight of each term at a progress of 0 to 1 of the run."""
        return np.array([term.weight_at(progress) for term in self.terms])

    def value(self, x: Array) -> float:
        """The full objective."""
        return float(self.weights() @ self.parts(x))

    def gradient(self, x: Array, progress: float = 1.0) -> tuple[float, Array]:
        """The full objective, and the gradient `(P,)` of the one softened to `progress`."""
        parts, pullback = vjp(self.parts, x)
        return float(self.weights() @ parts), pullback(self.weights(progress))[0]

    def hessian_vector(self, x: Array, v: Array) -> Array:
        """The product `(P,)` of the full objective's Hessian at x with v, to rounding.

        It runs the NumPy engine on complex numbers: tens of times as long as a gradient.
        """
        whole: Array = hessian_vector(lambda x: self.weights() @ self.parts(x), x, v)
        return whole

    def model(self, x: Array) -> Quadratic:
        """The full objective near x.

        Raises TypeError for a term without a `kind`.
        """
        if self._last is None or not np.array_equal(self._last[0].x, x):
            self.parts(x)
        assert self._last is not None
        at, parts = self._last
        return self._gauss_newton.model(float(self.weights() @ parts), at)


def fixes_delay(profile: Profile) -> str:
    """Why the delay cannot be free under a profile that takes whole EMG rows."""
    return (
        f"{profile.name} takes whole EMG rows, so its electromechanical delay (emDelay) "
        "has no derivative; calibrate it with the native profile"
    )


def _targets(
    model: Model, trials: Sequence[Trial], wanted: NDArray[np.bool_]
) -> tuple[Array, Array]:
    """Measured moments `(T, D)` and the scale of their residuals."""
    problems = []
    for trial in trials:
        if trial.moment is None:
            message = f"trial {trial.name!r} has no measured moments to calibrate on"
            problems.append(InputProblem(message))
            continue
        constant = np.ptp(trial.moment[_counts(trial)], axis=0) == 0.0
        still = [model.dof_names[d] for d in np.flatnonzero(wanted & constant)]
        if still:
            message = f"trial {trial.name!r}: the moment of {', '.join(still)} does not vary"
            problems.append(InputProblem(message))
    if problems:
        raise InputError(problems)
    measured, scale = [], []
    for trial in trials:
        assert trial.moment is not None
        counts = _counts(trial)
        variance = np.where(wanted, np.var(trial.moment[counts], axis=0, ddof=1), 1.0)
        share = counts.sum() * wanted.sum() * len(trials)
        per_dof = np.where(wanted, 1.0 / np.sqrt(variance * share), 0.0)
        measured.append(trial.moment)
        scale.append(counts[:, None] * per_dof)
    return np.concatenate(measured), np.concatenate(scale)


def _counts(trial: Trial) -> NDArray[np.bool_]:
    return np.ones(len(trial.time), bool) if trial.scored is None else trial.scored
