"""OpenSim models (.osim): what they say of their muscles, and calibrated values put back in.

The rules come from 357 public models of versions 1.9 to 4.6. A muscle is any element outside
<defaults> whose class ends in `Muscle` or `Muscle_Deprecated`. A value is the muscle's own, else
that of its class in <defaults>, else OpenSim's. Old files say `pennation_angle` and `Vmax`. A
tendon slack length of 0 is legal. Tags such as `A::B` and windows-1252 text are read.
"""

from __future__ import annotations

import math
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from refnms.errors import InputError, InputWarning, Problem
from refnms.io.files import write_atomically
from refnms.io.schema import Report, number, short
from refnms.io.skeleton import Coordinate, path_bodies, read_skeleton
from refnms.io.subject import PLAUSIBLE
from refnms.io.xml import Element, parse_xml, read_xml_text

ROOT = "OpenSimDocument"
MUSCLE = re.compile(r"(?:.*::)?[A-Z]\w*Muscle(_Deprecated)?")
PROPERTIES = {  # of OpenSim, by field of Muscles; the first name counts before the second
    "max_isometric_force": ("max_isometric_force",),
    "optimal_fiber_length": ("optimal_fiber_length",),
    "tendon_slack_length": ("tendon_slack_length",),
    "pennation_angle_at_optimal": ("pennation_angle_at_optimal", "pennation_angle"),
    "max_contraction_velocity": ("max_contraction_velocity", "Vmax"),
}
DEFAULTS = {"pennation_angle_at_optimal": 0.0, "max_contraction_velocity": 10.0}
START_TAG = re.compile(rb"""<(?:[^"'>]|"[^"]*"|'[^']*')*>""")


@dataclass(frozen=True)
class OsimMuscle:
    name: str
    kind: str  # the class, such as Thelen2003Muscle
    line: int
    values: dict[str, float]  # by field of Muscles, SI
    crosses: tuple[str, ...]  # coordinates
    rigid: bool  # it ignores the compliance of its tendon


@dataclass(frozen=True)
class OsimModel:
    path: Path
    name: str
    version: int
    muscles: tuple[OsimMuscle, ...]
    coordinates: tuple[Coordinate, ...]


def read_osim(path: str | os.PathLike[str]) -> OsimModel:
    """The muscles and coordinates of a model. Disabled muscles are left out, with a warning.

    Raises InputError: no OpenSim model, no muscles, values that are missing or cannot be in SI.
    """
    path = Path(path)
    _, root, _ = _document(path)
    report = Report(path)
    model = root.at("Model") if root.has("Model") else root
    skeleton, defaults = read_skeleton(model), _defaults(root)
    muscles = []
    for element in _muscles(root):
        if _disabled(element):
            report.warn(f"the muscle {_name(element)} is disabled and left out", element.line)
            continue
        values = {field: _value(element, defaults, field, report) for field in PROPERTIES}
        rigid = element.at("ignore_tendon_compliance").text.lower() == "true"
        crosses = skeleton.crossed(path_bodies(element, skeleton))
        name = element.attribute("name")
        muscles.append(OsimMuscle(name, element.tag, element.line, values, crosses, rigid))
    _check(muscles, report)
    report.close()
    version = root.attribute("Version", "0")
    return OsimModel(
        path,
        model.attribute("name"),
        int(version) if version.isdecimal() else 0,
        tuple(muscles),
        tuple(c for c in skeleton.coordinates.values() if c.name not in skeleton.leaders),
    )


def write_osim(
    path: str | os.PathLike[str],
    source: str | os.PathLike[str],
    values: Mapping[str, Mapping[str, float]],
) -> int:
    """Write the model `source` with new values: muscle -> field of Muscles -> SI value.

    Every other byte stays as it is. A value that a muscle inherits from <defaults> becomes its own.
    Returns how many numbers changed. Raises InputError: muscles that the model lacks.
    """
    source = Path(source)
    text, root, encoding = _document(source)
    data, defaults = text.encode(), _defaults(root)
    own = {_name(element): element for element in _muscles(root)}
    lost = [name for name in values if name not in own]
    if lost:
        message = f"has no muscle {', '.join(map(short, lost))}; is it the subject's model?"
        raise InputError(Problem(message, source))
    edits = [
        edit
        for name, fields in values.items()
        for field, value in fields.items()
        for edit in _edits(data, own[name], defaults, field, value)
    ]
    for start, stop, new in sorted(edits, reverse=True):
        data = data[:start] + new + data[stop:]
    write_atomically(path, data.decode().encode(encoding))
    return len(edits)


