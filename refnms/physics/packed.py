"""A model as the plain memory that streams and the C library read (see `kernels.struct`)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from refnms.physics.kernels.paths import room
from refnms.physics.kernels.struct import ABI, NUMBERS, WORDS
from refnms.physics.profiles import Profile
from refnms.physics.solve import plain_curves
from refnms.physics.types import Array, Curves, Integers, Paths


class Packed(NamedTuple):
    """The words of a model, and the arrays whose addresses they hold, by member."""

    words: Integers
    arrays: dict[str, Array | Integers]

    @property
    def address(self) -> int:
        return int(self.words.ctypes.data)


def no_paths(muscles: int) -> Paths:
    """The geometry of a model that has none."""
    return Paths(
        bases=np.zeros((0, 5), np.int64),
        edges=np.zeros(0),
        pieces=np.zeros(0),
        basis_of=np.zeros((muscles, 0), np.int64),
        starts=np.zeros(muscles, np.int64),
        coefficients=np.zeros(0),
    )


def pack(
    table: Array,
    emg_to_muscle: Array,
    dofs: int,
    curves: Curves,
    profile: Profile,
    *,
    rigid: bool,
    piecewise: bool,
    emg_samples: int,
    longest_gap: float,
    paths: Paths | None = None,
) -> Packed:
    """Pack parameters `(12, M)`, weights `(M, E)`, curves and a profile whose velocities trail.

    `emg_samples` are kept; a gap above `longest_gap` [s] between frames begins anew.
    """
    muscles, channels = emg_to_muscle.shape
    paths = no_paths(muscles) if paths is None else paths
    start, root = profile.start, profile.root
    numbers = dict(
        rest=start.rest,
        **root._asdict(),
        node_tolerance=profile.node_tolerance,
        longest_gap=longest_gap,
    )
    arrays: dict[str, Array | Integers] = {
        "numbers": np.array([numbers[name] for name in NUMBERS], dtype=float),
        "parameters": np.array(table, dtype=float, order="C"),
        "emg_to_muscle": np.array(emg_to_muscle.T, dtype=float, order="C"),
        **{name: np.ascontiguousarray(array) for name, array in paths._asdict().items()},
    }
    rows, columns = room(paths)
    members: dict[str, int] = {
        "abi": ABI,
        "muscles": muscles,
        "dofs": dofs,
        "channels": channels,
        "solver_points": profile.solver_points,
        "force_points": profile.force_points or 0,
        "restart": start.restart,
        "rigid": rigid,
        "piecewise": piecewise,
        "plain": plain_curves(curves, root),
        "interpolates_emg": profile.interpolates_emg,
        "emg_samples": emg_samples,
        "bases_count": len(paths.bases),
        "edges_count": paths.edges.size,
        "pieces_count": paths.pieces.size,
        "coefficients_count": paths.coefficients.size,
        "joints": paths.basis_of.shape[1],
        "memory_rows": rows,
        "memory_columns": columns,
    }
    for name, curve in zip(("active", "passive", "velocity", "tendon"), curves, strict=True):
        arrays[f"{name}_edges"] = np.ascontiguousarray(curve.edges)
        arrays[f"{name}_pieces"] = np.ascontiguousarray(curve.pieces)
        members[f"{name}_count"] = len(curve.pieces)
    members |= {name: array.ctypes.data for name, array in arrays.items()}
    return Packed(np.array([members[name] for name in WORDS], np.int64), arrays)
