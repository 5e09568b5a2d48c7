from __future__ import annotations

import dataclasses
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import refnms
from refnms.errors import InputError, InputWarning
from refnms.io.calibration import read_calibration
from refnms.io.ceinms import CURVES, PARAMETERS
from refnms.io.execution import read_execution
from refnms.io.generator import read_excitation_generator
from refnms.io.setups import read_calibration_setup, read_input_data, read_run_setup
from refnms.io.subject import read_subject
from refnms.io.xml import read_xml
from refnms.physics.types import Curves, Muscles

READERS: dict[str, Callable[[Path], Any]] = {
    "subject": read_subject,
    "excitationGenerator": read_excitation_generator,
    "inputData": read_input_data,
    "calibration": read_calibration,
    "execution": read_execution,
    "ceinms": read_run_setup,
    "ceinmsCalibration": read_calibration_setup,
}


def test_every_parameter_and_curve_has_one_name_of_each_kind() -> None:
    assert sorted(PARAMETERS.values()) == sorted(Muscles._fields)
    assert tuple(CURVES.values()) == Curves._fields


def test_a_fibre_is_a_fiber_outside_the_table_of_tags() -> None:
    package = Path(refnms.__file__).parent
    users = {p.name for p in package.rglob("*.py") if re.search(r"[Ff]ibre", p.read_text())}
    assert users == {"ceinms.py", "details.py", "results.py", "templates.py"}  # CEINMS's words


def test_every_kind_of_file_reads(folder: Path) -> None:
    for root, read in READERS.items():
        assert read(folder / f"{root}.xml").__class__.__module__.startswith("refnms.io.")


def test_a_file_of_another_kind_is_refused_by_name(folder: Path) -> None:
    for root, read in READERS.items():
        for other in READERS:
            if other != root:
                with pytest.raises(InputError, match=re.escape(f"<{root}>, found <{other}>")):
                    read(folder / f"{other}.xml")


def test_files_of_other_programs_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "x.xml"
    for root, what in (
        ("simulatedAnnealing", "CEINMS-RT"),
        ("OpenSimDocument", "an OpenSim file"),
        ("html", "not a CEINMS file"),
    ):
        path.write_text(f"<{root}/>")
        with pytest.raises(InputError, match=what):
            read_calibration(path)


def test_every_ceinms_file_of_the_shared_data_reads(shared: Path) -> None:
    for path in shared.rglob("*.xml"):
        root = read_xml(path)
        if root.has("muscleDefault"):
            with pytest.warns(InputWarning, match="a subject of CEINMS-RT"):
                assert read_subject(path).dofs
        else:
            READERS[root.tag](path)


GARBLED = ["1_000", "0x1p3", "nan", "inf", "0,5", "", "1e999", "--1", "\u0661", "1 2", "&#48;", "-"]
HARM = [
    '<!DOCTYPE subject [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>',
    "<?pi <c1>?>",
    "<x>" * 300,
    "<c1>0.25</c1>",
    "<![CDATA[0.5]]>",
    "\0",
    "\ufeff",
    "&b;",
    "<!--",
]


def leaves(text: str) -> list[re.Match[str]]:
    return list(re.finditer(r"<(\w+)[^<>]*>([^<>]*)</\1>|<\w+/>", text))


@st.composite
def mutations(draw: st.DrawFn) -> Callable[[str], bytes]:
    """One fault, as a function of a valid text."""
    kind = draw(st.sampled_from("cut drop double garble rename insert slip encode".split()))
    place, other = draw(st.floats(0, 1)), draw(st.floats(0, 1))
    garbled, harm = draw(st.sampled_from(GARBLED)), draw(st.sampled_from(HARM))
    character = draw(st.characters(codec="utf-8"))
    codec = draw(st.sampled_from(["utf-16", "utf-32", "cp1252", "utf-8-sig", "utf-7"]))

    def mutate(text: str) -> bytes:
        found = leaves(text)
        leaf = found[int(place * (len(found) - 1))]
        at = int(place * (len(text) - 1))
        if kind == "cut":
            text = text[:at]
        elif kind == "drop":
            text = text[: leaf.start()] + text[leaf.end() :]
        elif kind == "double":
            text = text[: leaf.end()] + leaf[0] + text[leaf.end() :]
        elif kind == "garble" and leaf[2]:
            text = text[: leaf.start(2)] + garbled + text[leaf.end(2) :]
        elif kind == "rename" and leaf[1]:
            end = leaf.start() + 1 + int(other * len(leaf[1]))
            text = text[: leaf.start() + 1] + text[end:]
        elif kind == "insert":
            text = text[:at] + harm + text[at:]
        elif kind == "slip":
            text = text[:at] + character + text[at + 1 :]
        elif kind == "encode":
            return (text[:at] + "é" + text[at:]).encode(codec)
        return text.encode()

    return mutate


