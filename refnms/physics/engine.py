"""Which engine computes: decided here and nowhere else."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from refnms.jit import HAVE_NUMBA
from refnms.physics import compiled, reference


def pick(*arrays: Any) -> ModuleType:
    """`compiled`, or `reference` for complex numbers and where Numba is missing."""
    return compiled if HAVE_NUMBA and not any(map(np.iscomplexobj, arrays)) else reference
