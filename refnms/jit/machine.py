"""What compiles on this machine, and for which processor."""

from __future__ import annotations

try:
    import numba

    HAVE_NUMBA = True
except ImportError:
    HAVE_NUMBA = False
COMPILES = HAVE_NUMBA and not numba.config.DISABLE_JIT


def host_processor() -> str:
    """LLVM's name of this machine's processor."""
    from llvmlite import binding as llvm

    return str(llvm.get_host_cpu_name())
