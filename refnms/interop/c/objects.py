"""The object file of the library, made in a process of its own: see `export`.

python -m refnms.interop.c.objects PROCESSOR FILE
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from refnms.jit import object_code
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


def main() -> None:
    processor, target = sys.argv[1:]
    Path(target).write_bytes(object_code(ENTRIES, processor))


if __name__ == "__main__":
    main()
