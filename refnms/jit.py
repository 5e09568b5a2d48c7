"""The only file that imports Numba: what compiled code is, decided once.

`pure` marks the physics: a function of numbers that runs as it stands on floats, arrays, complex
numbers and tape variables, and inside compiled code. `kernel` marks a loop that calls it. Without
Numba both are the identity, and where NUMBA_DISABLE_JIT=1 keeps it from compiling: the kernels are
then left to their tests. Importing this file compiles nothing; a kernel compiles at its first call
and is kept on disk.

Why the cache has its own folder: Numba notices an edit of the kernel's own file but not of a file
it imports, so it would go on serving an old formula. The folder's name is a hash of every source
of the rooms that have kernels; only its owner may write there, since a cache entry is a pickle.
`REFNMS_CACHE=off` keeps nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import os
import stat
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

try:
    import llvmlite
    import numba
    from numba.extending import overload, register_jitable

    HAVE_NUMBA = True
except ImportError:
    HAVE_NUMBA = False
COMPILES = HAVE_NUMBA and not numba.config.DISABLE_JIT

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

# "numpy": x / 0 is inf as in NumPy, and a loop with a division still vectorises.
# No fastmath: a NaN must stay a NaN, and sums keep their order.
ARITHMETIC = {"error_model": "numpy"}
ROOMS = ("physics", "optimize", "assistance")  # that have kernels
# Of what only compiled code calls: no way in from Python, which costs a fifth of the compilation.
# Not `nogil` either: Numba compiles a `pure` function anew for callers of other options.
INNER: dict[str, Any] = {**ARITHMETIC, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}

if HAVE_NUMBA:
    # Outside the `try` above: a Numba without these must fail, not pass for no Numba.
    from numba.core.codegen import JITCodeLibrary
    from numba.core.compiler import CompilerBase, DefaultPassBuilder

    class _Generator:
        def __init__(self, codegen: Any) -> None:
            self._codegen = codegen

        def __getattr__(self, name: str) -> Any:
            return getattr(self._codegen, name)

        def set_env(self, name: str, environment: Any) -> None:
            """Nothing: it would look for the code in memory, which has none."""

    class _Library(JITCodeLibrary):
        """A function as LLVM has it. Nobody would run its own machine code: none is made."""

        def _finalize_final_module(self) -> None:
            self._finalized = True

        @property
        def codegen(self) -> Any:
            return _Generator(self._codegen)

    class _Copied(CompilerBase):
        """Numba's compiler for what is copied to where it is called."""

        def define_pipelines(self) -> list[Any]:
            state = self.state
            state.library = _Library(state.targetctx.codegen(), state.func_id.func_qualname)
            return [DefaultPassBuilder.define_nopython_pipeline(state)]

    class _Apart(_Copied):
        """The same, told that array arguments do not overlap."""

        def define_pipelines(self) -> list[Any]:
            self.state.flags.noalias = True
            return super().define_pipelines()

    INNER["pipeline_class"] = _Copied


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

    A `pure` one would be optimized by itself and then again where it is used: it compiles slower.
    """
    if not HAVE_NUMBA:
        return function
    return cast(F, numba.njit(_nrt=False, inline="always", **INNER)(function))


def section(function: F) -> F:
    """A part of a kernel. No two of its array arguments may overlap, so loops can be widened."""
    if not HAVE_NUMBA:
        return function
    options = {**INNER, "forceinline": True, "pipeline_class": _Apart}
    return cast(F, numba.njit(_nrt=False, **options)(function))


def kernel(function: F) -> F:
    """Compile a module-level `function` at its first call; it releases the interpreter lock."""
    if not HAVE_NUMBA:
        return function
    # Kernels allocate nothing: without reference counts of arrays they are 2.5 times faster.
    compiled = numba.njit(nogil=True, _nrt=False, **ARITHMETIC)(function)
    # With NUMBA_DISABLE_JIT=1 it is still the plain function.
    if compiled is not function and cache_directory() is not None:
        try:
            compiled._cache = _Cache(function)
        except OSError as error:  # the function stands in no file
            _warn_of_slow_start(error)
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


def floats_at(address: int, shape: Any) -> Any:
    """The float64 array of this shape that lies at an address; it owns nothing."""
    return _at(address, shape, ctypes.c_double)


def integers_at(address: int, shape: Any) -> Any:
    """The same of int64."""
    return _at(address, shape, ctypes.c_int64)


def _at(address: int, shape: Any, number: Any) -> Any:
    count = int(np.prod(shape))
    if count == 0:
        return np.zeros(shape, number)
    return np.ctypeslib.as_array((number * count).from_address(int(address))).reshape(shape)


if HAVE_NUMBA:
    from numba.core import cgutils
    from numba.core.types import BaseTuple, Integer  # type: ignore[attr-defined]
    from numba.extending import lower_builtin, type_callable
    from numba.np import arrayobj

    # Not `numba.carray`: without reference counts no function may return its array.
    for _function, _number in ((floats_at, numba.float64), (integers_at, numba.int64)):

        def _type_of(_: Any, number: Any = _number) -> Any:
            return lambda address, shape: numba.types.Array(number, len(shape), "C")

        def _build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kind, (_, shape_type) = signature.return_type, signature.args
            array = arrayobj.make_array(kind)(context, builder)
            data_type = context.get_data_type(kind.dtype)
            size = context.get_constant(numba.types.intp, context.get_abi_sizeof(data_type))
            shape = [
                context.cast(builder, part, part_type, numba.types.intp)
                for part, part_type in zip(
                    cgutils.unpack_tuple(builder, args[1]), shape_type, strict=True
                )
            ]
            strides = [size]
            for length in shape[:0:-1]:
                strides.insert(0, builder.mul(strides[0], length))
            pointer = builder.inttoptr(args[0], data_type.as_pointer())
            arrayobj.populate_array(array, pointer, shape, strides, size, None)
            return array._getvalue()

        type_callable(_function)(_type_of)
        lower_builtin(_function, Integer, BaseTuple)(_build)


def by_reference(struct: T) -> T:
    """`struct`, of which compiled code hands on the address alone.

    A NamedTuple goes word by word into every call, and that of a few dozen arrays has hundreds.
    """
    return struct


if HAVE_NUMBA:
    from numba.core import datamodel, imputils
    from numba.core.typing import templates
    from numba.extending import register_model

    class _Reference(numba.types.Type):
        """Where a NamedTuple lies; what is in it is read by name as from the NamedTuple itself."""

        def __init__(self, dtype: Any) -> None:
            self.dtype, self.instance_class = dtype, dtype.instance_class
            name = hashlib.sha256(str(dtype).encode()).hexdigest()  # the type's own is a page
            super().__init__(f"reference({dtype.instance_class.__name__} {name})")

        def member(self, name: str) -> tuple[int, Any]:
            i = self.dtype.fields.index(name)
            return i, self.dtype.types[i]

    register_model(_Reference)(datamodel.models.PointerModel)

    @templates.infer_getattr
    class _Members(templates.AttributeTemplate):
        key = _Reference

        def generic_resolve(self, reference: Any, name: str) -> Any:
            kind = reference.member(name)[1]
            return _Reference(kind) if hasattr(kind, "instance_class") else kind

    @imputils.lower_getattr_generic(_Reference)  # type: ignore[untyped-decorator]
    def _read(context: Any, builder: Any, kind: Any, value: Any, name: str) -> Any:
        i, member = kind.member(name)
        place = cgutils.gep_inbounds(builder, value, 0, i)
        if hasattr(member, "instance_class"):
            return place
        return context.unpack_value(builder, member, place)

    # No `overload`: the memory has to be that of the caller.
    @type_callable(by_reference)  # type: ignore[untyped-decorator]
    def _type_of_reference(_: Any) -> Any:
        return lambda struct: _Reference(struct)

    @lower_builtin(by_reference, BaseTuple)  # type: ignore[untyped-decorator]
    def _refer(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = signature.args[0]
        place = cgutils.alloca_once(builder, context.get_data_type(kind))
        context.pack_value(builder, kind, args[0], place)
        return place


def soon(array: Any, i: Any, j: Any) -> None:
    """Compiled code will want `array[i, j]` before long: the processor may fetch it."""


if HAVE_NUMBA:
    from llvmlite import ir
    from numba.extending import intrinsic

    @intrinsic  # type: ignore[untyped-decorator]
    def _fetch(_: Any, array: Any, i: Any, j: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kind = signature.args[0]
            own = arrayobj.make_array(kind)(context, builder, args[0])
            at = [
                context.cast(builder, value, given, numba.types.intp)
                for value, given in zip(args[1:], signature.args[1:], strict=True)
            ]
            place = cgutils.get_item_pointer(context, builder, kind, own, at)
            byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
            fetch = cgutils.get_or_insert_function(
                builder.module,
                ir.FunctionType(ir.VoidType(), [byte, number, number, number]),
                "llvm.prefetch.p0",
            )
            to_write, keep, data = number(1), number(3), number(1)
            builder.call(fetch, [builder.bitcast(place, byte), to_write, keep, data])
            return context.get_dummy_value()

        return numba.types.none(array, i, j), build

    overload(soon, strict=False, jit_options={"forceinline": True, **INNER})(
        lambda array, i, j: lambda array, i, j: _fetch(array, i, j)
    )


@functools.cache
def cache_directory() -> Path | None:
    """The private folder of compiled kernels, or None: every process then compiles its own."""
    if not HAVE_NUMBA or os.environ.get("REFNMS_CACHE") == "off":
        return None
    try:
        key = hashlib.sha256()
        package = Path(__file__).parent
        compiled = (p for room in ROOMS for p in (package / room).rglob("*.py"))
        for source in [Path(__file__), *sorted(compiled)]:
            key.update(source.relative_to(package).as_posix().encode() + source.read_bytes())
        for module in (np, numba, llvmlite):
            key.update(module.__version__.encode())
        directory = _cache_home() / f"kernels-{key.hexdigest()[:16]}"
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _private(directory):
            raise PermissionError(f"{directory} can be written by others")
        tempfile.TemporaryFile(dir=directory).close()
    except (OSError, RuntimeError) as error:  # RuntimeError: no home folder is known
        _warn_of_slow_start(error)
        return None
    return directory


def _cache_home() -> Path:
    """Where caches of this user live (a NUMBA_CACHE_DIR comes first)."""
    chosen = numba.config.CACHE_DIR
    if chosen:
        return Path(chosen) / "refnms"
    if sys.platform == "win32":
        home = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        home = Path.home() / "Library" / "Caches"
    else:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "refnms"


def _private(directory: Path) -> bool:
    """Windows has no such mode; there the user's profile is private."""
    if sys.platform == "win32":
        return True
    status = directory.stat()
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


