"""Networks on the tape, trained together with the physical parameters through the muscles.

A network W of dense layers makes numbers of the inputs of a frame, tanh between the layers,

    h_0 = inputs,    h_k = tanh(A_k h_(k-1) + b_k),    W = A_K h_(K-1) + b_K,

and corrects the excitations of some muscles before the chain sees them,

    e' = min(max(e + W(inputs), 0), 1).

From there on all is as ever: filter, equilibrium, moments. The weights get their gradient from the
measured moments, through the muscles, and physical parameters and weights are fitted as one vector.
The last layer starts at zero, so training starts at the physics alone. What a network may do is
held back twice: by `restraint` on the mean square of its correction, and by stopping early; both
are chosen by leaving trials out (`choose_training`). Native profile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from refnms.autodiff import vjp
from refnms.calibration import calibrate
from refnms.errors import InputError, Problem
from refnms.model import Model, Trial
from refnms.objective import Objective
from refnms.optimize import AdamW, Budget, Constant, Result, minimize
from refnms.parameters import Packing
from refnms.physics.excitation import interpolate
from refnms.physics.profiles import NATIVE
from refnms.physics.types import Array
from refnms.simulation import Simulation, chain, join, simulate_joined
from refnms.terms import MomentError

BOUND = 2.0  # of each weight, for inputs of unit variance
METHOD = AdamW(steps=400, learning_rate=0.002, schedule=Constant())
RESTRAINTS = (0.1, 1.0)
EVERY = 20  # steps between looks at the trial that was left out


@dataclass(frozen=True)
class Network:
    """Dense layers of these sizes, inputs first and outputs last."""

    sizes: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many weights there are."""
        return sum((i + 1) * o for i, o in pairwise(self.sizes))

    def start(self, seed: int = 0) -> Array:
        """Weights `(W,)`: of variance 2 / (inputs + outputs), the last layer zero.

        Glorot and Bengio 2010, Proceedings of Machine Learning Research 9:249, equation 12.
        """
        rng = np.random.default_rng(seed)
        parts = []
        for i, o in pairwise(self.sizes):
            parts += [rng.normal(0.0, np.sqrt(2.0 / (i + o)), i * o), np.zeros(o)]
        parts[-2][:] = 0.0
        return np.concatenate(parts)

    def __call__(self, weights: Any, inputs: Any) -> Any:
        """Outputs `(T, O)` of inputs `(T, I)`: arrays, complex numbers or Vars."""
        h, at = inputs, 0
        for k, (i, o) in enumerate(pairwise(self.sizes)):
            matrix, at = weights[at : at + i * o].reshape(o, i), at + i * o
            h = np.einsum("ti,oi->to", h if k == 0 else np.tanh(h), matrix)
            h, at = h + weights[at : at + o], at + o
        return h


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a network sees of a frame: EMG and musculotendon lengths at these delays, scaled."""

    emg_delays: tuple[float, ...]  # [s]
    length_delays: tuple[float, ...]
    mean: Array  # (I,) over the trials that it was made for
    scale: Array  # (I,)

    @classmethod
    def of(
        cls,
        trials: Sequence[Trial],
        emg_delays: Sequence[float],
        length_delays: Sequence[float] = (),
    ) -> Inputs:
        """Scaled to mean zero and variance one over these trials."""
        plain = cls(tuple(emg_delays), tuple(length_delays), np.zeros(1), np.ones(1))
        values = plain(trials)
        spread = values.std(axis=0)
        return replace(plain, mean=values.mean(axis=0), scale=np.where(spread > 0.0, spread, 1.0))

    def __call__(self, trials: Sequence[Trial]) -> Array:
        """Inputs `(T, I)` of the frames of all trials, one after the other."""
        values = np.concatenate([self._of_trial(trial) for trial in trials])
        return np.asarray((values - self.mean) / self.scale)

    def _of_trial(self, trial: Trial) -> Array:
        emg = trial.emg_time, trial.emg, self.emg_delays
        length = trial.time, trial.musculotendon_length, self.length_delays
        columns = [
            interpolate(stamps, signal, trial.time, np.full(signal.shape[1], delay))
            for stamps, signal, delays in (emg, length)
            for delay in delays
        ]
        return np.concatenate(columns, axis=1)


@dataclass(frozen=True, eq=False)
class Hybrid:
    """A model and the network that corrects the excitations of some of its muscles.

    Raises InputError for muscles that the model lacks and a network of another size.
    """

    model: Model
    inputs: Inputs
    muscles: tuple[str, ...]
    network: Network
    weights: Array

    def __post_init__(self) -> None:
        names, sizes = self.model.muscle_names, self.network.sizes
        wanted = (len(self.inputs.mean), len(self.muscles), self.network.count)
        problems = [Problem(f"no muscle is called {m!r}") for m in self.muscles if m not in names]
        if (sizes[0], sizes[-1], len(self.weights)) != wanted:
            problems.append(
                Problem(
                    f"a network of layers {sizes} and {len(self.weights)} weights; expected "
                    f"{wanted[0]} inputs, {wanted[1]} outputs and {wanted[2]} weights"
                )
            )
        if problems:
            raise InputError(problems)

    def corrected(self, excitation: Any, weights: Any, inputs: Array) -> Any:
        """Excitations `(T, M)` as the network sees fit."""
        names = self.model.muscle_names
        place = np.array([[own == name for name in names] for own in self.muscles], float)
        correction = np.einsum("to,om->tm", self.network(weights, inputs), place)
        return np.minimum(np.maximum(excitation + correction, 0.0), 1.0)

    def simulate(self, trials: Sequence[Trial]) -> list[Simulation]:
        """The chain of each trial, from corrected excitations."""
        joined = join(self.model, trials, NATIVE)
        e = joined.excitation(self.model.table())
        return simulate_joined(joined, self.corrected(e, self.weights, self.inputs(trials)))


def hybrid(
    model: Model,
    inputs: Inputs,
    muscles: Sequence[str] | None = None,
    hidden: Sequence[int] = (8,),
    seed: int = 0,
) -> Hybrid:
    """An untrained hybrid, which does as its model; the network corrects `muscles`, or all."""
    own = model.muscle_names if muscles is None else tuple(muscles)
    network = Network((len(inputs.mean), *hidden, len(own)))
    return Hybrid(model, inputs, own, network, network.start(seed))


class HybridObjective:
    """A calibration's objective, plus restraint, of z = (physical parameters, weights)."""

    def __init__(self, objective: Objective, untrained: Hybrid, restraint: float) -> None:
        self.objective, self.hybrid, self.restraint = objective, untrained, restraint
        self._inputs = untrained.inputs(objective.trials)
        self._split = len(objective.problem.packing.start)

    def parts(self, z: Any) -> Any:
        """Sums of squares of each term of the objective, then the mean square correction."""
        x, weights = z[: self._split], z[self._split :]
        problem = self.objective.problem
        table = problem.packing.table(x)
        recorded = self.objective.excitation(table)
        e = self.hybrid.corrected(recorded, weights, self._inputs)
        signals = chain(problem.joined, table, problem.flags, e)
        correction = np.mean(np.square(e - recorded))
        return np.concatenate([self.objective.sums(x, table, signals), np.stack([correction])])

    def value(self, z: Array) -> float:
        """The full objective."""
        return float(self._weights(1.0) @ self.parts(z))

    def gradient(self, z: Array, progress: float = 1.0) -> tuple[float, Array]:
        """The full objective, and the gradient of the one softened to `progress`."""
        parts, pullback = vjp(self.parts, z)
        return float(self._weights(1.0) @ parts), pullback(self._weights(progress))[0]

    def _weights(self, progress: float) -> Array:
        return np.append(self.objective.weights(progress), self.restraint)


