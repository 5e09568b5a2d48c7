"""The only room that imports Numba: what compiled code is, decided once.

`pure` marks the physics: a function of numbers that runs as it stands on floats, arrays, complex
numbers and tape variables, and inside compiled code. `kernel` marks a loop that calls it. Without
Numba both are the identity, and where NUMBA_DISABLE_JIT=1 keeps it from compiling: the kernels are
then left to their tests. Importing this room compiles nothing; a kernel compiles at its first call
and is kept on disk (`cache`).
"""

from refnms.jit.cache import cache_directory
from refnms.jit.functions import (
    choose,
    kernel,
    llvm_text,
    outlined,
    pure,
    section,
    spliced,
    where,
)
from refnms.jit.machine import COMPILES, HAVE_NUMBA, host_processor
from refnms.jit.memory import by_reference, floats_at, integers_at, soon

__all__ = [
    "COMPILES",
    "HAVE_NUMBA",
    "by_reference",
    "cache_directory",
    "choose",
    "floats_at",
    "host_processor",
    "integers_at",
    "kernel",
    "llvm_text",
    "outlined",
    "pure",
    "section",
    "soon",
    "spliced",
    "where",
]
