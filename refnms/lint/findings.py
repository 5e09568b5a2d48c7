"""What a check found: errors, which end a calibration; warnings; and notes, good to know."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

from refnms.catalogue import UNKNOWN, code_of
from refnms.errors import InputError, InputWarning, Problem

T = TypeVar("T")


class Level(Enum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    level: Level
    problem: Problem

    @property
    def code(self) -> str | None:
        """Of an error, or None where the table of errors has none."""
        code = code_of(self.problem.message)
        return None if code == UNKNOWN else code

    def __str__(self) -> str:
        code = f" [{self.code}]" if self.level is Level.ERROR and self.code else ""
        return f"{self.level.value}: {self.problem}{code}"


@dataclass
class Findings:
    """In the order found, each once."""

    found: list[Finding] = field(default_factory=list)

    def add(self, level: Level, problems: Iterable[Problem]) -> None:
        for problem in problems:
            finding = Finding(level, problem)
            if str(problem) not in {str(other.problem) for other in self.found}:
                self.found.append(finding)

    def attempt(self, function: Callable[[], T]) -> T | None:
        """The result of a reader, or None; its problems and warnings become findings."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", InputWarning)
            try:
                return function()
            except InputError as error:
                self.add(Level.ERROR, error.problems)
                return None
            except OSError as error:
                reason = f"cannot be read: {error.strerror}"
                self.add(Level.ERROR, [Problem(reason, error.filename)])
                return None
            finally:
                told = [w for w in caught if issubclass(w.category, InputWarning)]
                self.add(Level.WARNING, (Problem(str(w.message)) for w in told))

    def of(self, level: Level) -> list[Finding]:
        return [finding for finding in self.found if finding.level is level]
