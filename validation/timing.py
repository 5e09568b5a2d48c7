"""Times of several functions in one process, in turns: on a noisy machine their ratios hold."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache

import numpy as np

from refnms.physics import compiled

SHORT = 0.005  # [s] a timing takes at least
Seconds = dict[str, np.ndarray]  # of one call of each function, (rounds,)


def in_turns(
    functions: Mapping[str, Callable[[], object]],
    rounds: int,
    clock: Callable[[], float] = time.thread_time,
    shortest: float = SHORT,
) -> Seconds:
    """Seconds of one call of each function, in so many rounds of all of them."""
    calls = {}
    for name, function in functions.items():
        function()  # compiles, and warms what caches there are
        started = clock()
        function()
        calls[name] = math.ceil(shortest / max(clock() - started, 1e-6))
    seconds = {name: np.empty(rounds) for name in functions}
    for r in range(rounds):
        for name, function in functions.items():
            started = clock()
            for _ in range(calls[name]):
                function()
            seconds[name][r] = (clock() - started) / calls[name]
    return seconds


def ratio(seconds: Seconds, name: str, base: str) -> float:
    return float(np.median(seconds[name]) / np.median(seconds[base]))


def told(seconds: Seconds, name: str, base: str) -> str:
    """The ratio, and the quartiles of that of each round."""
    low, high = np.quantile(seconds[name] / seconds[base], (0.25, 0.75))
    return f"{ratio(seconds, name, base):.2f} ({low:.2f}-{high:.2f})"


@cache
def pool(count: int) -> ThreadPoolExecutor | None:
    return ThreadPoolExecutor(count) if count > 1 else None


@contextmanager
def threads(count: int) -> Iterator[None]:
    """As if REFNMS_THREADS were so many."""
    kept = compiled._threads, compiled._pool
    compiled._threads, compiled._pool = (lambda: count), (lambda: pool(count))
    try:
        yield
    finally:
        compiled._threads, compiled._pool = kept
