"""Errors say where a fault is and what it is, all of them at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from refnms.errors import DivergedError, InputError, InputWarning, Problem, RefnmsError


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("is cut"), "is cut"),
        (Problem("is cut", "a.sto"), "a.sto: is cut"),
        (Problem("is cut", Path("in") / "a.sto", 7), f"{Path('in') / 'a.sto'}, line 7: is cut"),
        (Problem("not a number", "a.sto", 7, "time"), "a.sto, line 7, column 'time': not a number"),
        (Problem("not a number", "a.sto", 7, 3), "a.sto, line 7, column 3: not a number"),
        (Problem("not a number", line=7), "line 7: not a number"),
    ],
)
def test_a_problem_names_its_place(problem, text):
    assert str(problem) == text


def test_an_input_error_carries_every_problem():
    error = InputError([Problem("one", "a"), Problem("two", "b", 3)])
    assert [p.message for p in error.problems] == ["one", "two"]
    assert str(error).splitlines() == ["a: one", "b, line 3: two"]


@pytest.mark.parametrize("problems", ["one", Problem("one"), iter([Problem("one")])])
def test_an_input_error_takes_one_problem_as_it_comes(problems):
    assert InputError(problems).problems == (Problem("one"),)


def test_what_is_not_a_bug_is_caught_by_one_name():
    assert issubclass(InputError, RefnmsError) and issubclass(DivergedError, RefnmsError)
    assert not issubclass(InputError, DivergedError)
    assert issubclass(InputWarning, UserWarning)
