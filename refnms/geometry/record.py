"""Musculotendon lengths as a smooth function of joint angles, and moment arms as its slopes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from refnms.autodiff import primitive
from refnms.display import count, listed
from refnms.errors import InputError
from refnms.physics.engine import pick
from refnms.physics.reference.paths import path_curvature
from refnms.physics.types import Array, Paths


@dataclass(frozen=True, eq=False)
class Geometry:
    """L(q) of M muscles over D joint angles; the moment arms are -dL/dq by construction.

    Beyond the angles it was fitted to, lengths go on in straight lines.
    """

    muscle_names: tuple[str, ...]
    dof_names: tuple[str, ...]
    lower: Array  # (D,) range of the poses it was fitted to [rad]
    upper: Array  # (D,)
    paths: Paths

    def __repr__(self) -> str:
        muscles = count(len(self.muscle_names), "muscle")
        return f"<Geometry: {muscles} over {listed(self.dof_names)}>"

    def length(self, angle: Any) -> Any:
        """Lengths `(N, M)` [m] at angles `(N, D)` [rad]: arrays, complex numbers or a Var."""
        return primitive(self._length, self._length_pullback)(angle)

    def moment_arm(self, angle: Any) -> Any:
        """Moment arms `(N, M, D)` [m/rad] at angles `(N, D)` [rad], as in `length`."""
        return primitive(self._arm, self._arm_pullback)(angle)

    def outside(self, angle: Array) -> Any:
        """Which poses `(N,)` lie beyond those it was fitted to."""
        return ((angle < self.lower) | (angle > self.upper)).any(axis=1)

    def of(self, muscles: Sequence[str], dofs: Sequence[str]) -> Paths:
        """The paths of these muscles over these degrees of freedom, in their order.

        Raises InputError for names that it lacks, and for a joint left out that a muscle crosses.
        """
        lacking = [name for name in muscles if name not in self.muscle_names]
        lacking += [name for name in self.dof_names if name not in dofs]
        if lacking:
            raise InputError(f"the geometry does not go with the model: {', '.join(lacking)}")
        rows = [self.muscle_names.index(name) for name in muscles]
        basis_of = np.full((len(rows), len(dofs)), -1, np.int64)
        place = [tuple(dofs).index(name) for name in self.dof_names]
        if place != sorted(place):
            raise InputError(f"the geometry has its joints in another order: {self.dof_names}")
        basis_of[:, place] = self.paths.basis_of[rows]
        bases = self.paths.bases.copy()
        bases[:, 0] = np.array(place, np.int64)[bases[:, 0]]
        return self.paths._replace(
            bases=bases, basis_of=basis_of, starts=self.paths.starts[rows].copy()
        )

    def _length(self, angle: Any) -> Any:
        return pick(angle).path_lengths(self.paths, angle)[0]

    def _arm(self, angle: Any) -> Any:
        return pick(angle).path_lengths(self.paths, angle)[1]

    def _length_pullback(self, bar: Array, _: Array, angle: Array) -> tuple[Array]:
        return (-np.einsum("nm,nmd->nd", bar, self._arm(angle)),)

    def _arm_pullback(self, bar: Array, _: Array, angle: Array) -> tuple[Array]:
        return (np.einsum("nmd,nmde->ne", bar, path_curvature(self.paths, angle)),)