def contents(record: Any) -> Iterator[Any]:
    """All numbers and names in a record."""
    if dataclasses.is_dataclass(record):
        for field in dataclasses.fields(record):
            if field.compare:  # else it says where something stands
                yield from contents(getattr(record, field.name))
    elif isinstance(record, np.ndarray):
        yield from record.tolist()
    elif isinstance(record, dict):
        yield from contents(list(record.items()))
    elif isinstance(record, tuple | list):
        for item in record:
            yield from contents(item)
    else:
        yield record


def numbers_of(data: bytes) -> set[float]:
    """The numbers that stand in a file as whole words, and what may be made of them."""
    found = {10.0}  # the contraction velocity of a muscle that does not say it
    for word in re.split(r"[\s<>\"'\[\]]+", data.decode("latin-1").replace("&#48;", "0")):
        try:
            found.add(float(word))
        except ValueError:
            continue
    return found | {np.radians(1.0) * number for number in found}


@settings(max_examples=500)
@given(kind=st.sampled_from(sorted(READERS)), mutate=mutations())
def test_a_mutated_file_is_refused_or_gives_only_its_own_numbers(
    kind: str,
    mutate: Callable[[str], bytes],
    folder: Path,
    examples: dict[str, str],
) -> None:
    data = mutate(examples[kind])
    path = folder / "mutated.xml"
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InputWarning)
        try:
            record = READERS[kind](path)
        except InputError as error:
            assert all(problem.file == path for problem in error.problems)
            return
    allowed = numbers_of(data)
    for item in contents(record):
        if isinstance(item, float | int) and not isinstance(item, bool):
            assert item in allowed


def test_every_garbled_number_is_refused(folder: Path, examples: dict[str, str]) -> None:
    path = folder / "garbled.xml"
    for kind, read in READERS.items():
        text = examples[kind]
        places = [leaf.span(2) for leaf in leaves(text) if re.match(r"[-+]?\.?\d", leaf[2] or "")]
        places += [weight.span(1) for weight in re.finditer(r'weight="([^"]*)"', text)]
        for start, end in places:
            for garbled in ("1_000", "nan", "0,5", ""):
                path.write_text(text[:start] + garbled + text[end:])
                with pytest.raises(InputError, match="expected"):
                    read(path)


def test_a_file_cut_anywhere_is_refused(folder: Path, examples: dict[str, str]) -> None:
    path = folder / "cut.xml"
    for kind, read in READERS.items():
        text = examples[kind].rstrip()
        for end in range(0, len(text), 11):
            path.write_text(text[:end])
            with pytest.raises(InputError):
                read(path)


def test_every_lost_or_doubled_required_element_is_refused(
    folder: Path, examples: dict[str, str]
) -> None:
    """Each leaf of a subject in turn: lost, or doubled, it is an error, unless it may be absent."""
    text = examples["subject"]
    may_be_absent = {"maxContractionVelocity", "activationScale", "opensimModelFile"}
    may_be_absent |= {"subjectID", "additionalInfo", "startSubjectFile", "calibrationSequence"}
    path = folder / "lost.xml"
    for leaf in leaves(text):
        edits = {"doubled": text[: leaf.end()] + leaf[0] + text[leaf.end() :]}
        own_damping = leaf[0] == "<damping>0.2</damping>"
        if leaf[1] not in may_be_absent and not own_damping:
            edits["lost"] = text[: leaf.start()] + text[leaf.end() :]
        for edit in edits.values():
            path.write_text(edit)
            with pytest.raises(InputError, match="line"):
                read_subject(path)
