"""What a calibration minimises: terms as residual vectors of a model on trials, and their gradient.

A term is a function of the chain's signals that gives residuals r; it contributes weight * sum r^2.
To add one, write a class like those below. The moment error is, for every trial and degree of
freedom, the mean squared error over the variance of the measured moment (CEINMS normalises so,
with n - 1), averaged over trials and degrees of freedom.

The range of the fiber length is a one-sided quadratic, C1, whose edges lie just inside CEINMS's
jump of the penalty at |l / l_o - 1| = 0.5: optima like to lie on that edge, and a weak penalty
leaves fibers beyond it. Its weight is raised over the run from `soft` to `weight`: the gradient is
that of the softened sum, the value always that of the full one, so that all values compare.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from refnms.autodiff import vjp
from refnms.errors import InputError
from refnms.model import Model, Trial
from refnms.parameters import Packing
from refnms.physics.profiles import CEINMS_0_9_TOLERANCE, NATIVE, Profile, ceinms_0_9
from refnms.physics.types import Array, Flag, Muscles
from refnms.simulation import Joined, Signals, chain, check_emg_covers, join, simulate_all

LO = Muscles._fields.index("optimal_fiber_length")
DELAY = Muscles._fields.index("electromechanical_delay")


@dataclass(frozen=True, eq=False)
class Problem:
    """What terms may look at besides the signals."""

    packing: Packing
    joined: Joined
    measured: Array  # (T, D)
    scale: Array  # (T, D) of a moment residual; 0 where it does not count
    spanning: Array  # (M,) 1 for a muscle that spans a degree of freedom that counts, else 0


class Term(Protocol):
    """One part of the objective."""

    def residuals(self, x: Any, table: Any, signals: Signals, problem: Problem) -> Any:
        """Residuals, any shape, for x `(P,)` and the `(12, M)` table it unpacks to."""

    def weight_at(self, progress: float) -> float:
        """Weight of the sum of squares at a progress of 0 to 1 of the run; at 1 the full one."""


@dataclass(frozen=True)
class MomentError:
    """Predicted minus measured moment, over the measured one's standard deviation."""

    def residuals(self, x: Any, table: Any, signals: Signals, problem: Problem) -> Any:
        return (signals.moment - problem.measured) * problem.scale

    def weight_at(self, progress: float) -> float:
        return 1.0


@dataclass(frozen=True)
class FiberLengthRange:
    """How far the norm fiber length l / l_o leaves a range, mean over frames, summed over muscles.

    Muscles count that span a degree of freedom that counts. The default range lies just inside the
    one that CEINMS 0.9 leaves without penalty.
    """

    lower: float = 0.503
    upper: float = 1.497
    weight: float = 1e5
    soft: float = 1e3

    def residuals(self, x: Any, table: Any, signals: Signals, problem: Problem) -> Any:
        middle, half = 0.5 * (self.lower + self.upper), 0.5 * (self.upper - self.lower)
        deviation = np.abs(signals.fiber_length / table[LO] - middle)
        share = problem.spanning / np.sqrt(len(problem.measured))
        return np.maximum(deviation - half, 0.0) * share

    def weight_at(self, progress: float) -> float:
        return float(self.soft * (self.weight / self.soft) ** progress)


@dataclass(frozen=True)
class Prior:
    """Distance from the start, in shares of the room between the bounds, mean over parameters."""

    weight: float = 0.0

    def residuals(self, x: Any, table: Any, signals: Signals, problem: Problem) -> Any:
        packing = problem.packing
        room = (packing.upper - packing.lower) * np.sqrt(len(packing.start))
        return (x - packing.start) / room

    def weight_at(self, progress: float) -> float:
        return self.weight


TERMS: tuple[Term, ...] = (MomentError(), FiberLengthRange(), Prior())


