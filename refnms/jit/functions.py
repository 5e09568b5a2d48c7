"""Marks of functions: what is compiled, how, and what becomes of it where it is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np

from refnms.jit.cache import keep
from refnms.jit.machine import HAVE_NUMBA

if HAVE_NUMBA:
    import numba
    from numba.extending import overload, register_jitable

    # Outside of a `try`: a Numba without its inner parts must fail, not pass for no Numba.
    from refnms.jit.compiler import Compiler, Copied, CopiedApart

F = TypeVar("F", bound=Callable[..., Any])

# "numpy": x / 0 is inf as in NumPy, and a loop with a division still vectorises.
# No fastmath: a NaN must stay a NaN, and sums keep their order.
ARITHMETIC = {"error_model": "numpy"}
# Of what only compiled code calls: no way in from Python, which costs a fifth of the compilation.
INNER: dict[str, Any] = {**ARITHMETIC, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
if HAVE_NUMBA:
    INNER["pipeline_class"] = Copied


def pure(function: F) -> F:
    """Allow `function` inside kernels, and inside a user's own `numba.njit` functions."""
    if not HAVE_NUMBA:
        return function
    return cast(F, register_jitable(forceinline=True, **INNER)(function))


def outlined(function: F) -> F:
    """`pure` for a long function: compiled once, and called from where it is used."""
    if not HAVE_NUMBA:
        return function
    return cast(F, register_jitable(**INNER)(function))


def spliced(function: F) -> F:
    """A long part of a kernel, called in one place of it, to which Numba copies its statements.

    A `pure` one would be a piece of its own, simplified before it is copied: it compiles slower.
    """
    if not HAVE_NUMBA:
        return function
    return cast(F, numba.njit(_nrt=False, inline="always", **INNER)(function))


def section(function: F) -> F:
    """A part of a kernel. No two of its array arguments may overlap, so loops can be widened."""
    if not HAVE_NUMBA:
        return function
    options = {**INNER, "forceinline": True, "pipeline_class": CopiedApart}
    return cast(F, numba.njit(_nrt=False, **options)(function))


def kernel(function: F) -> F:
    """Compile a module-level `function` at its first call; it releases the interpreter lock."""
    if not HAVE_NUMBA:
        return function
    # Kernels allocate nothing: without reference counts of arrays they are 2.5 times faster.
    options = {**ARITHMETIC, "no_cfunc_wrapper": True, "pipeline_class": Compiler}
    compiled = numba.njit(nogil=True, _nrt=False, **options)(function)
    if compiled is not function:  # with NUMBA_DISABLE_JIT=1 it is still the plain function
        keep(compiled)
    return cast(F, compiled)


def choose(function: Callable[..., Any], twin: Callable[..., Any]) -> None:
    """In compiled code, what `twin(kind)` returns stands for `function`.

    `kind` is the class of the first argument where that is a NamedTuple, else None. The stand-in
    takes the same arguments.
    """
    if HAVE_NUMBA:
        overload(function, strict=False, jit_options={"forceinline": True, **INNER})(
            lambda first, *rest: twin(getattr(first, "instance_class", None))
        )


def where(condition: Any, a: Any, b: Any) -> Any:
    """`a` where `condition` holds, else `b`; in compiled code a choice between two numbers."""
    return np.where(condition, a, b)


def _where_scalar(condition: Any, a: Any, b: Any) -> Any:
    return a if condition else b


choose(where, lambda kind: _where_scalar)


def llvm_text(function: Callable[..., Any], count: int) -> tuple[str, str]:
    """LLVM's text of a kernel that takes so many int64 arguments, and the kernel's name there."""
    plain = getattr(function, "py_func", function)
    own = numba.njit(_nrt=False, **{**INNER, "pipeline_class": Compiler})(plain)
    own.compile((numba.types.int64,) * count)
    compiled = own.overloads[own.signatures[0]]
    return compiled.library.get_llvm_str(), compiled.fndesc.mangled_name
