"""Every kind of error that an input can have: its code, what it means, and the mend.

The table is `catalogue.toml`; the code of a message is found by a phrase that only its kind has.
`docs/errors.md` is `page()`, and a test holds every message in the source against the table, so
neither can fall behind.
"""

from __future__ import annotations

import functools
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

UNKNOWN = "RN000"
HEAD = """\
# Errors

Every error of an input ends with a code, as in `[RN203]`. Codes keep their meaning from version to
version. `refnms explain RN203` prints the same as this page.
"""


@dataclass(frozen=True)
class Entry:
    code: str
    title: str
    says: tuple[str, ...]  # regular expressions
    why: str
    mend: str

    def matches(self, message: str) -> bool:
        return any(re.search(phrase, message) for phrase in self.says)

    def __str__(self) -> str:
        return f"{self.code}: {self.title}\n\n{self.why}\n\n{self.mend}"


@functools.cache
def entries() -> dict[str, Entry]:
    """All kinds, by code."""
    return {
        code: Entry(code, row["title"], tuple(row["says"]), row["why"], row["mend"])
        for code, row in _table().items()
        if code != "areas"
    }


def code_of(message: str) -> str:
    """The code of a message; `RN000` for one that the table does not know."""
    return next((e.code for e in entries().values() if e.matches(message)), UNKNOWN)


def page() -> str:
    """The text of docs/errors.md."""
    parts = [HEAD]
    for digit, area in _table()["areas"].items():
        parts.append(f"\n## {area}\n")
        parts += [f"\n### {e}\n" for e in entries().values() if e.code[2] == digit]
    return "".join(parts)


@functools.cache
def _table() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
