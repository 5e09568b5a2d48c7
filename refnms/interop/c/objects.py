"""The object file of the library, made in a process of its own: see `export`.

python -m refnms.interop.c.objects PROCESSOR FILE
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from refnms.jit import llvm_text
from refnms.physics.kernels import entry

#: C name -> kernel, what it returns, how many 8-byte arguments it takes.
ENTRIES: dict[str, tuple[Callable[..., Any], str, int]] = {
    "refnms_state_size": (entry.stream_size, "i64", 1),
    "refnms_begin": (entry.stream_begin, "void", 2),
    "refnms_step": (entry.stream_step, "void", 1),
    "refnms_signals": (entry.stream_signals, "void", 4),
    "refnms_partials": (entry.stream_partials, "void", 3),
    "refnms_lengths_size": (entry.path_size, "i64", 1),
    "refnms_lengths": (entry.path_lengths, "void", 6),
    "refnms_trial_size": (entry.trial_size, "i64", 2),
    "refnms_forward": (entry.trial_forward, "void", 10),
    "refnms_vjp": (entry.trial_vjp, "void", 15),
    "refnms_jvp": (entry.trial_jvp, "void", 15),
}


def object_code(processor: str) -> bytes:
    """An object file of the entries for a processor; NUMBA_CPU_NAME named it before Numba began."""
    from llvmlite import binding as llvm

    whole = llvm.parse_assembly("")
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=processor, opt=3, reloc="pic", codemodel="default"
    )
    for name, (function, returns, count) in ENTRIES.items():
        text, inner = llvm_text(function, count)
        module = llvm.parse_assembly(text)
        module.link_in(llvm.parse_assembly(_door(name, inner, returns, count)))
        whole.link_in(module)
    for symbol in (*whole.functions, *whole.global_variables):
        if not symbol.is_declaration and symbol.name not in ENTRIES:
            symbol.linkage = "internal"
    whole.triple, whole.data_layout = machine.triple, str(machine.target_data)
    tuning = llvm.create_pipeline_tuning_options(speed_level=3)
    builder = llvm.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(whole, builder)
    return bytes(machine.emit_object(whole))


def _door(name: str, inner: str, returns: str, count: int) -> str:
    """A function with C's calling convention before one with Numba's."""
    arguments = "".join(f", i64 %a{i}" for i in range(count))
    kinds = "ptr, ptr" + ", i64" * count
    given = ", ".join(f"i64 %a{i}" for i in range(count))
    value = "  ret void" if returns == "void" else "  %v = load i64, ptr %r\n  ret i64 %v"
    return f"""declare i32 @"{inner}"({kinds})
define {returns} @{name}({given}) {{
  %r = alloca i64
  %e = alloca ptr
  %s = call i32 @"{inner}"(ptr %r, ptr %e{arguments})
{value}
}}
"""


def main() -> None:
    processor, target = sys.argv[1:]
    Path(target).write_bytes(object_code(processor))


if __name__ == "__main__":
    main()