class Objective:
    """The weighted sum of terms as a function of the free parameters.

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
            raise InputError(
                f"{profile.name} takes whole EMG rows, so its electromechanical delay (emDelay) "
                "has no derivative; calibrate it with the native profile"
            )
        joined = join(packing.model, trials, profile)
        if packing.frees("electromechanical_delay"):
            for corner in (packing.lower, packing.upper):
                check_emg_covers(packing.model, trials, packing.table(corner)[DELAY])
        wanted = _wanted(packing.model, dofs)
        measured, scale = _targets(packing.model, trials, wanted)
        spanning = packing.model.crosses[:, wanted].any(axis=1).astype(float)
        self.problem = Problem(packing, joined, measured, scale, spanning)
        self.terms = tuple(terms)
        self.flags = np.zeros(joined.musculotendon_length.shape, np.int64)
        fixed = not packing.frees("electromechanical_delay")
        self._excitation = joined.excitation(packing.base) if fixed else None

    def parts(self, x: Any) -> Any:
        """Sum of squares `(number of terms,)` of each term at x `(P,)`."""
        table = self.problem.packing.table(x)
        signals = chain(self.problem.joined, table, self.flags, self._excitation)
        sums = [np.sum(t.residuals(x, table, signals, self.problem) ** 2) for t in self.terms]
        return np.stack(sums)

    def weights(self, progress: float = 1.0) -> Array:
        """Weight of each term at a progress of 0 to 1 of the run."""
        return np.array([term.weight_at(progress) for term in self.terms])

    def value(self, x: Array) -> float:
        """The full objective."""
        return float(self.weights() @ self.parts(x))

    def __call__(self, x: Array, progress: float = 1.0) -> tuple[float, Array]:
        """The full objective, and the gradient `(P,)` of the one softened to `progress`."""
        parts, pullback = vjp(self.parts, x)
        return float(self.weights() @ parts), pullback(self.weights(progress))[0]


def _wanted(model: Model, dofs: Sequence[str] | None) -> NDArray[np.bool_]:
    """Which degrees of freedom `(D,)` count; None: all."""
    unknown = [name for name in dofs or () if name not in model.dof_names]
    if unknown or (dofs is not None and not dofs):
        known = ", ".join(model.dof_names)
        raise InputError(f"no degree of freedom is called {', '.join(unknown)}; there are {known}")
    return np.array([dofs is None or name in dofs for name in model.dof_names])


def _targets(
    model: Model, trials: Sequence[Trial], wanted: NDArray[np.bool_]
) -> tuple[Array, Array]:
    """Measured moments `(T, D)` and the scale of their residuals."""
    measured, scale = [], []
    for trial in trials:
        if trial.moment is None:
            raise InputError(f"trial {trial.name!r} has no measured moments to calibrate on")
        counts = np.ones(len(trial.time), bool) if trial.scored is None else trial.scored
        constant = np.ptp(trial.moment[counts], axis=0) == 0.0
        still = [model.dof_names[d] for d in np.flatnonzero(wanted & constant)]
        if still:
            message = f"the moment of {', '.join(still)} does not vary"
            raise InputError(f"trial {trial.name!r}: {message}")
        variance = np.var(trial.moment[counts], axis=0, ddof=1)
        share = counts.sum() * wanted.sum() * len(trials)
        per_dof = np.where(wanted, 1.0 / np.sqrt(np.where(wanted, variance, 1.0) * share), 0.0)
        measured.append(trial.moment)
        scale.append(counts[:, None] * per_dof)
    return np.concatenate(measured), np.concatenate(scale)


@dataclass(frozen=True)
class CeinmsObjective:
    """CEINMS 0.9's own objective and its two parts."""

    moment: float
    penalty: float

    @property
    def total(self) -> float:
        return self.moment + self.penalty


def ceinms_objective(
    model: Model, trials: Sequence[Trial], dofs: Sequence[str] | None = None
) -> CeinmsObjective:
    """CEINMS 0.9's `minimizeTorqueError` of a model, by its own rules.

    Sum over trials and degrees of freedom of [sum of squared errors / variance + penalty] / frames,
    with its offline velocity and its Brent search to 1e-6 m. The penalty of every frame and muscle,
    once per degree of freedom: 100 (l / l_o - 1)^2 beyond 0.5, and 100 for a search that fell back.
    """
    profile = ceinms_0_9(online=False, tolerance=CEINMS_0_9_TOLERANCE)
    wanted = _wanted(model, dofs)
    moment = penalty = 0.0
    for trial, run in zip(trials, simulate_all(model, trials, profile), strict=True):
        if trial.moment is None:
            raise InputError(f"trial {trial.name!r} has no measured moments")
        measured = trial.moment[:, wanted]
        if (np.ptp(measured, axis=0) == 0.0).any():
            raise InputError(f"trial {trial.name!r}: a moment does not vary")
        error = np.sum((run.moment[:, wanted] - measured) ** 2, axis=0)
        deviation = np.abs(run.fiber_length / model.muscles.optimal_fiber_length - 1.0)
        pen = np.sum(np.where(deviation > 0.5, 100.0 * deviation**2, 0.0))
        pen += 100.0 * np.count_nonzero(run.flags & Flag.FELL_BACK)
        variance = np.var(measured, axis=0, ddof=1)
        moment += float(np.sum(error / variance)) / len(trial.time)
        penalty += float(pen) * int(wanted.sum()) / len(trial.time)
    return CeinmsObjective(moment, penalty)
