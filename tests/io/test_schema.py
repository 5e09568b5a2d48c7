from __future__ import annotations

from pathlib import Path

import pytest

from refnms.errors import InputError, InputWarning
from refnms.io.schema import (
    Report,
    both,
    check,
    either,
    interval,
    names,
    number,
    one,
    optional,
    several,
    some,
    some_names,
    text,
    whole,
    word,
    word_of,
)
from refnms.io.xml import parse_xml

HERE = Path("given.xml")
SCHEMA = one(
    "a",
    one("b", number, attributes=(optional("unit", word_of("rad", "deg")), one("id", word))),
    optional("c", text),
    some("d", optional("name", word), either(one("e"), one("f"))),
    several("g", names),
)
VALID = '<a>\n<b id="x" xmlns:x="y">1</b>\n<c>two words</c>\n<d><e/></d>\n<g/></a>'


def faults(xml: str) -> list[str]:
    report = Report(HERE)
    check(parse_xml(xml, HERE), SCHEMA, report)
    return [f"{p.line}: {p.message}" for p in [*report.errors, *report.warnings]]


def test_a_valid_file_has_no_faults() -> None:
    assert faults(VALID) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("<c>two words</c>", "", None),
        ('<b id="x" xmlns:x="y">1</b>', "", "1: a lacks <b>"),
        ("<c>two", "<b id='x'>1</b><c>two", "3: a holds <b> more than once, first on line 2"),
        (">1<", ">one<", "2: a/b 'x': expected a number, found 'one'"),
        ('id="x" ', "", "2: a/b lacks the attribute 'id'"),
        ('id="x" ', 'id="x" unit="grad" ', "2: a/b 'x', attribute unit: expected rad or deg"),
        (
            'id="x" ',
            'id="x" unti="deg" ',
            "unknown attribute 'unti' of a/b 'x' is ignored; the nea",
        ),
        ("two words", "", "3: a/c: expected a text, found nothing"),
        ("two words", "<d/>", "3: a/c is a plain value; <d> cannot stand in it"),
        ("<d><e/></d>", "", "1: a lacks <d>"),
        ("<e/>", "", "4: a/d lacks <e> or <f>"),
        ("<e/>", "<e/><f/>", "4: a/d holds <e> or <f> more than once"),
        ("<e/>", "<e/>text", "4: a/d cannot hold the text 'text'"),
        ("<e/>", "<e>1</e>", "4: a/d/e cannot hold the text '1'"),
        ("<e/>", "<name>n</name><e>1</e>", "4: a/d 'n'/e cannot hold the text '1'"),
        ("<g/>", "<g/><h/>", "5: unknown element a/h is ignored; the nearest known is 'g'"),
        ("<g/>", "<g>n m n</g>", "5: a/g: names 'n' more than once"),
        ("<g/>", "<g/><g/><d><f/></d>", None),
    ],
)
def test_each_fault_is_told_with_path_and_line(old: str, new: str, fault: str | None) -> None:
    assert old in VALID
    found = faults(VALID.replace(old, new))
    if fault is None:
        assert found == []
    else:
        assert any(fault in f for f in found), found


def test_all_faults_are_told_at_once_in_the_order_of_lines() -> None:
    report = Report(HERE)
    check(parse_xml("<a>\n<b/>\n<h/>\n<d/></a>", HERE), SCHEMA, report)
    with pytest.raises(InputError) as error:
        report.close()
    assert [problem.line for problem in error.value.problems] == [2, 2, 3, 4]


def test_a_report_without_errors_warns() -> None:
    report = Report(HERE)
    report.warn("odd", 3)
    with pytest.warns(InputWarning, match=r"given\.xml, line 3: odd"):
        report.close()


@pytest.mark.parametrize("good", ["1", "-0.5", "+.5", "1.", "1.E-5", "2e+3", "007"])
def test_plain_numbers_are_read(good: str) -> None:
    assert number(good) == float(good)


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "0,5",
        "1_000",
        "0x1",
        "nan",
        "inf",
        "-inf",
        "1e999",
        "1 2",
        "1.2.3",
        "--1",
        "e5",
        ".",
        "\u0661",
    ],
)
def test_whatever_else_is_no_number(bad: str) -> None:
    with pytest.raises(ValueError, match=r"number|large"):
        number(bad)


def test_values_refuse_what_they_are_not() -> None:
    for parse, bad in (
        (whole, "1.5"),
        (whole, "9" * 5000),
        (interval, "1 0"),
        (interval, "1"),
        (interval, "1 2 3"),
        (word, "two words"),
        (word, ""),
        (some_names, " "),
        (word_of("rad"), "deg"),
    ):
        with pytest.raises(ValueError, match=r"expected|number"):
            parse(bad)
    assert interval("0.6\n1.4") == (0.6, 1.4)
    assert whole("12") == 12
    assert names(" a\tb\n") == ("a", "b")


def test_two_readers_tell_the_problems_of_both() -> None:
    def fail(message: str) -> int:
        raise InputError(message)

    with pytest.raises(InputError, match="first\nsecond"):
        both(lambda: fail("first"), lambda: fail("second"))
    assert both(lambda: 1, lambda: "2") == (1, "2")
