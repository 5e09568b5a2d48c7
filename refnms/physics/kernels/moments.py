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
    """The same of frame t of forces `(T, M)`, row s of arms `(S, M, D)` and moments `(S, D)`.

    Three at a time: a sum waits for each of its terms, sums side by side do not.
    """
    last = found.shape[1] - 1
    for d in range(0, last + 1, 3):
        e, f = min(d + 1, last), min(d + 2, last)
        of_d = of_e = of_f = 0.0
        for m in range(force.shape[1]):
            own = force[t, m]
            of_d += own * arm[s, m, d]
            of_e += own * arm[s, m, e]
            of_f += own * arm[s, m, f]
        found[s, d], found[s, e], found[s, f] = of_d, of_e, of_f
