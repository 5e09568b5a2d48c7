"""Arrays whose rows do not contend for the same place in the processor's cache.

A large array begins where a page of memory begins. Row t of a dozen of them, all of one shape, then
lies at the same place of a page, and a cache keeps only some eight lines from one place: the loops
over muscles would fetch each line anew, again and again. So each array begins some lines later.
"""

from __future__ import annotations

import ctypes
import math
from typing import Any

import numpy as np

PAGE = 4096  # bytes
KEPT = 1 << 24  # bytes, untouched; twice as many stay
STEP = 7 * 64  # bytes: with an odd number of lines, it takes 64 arrays until a place comes again
# The numbers of the arrays that one pass over a problem reads and writes; five signals, five bars.
SIGNALS, FLAGS, BARS, EXCITATION_BAR, LENGTH_BAR, EXCITATION, LENGTH = 1, 6, 7, 12, 13, 14, 15
MEMORIES = 16  # of the blocks


def keep_memory() -> None:
    """Let what is freed stay with the process, for those who ask for the same again and again.

    New pages of memory take about as long as the pass that fills them. On Linux glibc gives free
    memory back to the system above a threshold, at first of 128 KB; when a large block is freed, it
    rises to twice that block's size, for the whole process (mallopt(3)). Elsewhere this does
    nothing.
    """
    np.empty(KEPT, np.uint8)


def zeros(number: int, shape: tuple[int, ...], kind: Any = float) -> Any:
    """Zeros; no two arrays of a loop should have the same number."""
    return _placed(np.zeros(_room(shape, kind), kind), number, shape)


def empty(number: int, shape: tuple[int, ...], kind: Any = float) -> Any:
    """The same with whatever is there, for a loop that writes all of it."""
    return _placed(np.empty(_room(shape, kind), kind), number, shape)


def _room(shape: tuple[int, ...], kind: Any) -> int:
    item: int = np.dtype(kind).itemsize
    return math.prod(shape) + PAGE // item


def _placed(whole: Any, number: int, shape: tuple[int, ...]) -> Any:
    address = ctypes.addressof(ctypes.c_char.from_buffer(whole))  # the quickest of several ways
    begin = (number * STEP - address) % PAGE // whole.itemsize
    return whole[begin : begin + math.prod(shape)].reshape(shape)


def joined(number: int, *arrays: Any) -> Any:
    """Arrays one below the other, contiguous by rows."""
    shape = (sum(map(len, arrays)), *arrays[0].shape[1:])
    return np.concatenate(arrays, out=empty(number, shape, np.result_type(*arrays)))
