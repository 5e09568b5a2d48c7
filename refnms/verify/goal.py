"""The gradient that a calibration follows, by its three ways: reverse, forward, differences.

Reverse mode through the tape and the adjoint, and Gauss-Newton's forward derivatives, contracted
with the residuals, are two exact gradients of one number; they share no code above the partials.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from refnms.autodiff import difference_sweep
from refnms.model import Trial
from refnms.objective import Objective
from refnms.parameters import Packing
from refnms.physics.profiles import Profile
from refnms.physics.types import Array
from refnms.terms import TERMS, Term
from refnms.verify.records import DIFFERENCES, EVERYWHERE, Check, Place, Worst, against, relative

DIRECTIONS = 2


def goal_checks(
    packing: Packing,
    trials: Sequence[Trial],
    profile: Profile,
    terms: Sequence[Term] = TERMS,
    dofs: Sequence[str] | None = None,
) -> Iterator[Check]:
    """The gradient of the objective by every free parameter, where calibrations begin."""
    objective = Objective(packing, trials, profile.for_gradients(), terms, dofs)
    x, room = packing.apart(), packing.upper - packing.lower
    _, reverse = objective.gradient(x)
    forward = _forward(objective, x)
    worst = Worst(
        "objective",
        "reverse mode and Gauss-Newton's forward mode give one gradient of the objective, for "
        "every free parameter",
        EVERYWHERE,
    )
    error = relative(forward * room, reverse * room, 0.0)
    worst.add(error, lambda i: Place(f"objective by {packing.names[i[0]]}"))
    yield worst.check()
    yield _difference_check(objective, x, room, reverse)


def _forward(objective: Objective, x: Array) -> Array:
    """Gradient `(P,)` of Gauss-Newton's model, the one-sided squares included."""
    model = objective.model(x)
    gradient, h = model.gradient.copy(), model.hinges
    pull = 2.0 * h.weight * np.maximum(h.offset, 0.0)
    np.add.at(gradient, h.columns, pull[:, None] * h.slopes)
    return gradient


def _difference_check(objective: Objective, x: Array, room: Array, gradient: Array) -> Check:
    rng = np.random.default_rng(17)
    worst = Worst(
        "objective, differences",
        "the gradient of the objective is that of central differences",
        DIFFERENCES,
    )
    for k in range(DIRECTIONS):
        direction = rng.uniform(-0.01, 0.01, len(x)) * room
        along = difference_sweep(objective.value, x, direction)
        terms = gradient * direction
        error, sure = against(along, np.sum(terms), np.sum(np.abs(terms)))
        quantity = f"objective along random direction {k + 1}"
        if sure:
            worst.add(np.reshape(error, 1), lambda i, q=quantity: Place(q))
        else:
            worst.undecided.append(quantity)
    return worst.check()
