"""Every error has one code, and the page is made from the table."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from refnms.catalogue import UNKNOWN, code_of, entries, page

CHECKOUT = Path(__file__).resolve().parents[1]
PACKAGE = CHECKOUT / "refnms"
HOLE = "X"  # stands for what a message fills in
ELSEWHERE = {"cli", "autodiff", "optimize", "lint"}  # their errors are no InputErrors, or are looks
WHOLE = {"Problem": 0, "InputError": 0, "error": 0, "refuse": 0, "add": 1, "_where": 2}
COMPOSED = {"RN304", "RN306", "RN801", "RN903"}  # put together from parts, or not by Problem
WRAPPERS = {"X at X s (X of X rows): X", "X: X is X; the filter of EMG is unstable"}
YIELDING = {"_faults_of_row", "reason_against", "problems", "_reason_for"}


def text(node: ast.expr | None) -> Iterator[str]:
    """What an expression can read as, with HOLE for each value in it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(v.value if isinstance(v, ast.Constant) else HOLE for v in node.values)
    elif isinstance(node, ast.BinOp):
        for left in text(node.left) or [HOLE]:
            for right in text(node.right) or [HOLE]:
                yield left + right
    elif isinstance(node, ast.IfExp):
        yield from text(node.body)
        yield from text(node.orelse)


def messages_of(source: str) -> Iterator[tuple[int, str]]:
    """Line and template of every message that becomes a problem in a file."""
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        assigned: dict[str, list[tuple[int, str]]] = {}
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                found = [(node.lineno, t) for t in text(node.value)]
                assigned.setdefault(node.targets[0].id, []).extend(found)
        told = {
            id(node.args[0])
            for node in ast.walk(function)
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "str"
        }
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and id(node) not in told:  # str(Problem) is a warning
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                place = WHOLE.get(name)
                if place is None or len(node.args) <= place:
                    continue
                argument = node.args[place]
                if isinstance(argument, ast.Name):
                    yield from assigned.get(argument.id, [])
                else:
                    yield from ((node.lineno, t) for t in text(argument))
            elif function.name in YIELDING and isinstance(node, ast.Return | ast.Yield):
                value = node.value.elts[0] if isinstance(node.value, ast.Tuple) else node.value
                yield from ((node.lineno, t) for t in text(value))


@functools.cache
def messages() -> list[tuple[str, str]]:
    """Place and template of every message, without those that only pass on another one."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.relative_to(PACKAGE).parts[0].removesuffix(".py") in ELSEWHERE:
            continue
        for line, template in messages_of(path.read_text("utf-8")):
            if len(re.sub(r"\W", "", template.replace(HOLE, ""))) > 5:
                found[f"{path.relative_to(PACKAGE)}:{line}"] = template
    return list(found.items())


def test_every_message_of_the_source_has_one_code():
    """One that is new needs a phrase in refnms/catalogue.toml, and perhaps a code."""
    known = entries().values()
    codes = {
        f"{place}: {message}": [entry.code for entry in known if entry.matches(message)]
        for place, message in messages()
        if message not in WRAPPERS
    }
    assert {message: found for message, found in codes.items() if len(found) != 1} == {}


def test_the_search_for_messages_finds_those_of_every_room():
    files = {place.partition(":")[0] for place, _ in messages()}
    assert len(messages()) > 120
    assert {"io/xml.py", "io/storage.py", "io/trials.py", "model.py", "task.py", "emg.py"} <= files


def test_a_message_without_a_code_would_be_found():
    source = "def f():\n    message = f'a fault of {kind} that nobody knows'\n    Problem(message)"
    ((line, template),) = messages_of(source)
    assert line == 2 and code_of(template) == UNKNOWN


def test_the_page_is_made_from_the_table():
    """If this fails: python -c "from refnms.catalogue import page; print(page(), end='')"."""
    assert (CHECKOUT / "docs" / "errors.md").read_text("utf-8") == page()


@pytest.mark.parametrize("entry", entries().values(), ids=lambda entry: entry.code)
def test_every_entry_explains_itself_and_is_told_somewhere(entry):
    assert re.fullmatch(r"RN[1-9]\d\d", entry.code)
    assert entry.title and entry.why and entry.mend.endswith((".", "`"))
    assert f"### {entry.code}: {entry.title}\n" in page()
    composed = entry.code in COMPOSED
    assert composed or any(entry.matches(message) for _, message in messages())


def test_codes_are_found_in_the_words_of_a_message():
    assert code_of("empty cell; fill it at its source (and 3 more rows)") == "RN203"
    assert code_of("something else") == UNKNOWN
