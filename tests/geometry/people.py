"""A small geometry with known truth: the invented upper limb of `synthetic`, on a grid of poses."""

from __future__ import annotations

from functools import cache

import numpy as np

from refnms.geometry import GeometryFit, Poses, fit_geometry
from refnms.synthetic import DOFS, MUSCLES, moment_arm, musculotendon_length

CHOSEN = ("DELT1", "TRIlong", "BRA")  # over two joints, three and one


def poses(angle: np.ndarray) -> Poses:
    at = [MUSCLES.index(name) for name in CHOSEN]
    return Poses(CHOSEN, DOFS, angle, musculotendon_length(angle)[:, at], moment_arm(angle)[:, at])


def grid(nodes: tuple[int, int, int] = (6, 5, 7)) -> np.ndarray:
    ends = np.radians([(0.0, 90.0), (-40.0, 40.0), (0.0, 120.0)])
    axes = [np.linspace(*end, n) for end, n in zip(ends, nodes, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)


@cache
def fitted() -> GeometryFit:
    return fit_geometry(poses(grid()))
