"""CEINMS 0.9's hybrid mode as it is: each frame annealed, one muscle solved anew at a time.

Written from the formulas, without the kernels of `assistance`; the annealing is ours. Where an
elastic muscle is solved again at the same time stamp, the first evaluation of the search (at the
short end of its bracket) takes the fiber velocity that the search before evaluated last.
"""

from __future__ import annotations

from typing import Any
from unittest import mock

import numpy as np

from refnms.assistance.excitations import Assistance
from refnms.io.execution import Annealing
from refnms.model import Model, RigidTendon, Trial
from refnms.optimize.ceinms_annealing import HYBRID, CoranaAnnealing
from refnms.physics import activation as act
from refnms.physics import muscle, solve
from refnms.physics.stencils import trailing_weights
from refnms.physics.types import Array, Muscles

LOWER, UPPER = 0.2, 2.0  # of the search, in optimal fiber lengths


class OneMuscle:
    """A muscle and its past."""

    def __init__(self, model: Model, m: int, tolerance: float) -> None:
        p = Muscles(*model.table()[:, m])
        self.curves, self.unit, self.tolerance = model.curves, muscle.unit(p), tolerance
        self.gains = act.filter_gains(p.c1, p.c2)
        self.shape = act.exponential_shape(p.shape_factor)
        self.rigid = isinstance(model.tendon, RigidTendon)
        self.u1 = self.u2 = 0.0
        self.excitations: list[float] = []
        self.lengths: list[float] = []

    def begin(self, lmt: float, solver: Array, force: Array) -> None:
        """A frame, with the stencils `(K,)` of its velocities."""
        self.lmt, self.solver, self.force_weights = lmt, solver, force
        self.stale: float | None = None

    def activation(self, e: float) -> Any:
        alpha, beta1, beta2 = self.gains
        if len(self.excitations) == 2:
            self.u1 = self.u2 = 0.5 * sum(self.excitations)
        self.u = alpha * e - beta1 * self.u1 - beta2 * self.u2
        return act.exponential(self.u, self.shape)

    def past(self, weights: Array) -> float:
        pairs = zip(weights[1:], reversed(self.lengths), strict=False)
        return float(sum(w * length for w, length in pairs))

    def force(self, e: float) -> float:
        """The force at excitation e; the length is kept."""
        a = self.activation(e)
        if self.rigid:
            self.length = float(muscle.rigid_fiber_length(self.unit, self.lmt))
        else:
            self.length = self._search(a)
        v = self.force_weights[0] * self.length + self.past(self.force_weights)
        return float(muscle.tendon_force(self.curves, self.unit, a, self.length, v))

    def _search(self, a: float) -> float:
        sample = solve.Sample(self.unit, a, self.lmt, self.solver[0], self.past(self.solver))
        shortest, longest = (end * self.unit.optimal_fiber_length for end in (LOWER, UPPER))
        first = sample
        if self.stale is not None:
            first = sample._replace(newest=0.0, past=self.stale)
        g_short = solve.residual(self.curves, first, shortest)
        g_long = solve.residual(self.curves, sample, longest)
        assert g_short * g_long < 0.0
        asked = [longest]
        plain = solve.residual

        def watched(curves: Any, sample: Any, length: float) -> Any:
            asked.append(length)
            return plain(curves, sample, length)

        with mock.patch.object(solve, "residual", watched):
            ends = (shortest, longest, g_short, g_long)
            length, found = solve.brent(self.curves, sample, *ends, self.tolerance)
        assert found
        self.stale = sample.newest * asked[-1] + sample.past
        return float(length)

    def end(self, e: float) -> None:
        self.stale = None
        self.force(e)
        self.u2, self.u1 = self.u1, self.u
        self.excitations.append(e)
        self.lengths.append(self.length)

    def charge(self, e: float) -> None:
        self.activation(e)
        self.u2, self.u1 = self.u1, self.u
        self.excitations.append(e)


def hybrid(
    model: Model,
    trial: Trial,
    assistance: Assistance,
    settings: Annealing,
    library: str,
    rows: Array,
    frames: int,
    tolerance: float = 1e-6,
) -> Array:
    """The excitations `(frames, M)` that CEINMS 0.9 finds, of excitation rows `(K, M)`."""
    muscles = [OneMuscle(model, m, tolerance) for m in range(len(model.muscle_names))]
    lead = len(rows) - len(trial.time)
    solver, force = (trailing_weights(trial.time, points) for points in (4, 15))
    names = [*assistance.adjusted, *assistance.synthesized]
    moving = [model.muscle_names.index(name) for name in names]
    tracked = len(assistance.adjusted)
    for row in rows[:lead]:
        for one, e in zip(muscles, row, strict=True):
            one.charge(e)
    s, path = settings, []
    method = CoranaAnnealing(
        s.rt, s.t, s.ns, s.nt, s.no_epsilon, s.epsilon, s.max_no_eval, library, rules=HYBRID
    )
    for t in range(frames):
        e = rows[lead + t].copy()
        for m, one in enumerate(muscles):
            one.begin(trial.musculotendon_length[t, m], solver[t], force[t])
        forces = np.array([one.force(e[m]) for m, one in enumerate(muscles)])
        start, recorded = e[moving], e[moving][:tracked]
        start[tracked:] = [(muscles[m].excitations or [0.0])[-1] for m in moving[tracked:]]

        def cost(
            x: Array, t: int = t, e: Array = e, forces: Array = forces, recorded: Array = recorded
        ) -> float:
            for m, value in zip(moving, x, strict=True):
                if e[m] != value:
                    e[m] = value
                    forces[m] = muscles[m].force(value)
            error = forces @ trial.moment_arm[t] - trial.moment[t]
            away = np.sum(np.abs(x[:tracked] - recorded))
            weights = assistance.alpha, assistance.beta, assistance.gamma
            return float(np.dot(weights, [error @ error, e @ e, away]))

        box = np.zeros(len(moving)), np.ones(len(moving))
        e[moving], _, _ = method.anneal(cost, *box, start)
        for m, one in enumerate(muscles):
            one.end(e[m])
        path.append(e)
    return np.array(path)