@dataclass(frozen=True, eq=False)
class Training:
    """A trained hybrid, and how it was found."""

    hybrid: Hybrid
    result: Result


def train(
    untrained: Hybrid,
    trials: Sequence[Trial],
    free: Packing,
    method: AdamW = METHOD,
    restraint: float = 1.0,
    steps: int | None = None,
    watch: Callable[[int, Array], None] | None = None,
) -> Training:
    """Calibrate the model, then fit its free parameters and the weights together by AdamW.

    `steps`: stop after so many; 0 leaves the physics alone. `watch(step, z)` is told the best point
    so far. Raises InputError as `calibrate`.
    """
    fit = calibrate(untrained.model, trials, free)
    objective = HybridObjective(Objective(free, trials), untrained, restraint)
    z = np.append(fit.result.x, untrained.weights)
    room = np.full(untrained.network.count, BOUND)
    best: tuple[float, Array] = (np.inf, z)

    def told(step: int, value: float, z: Array) -> None:
        nonlocal best
        if value < best[0]:
            best = value, z
        if watch is not None:
            watch(step - 1, best[1])

    bounds = np.append(free.lower, -room), np.append(free.upper, room)
    budget = Budget(None if steps is None else steps + 1)  # the first is where it starts
    result = minimize(method, objective, z, *bounds, budget, told)
    return Training(_trained(untrained, free, result.x), result)


def _trained(untrained: Hybrid, free: Packing, z: Array) -> Hybrid:
    count = len(free.start)
    return replace(untrained, model=free.unpack(z[:count]), weights=z[count:].copy())


@dataclass(frozen=True, eq=False)
class Choice:
    """How well trials that were left out are predicted, by restraint and length of training."""

    restraints: tuple[float, ...]
    steps: tuple[int, ...]
    errors: Array  # (restraints, steps, trials) moment error of each trial when left out

    @property
    def best(self) -> tuple[float, int]:
        """Restraint and steps of least mean error; 0 steps: the physics alone."""
        mean = self.errors.mean(axis=2)
        r, s = np.unravel_index(int(np.argmin(mean)), mean.shape)
        return self.restraints[r], self.steps[s]


def choose_training(
    untrained: Hybrid,
    trials: Sequence[Trial],
    free: Packing,
    method: AdamW = METHOD,
    restraints: Sequence[float] = RESTRAINTS,
    every: int = EVERY,
) -> Choice:
    """Train without each trial in turn, and predict it on the way: every so many steps.

    The error is `MomentError`'s. Raises InputError for fewer than two trials, and for a method
    whose steps depend on how many are to come.
    """
    if len(trials) < 2:
        raise InputError("training is chosen by leaving trials out: it takes two")
    if not isinstance(method.schedule, Constant):
        raise InputError("to be stopped early, training needs a constant schedule")
    steps = tuple(range(0, method.steps + 1, every))
    errors = np.full((len(restraints), len(steps), len(trials)), np.inf)  # where it diverged
    for i, left_out in enumerate(trials):
        others = [trial for k, trial in enumerate(trials) if k != i]
        judge = HybridObjective(Objective(free, [left_out], NATIVE, (MomentError(),)), untrained, 0)
        for r, restraint in enumerate(restraints):

            def look(step: int, z: Array, own: Array = errors[r, :, i], judge: Any = judge) -> None:
                if step % every == 0:
                    own[step // every] = judge.value(z)

            train(untrained, others, free, method, restraint, watch=look)
    return Choice(tuple(restraints), steps, errors)
