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
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from refnms.errors import InputError
from refnms.interop.c import export, export_c
from refnms.interop.chain import ChainOperation, ChainOutputs
from refnms.interop.jax.callback import aligned
from refnms.jit import cache_directory, host_processor
from refnms.model import Model
from refnms.physics.packed import Packed
from refnms.physics.profiles import NATIVE, Profile
from refnms.physics.types import Array
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
    stamps: Array = np.array(operation.time)
    t, d = operation.outputs["moment"]
    m = operation.outputs["flags"][1]
    floats = functools.partial(jax.ShapeDtypeStruct, dtype=jnp.float64)

    def call(target: str, told: Any, batch: Any, *inputs: Any) -> Any:
        time = jnp.broadcast_to(stamps, (*batch, t))
        function = jax.ffi.ffi_call(target, told, vmap_method="broadcast_all")
        return tuple(function(time, *inputs, model=np.int64(model)))

    def results(batch: Any) -> tuple[Any, Any]:
        return floats((*batch, t, d)), floats((*batch, 5, t, m))

    @jax.custom_jvp
    def run(*inputs: Any) -> Any:
        batch = inputs[1].shape[:-2]
        told = (*results(batch), jax.ShapeDtypeStruct((*batch, t, m), jnp.int64))
        return call("refnms_xla_forward", told, batch, *inputs)

    def push(kept: Any, dots: Any) -> Any:
        batch = kept[1].shape[:-2]
        return call("refnms_xla_jvp", results(batch), batch, *kept, *dots)

    def pull(kept: Any, bars: Any) -> Any:
        told = tuple(floats(x.shape) for x in kept[:4])
        return call("refnms_xla_vjp", told, kept[1].shape[:-2], *kept, *bars)

    @run.defjvp
    def _(inputs: Any, dots: Any) -> Any:
        moments, signals, flags = run(*inputs)
        kept = (*inputs, signals, flags)
        moments_dot, signals_dot = jax.custom_derivatives.linear_call(push, pull, kept, tuple(dots))
        still = np.zeros(flags.shape, jax.dtypes.float0)
        return (moments, signals, flags), (moments_dot, signals_dot, still)

    return run


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
