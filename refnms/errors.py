"""What can go wrong outside the program: one error type per exit code, and the problems it carries.

Every room may import this one. A reader collects all problems of its files before it raises.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from os import PathLike


@dataclass(frozen=True)
class Problem:
    """One fault of the input: where it is, what was expected, and what to do."""

    message: str
    file: str | PathLike[str] | None = None
    line: int | None = None
    column: str | int | None = None

    def __str__(self) -> str:
        place = [] if self.file is None else [str(self.file)]
        if self.line is not None:
            place.append(f"line {self.line}")
        if self.column is not None:
            place.append(f"column {self.column!r}")
        return f"{', '.join(place)}: {self.message}" if place else self.message


class RefnmsError(Exception):
    """Base of every error that is not a bug of refnms."""


class InputError(RefnmsError):
    """Bad input: all problems found, each with its place (exit code 3)."""

    def __init__(self, problems: Problem | str | Iterable[Problem]) -> None:
        if isinstance(problems, str):
            problems = Problem(problems)
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class DivergedError(RefnmsError):
    """The computation ran but failed: a solve or an optimisation diverged (exit code 4)."""


class InputWarning(UserWarning):
    """The input was read by a stated rule that the user should know of."""
