"""The quadratic model of an objective: exact first derivatives, J'r and J'J without J.

Each term is linear in few numbers to first order, by its `Kind`:

- a residual of a moment, r = r0 + q dM: rows of all muscles that cross the degree of freedom, the
  derivative of M by a parameter being that of the muscle's force times its moment arm. The engine
  adds up J'r and J'J as these come (`add_gradient`, `add_products`);
- a residual of a sample, by the signals of one muscle at one frame: rows of that muscle's few
  parameters alone. Those of a one-sided term stay rows, near their limit, and become `Hinges`;
- a residual of the parameters: its own small Jacobian.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refnms.autodiff import jacobian, vjp
from refnms.optimize import Hinges, Quadratic
from refnms.physics.engine import pick
from refnms.physics.kernels.products import TOGETHER
from refnms.physics.types import Array, Integers, MuscleSignals
from refnms.sensitivity import At, each_chunk, free_fields
from refnms.terms import Kind, OneSided, Problem, Term, one_sided

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


class Columns:
    """The columns of J of each moment, those of one degree of freedom after the other.

    `own (F, M)` are the entries of x, of `count`, that move each field of each muscle, or -1;
    `matters (D, M)`: the muscles of each moment. Its products are matrices n x n, end to end.
    """

    def __init__(self, own: Integers, matters: NDArray[np.bool_], count: int) -> None:
        chosen = [(own >= 0) & muscles for muscles in matters]
        sizes = [int(np.count_nonzero(each)) for each in chosen]
        self.of_slopes = np.concatenate([np.flatnonzero(each) for each in chosen])  # in (F M)
        self.owners = np.concatenate([np.nonzero(each)[1] for each in chosen])  # muscles
        self.starts = np.cumsum([0, *sizes])  # (D + 1,)
        self.widest, self.count, self.size = max(sizes), count, sum(n * n for n in sizes)
        lower, pairs, shares, begin = [], [], [], 0
        for each, n in zip(chosen, sizes, strict=True):
            entries, (row, column) = own[each], np.tril_indices(n)
            lower.append(begin + n * row + column)
            pairs.append(count * entries[row] + entries[column])
            shares.append(np.where(row == column, 0.5, 1.0))
            begin += n * n
        self.lower = np.concatenate(lower)  # of all products, by place
        self.pairs = np.concatenate(pairs)  # in a flat (P P)
        self.shares = np.concatenate(shares)  # of an element in half of the symmetric matrix

    def spread(self, products: Array) -> Array:
        """Products of entries of x `(P, P)`, some of them shared, from the lower triangles."""
        shares, places = self.shares * products[self.lower], self.count**2
        half = np.bincount(self.pairs, shares, minlength=places).reshape(self.count, self.count)
        return np.asarray(half + half.T, float)


class GaussNewton:
    """The quadratic model of a sum of terms of one problem, thinned to enough frames for J'J."""

    def __init__(self, problem: Problem, terms: Sequence[Term]) -> None:
        self.problem, self.terms = problem, tuple(terms)
        self.one_sided = one_sided(self.terms)
        index, joined = problem.packing.index, problem.joined
        self.fields = free_fields(problem.packing)
        self.arms = np.ascontiguousarray(joined.moment_arm.transpose(0, 2, 1))  # (T, D, M)
        matters = (self.arms != 0.0).any(axis=0) & (problem.scale != 0.0).any(axis=0)[:, None]
        self.columns = Columns(index[self.fields], matters, len(problem.packing.start))
        rows = np.count_nonzero(problem.scale)
        enough = ENOUGH_ROWS * len(problem.packing.start)
        self.every = int(np.clip(rows // enough, 1, THINNEST))

    def model(self, value: float, at: At) -> Quadratic:
        """The model at a point whose objective is `value`.

        Raises TypeError for a term that does not say its kind.
        """
        moments = [self._moments(term, at) for term, _ in self._of(Kind.MOMENTS)]
        samples = []
        for term, limit in self._of(Kind.SAMPLES):
            frame, muscle = _all(at) if limit is None else self._near(limit, at)
            if frame.size > 0:
                samples.append(self._samples(term, limit, frame, muscle, at))
        gradient, products = self._contracted(moments, samples, at)
        for term, _ in self._of(Kind.PARAMETERS):
            weight, residuals = term.weight_at(1.0), self._bound(term, at)
            rows = jacobian(residuals)(at.x).reshape(-1, len(at.x))
            gradient += 2.0 * weight * np.einsum("rp,r->p", rows, residuals(at.x).ravel())
            products += 2.0 * weight * np.einsum("rp,rq->pq", rows, rows)
        for s in samples:
            if not s.one_sided:
                self._add_samples(s, gradient, products)
        hinges = [self._hinges(s) for s in samples if s.one_sided]
        return Quadratic(value, gradient, products, _joined(hinges, len(self.fields)))

    def _of(self, kind: Kind) -> list[tuple[Term, OneSided | None]]:
        """The terms of a kind that count; once more where they are one-sided."""
        kinds = [getattr(term, "kind", None) for term in self.terms]
        for term, its in zip(self.terms, kinds, strict=True):
            if not isinstance(its, Kind):
                raise TypeError(
                    f"{type(term).__name__} does not say its `kind` (see refnms.terms.Kind), which "
                    "this method needs; add it, or take one that goes by gradients (AdamW)"
                )
        told = zip(self.terms, self.one_sided, kinds, strict=True)
        return [(t, limit) for t, limit, its in told if its is kind and t.weight_at(1.0) != 0.0]

    def _bound(self, term: Term, at: At) -> Any:
        return lambda x: term.residuals(x, at.table, at.signals, self.problem)

    # ---- terms to first order ----

    def _moments(self, term: Term, at: At) -> tuple[Array, Array]:
        """2 weight r q and 2 weight q^2, `(T, D)`, of residuals r with slopes q in the moments."""
        residuals, pullback = vjp(
            lambda moment: term.residuals(
                at.x, at.table, at.signals._replace(moment=moment), self.problem
            ),
            at.signals.moment,
        )
        (slopes,) = pullback(np.ones_like(residuals))
        twice = 2.0 * term.weight_at(1.0)
        return twice * residuals * slopes, twice * slopes * slopes

    def _near(self, term: OneSided, at: At) -> tuple[Integers, Integers]:
        """Frames and muscles of the samples that are near a limit or beyond it."""
        excess = term.excess(at.x, at.table, at.signals, self.problem)
        frame, muscle = np.divmod(np.flatnonzero(excess > -term.reach), excess.shape[1])
        counts = np.broadcast_to(term.share(self.problem), excess.shape)[frame, muscle] != 0.0
        return frame[counts], muscle[counts]

    def _samples(
        self, term: Term, limit: OneSided | None, frame: Integers, muscle: Integers, at: At
    ) -> Samples:
        problem = self.problem.of_muscles(muscle)
        function = term.residuals if limit is None else limit.excess
        given = [getattr(at.signals, name)[frame, muscle] for name in OF_A_SAMPLE]

        def of_samples(table: Any, *signals: Any) -> Any:
            named = dict(zip(OF_A_SAMPLE, signals, strict=True))
            return function(at.x, table, at.signals._replace(**named), problem)

        offset, pullback = vjp(of_samples, at.table[:, muscle], *given)
        by_table, *by_signal = pullback(np.ones_like(offset))
        weight = np.full(frame.size, term.weight_at(1.0))
        if limit is not None:
            weight *= np.broadcast_to(limit.share(problem), weight.shape) ** 2
        rows, on_one_side = by_table[self.fields].T.copy(), limit is not None
        return Samples(frame, muscle, offset, tuple(by_signal), rows, weight, on_one_side)

    # ---- contraction ----

    def _contracted(
        self, moments: Sequence[tuple[Array, Array]], samples: Sequence[Samples], at: At
    ) -> tuple[Array, Array]:
        """Gradient and products of the moments; completes the rows of the samples."""
        joined, engine, columns = self.problem.joined, pick(), self.columns
        none = np.zeros(self.problem.measured.shape)
        pulls = sum((pull for pull, _ in moments), none)
        curvatures = sum((curvature for _, curvature in moments), none)
        own = self.problem.packing.index[self.fields]
        gradients = [np.zeros(own.shape) for _ in joined.names]
        products = [np.zeros(columns.size) for _ in joined.names]
        shapes = own.shape[1], (TOGETHER, columns.widest)
        rooms = [[np.zeros(shape) for shape in shapes] for _ in joined.names]

        def consume(trial: int, frames: slice, slopes: MuscleSignals) -> None:
            of_force, arms, (room, rows) = slopes.tendon_force, self.arms[frames], rooms[trial]
            engine.add_gradient(of_force, arms, pulls[frames], room, gradients[trial])
            engine.add_products(
                of_force.reshape(len(of_force), -1),
                columns.of_slopes,
                columns.owners,
                columns.starts,
                arms,
                curvatures[frames],
                self.every,
                rows,
                products[trial],
            )
            for s in samples:
                _complete(s, frames, slopes)

        activation, _, velocity, _ = (
            any(s.by_signal[k].any() for s in samples) for k in range(len(OF_A_SAMPLE))
        )
        each_chunk(self.problem.packing, joined, at, consume, (activation, velocity))
        free = own >= 0
        whole: Array = np.sum(gradients, axis=0)
        sums = np.bincount(own[free], weights=whole[free], minlength=columns.count)
        return np.asarray(sums, float), columns.spread(np.sum(products, axis=0))

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


def _all(at: At) -> tuple[Integers, Integers]:
    """Frames and muscles of all samples."""
    frame, muscle = np.indices(at.signals.tendon_force.shape).reshape(2, -1)
    return frame, muscle


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
