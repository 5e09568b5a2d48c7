"""The line of a long search on a terminal."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from refnms.optimize import Budget


@contextmanager
def progress(budget: Budget) -> Iterator[Callable[[int, float, Any], None] | None]:
    """A line with the best objective so far, rewritten in place, on a terminal only."""
    if not sys.stderr.isatty():
        yield None
        return
    began, shown, best = time.monotonic(), 0.0, math.inf
    of = "" if budget.evaluations is None else f" of {budget.evaluations}"

    def report(count: int, value: float, _: Any) -> None:
        nonlocal shown, best
        now, best = time.monotonic(), min(best, value)
        if now - shown > 0.1 or count == budget.evaluations:
            shown = now
            line = f"\revaluation {count}{of}, {now - began:.1f} s: best objective {best:.5g}   "
            print(line, end="", file=sys.stderr, flush=True)

    try:
        yield report
    finally:
        print(file=sys.stderr)
