"""The rows of a block's working memory (see `block`), LANES numbers each: where they begin.

All are unsigned: a signed index may be negative and then counts from the end, which has to be
looked at for every number, and no loop over lanes could be widened.
"""

from itertools import count

import numpy as np

from refnms.physics.activation import Node, Shape
from refnms.physics.implicit import Sums
from refnms.physics.types import Muscles, Piece, Unit

LANES = 16  # two or four registers of every operation: enough to hide what a division takes

_free = count(0, LANES)


def _rows(number: int) -> tuple[np.uint64, ...]:
    return tuple(np.uint64(next(_free)) for _ in range(number))


UNIT = _rows(len(Unit._fields))
SHAPE, NODE = _rows(len(Shape._fields)), _rows(len(Node._fields))
# Pieces of the curves, each followed by its number; the last one where the force asks that curve.
ACTIVE, PASSIVE, VELOCITY, TENDON, FORCE_VELOCITY = (
    _rows(len(Piece._fields) + 1) for _ in range(5)
)
# By each parameter: slopes of activation, fiber length and tendon force (see `linear`), cotangents.
A_P, L_P, F_P, BARS = (Muscles(*_rows(len(Muscles._fields))) for _ in range(4))
SUMS = Sums(*_rows(len(Sums._fields)))
(
    C1, C2, ALPHA, BETA1, BETA2,  # of the filter
    U1, U2,  # neural activation one and two rows ago
    A, LMT, L, V, F,  # the signals
    PAST,  # the part of the solver's velocity that earlier lengths give
    W, X, COSINE, VS, VF,  # geometry of the fiber; norm velocities of solver and force
    LENGTH, STRAIN,  # what the active curve and the tendon's are asked; the others: X, VS, VF
    NEAR,  # where the search for W stands
    OPEN, AWAY, DOUBT,  # 1 while the length is looked for; outside of its pieces; to be checked
    ON_RIGID, AT_FLOOR,  # 1 where the length is not that of an equilibrium
    FLAGGED,  # in its first lane: 1 where any has that
    BY_A, BY_LMT, BY_V, SLOPE,  # partials of the last frame's equilibrium
    LAST_A, LAST_PAST, LAST_W,  # and what it was computed from
    A_U, A_SHAPE, L_A, L_V, F_A, F_L, F_V,  # slopes of a signal: see `linear`
    U1_C1, U2_C1, U1_C2, U2_C2, U1_D, U2_D,  # slopes of U1 and U2 by c1, c2 and the delay
    V_D,  # slope of the velocity of earlier lengths by one parameter
    A_BAR, L_BAR, W_BAR, V_BAR, LMT_BAR, PAST_BAR, E_BAR, U_BAR, U1_BAR, U2_BAR,  # cotangents
) = _rows(58)  # fmt: skip
END = next(_free)
SIZE = END + LANES  # of a block whose lanes are all taken (see `block.width`)
