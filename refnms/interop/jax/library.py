"""The chain compiled into XLA's programs: the C library behind JAX's foreign functions.

No Python runs in a call, so it is fast inside `jit`, and it differentiates forwards and backwards:
`jvp`, `vjp`, `jacfwd`, `jacrev`, `vmap` of them; first derivatives. The library is built once, in
one to two minutes, and kept beside the compiled kernels; that takes a C and a C++ compiler.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import math
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core
from jax.interpreters import ad, batching, mlir

from refnms.errors import InputError
from refnms.interop.c import export, export_c
from refnms.interop.chain import ChainOperation, ChainOutputs
from refnms.interop.jax.callback import aligned
from refnms.jit import cache_directory, host_processor
from refnms.model import Model
from refnms.physics.packed import Packed
from refnms.physics.profiles import NATIVE, Profile
from refnms.stream import check_streamable, packed

HANDLER = Path(__file__).parent / "handler.cpp"
TARGETS = ("refnms_xla_forward", "refnms_xla_jvp", "refnms_xla_vjp")

_kept: list[Packed] = []  # compiled programs have their addresses, and may outlive all else


class CompiledChain:
    """A model's chain at given times: `(excitation, lengths, arms) -> ChainOutputs`."""

    def __init__(self, model: Model, time: Any, profile: Profile = NATIVE) -> None:
        """`time (T,)` of the frames [s]. Builds the library where that was not done yet.

        Raises InputError for a profile that looks ahead, and without Numba or a compiler.
        """
        check_streamable(profile)
        register()
        self.operation = ChainOperation(model, time, None, profile)
        self.parameters = model.table()
        _kept.append(packed(model, profile, None, 1.0, math.inf))
        self._run = _differentiable(_kept[-1].address, self.operation)

    def __call__(
        self, excitation: Any, musculotendon_length: Any, moment_arm: Any, parameters: Any = None
    ) -> ChainOutputs:
        """Moments `(..., T, D)` and all signals, of excitations and lengths `(..., T, M)`, arms
        `(..., T, M, D)` and parameters `(..., 12, M)`; None: the model's. SI units.

        Raises InputError for arrays of other shapes or types, and while JAX is set to 32 bits.
        """
        table = self.parameters if parameters is None else parameters
        inputs = aligned(self.operation, [table, excitation, musculotendon_length, moment_arm])
        batch = jnp.broadcast_shapes(
            *(x.shape[:-n] for x, n in zip(inputs, (2, 2, 2, 3), strict=True))
        )
        own = self.operation.inputs.values()
        whole = [jnp.broadcast_to(x, (*batch, *n)) for x, n in zip(inputs, own, strict=True)]
        moment, signals, flags = self._run(*whole)
        each = [signals[..., i, :, :] for i in range(5)]
        return ChainOutputs(*[moment, whole[1], *each, flags])


def _differentiable(model: int, operation: ChainOperation) -> Any:
    """`(parameters, excitation, lengths, arms) -> moments, signals (..., 5, T, M), flags`."""
    own = Fixed(model, tuple(operation.time.tolist()))

    @jax.custom_jvp
    def run(*inputs: Any) -> Any:
        batch, t, m, _ = _sizes(inputs)
        flags = jax.ShapeDtypeStruct((*batch, t, m), jnp.int64)
        return _call("refnms_xla_forward", own, (*_results(inputs), flags), *inputs)

    @run.defjvp
    def _(inputs: Any, dots: Any) -> Any:
        moments, signals, flags = run(*inputs)
        moved = _push.bind(*inputs, signals, flags, *dots, own=own)
        return (moments, signals, flags), (*moved, np.zeros(flags.shape, jax.dtypes.float0))

    return run


# ---- the derivative along a direction, as a primitive that knows its transpose ----


class Fixed(NamedTuple):
    """What a compiled program holds of a chain."""

    model: int  # the address of its words
    time: tuple[float, ...]


def _sizes(inputs: Sequence[Any]) -> tuple[tuple[int, ...], int, int, int]:
    """Batch, T, M, D of parameters, excitations, lengths, arms ..."""
    *batch, t, m, d = inputs[3].shape
    return tuple(batch), t, m, d


