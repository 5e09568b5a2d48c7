"""Memory as compiled code has it: arrays at an address, structs by reference, what is fetched."""

from __future__ import annotations

import ctypes
import hashlib
from typing import Any, TypeVar

import numpy as np

from refnms.jit.functions import INNER
from refnms.jit.machine import HAVE_NUMBA

if HAVE_NUMBA:
    import numba
    from llvmlite import ir
    from numba.core import cgutils, datamodel, imputils
    from numba.core.types import BaseTuple, Integer  # type: ignore[attr-defined]
    from numba.core.typing import templates
    from numba.extending import intrinsic, lower_builtin, overload, register_model, type_callable
    from numba.np import arrayobj

T = TypeVar("T")


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
