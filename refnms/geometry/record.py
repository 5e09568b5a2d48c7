"""Musculotendon lengths as a smooth function of joint angles, and moment arms as its slopes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from refnms.autodiff import primitive
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

    def length(self, angle: Any) -> Any:
        """Lengths `(N, M)` [m] at angles `(N, D)` [rad]: arrays, complex numbers or a Var."""
        return primitive(self._length, self._length_pullback)(angle)

    def moment_arm(self, angle: Any) -> Any:
        """Moment arms `(N, M, D)` [m/rad] at angles `(N, D)` [rad], as in `length`."""
        return primitive(self._arm, self._arm_pullback)(angle)

    def outside(self, angle: Array) -> Any:
        """Which poses `(N,)` lie beyond those it was fitted to."""
        return ((angle < self.lower) | (angle > self.upper)).any(axis=1)

    def _length(self, angle: Any) -> Any:
        return pick(angle).path_lengths(self.paths, angle)[0]

    def _arm(self, angle: Any) -> Any:
        return pick(angle).path_lengths(self.paths, angle)[1]

    def _length_pullback(self, bar: Array, _: Array, angle: Array) -> tuple[Array]:
        return (-np.einsum("nm,nmd->nd", bar, self._arm(angle)),)

    def _arm_pullback(self, bar: Array, _: Array, angle: Array) -> tuple[Array]:
        return (np.einsum("nmd,nmde->ne", bar, path_curvature(self.paths, angle)),)
