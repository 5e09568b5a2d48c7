"""Which engine computes: decided here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

import numpy as np

from refnms.jit import COMPILES
from refnms.physics import compiled, reference

F = TypeVar("F", bound=Callable[..., Any])


def quiet(kernel: F) -> F:
    """A kernel that is called by itself: where Python runs it, it warns no more than compiled."""
    return kernel if COMPILES else np.errstate(all="ignore")(kernel)


def only_as_called(kernel: Any) -> bool:
    """Let a compiled kernel take the types it has been called with; others raise TypeError.

    Compiling for those would stop a caller in real time for seconds. False where Python runs it.
    """
    if COMPILES:
        kernel.disable_compile()
    return COMPILES


def pick(*arrays: Any) -> ModuleType:
    """`compiled`, or `reference` for complex numbers and where Numba is missing."""
    return compiled if COMPILES and not any(map(np.iscomplexobj, arrays)) else reference
