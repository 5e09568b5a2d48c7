"""The table of rules in the docs is the one that the source gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from refnms.autodiff import table
from refnms.autodiff.tape import RULES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "autodiff.md"
COMPOSED = {np.stack, np.diff}  # of functions that have rules


def test_every_rule_stands_in_it():
    told = {name.removeprefix("np.") for name, _, _ in table.rows()}
    assert {f.__name__ for f in set(RULES) - COMPOSED} <= told


def test_a_line_has_the_arguments_and_the_cotangents():
    assert "| `np.multiply` | `a, b` | `g * b, g * a` |\n" in table.markdown()
    assert "| `einsum` | `subscripts, *operands` | `see _einsum` |\n" in table.markdown()


def test_the_page_has_this_table():
    """Run `python -m refnms.autodiff.table` and paste what it prints."""
    assert table.markdown() in PAGE.read_text("utf-8")