@functools.cache
def _warn_once(text: str) -> None:
    warnings.warn(text, RuntimeWarning, stacklevel=2)


def _warn_of_slow_start(error: Exception) -> None:
    _warn_once(
        "compiled kernels cannot be kept on disk, so every start compiles them anew "
        f"({error}); set NUMBA_CACHE_DIR to a writable folder, or REFNMS_CACHE=off to accept it"
    )


if HAVE_NUMBA:
    from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile

    class _Locator:
        """Tells Numba to keep the kernels of a file in our folder, until that file changes."""

        def __init__(self, function: Callable[..., Any], file: str) -> None:
            self._py_file = file
            self._lineno = function.__code__.co_firstlineno

        @classmethod
        def from_function(cls, function: Callable[..., Any], file: str) -> _Locator:
            return cls(function, file)

        def get_cache_path(self) -> str:
            return f"{cache_directory()}/{hashlib.sha256(self._py_file.encode()).hexdigest()[:16]}"

        def ensure_cache_path(self) -> None:
            os.makedirs(self.get_cache_path(), exist_ok=True)

        def get_source_stamp(self) -> str:
            return hashlib.sha256(Path(self._py_file).read_bytes()).hexdigest()

        def get_disambiguator(self) -> str:
            return str(self._lineno)

    class _Implementation(CompileResultCacheImpl):
        _locator_classes = (_Locator,)

    class _Entries(IndexDataCacheFile):
        """Compiled code with its checksum: running damaged code would end the process."""

        def _dump(self, content: Any) -> bytes:
            data: bytes = super()._dump(content)
            return data + hashlib.sha256(data).digest()  # unpickling stops before it

        def _load_data(self, name: str) -> Any:
            data = Path(self._data_path(name)).read_bytes()
            if hashlib.sha256(data[:-32]).digest() != data[-32:]:
                raise ValueError(f"{name} is damaged")
            return super()._load_data(name)

    class _Cache(FunctionCache):
        """Numba's cache, for which a damaged entry is none and an unwritable folder no error."""

        _impl_class = _Implementation

        def __init__(self, function: Callable[..., Any]) -> None:
            super().__init__(function)
            stamp = self._impl.locator.get_source_stamp()
            self._cache_file = _Entries(self._cache_path, self._impl.filename_base, stamp)

        def load_overload(self, signature: Any, target: Any) -> Any:
            try:
                return super().load_overload(signature, target)
            except Exception:  # damaged bytes raise whatever unpickling meets first
                with contextlib.suppress(OSError):
                    self.flush()
                return None

        def save_overload(self, signature: Any, result: Any) -> None:
            try:
                super().save_overload(signature, result)
            except OSError as error:
                _warn_of_slow_start(error)


# ---- machine code that needs no Python ----


def host_processor() -> str:
    """LLVM's name of this machine's processor."""
    from llvmlite import binding as llvm

    return str(llvm.get_host_cpu_name())


def llvm_text(function: Callable[..., Any], count: int) -> tuple[str, str]:
    """LLVM's text of a kernel that takes so many int64 arguments, and the kernel's name there."""
    plain = getattr(function, "py_func", function)
    own = numba.njit(_nrt=False, **INNER)(plain)
    own.compile((numba.types.int64,) * count)
    compiled = own.overloads[own.signatures[0]]
    return compiled.library.get_llvm_str(), compiled.fndesc.mangled_name
