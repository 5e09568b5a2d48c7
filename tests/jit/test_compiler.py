"""Functions are compiled once, whoever calls them, and only kernels become machine code."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from refnms import jit

if not jit.COMPILES:
    pytest.skip("nothing is compiled", allow_module_level=True)

import numba
from numba.core import codegen, event

from refnms.jit import cache, compiler


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.setattr(cache, "cache_directory", lambda: None)


def kernel_of_pieces():
    """A kernel that calls one function by itself, and through a function of every other kind."""

    @jit.pure
    def half(x):
        return 0.5 * x

    @jit.outlined
    def far(x):
        return half(x) + 1.0

    @jit.section
    def apart(x, out):
        for i in range(out.size):
            out[i] = half(x[i]) + x[0]

    @jit.spliced
    def inside(x):
        return half(x) + 2.0

    @jit.kernel
    def whole(x, out):
        apart(x, out)
        out[0] = half(x[0]) + far(x[0]) + inside(x[0])

    return whole


class Compiled(NamedTuple):
    kernel: Any
    functions: list[str]  # that Numba compiled
    machine_code: list[str]  # of these


@pytest.fixture
def compiled(nothing_kept, monkeypatch) -> Compiled:
    machine_code, make = [], codegen.JITCodeLibrary._finalize_specific

    def finalize(library):
        machine_code.append(library.name.rpartition(".")[2])
        make(library)

    monkeypatch.setattr(codegen.JITCodeLibrary, "_finalize_specific", finalize)
    kernel, x, out = kernel_of_pieces(), np.arange(1.0, 9.0), np.zeros(8)
    with event.install_recorder("numba:compile") as recorder:
        kernel(x, out)
    assert out.tolist() == [0.5 + (0.5 + 1.0) + (0.5 + 2.0), *(0.5 * x[1:] + 1.0)]
    begun = [e.data["dispatcher"] for _, e in recorder.buffer if e.is_start]
    return Compiled(kernel, [d.py_func.__name__ for d in begun], machine_code)


def test_a_function_is_compiled_once_for_callers_of_every_kind(compiled):
    assert sorted(compiled.functions) == ["apart", "far", "half", "whole"]


def test_only_the_kernel_becomes_machine_code(compiled):
    assert set(compiled.machine_code) == {"whole"}


def test_whether_arrays_overlap_is_looked_at_but_in_a_section(compiled):
    @jit.kernel
    def plain(x, out):
        for i in range(out.size):
            out[i] = 0.5 * x[i] + x[0]

    plain(np.ones(3), np.zeros(3))
    (text,), (other,) = compiled.kernel.inspect_llvm().values(), plain.inspect_llvm().values()
    assert "vector.body" in text and "memcheck" not in text
    assert "vector.body" in other and "memcheck" in other


def test_what_is_left_out_are_passes_of_this_numba(compiled):
    theirs = numba.njit(lambda x: x)
    theirs(1.0)
    own, default = passes(compiled.kernel), passes(theirs)
    assert compiler.UNUSED <= default
    assert own == default - compiler.UNUSED - {"nopython_type_inference"} | {
        "type_inference_for_any_caller"
    }


def passes(dispatcher) -> set[str]:
    (compiled,) = dispatcher.overloads.values()
    (times,) = compiled.metadata["pipeline_times"].values()
    return {name.partition("_")[2] for name in times}