def _results(inputs: Sequence[Any]) -> tuple[Any, Any]:
    """Moments and signals."""
    batch, t, m, d = _sizes(inputs)
    shapes = (*batch, t, d), (*batch, 5, t, m)
    moments, signals = (jax.ShapeDtypeStruct(shape, jnp.float64) for shape in shapes)
    return moments, signals


def _call(target: str, own: Fixed, told: Any, *inputs: Any) -> Any:
    """A function of the library; all buffers have the same axes in front."""
    time = jnp.broadcast_to(np.array(own.time), (*_sizes(inputs)[0], len(own.time)))
    function = jax.ffi.ffi_call(target, told, vmap_method="broadcast_all")
    return tuple(function(time, *inputs, model=np.int64(own.model)))


def _pushed(*inputs: Any, own: Fixed) -> Any:
    return _call("refnms_xla_jvp", own, _results(inputs), *inputs)


def _abstract(*inputs: Any, own: Fixed) -> Any:
    return [jax.core.ShapedArray(told.shape, told.dtype) for told in _results(inputs)]


def _transposed(bars: Any, *inputs: Any, own: Fixed) -> Any:
    kept, dots = inputs[:6], inputs[6:]
    bars = [ad.instantiate_zeros(bar) for bar in bars]
    told = tuple(jax.ShapeDtypeStruct(x.shape, x.dtype) for x in kept[:4])
    pulled = _call("refnms_xla_vjp", own, told, *kept, *bars)
    wanted = [ad.is_undefined_primal(dot) for dot in dots]
    return [None] * 6 + [bar if w else None for bar, w in zip(pulled, wanted, strict=True)]


def _batched(inputs: Any, dims: Any, own: Fixed) -> Any:
    size = next(x.shape[d] for x, d in zip(inputs, dims, strict=True) if d is not None)
    moved = [
        jnp.broadcast_to(x, (size, *x.shape)) if d is None else jnp.moveaxis(x, d, 0)
        for x, d in zip(inputs, dims, strict=True)
    ]
    return _push.bind(*moved, own=own), (0, 0)


_push = core.Primitive("refnms_push")
_push.multiple_results = True
_push.def_impl(jax.jit(_pushed, static_argnames="own"))
_push.def_abstract_eval(_abstract)
mlir.register_lowering(_push, mlir.lower_fun(_pushed, multiple_results=True))
ad.primitive_transposes[_push] = _transposed
batching.primitive_batchers[_push] = _batched


# ---- the library ----


@functools.cache
def register() -> None:
    """Load the library, build it if need be, and tell XLA of its functions."""
    library = ctypes.CDLL(str(_built()))
    for name in TARGETS:
        capsule = jax.ffi.pycapsule(getattr(library, name))
        jax.ffi.register_ffi_target(name, capsule, platform="cpu")


def _built() -> Path:
    """The shared library, of these sources, this JAX and this processor."""
    key = hashlib.sha256(f"{jax.__version__} {host_processor()}".encode())
    for source in (HANDLER, export.HERE / "refnms.h", export.HERE / "objects.py"):
        key.update(source.read_bytes())
    home = cache_directory() or Path(tempfile.mkdtemp(prefix="refnms-"))
    target = home / f"xla-{key.hexdigest()[:16]}.so"
    if not target.exists():
        with tempfile.TemporaryDirectory(dir=home) as scratch:
            work = Path(scratch)
            export_c(work)
            _compile(work, work / target.name)
            os.replace(work / target.name, target)
    return target


def _compile(work: Path, target: Path) -> None:
    command = [
        *(os.environ.get("CXX") or "c++").split(),
        *("-std=c++17", "-O2", "-fPIC", "-shared", "-o", target, HANDLER),
        *("-I", work, "-I", jax.ffi.include_dir(), work / "librefnms.a", "-lm"),
    ]
    try:
        ended = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    except FileNotFoundError as error:
        raise InputError(f"{command[0]} is not on the path; install a C++ compiler") from error
    if ended.returncode != 0:
        raise InputError(f"{command[0]} failed: {ended.stderr.strip()}")