def _document(path: Path) -> tuple[str, Element, str]:
    """Text, root and encoding of an OpenSim file."""
    text, encoding = read_xml_text(path)
    root = parse_xml(text, path)
    if root.tag != ROOT and not root.tag.endswith("Model"):  # the oldest files have no document
        message = f"expected an OpenSim model, <{ROOT}>, found <{root.tag[:60]}>"
        raise InputError(Problem(message, path, root.line))
    return text, root, encoding


def _muscles(element: Element) -> Iterator[Element]:
    for child in element.children:
        if MUSCLE.fullmatch(child.tag) and child.attribute("name"):
            yield child
        elif child.tag != "defaults":
            yield from _muscles(child)


def _defaults(root: Element) -> dict[str, Element]:
    """What a class inherits, by class."""
    found: dict[str, Element] = {}
    for element in root.walk():
        if element.tag == "defaults":
            for child in element.children:
                found.setdefault(child.tag, child)
    return found


def _name(element: Element) -> str:
    return element.attribute("name")


def _disabled(muscle: Element) -> bool:
    applies = muscle.at("appliesForce").text.lower() != "false"
    return not applies or muscle.at("isDisabled").text.lower() == "true"


def _property(muscle: Element, defaults: Mapping[str, Element], field: str) -> Element | None:
    """The element that holds a value: the muscle's own, else its class's."""
    for element in (muscle, defaults.get(muscle.tag, Element(""))):
        for tag in PROPERTIES[field]:
            if element.at(tag).text:
                return element.at(tag)
    return None


def _value(muscle: Element, defaults: Mapping[str, Element], field: str, report: Report) -> float:
    name, element = _name(muscle), _property(muscle, defaults, field)
    if element is None:
        if field not in DEFAULTS:
            tag = PROPERTIES[field][0]
            report.error(f"{name} lacks <{tag}>, and so do the defaults of its class", muscle.line)
        return DEFAULTS.get(field, math.nan)
    try:
        value = number(element.text)
    except ValueError as error:
        report.error(f"{name}: {element.tag}: {error}", element.line)
        return math.nan
    plausible, expected = PLAUSIBLE[field]
    if not plausible(value):
        message = f"{name}: {element.tag} is {element.text}; expected {expected}"
        report.error(message.partition("; unit")[0], element.line)
    return value


def _check(muscles: list[OsimMuscle], report: Report) -> None:
    if not muscles:
        report.error("has no muscles that could be calibrated", None)
    first: dict[str, int] = {}
    for muscle in muscles:
        if muscle.name in first:
            message = f"the muscle {short(muscle.name)} stands twice, first on line "
            report.error(f"{message}{first[muscle.name]}", muscle.line)
        if not re.fullmatch(r"\S+", muscle.name):
            message = f"the muscle {short(muscle.name)} has a blank in its name; CEINMS allows none"
            report.error(message, muscle.line)
        first.setdefault(muscle.name, muscle.line)


def _edits(
    data: bytes, muscle: Element, defaults: Mapping[str, Element], field: str, value: float
) -> Iterator[tuple[int, int, bytes]]:
    """Where the bytes of a value stand, and the new ones; nothing where it is the same already."""
    element = _property(muscle, defaults, field)
    if element is not None and float(element.text) == value:
        return
    if element is None and DEFAULTS.get(field) == value:
        return
    new = repr(float(value)).encode()
    if element is not None and element in muscle.children:
        tag = START_TAG.match(data, element.span[0])
        assert tag is not None
        inner = data[tag.end() : element.span[1]]
        if b"<" not in inner:  # else a comment stands beside the number
            start = tag.end() + len(inner) - len(inner.lstrip())
            yield start, start + len(inner.strip()), new
            return
        yield tag.end(), element.span[1], new
        return
    end = muscle.span[1]
    begin = data.rfind(b"\n", 0, end) + 1
    indent = data[begin:end] if not data[begin:end].strip() else b""
    line_end = b"\r\n" if data[: begin - 1].endswith(b"\r") else b"\n"
    name = (element.tag if element is not None else PROPERTIES[field][0]).encode()
    yield (
        begin if indent else end,
        begin if indent else end,
        (indent + b"\t<" + name + b">" + new + b"</" + name + b">" + line_end),
    )


def warn_of_rigid_tendons(model: OsimModel) -> None:
    """OpenSim chooses the tendon for each muscle, CEINMS for all."""
    rigid = [muscle.name for muscle in model.muscles if muscle.rigid]
    if rigid:
        message = (
            f"{len(rigid)} of {len(model.muscles)} muscles ignore the compliance of their tendon; "
            "CEINMS chooses one kind for all: <stiff/> or <equilibriumElastic/>"
        )
        warnings.warn(str(Problem(message, model.path)), InputWarning, stacklevel=3)
