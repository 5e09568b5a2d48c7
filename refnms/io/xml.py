"""XML files as small records with line numbers; no file can make us fetch or expand anything.

Expat without namespaces, because files of the field hold tags like `A::B` and unbound prefixes.
Document type declarations are refused, so there are no entities but the five of XML itself.
"""

from __future__ import annotations

import html
import os
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, TypeVar
from xml.parsers import expat

from refnms.errors import InputError, InputWarning, Problem

MAX_BYTES = 16 * 2**20  # the largest models of the field have 5 MB
MAX_DEPTH = 256
ENCODINGS = {
    "utf-8": "utf-8",
    "us-ascii": "utf-8",
    "windows-1252": "cp1252",
    "iso-8859-1": "latin-1",
}
DECLARED_ENCODING = re.compile(rb"""<\?xml[^>]*?\sencoding\s*=\s*["']([^"']*)["']""")

T = TypeVar("T")
D = TypeVar("D")


@dataclass(frozen=True)
class Element:
    """One element: its own text (not that of its children), and the line on which it starts."""

    tag: str
    line: int = 0
    attributes: dict[str, str] | None = None
    text: str = ""
    children: tuple[Element, ...] = ()
    # Where its start tag and its end tag begin, in bytes of the file's text as UTF-8.
    span: tuple[int, int] = field(default=(0, 0), compare=False)

    def all(self, tag: str) -> list[Element]:
        return [child for child in self.children if child.tag == tag]

    def at(self, *tags: str) -> Element:
        """The first descendant along `tags`; an empty element where there is none."""
        element = self
        for tag in tags:
            element = next(iter(element.all(tag)), Element(tag, element.line))
        return element

    def walk(self) -> Iterator[Element]:
        """This element and all below it, in the order of the file."""
        yield self
        for child in self.children:
            yield from child.walk()

    def has(self, tag: str) -> bool:
        return bool(self.all(tag))

    def attribute(self, name: str, default: str = "") -> str:
        return (self.attributes or {}).get(name, default)

    def value(self, tag: str, parse: Callable[[str], T], default: D) -> T | D:
        """The parsed text of the child `tag`; `default` where it is absent or not valid."""
        try:
            return parse(self.at(tag).text) if self.has(tag) else default
        except ValueError:
            return default


def read_xml(path: str | os.PathLike[str]) -> Element:
    """Root element of a file.

    Raises InputError, with line and column, for what is not well-formed or too large or too deep.
    Text that says or implies UTF-8 and is not is read as windows-1252, with an InputWarning.
    """
    return parse_xml(read_xml_text(path)[0], Path(path))


def read_xml_text(path: str | os.PathLike[str]) -> tuple[str, str]:
    """The text of an XML file and the encoding that gives its bytes back; see `read_xml`."""
    path = Path(path)
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise InputError(Problem(f"cannot be read: {error.strerror}", path)) from error
    if len(data) > MAX_BYTES:
        raise InputError(Problem(f"is larger than {MAX_BYTES // 2**20} MB; expected XML", path))
    return _decoded(data, path)


def parse_xml(text: str, file: Path) -> Element:
    """Root element of `text`; `file` is what errors name."""
    return _Builder(file).build(text)


def render_xml(root: Element) -> str:
    """A file's text, two blanks per level; an element has either children or text."""
    head = '<?xml version="1.0" encoding="UTF-8" standalone="no" ?>\n'
    return head + "\n".join(_lines(root, "")) + "\n"


def _lines(element: Element, indent: str) -> list[str]:
    attributes = "".join(f' {k}="{html.escape(v)}"' for k, v in (element.attributes or {}).items())
    start = f"{indent}<{element.tag}{attributes}"
    if element.children:
        inner = [line for child in element.children for line in _lines(child, indent + "  ")]
        return [start + ">", *inner, f"{indent}</{element.tag}>"]
    if element.text:
        return [f"{start}>{html.escape(element.text, quote=False)}</{element.tag}>"]
    return [start + "/>"]


def _decoded(data: bytes, path: Path) -> tuple[str, str]:
    def refuse(message: str, at: int = 0) -> NoReturn:
        raise InputError(Problem(message, path, data.count(b"\n", 0, at) + 1))

    if b"\0" in data:
        refuse("is not text, or is UTF-16; save it as UTF-8", data.index(b"\0"))
    declared = DECLARED_ENCODING.match(data)
    name = declared[1].decode("ascii", "replace") if declared else "utf-8"
    encoding = ENCODINGS.get(name.lower().replace("utf8", "utf-8"))
    if encoding is None:
        refuse(f"declares the encoding {name[:40]!r}; save it as UTF-8")
    try:
        return data.decode(encoding), encoding
    except UnicodeDecodeError as error:
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError:
            refuse("is neither UTF-8 nor windows-1252; save it as UTF-8", error.start)
        line = data.count(b"\n", 0, error.start) + 1
        warnings.warn(
            str(Problem("is not UTF-8; read as windows-1252", path, line)),
            InputWarning,
            stacklevel=5,
        )
        return text, "cp1252"


@dataclass
class _Open:
    """An element whose end has not come yet."""

    tag: str
    line: int
    attributes: dict[str, str]
    text: list[str]
    children: list[Element]
    start: int = 0

    def close(self, end: int) -> Element:
        text = "".join(self.text).strip(" \t\r\n")
        span = (self.start, end)
        return Element(self.tag, self.line, self.attributes, text, tuple(self.children), span)


class _Builder:
    def __init__(self, file: Path) -> None:
        self.file = file
        self.open = [_Open("", 0, {}, [], [])]
        self.parser = expat.ParserCreate()  # no namespace_separator: `::` is then a legal name
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = lambda text: self.open[-1].text.append(text)
        # A blank: `1<!-- -->2` is not the number 12.
        self.parser.CommentHandler = lambda _: self.open[-1].text.append(" ")
        self.parser.ProcessingInstructionHandler = lambda *_: self.open[-1].text.append(" ")
        for handler in ("StartDoctypeDecl", "EntityDecl", "ExternalEntityRef"):
            setattr(self.parser, handler + "Handler", self.refuse_doctype)

    def build(self, text: str) -> Element:
        try:
            self.parser.Parse(text, True)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code)
            message = f"not well-formed XML ({reason}); is the file complete?"
            problem = Problem(message, self.file, error.lineno, error.offset + 1)
            raise InputError(problem) from error
        return self.open[0].children[0]

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self.open) > MAX_DEPTH:
            self.refuse(f"elements are nested deeper than {MAX_DEPTH}")
        line, start = self.parser.CurrentLineNumber, self.parser.CurrentByteIndex
        self.open.append(_Open(tag, line, attributes, [], [], start))

    def end(self, _: str) -> None:
        element = self.open.pop().close(self.parser.CurrentByteIndex)
        self.open[-1].children.append(element)

    def refuse_doctype(self, *_: object) -> None:
        self.refuse("document type declarations are refused; remove <!DOCTYPE ...>")

    def refuse(self, message: str) -> NoReturn:
        line, column = self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1
        raise InputError(Problem(message, self.file, line, column))
