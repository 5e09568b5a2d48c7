"""Long programs in little memory: forget what a part computed on its way, and compute it again.

The tape keeps every intermediate value until the sweep, T of them for a recursion of T steps. A
checkpointed part keeps its inputs alone; the sweep runs it once more, this time recorded, and takes
its pullback at once. A recursion cut into sqrt(T) parts of sqrt(T) steps thus keeps 2 sqrt(T)
values, for one more forward pass (Griewank 1992 shows how far this can be driven).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from refnms.autodiff.tape import Primitive, primitive, vjp


def checkpoint(f: Callable[..., Any]) -> Primitive:
    """The function f of float64 arrays, one array, that the tape records as a single step.

    What f takes from around it must not be differentiated: pass it as an argument.
    """

    def pullback(g: Any, y: Any, *args: Any) -> tuple[Any, ...]:
        return vjp(f, *args)[1](g)

    return primitive(f, pullback, transparent=True)


def recursion(
    step: Callable[..., Any], state: Any, inputs: Any, *shared: Any, every: int | None = None
) -> Any:
    """The last state of `state <- step(state, inputs[t], *shared)`, t = 0, 1, ..., T - 1.

    `state`, `inputs (T, ...)` and all that is `shared` by the steps may be differentiated. Values
    are kept at `every` so many steps, by default the square root of T, which keeps the fewest.
    """
    size = every or max(1, math.isqrt(len(inputs)))

    def several(state: Any, some: Any, *shared: Any) -> Any:
        for one in some:
            state = step(state, one, *shared)
        return state

    part = checkpoint(several)
    for t in range(0, len(inputs), size):
        state = part(state, inputs[t : t + size], *shared)
    return state
