"""How a long search is going, on standard error."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from refnms.optimize import Budget

EVERY = {"line": 0.1, "plain": 5.0, "json": 1.0}  # [s] between two reports


@contextmanager
def progress(
    budget: Budget, kind: str = "auto"
) -> Iterator[Callable[[int, float, Any], None] | None]:
    """What to call with evaluation, objective and point; None where nothing is told.

    `kind`: `auto` (one line, rewritten, on a terminal; elsewhere nothing), `plain` (a line every
    few seconds), `json` (an object per line: evaluation, seconds, best), or `none`.
    """
    if kind == "auto":
        kind = "line" if sys.stderr.isatty() else "none"
    if kind == "none":
        yield None
        return
    began, shown, best = time.monotonic(), -math.inf, math.inf

    def report(count: int, value: float, _: Any) -> None:
        nonlocal shown, best
        now, best = time.monotonic(), min(best, value)
        if now - shown > EVERY[kind] or count == budget.evaluations:
            shown = now
            _tell(kind, count, budget.evaluations, now - began, best)

    try:
        yield report
    finally:
        if kind == "line":
            print(file=sys.stderr)


@contextmanager
def counting(what: str, kind: str = "auto") -> Iterator[Callable[[int, int], None] | None]:
    """What to call with the number done and the number in all; kinds as in `progress`."""
    if kind == "auto":
        kind = "line" if sys.stderr.isatty() else "none"
    if kind == "none":
        yield None
        return
    shown = -math.inf

    def report(done: int, of: int) -> None:
        nonlocal shown
        if time.monotonic() - shown > EVERY[kind] or done == of:
            shown = time.monotonic()
            if kind == "json":
                print(json.dumps({what: done, "of": of}), file=sys.stderr, flush=True)
            else:
                begin, end = ("\r", "") if kind == "line" else ("", "\n")
                print(f"{begin}{what} {done} of {of}", end=end, file=sys.stderr, flush=True)

    try:
        yield report
    finally:
        if kind == "line":
            print(file=sys.stderr)


def _tell(kind: str, count: int, limit: int | None, seconds: float, best: float) -> None:
    if kind == "json":
        value = best if math.isfinite(best) else None
        told = {"evaluation": count, "seconds": round(seconds, 3), "best": value}
        print(json.dumps(told, allow_nan=False), file=sys.stderr, flush=True)
        return
    of = "" if limit is None else f" of {limit}"
    line = f"evaluation {count}{of}, {seconds:.1f} s: best objective {best:.5g}"
    begin, end = ("\r", "   ") if kind == "line" else ("", "\n")
    print(begin + line, end=end, file=sys.stderr, flush=True)
