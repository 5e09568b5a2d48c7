"""Moments from tendon forces: sums over muscles in their order, so the bits are the same always."""

from __future__ import annotations

from refnms.jit import kernel, pure
from refnms.physics.types import Array


@kernel
def moments(force: Array, arm: Array, moment: Array) -> None:
    """Moments `(T, D)` of forces `(T, M)` with arms `(D, T, M)`."""
    for t in range(force.shape[0]):
        for d in range(arm.shape[0]):
            total = 0.0
            for m in range(force.shape[1]):
                total += force[t, m] * arm[d, t, m]
            moment[t, d] = total


@pure
def moment(force: Array, arm: Array, t: int, s: int, found: Array) -> None:
    """The same of frame t of forces `(T, M)`, row s of arms `(S, M, D)` and moments `(S, D)`."""
    for d in range(found.shape[1]):
        total = 0.0
        for m in range(force.shape[1]):
            total += force[t, m] * arm[s, m, d]
        found[s, d] = total
