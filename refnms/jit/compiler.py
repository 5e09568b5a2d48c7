"""How Numba compiles our functions, where its own way would take longer or run slower.

The first run ever waits for it: a hundred functions and more for each of two kernels, into which
they are copied. This leans on inner parts of Numba; without one of them, its import fails.
"""

from __future__ import annotations

from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder, Flags
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.targetconfig import ConfigStack
from numba.core.typed_passes import NopythonTypeInference

# Passes for what no function of numbers has: `with`, closures, constants as types, arrays that are
# added as a whole, parallel loops. Each walks through every function.
UNUSED = {
    "with_lifting",
    "inline_closure_likes",
    "rewrite_semantic_constants",
    "make_function_op_code_to_jit_function",
    "Rewrite dynamic raises",
    "find_literally",
    "literal_unroll",
    "LiteralPropagation",
    "inline_overloads",
    "nopython_rewrites",
    "dump_parfor_diagnostics",
}
# Options of a caller that what it calls takes over.
INHERITED = ("nrt", "error_model")


@register_pass(mutates_CFG=True, analysis_only=False)
class _TypeInference(NopythonTypeInference):
    """Numba's own. What is called gets the same options from every caller: it is compiled once."""

    _name = "type_inference_for_any_caller"

    def run_pass(self, state: Any) -> bool:
        flags = Flags()
        for option in INHERITED:
            setattr(flags, option, getattr(state.flags, option))
        with ConfigStack().enter(flags):
            return bool(super().run_pass(state))


class Compiler(CompilerBase):
    """Numba's compiler for kernels: its own passes, but for those above."""

    def define_pipelines(self) -> list[PassManager]:
        """The passes, in a list of one, as Numba wants them."""
        passes = PassManager("refnms")
        for step, purpose in DefaultPassBuilder.define_nopython_pipeline(self.state).passes:
            if step.name() not in UNUSED:
                chosen = _TypeInference if step is NopythonTypeInference else step
                passes.add_pass(chosen, purpose)
        passes.finalize()
        return [passes]


class _Generator:
    """Numba's generator of code, but for the step that needs machine code."""

    def __init__(self, codegen: Any) -> None:
        self._codegen = codegen

    def __getattr__(self, name: str) -> Any:
        return getattr(self._codegen, name)

    def set_env(self, name: str, environment: Any) -> None:
        """Nothing: it would look for the code in memory, which has none."""


class _Library(JITCodeLibrary):
    """A function as LLVM has it, to be optimized where it is used.

    To optimize it by itself too, and again in every function it is copied to on the way, takes
    longer and makes slower code. Nobody would run its own machine code: none is made.
    """

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalized = True

    @property
    def codegen(self) -> Any:
        return _Generator(self._codegen)


class Copied(Compiler):
    """The compiler for what is copied to where it is called."""

    def define_pipelines(self) -> list[PassManager]:
        state = self.state
        state.library = _Library(state.targetctx.codegen(), state.func_id.func_qualname)
        return super().define_pipelines()


class CopiedApart(Copied):
    """The same, told that array arguments do not overlap."""

    def define_pipelines(self) -> list[PassManager]:
        self.state.flags.noalias = True
        return super().define_pipelines()
