"""The quadratic model of an objective: exact first derivatives, J'r and J'J without J.

Each term is linear in few numbers to first order, by its `Kind`:

- a residual of a moment, r = r0 + q dM: rows of all muscles that cross the degree of freedom, the
  derivative of M by a parameter being that of the muscle's force times its moment arm. J'r takes
  the forces' cotangents; J'J the engine adds up as they come (`add_products`);
- a residual of a sample, by the signals of one muscle at one frame: rows of that muscle's few
  parameters alone. Those of a one-sided term stay rows, near their limit, and become `Hinges`;
- a residual of the parameters: its own small Jacobian.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from refnms.autodiff import jacobian, vjp
from refnms.optimize import Hinges, Quadratic
from refnms.physics.engine import pick
from refnms.physics.types import Array, Integers, MuscleSignals
from refnms.sensitivity import At, each_chunk, free_fields
from refnms.terms import Kind, OneSided, Problem, Term

OF_A_SAMPLE = ("activation", "fiber_length", "fiber_velocity", "tendon_force")
THINNEST, ENOUGH_ROWS = 8, 6  # J'J from no fewer than every 8th frame, and 6 rows a parameter


@dataclass(frozen=True, eq=False)
class Samples:
    """Residuals of some samples, to first order: offset + rows . (change of the parameters)."""

    frame: Integers  # (R,) rising
    muscle: Integers  # (R,)
    offset: Array  # (R,)
    by_signal: tuple[Array, ...]  # (R,) each, in the order of `OF_A_SAMPLE`
    rows: Array  # (R, F): what the parameters do by themselves, then all they do
    weight: Array  # (R,)
    one_sided: bool


class GaussNewton:
    """The quadratic model of a sum of terms of one problem, thinned to enough frames for J'J."""

    def __init__(self, problem: Problem, terms: Sequence[Term]) -> None:
        self.problem, self.terms = problem, tuple(terms)
        index, joined = problem.packing.index, problem.joined
        self.fields = free_fields(problem.packing)
        self.arms = np.ascontiguousarray(joined.moment_arm.transpose(2, 0, 1))  # (D, T, M)
        own = index[self.fields]
        # Of each degree of freedom: columns of the (F M) slopes of a frame, and their muscles.
        self.columns: list[Integers] = []
        self.owners: list[Integers] = []
        self.pairs: list[Integers] = []  # of two of their entries of x, in a flat (P P)
        for arm, scale in zip(self.arms, problem.scale.T, strict=True):
            counts = (own >= 0) & arm.any(axis=0) & scale.any()
            self.columns.append(np.flatnonzero(counts))
            self.owners.append(np.nonzero(counts)[1])
            rows = own[counts][:, None] * len(problem.packing.start)
            self.pairs.append((rows + own[counts]).ravel())
        rows = np.count_nonzero(problem.scale)
        enough = ENOUGH_ROWS * len(problem.packing.start)
        self.every = int(np.clip(rows // enough, 1, THINNEST))

    def model(self, value: float, at: At) -> Quadratic:
        """The model at a point whose objective is `value`.

        Raises TypeError for a term that does not say its kind.
        """
        moments = [self._moments(term, at) for term in self._of(Kind.MOMENTS)]
        samples = [self._samples(term, at) for term in self._of(Kind.SAMPLES)]
        gradient, products = self._contracted(moments, samples, at)
        for term in self._of(Kind.PARAMETERS):
            weight, residuals = term.weight_at(1.0), self._bound(term, at)
            rows = jacobian(residuals)(at.x).reshape(-1, len(at.x))
            gradient += 2.0 * weight * np.einsum("rp,r->p", rows, residuals(at.x).ravel())
            products += 2.0 * weight * np.einsum("rp,rq->pq", rows, rows)
        for s in samples:
            if not s.one_sided:
                self._add_samples(s, gradient, products)
        hinges = [self._hinges(s) for s in samples if s.one_sided]
        return Quadratic(value, gradient, products, _joined(hinges, len(self.fields)))

    def _of(self, kind: Kind) -> list[Any]:
        kinds = [getattr(term, "kind", None) for term in self.terms]
        for term, its in zip(self.terms, kinds, strict=True):
            if not isinstance(its, Kind):
                raise TypeError(
                    f"{type(term).__name__} does not say its `kind` (see refnms.terms.Kind), which "
                    "this method needs; add it, or take one that goes by gradients (AdamW)"
                )
        pairs = zip(self.terms, kinds, strict=True)
        return [term for term, its in pairs if its is kind and term.weight_at(1.0) != 0.0]

    def _bound(self, term: Term, at: At) -> Any:
        return lambda x: term.residuals(x, at.table, at.signals, self.problem)

    # ---- terms to first order ----

    def _moments(self, term: Term, at: At) -> tuple[Array, Array]:
        """2 weight r q and 2 weight q^2, `(D, T)`, of residuals r with slopes q in the moments."""
        residuals, pullback = vjp(
            lambda moment: term.residuals(
                at.x, at.table, at.signals._replace(moment=moment), self.problem
            ),
            at.signals.moment,
        )
        (slopes,) = pullback(np.ones_like(residuals))
        twice = 2.0 * term.weight_at(1.0)
        pair = twice * residuals * slopes, twice * slopes * slopes
        return np.ascontiguousarray(pair[0].T), np.ascontiguousarray(pair[1].T)

    def _samples(self, term: Term, at: At) -> Samples:
        one_sided = isinstance(term, OneSided)
        frame, muscle = self._chosen(term, at)
        problem = self.problem.of_muscles(muscle)
        function = term.excess if isinstance(term, OneSided) else term.residuals
        given = [getattr(at.signals, name)[frame, muscle] for name in OF_A_SAMPLE]

        def of_samples(table: Any, *signals: Any) -> Any:
            named = dict(zip(OF_A_SAMPLE, signals, strict=True))
            return function(at.x, table, at.signals._replace(**named), problem)

        offset, pullback = vjp(of_samples, at.table[:, muscle], *given)
        by_table, *by_signal = pullback(np.ones_like(offset))
        weight = np.full(frame.size, term.weight_at(1.0))
        if isinstance(term, OneSided):
            weight *= np.broadcast_to(term.share(problem), weight.shape) ** 2
        rows = by_table[self.fields].T.copy()
        return Samples(frame, muscle, offset, tuple(by_signal), rows, weight, one_sided)

    def _chosen(self, term: Term, at: At) -> tuple[Integers, Integers]:
        """Frames and muscles of the samples that count: all, or those near a limit."""
        shape = at.signals.tendon_force.shape
        if not isinstance(term, OneSided):
            frame, muscle = np.indices(shape).reshape(2, -1)
            return frame, muscle
        excess = term.excess(at.x, at.table, at.signals, self.problem)
        share = np.broadcast_to(term.share(self.problem), shape)
        frame, muscle = np.nonzero((excess > -term.reach) & (share != 0.0))
        return frame, muscle

    # ---- contraction ----

    def _contracted(
        self, moments: Sequence[tuple[Array, Array]], samples: Sequence[Samples], at: At
    ) -> tuple[Array, Array]:
        """Gradient and products of the moments; completes the rows of the samples."""
        joined, engine = self.problem.joined, pick()
        none = np.zeros(self.problem.measured.shape[::-1])
        pulls = sum((pull for pull, _ in moments), none)
        curvatures = sum((curvature for _, curvature in moments), none)
        force_bar = np.einsum("dt,dtm->tm", pulls, self.arms)
        gradients = [np.zeros((self.fields.size, force_bar.shape[1])) for _ in joined.names]
        products = [self._zeros() for _ in joined.names]

        def consume(trial: int, frames: slice, slopes: MuscleSignals) -> None:
            of_force = slopes.tendon_force
            gradients[trial] += np.einsum("tfm,tm->fm", of_force, force_bar[frames])
            for d, (rows, own) in enumerate(products[trial]):
                engine.add_products(
                    of_force.reshape(len(of_force), -1),
                    self.columns[d],
                    self.owners[d],
                    self.arms[d, frames],
                    curvatures[d, frames],
                    self.every,
                    rows,
                    own,
                )
            for s in samples:
                _complete(s, frames, slopes)

        each_chunk(self.problem.packing, joined, at, consume)
        return self._scattered(gradients, products)

    def _zeros(self) -> list[tuple[Array, Array]]:
        """Work room and products of each degree of freedom."""
        sizes = [columns.size for columns in self.columns]
        return [(np.zeros((4, n)), np.zeros((n, n))) for n in sizes]

    def _scattered(self, gradients: Sequence[Array], products: Any) -> tuple[Array, Array]:
        """From fields of muscles and columns of moments to entries of x, some of them shared."""
        count, own = len(self.problem.packing.start), self.problem.packing.index[self.fields]
        free, gradient, matrix = own >= 0, np.zeros(count), np.zeros(count * count)
        for of_muscles in gradients:
            gradient += np.bincount(own[free], of_muscles[free], minlength=count)
        for d, pairs in enumerate(self.pairs):
            lower = sum(trial[d][1] for trial in products)
            full = np.tril(lower) + np.tril(lower, -1).T
            matrix += np.bincount(pairs, full.ravel(), minlength=count * count)
        return gradient, matrix.reshape(count, count)

    def _add_samples(self, s: Samples, gradient: Array, products: Array) -> None:
        for m in range(self.problem.packing.index.shape[1]):
            own = self.problem.packing.index[self.fields, m]
            chosen, free = s.muscle == m, own >= 0
            rows, twice = s.rows[chosen][:, free], 2.0 * s.weight[chosen]
            entries = own[free]
            np.add.at(gradient, entries, np.einsum("rk,r->k", rows, twice * s.offset[chosen]))
            pairs = np.einsum("rk,r,rl->kl", rows, twice, rows)
            np.add.at(products, (entries[:, None], entries), pairs)

    def _hinges(self, s: Samples) -> Hinges:
        columns = self.problem.packing.index[self.fields][:, s.muscle].T
        slopes = np.where(columns >= 0, s.rows, 0.0)
        return Hinges(s.offset, slopes, np.maximum(columns, 0), s.weight)


def _complete(s: Samples, frames: slice, slopes: MuscleSignals) -> None:
    """Add to the rows of the samples in these frames what reaches them through the signals."""
    first, stop = np.searchsorted(s.frame, (frames.start, frames.stop))
    at = slice(first, stop)
    frame, muscle = s.frame[at] - frames.start, s.muscle[at]
    for name, by in zip(OF_A_SAMPLE, s.by_signal, strict=True):
        if by[at].any():
            s.rows[at] += by[at, None] * getattr(slopes, name)[frame, :, muscle]


def _joined(hinges: Sequence[Hinges], width: int) -> Hinges:
    none = Hinges(np.zeros(0), np.zeros((0, width)), np.zeros((0, width), np.int64), np.zeros(0))
    return Hinges(*(np.concatenate(parts) for parts in zip(none, *hinges, strict=True)))
