"""What may stand in an XML file, as data, and the check of a file: all faults at once."""

from __future__ import annotations

import difflib
import math
import os
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from refnms.errors import InputError, InputWarning, Problem
from refnms.io.xml import Element

NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
WORD = re.compile(r"[^ \t\r\n]+")

A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True)
class Tag:
    """An element (how often it may stand there, its value or its own elements) or an attribute."""

    name: str
    least: int
    most: float
    value: Callable[[str], object] | None
    parts: tuple[Tag | Either, ...]
    attributes: tuple[Tag, ...]

    @property
    def tags(self) -> tuple[Tag, ...]:
        return (self,)

    def children(self) -> dict[str, Tag]:
        return {tag.name: tag for part in self.parts for tag in part.tags}


@dataclass(frozen=True)
class Either:
    """One of several elements."""

    tags: tuple[Tag, ...]
    least: int = 1
    most: float = 1


def _tag(name: str, least: int, most: float, content: tuple[Any, ...], attributes: Any) -> Tag:
    if len(content) == 1 and not isinstance(content[0], Tag | Either):
        return Tag(name, least, most, content[0], (), attributes)
    return Tag(name, least, most, None, content, attributes)


def one(name: str, *content: Any, attributes: tuple[Tag, ...] = ()) -> Tag:
    """Exactly one element; `content` is the parser of its value, or its own elements."""
    return _tag(name, 1, 1, content, attributes)


def optional(name: str, *content: Any, attributes: tuple[Tag, ...] = ()) -> Tag:
    return _tag(name, 0, 1, content, attributes)


def some(name: str, *content: Any, attributes: tuple[Tag, ...] = ()) -> Tag:
    """One or more elements."""
    return _tag(name, 1, math.inf, content, attributes)


def several(name: str, *content: Any, attributes: tuple[Tag, ...] = ()) -> Tag:
    """Any number of elements."""
    return _tag(name, 0, math.inf, content, attributes)


def either(*tags: Tag) -> Either:
    return Either(tags)


def number(text: str) -> float:
    """A plain decimal number; no `1_000`, `0x1`, `nan`, `inf`, `0,5`."""
    if not NUMBER.fullmatch(text):
        raise ValueError(f"expected a number, found {short(text)}")
    if math.isinf(float(text)):
        raise ValueError(f"{short(text)} is too large")
    return float(text)


def whole(text: str) -> int:
    if not WHOLE.fullmatch(text):
        raise ValueError(f"expected a whole number, found {short(text)}")
    return int(text)


def no_less_than_0(text: str) -> float:
    found = number(text)
    if found < 0.0:
        raise ValueError(f"expected a number of 0 or more, found {short(text)}")
    return found


def at_least_1(text: str) -> int:
    found = whole(text)
    if found < 1:
        raise ValueError(f"expected a whole number of 1 or more, found {short(text)}")
    return found


def numbers(text: str) -> tuple[float, ...]:
    """One or more numbers, separated by blanks."""
    if not text:
        raise ValueError("expected numbers, found nothing")
    return tuple(number(word) for word in WORD.findall(text))


def interval(text: str) -> tuple[float, float]:
    """Two numbers, the first not above the second."""
    ends = numbers(text)
    if len(ends) != 2 or ends[0] > ends[1]:
        raise ValueError(f"expected two numbers, the lower first, found {short(text)}")
    return ends[0], ends[1]


def anything(text: str) -> str:
    return text


def text(text: str) -> str:
    if not text:
        raise ValueError("expected a text, found nothing")
    return text


def word(text: str) -> str:
    if not WORD.fullmatch(text):
        raise ValueError(f"expected one word, found {short(text)}")
    return text


def names(text: str) -> tuple[str, ...]:
    """Different words, separated by blanks; may be none."""
    found = tuple(WORD.findall(text))
    twice = [name for name in dict.fromkeys(found) if found.count(name) > 1]
    if twice:
        raise ValueError(f"names {', '.join(map(short, twice))} more than once")
    return found


def some_names(text: str) -> tuple[str, ...]:
    found = names(text)
    if not found:
        raise ValueError("expected one or more names, found nothing")
    return found


