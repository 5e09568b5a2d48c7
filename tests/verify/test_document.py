"""The JSON document."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np

from refnms.verify.certificate import Certificate
from refnms.verify.document import SCHEMA_VERSION, document
from refnms.verify.kinks import RULES
from refnms.verify.records import TOLERANCES, Check, Place

PAGE = Path(__file__).resolve().parents[2] / "docs" / "verify.md"


def keys(found, above=""):
    if isinstance(found, dict):
        for key, value in found.items():
            yield key
            if key not in ("at", "domain", "tolerances"):
                yield from keys(value)
    elif isinstance(found, list):
        for value in found:
            yield from keys(value)


def test_it_is_json_and_every_key_stands_in_the_page(certified):
    found = document(certified)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["schema"], found["schema_version"]) == ("refnms-certificate", SCHEMA_VERSION)
    page = PAGE.read_text("utf-8")
    named = set(re.findall(r"`(\w+)`", page))
    assert set(keys(found)) <= named
    assert set(RULES) <= set(re.findall(r"`([\w ]+)`", page))
    for name, value in TOLERANCES.items():
        assert f"| {name} | {value:.0e} |" in page, name


def test_what_is_not_finite_is_null_and_fails():
    nan = Check("a", "claim", np.inf, 1e-9, 1, Place("x", at=(("y", 1.0),)))
    empty = Certificate("native", "numba", (), (), 0, 0, {}, (nan,), (), ())
    found = document(empty)
    assert found["passed"] is False and found["failed"] == ["a"]
    assert found["checks"][0]["error"] is None
    assert found["checks"][0]["place"]["at"] == {"y": 1.0}
