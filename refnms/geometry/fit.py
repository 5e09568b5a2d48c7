"""Fit lengths as functions of joint angles to poses with lengths and moment arms.

Of each muscle the coefficients c minimise

    sum_poses ((L(q; c) - L) / 0.5 mm)^2 + sum_d ((-dL/dq_d(q; c) - r_d) / 2 mm)^2,

linear least squares over the joints that it crosses. Which basis it gets, cross-validation decides
on lengths and arms together: a basis that lengths alone would choose may have arms that are wrong
by centimeters between the poses. No basis has more functions along a joint than the poses have
angles there. What is held out are whole poses of the joints that the muscle crosses, inside the
range: a fit is not asked where it has nothing to go by.

The arms that come with the poses need not be the slopes of their lengths (OpenSim's are not where
a path wraps around an ellipsoid). So the same is done with lengths alone, and what its arms, in the
basis that serves them best, leave of the given ones is reported as their inconsistency.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from refnms.display import count, listed
from refnms.errors import DivergedError, InputError, Problem
from refnms.geometry.basis import Basis, paths_of, paths_over
from refnms.geometry.record import Geometry
from refnms.optimize.cholesky import factor, solve
from refnms.physics.reference.paths import local, tensor
from refnms.physics.types import Array, Integers

LENGTH, ARM = 0.5e-3, 2e-3  # [m, m/rad] errors that count alike
# Arms that are the slopes of their lengths come back to 0.4 mm from a grid of 15 degrees.
INCONSISTENT = 1e-3  # [m/rad]
CROSSES = 1e-5  # [m/rad] a larger arm somewhere: the muscle crosses that joint
POLYNOMIALS, CUBIC_SPLINES = (2, 3, 4, 5, 6, 7, 8), (2, 3, 4, 6, 8, 12)  # degrees; intervals
FOLDS = 5
RIDGE = 1e-12  # of the mean diagonal of the normal matrix
MOST_FUNCTIONS = 1000  # of a tensor: more than any muscle's data tell apart


@dataclass(frozen=True, eq=False)
class Poses:
    """Samples of a geometry: joint angles, and the lengths and moment arms there.

    Raises InputError for what is misshapen, not finite, or too little.
    """

    muscle_names: tuple[str, ...]
    dof_names: tuple[str, ...]
    angle: Array  # (N, D) [rad]
    length: Array  # (N, M) [m]
    moment_arm: Array  # (N, M, D) [m/rad]

    def __repr__(self) -> str:
        muscles = count(len(self.muscle_names), "muscle")
        return f"<Poses: {count(len(self.angle), 'pose')} of {listed(self.dof_names)}, {muscles}>"

    def __post_init__(self) -> None:
        n, m, d = len(self.angle), len(self.muscle_names), len(self.dof_names)
        expected = {"angle": (n, d), "length": (n, m), "moment_arm": (n, m, d)}
        problems = []
        for name, shape in expected.items():
            values = np.array(getattr(self, name), dtype=np.float64, order="C")
            object.__setattr__(self, name, values)
            if values.shape != shape:
                problems.append(Problem(f"{name} has shape {values.shape}, expected {shape}"))
            elif not np.isfinite(values).all():
                problems.append(Problem(f"{name} is not finite everywhere"))
        if n < 4 or m < 1:
            problems.append(Problem(f"{n} poses of {m} muscles; a fit needs four poses or more"))
        if problems:
            raise InputError(problems)


@dataclass(frozen=True, eq=False)
class GeometryFit:
    """A geometry, and of each muscle what it does not reproduce of poses that were held out.

    Errors are medians of sizes [m, m/rad]; `consistency` is how far the given arms are from the
    slopes of the given lengths, to be read where lengths alone determine them.
    """

    geometry: Geometry
    kinds: tuple[str, ...]  # (M,) of basis
    length_error: Array  # (M,) median
    arm_error: Array  # (M, D) median
    worst_arm_error: Array  # (M,) 95th percentile over poses and joints
    consistency: Array  # (M, D) median

    def inconsistent(self, limit: float = INCONSISTENT) -> list[str]:
        """Muscles whose given arms are further than `limit` from the slopes of their lengths."""
        names = self.geometry.muscle_names
        return [names[m] for m in np.flatnonzero(self.consistency.max(axis=1) > limit)]


class Trialled(NamedTuple):
    """A basis for some muscles, and what it left of the poses that were held out."""

    bases: list[Basis]
    length_error: Array  # (H, m)
    arm_error: Array  # (H, m, joints)

    def scores(self) -> Array:
        """One number of each muscle `(m,)`."""
        by_length = np.mean((self.length_error / LENGTH) ** 2, axis=0)
        by_arm = np.mean((self.arm_error / ARM) ** 2, axis=0).sum(axis=1)
        return np.asarray(np.sqrt(by_length + by_arm))


def fit_geometry(poses: Poses, seed: int = 0) -> GeometryFit:
    """Fit lengths to poses; see the module. `seed` draws which poses are held out together.

    Raises InputError where a muscle crosses a joint along which the poses have one angle.
    """
    shape = poses.moment_arm.shape[1:]
    crosses = np.abs(poses.moment_arm).max(axis=0) > CROSSES
    _refuse_still_joints(poses, crosses)
    found: dict[int, tuple[str, list[Basis], Array]] = {}
    length_error, worst = np.zeros(shape[0]), np.zeros(shape[0])
    arm_error, consistency = np.zeros(shape), np.zeros(shape)
    for joints in sorted({tuple(np.flatnonzero(row).tolist()) for row in crosses}):
        members = np.flatnonzero((crosses == np.isin(np.arange(shape[1]), joints)).all(axis=1))
        data = _Data(poses, joints, members)
        if not joints:
            for m in members.tolist():
                found[m] = "constant", [], poses.length[:, [m]].mean(axis=0)
                length_error[m] = np.median(np.abs(poses.length[:, m] - found[m][2][0]))
            continue
        folds = _folds(data.angle, np.random.default_rng(seed))
        kinds = _candidates(data.angle, joints)
        trials = [data.held_out(bases, folds) for bases in kinds.values()]
        both, alone = zip(*trials, strict=True)
        best = np.argmin([trial.scores() for trial in both], axis=0)
        at_best = np.argmin([trial.scores() for trial in alone], axis=0)
        names = list(kinds)
        for i, m in enumerate(members.tolist()):
            trial = both[best[i]]
            found[m] = names[best[i]], trial.bases, data.coefficients(trial.bases, i)
            length_error[m] = np.median(np.abs(trial.length_error[:, i]))
            arms = np.abs(trial.arm_error[:, i])
            arm_error[m, joints] = np.median(arms, axis=0)
            worst[m] = np.percentile(arms, 95.0)
            consistency[m, joints] = np.median(np.abs(alone[at_best[i]].arm_error[:, i]), axis=0)
    return GeometryFit(
        _assembled(poses, [found[m] for m in range(shape[0])]),
        tuple(found[m][0] for m in range(shape[0])),
        length_error,
        arm_error,
        worst,
        consistency,
    )


def _refuse_still_joints(poses: Poses, crosses: Array) -> None:
    still = np.ptp(poses.angle, axis=0) == 0.0
    problems = [
        Problem(
            f"{poses.muscle_names[m]} has a moment arm about {poses.dof_names[d]}, which has one "
            "angle in all poses: vary it, or leave it out"
        )
        for m, d in np.argwhere(crosses & still)
    ]
    if problems:
        raise InputError(problems)


def _assembled(poses: Poses, found: Sequence[tuple[str, list[Basis], Array]]) -> Geometry:
    return Geometry(
        poses.muscle_names,
        poses.dof_names,
        poses.angle.min(axis=0),
        poses.angle.max(axis=0),
        paths_over([(own, c) for _, own, c in found], len(poses.dof_names)),
    )


def _candidates(angle: Array, joints: Sequence[int]) -> dict[str, list[Basis]]:
    """Bases by name, for angles `(N, joints)`, none with more functions than there are angles."""
    wanted = [(f"polynomial of degree {k}", k, 1) for k in POLYNOMIALS]
    wanted += [(f"cubic spline on {n} intervals", 3, n) for n in CUBIC_SPLINES]
    nodes = [np.unique(column).size for column in angle.T]
    kinds: dict[str, list[Basis]] = {}
    for name, degree, intervals in wanted:
        bases = []
        for joint, column, most in zip(joints, angle.T, nodes, strict=True):
            k = min(degree, most - 1)
            n = max(1, min(intervals, most - k))
            bases.append(Basis(joint, k, n, float(column.min()), float(column.max())))
        few = np.prod([basis.size for basis in bases]) <= min(MOST_FUNCTIONS, len(angle))
        if few and bases not in kinds.values():
            kinds[name] = bases
    return kinds


def _folds(angle: Array, rng: np.random.Generator) -> Integers:
    """The fold of each pose `(N,)`; -1 for those that are never held out."""
    different, which = np.unique(angle, axis=0, return_inverse=True)
    inside = ((different > different.min(axis=0)) & (different < different.max(axis=0))).all(axis=1)
    fold = np.full(len(different), -1)
    fold[inside] = rng.permutation(np.count_nonzero(inside)) % FOLDS
    return fold[which.ravel()]


class _Normal(NamedTuple):
    """Normal equations of least squares: matrix `(P, P)` and right-hand sides `(P, m)`."""

    matrix: Array
    sides: Array


class _Data:
    """The poses of some muscles that cross the same joints, and least squares on them."""

    def __init__(self, poses: Poses, joints: Sequence[int], members: Integers) -> None:
        self.angle = poses.angle[:, list(joints)]
        self.length = poses.length[:, members]
        self.arm = poses.moment_arm[:, members][:, :, list(joints)]

    def held_out(self, bases: list[Basis], folds: Integers) -> tuple[Trialled, Trialled]:
        """What fits to the other folds leave of each: by lengths and arms, and by lengths alone."""
        design = _design(bases, self.angle)
        parts = [self._normal(*design, folds == fold) for fold in range(-1, folds.max() + 1)]
        found = []
        for kinds in (2, 1):
            lengths, arms = np.full_like(self.length, np.nan), np.full_like(self.arm, np.nan)
            for fold in range(folds.max() + 1):
                others = [part[:kinds] for i, part in enumerate(parts) if i != fold + 1]
                c, out = _solve(*(normal for part in others for normal in part)), folds == fold
                lengths[out] = np.einsum("np,pm->nm", design[0][out], c) - self.length[out]
                arms[out] = np.einsum("npd,pm->nmd", design[1][out], c) - self.arm[out]
            kept = folds >= 0
            found.append(Trialled(bases, lengths[kept], arms[kept]))
        return found[0], found[1]

    def coefficients(self, bases: list[Basis], member: int) -> Array:
        """Those of one muscle, by all poses."""
        every = np.full(len(self.angle), True)
        return _solve(*self._normal(*_design(bases, self.angle), every))[:, member]

    def _normal(self, of_length: Array, of_arm: Array, rows: Array) -> tuple[_Normal, _Normal]:
        """Of the lengths and of the arms of some poses. Not BLAS: the same bits always."""
        x, y = of_length[rows] / LENGTH, self.length[rows] / LENGTH
        a, r = (
            np.concatenate(list(np.moveaxis(part[rows] / ARM, 2, 0))) for part in (of_arm, self.arm)
        )
        return (
            _Normal(np.einsum("np,nq->pq", x, x), np.einsum("np,nm->pm", x, y)),
            _Normal(np.einsum("np,nq->pq", a, a), np.einsum("np,nm->pm", a, r)),
        )


def _solve(*parts: _Normal) -> Array:
    """The sum of normal equations, solved; where no pose decides, the ridge does.

    It moves lengths by nanometers.
    """
    matrix, sides = (np.sum([part[i] for part in parts], axis=0) for i in range(2))
    ridge = RIDGE * np.trace(matrix) / len(matrix)
    matrix = matrix + ridge * np.eye(len(matrix))
    if not factor(matrix):
        raise DivergedError("the least squares of a geometry have no solution")
    columns = np.ascontiguousarray(sides.T)
    for column in columns:
        solve(matrix, column)
    return columns.T


def _design(bases: list[Basis], angle: Array) -> tuple[Array, Array]:
    """Lengths `(N, P)` and arms `(N, P, joints)` of each product of functions on its own."""
    frames = len(angle)
    values: list[Any] = []
    slopes: list[Any] = []
    paths = paths_of(bases, np.zeros((0, len(bases)), np.int64), [])
    for i, basis in enumerate(bases):
        at = local(paths, i, angle[:, i])
        places = at.first[:, None] + np.arange(basis.degree + 1)
        for dense, part in ((values, at.value), (slopes, at.slope)):
            dense.append(np.zeros((frames, basis.size)))
            np.put_along_axis(dense[-1], places, part, axis=1)
    length = tensor(values, frames)
    arms = [
        -tensor([*values[:i], slope, *values[i + 1 :]], frames) for i, slope in enumerate(slopes)
    ]
    return length, np.stack(arms, axis=2)