def word_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"expected {' or '.join(choices)}, found {short(text)}")
        return text

    return parse


def short(text: str) -> str:
    """`text` in quotes, cut to what fits in a message."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


def nearest(name: str, known: Any) -> str:
    """How a message about the unknown `name` ends: which known one comes nearest."""
    close = difflib.get_close_matches(name[:60].lower(), [k.lower() for k in known], 1, 0.0)
    if not close:
        return ""
    return f"; the nearest known is {next(k for k in known if k.lower() == close[0])!r}"


@dataclass
class Report:
    """What is wrong in one file, collected and told at once."""

    file: str | os.PathLike[str]
    errors: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def error(self, message: str, line: int | None) -> None:
        self.errors.append(Problem(message, self.file, line))

    def warn(self, message: str, line: int | None) -> None:
        self.warnings.append(Problem(message, self.file, line))

    def refuse_errors(self) -> None:
        """Raise InputError with every error, and the warnings beside them, by line."""
        if self.errors:
            raise InputError(sorted(self.errors + self.warnings, key=lambda p: p.line or 0))

    def close(self) -> None:
        """Refuse errors; warn of the rest."""
        self.refuse_errors()
        for warning in self.warnings:
            warnings.warn(str(warning), InputWarning, stacklevel=3)


def label(element: Element) -> str:
    """How a message names an element: by its tag and, where it has one, its name."""
    name = element.at("name").text or element.attribute("id") or element.attribute("dofName")
    return f"{element.tag} {short(name)}" if name else element.tag


def check(element: Element, tag: Tag, report: Report, path: str = "") -> None:
    """Report what of `element` is missing, doubled, misplaced, unknown or not a valid value."""
    path += label(element)
    _check_attributes(element, tag, report, path)
    if tag.value is not None:
        for child in element.children:
            report.error(f"{path} is a plain value; <{child.tag}> cannot stand in it", child.line)
        _check_value(element.text, tag, report, path, element.line)
        return
    if element.text:
        report.error(f"{path} cannot hold the text {short(element.text)}", element.line)
    for part in tag.parts:
        _check_count(element, part, report, path)
    known = tag.children()
    for child in element.children:
        if child.tag in known:
            check(child, known[child.tag], report, path + "/")
        else:
            hint = nearest(child.tag, known)
            report.warn(f"unknown element {path}/{child.tag} is ignored{hint}", child.line)


def _check_count(element: Element, part: Tag | Either, report: Report, path: str) -> None:
    wanted = " or ".join(f"<{tag.name}>" for tag in part.tags)
    found = [child for child in element.children if child.tag in {tag.name for tag in part.tags}]
    if len(found) < part.least:
        report.error(f"{path} lacks {wanted}", element.line)
    if len(found) > part.most:
        message = f"{path} holds {wanted} more than once, first on line {found[0].line}"
        report.error(message, found[1].line)


def _check_value(text: str, tag: Tag, report: Report, path: str, line: int) -> None:
    assert tag.value is not None
    try:
        tag.value(text)
    except ValueError as error:
        report.error(f"{path}: {error}", line)


def _check_attributes(element: Element, tag: Tag, report: Report, path: str) -> None:
    known = {attribute.name: attribute for attribute in tag.attributes}
    given = element.attributes or {}
    for name, attribute in known.items():
        if name in given:
            _check_value(given[name], attribute, report, f"{path}, attribute {name}", element.line)
        elif attribute.least:
            report.error(f"{path} lacks the attribute {name!r}", element.line)
    for name in given:
        if name not in known and not re.match(r"xmlns|\w+:", name):
            hint = nearest(name, known)
            report.warn(f"unknown attribute {name!r} of {path} is ignored{hint}", element.line)


def both(first: Callable[[], A], second: Callable[[], B]) -> tuple[A, B]:
    """Results of two readers; if either fails, the problems of both."""
    problems: list[Problem] = []
    results: list[Any] = []
    for reader in (first, second):
        try:
            results.append(reader())
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return results[0], results[1]
