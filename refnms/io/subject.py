"""A CEINMS subject: read into records and a Model, and written back calibrated."""

from __future__ import annotations

import itertools
import math
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from refnms.errors import InputError, Problem
from refnms.io.ceinms import (
    CURVES,
    DEFAULT_MAX_CONTRACTION_VELOCITY,
    MTU,
    MTU_DEFAULT,
    PARAMETERS,
    SUBJECT,
    read_document,
)
from refnms.io.files import write_atomically
from refnms.io.generator import read_excitation_generator
from refnms.io.schema import Report, Tag, both, label, names, nearest, number, numbers, short
from refnms.io.xml import Element, render_xml
from refnms.model import Model
from refnms.physics.types import Array, Curve, Curves, Muscles

PathLike = str | os.PathLike[str]
Points = tuple[tuple[float, ...], tuple[float, ...]]  # x and y

# What a value must be to be in SI units; of 14,270 muscles of public models none is outside.
PLAUSIBLE: dict[str, tuple[Callable[[float], bool], str]] = {
    "optimal_fiber_length": (lambda l: 0.005 <= l <= 1.0, "0.005 to 1 m (is it in mm?)"),
    "pennation_angle_at_optimal": (
        lambda a: 0.0 <= a <= 0.8,
        '0 to 0.8 rad (is it in degrees? unit="deg")',
    ),
    "tendon_slack_length": (lambda l: 0.0 <= l <= 1.0, "0 to 1 m (is it in mm?)"),
    "max_isometric_force": (lambda f: f > 0.0, "a force above 0 N"),
    "max_contraction_velocity": (lambda v: v > 0.0, "a number above 0"),
    "strength_coefficient": (lambda s: s > 0.0, "a number above 0"),
    "fiber_damping": (lambda d: d >= 0.0, "0 or more"),
    "electromechanical_delay": (lambda t: 0.0 <= t < 1.0, "0 to 1 s (is it in ms?)"),
    "percentage_change": (lambda p: -1.0 < p < 1.0, "-1 to 1 (is it in percent?)"),
    "activationScale": (lambda s: s == 1.0, "1; others are not supported"),
}
ANY: tuple[Callable[[float], bool], str] = (lambda _: True, "")


@dataclass(frozen=True, eq=False)
class SubjectFile:
    """What a subject file says, in SI units."""

    path: Path
    muscle_names: tuple[str, ...]
    muscles: Muscles  # each (M,)
    curve_points: dict[str, Points]  # by field of Curves
    dofs: dict[str, tuple[str, ...]]  # the muscles that span each degree of freedom


def read_subject(path: PathLike) -> SubjectFile:
    """Read a CEINMS subject, version 0.9 or 0.21.

    Raises InputError: not a subject, not valid, or values that cannot be in SI units.
    """
    _, subject, report = _read(Path(path))
    report.close()
    return subject


def read_model(subject: PathLike, excitation_generator: PathLike) -> Model:
    """The person of a subject and an excitation generator: M muscles in the subject's order.

    Excitations are matched by name. Tendon and activation are Model's defaults: other files choose.

    Raises InputError: either file is not valid, or a muscle has no excitation.
    """
    person, generator = both(
        lambda: read_subject(subject), lambda: read_excitation_generator(excitation_generator)
    )
    spans = [[name in dof for dof in person.dofs.values()] for name in person.muscle_names]
    return Model(
        muscle_names=person.muscle_names,
        dof_names=tuple(person.dofs),
        emg_names=generator.signals,
        muscles=person.muscles,
        curves=Curves(**{field: _curve(person, field) for field in CURVES.values()}),
        emg_to_muscle=generator.matrix(person.muscle_names),
        crosses=np.array(spans, dtype=bool),
    )


def write_subject(path: PathLike, source: PathLike, model: Model, calibration: PathLike) -> None:
    """Write the subject `source` with the parameters of `model`, found by the file `calibration`.

    The numbers read back bit for bit. Files are named relative to the folder of `path`.

    Raises InputError: `source` is not valid, or CEINMS's format cannot hold the parameters.
    """
    path, source = Path(path), Path(source)
    root, subject, report = _read(source)
    report.refuse_errors()  # its warnings were told when `source` was first read
    _check_writable(model, subject)
    change = repr(float(model.muscles.percentage_change[0]))
    default = _with(root.at("mtuDefault"), Element("percentageChange", text=change))
    calibrated = [
        _calibrated(mtu, default, Muscles(*(values[m] for values in model.muscles)))
        for m, mtu in enumerate(root.at("mtuSet").all("mtu"))
    ]
    info = _calibration_info(root.at("calibrationInfo"), source, Path(calibration), path.parent)
    models = [
        replace(child, text=_moved(child.text, source.parent, path.parent))
        for tag in ("opensimModelFile", "contactModelFile")
        for child in root.all(tag)
    ]
    root = _with(root, default, Element("mtuSet", children=tuple(calibrated)), info, *models)
    write_atomically(path, render_xml(_in_order(root, SUBJECT)))


def _read(path: Path) -> tuple[Element, SubjectFile, Report]:
    """The tree of a subject, its content, and what is wrong in it."""
    root, report = read_document(path, SUBJECT)
    default, mtus = root.at("mtuDefault"), root.at("mtuSet").all("mtu")
    _check_plausible(default, MTU_DEFAULT, report)
    for mtu in mtus:
        _check_plausible(mtu, MTU, report)
    muscle_names = _different_names(mtus, report)
    dofs = root.at("dofSet").all("dof")
    _different_names(dofs, report)
    subject = SubjectFile(
        path,
        muscle_names,
        Muscles(**{field: _parameter(tag, default, mtus) for tag, field in PARAMETERS.items()}),
        _curve_points(default, report),
        {dof.at("name").text: _spanning(dof, muscle_names, report) for dof in dofs},
    )
    return root, subject, report


def _check_plausible(element: Element, tag: Tag, report: Report) -> None:
    for name in tag.children():
        child, value = element.at(name), element.value(name, number, math.nan)
        plausible, expected = PLAUSIBLE.get(PARAMETERS.get(name, name), ANY)
        if not math.isnan(value) and not plausible(value * _unit(child)):
            message = f"{label(element)}: {name} is {child.text}; expected {expected}"
            report.error(message, child.line)
        if name in ("c1", "c2") and abs(value) >= 1.0:
            message = f"{label(element)}: {name} is {child.text}; the filter of EMG is unstable"
            report.warn(message, child.line)


def _unit(element: Element) -> float:
    return math.radians(1.0) if element.attribute("unit") == "deg" else 1.0


def _parameter(tag: str, default: Element, mtus: Sequence[Element]) -> Array:
    """Values `(M,)`: the muscle's own, else the default's, else CEINMS's."""
    fallback = math.nan
    if tag == "maxContractionVelocity":
        fallback = DEFAULT_MAX_CONTRACTION_VELOCITY
    if tag in MTU_DEFAULT.children():
        fallback = default.value(tag, number, math.nan)
    if tag not in MTU.children():
        return np.full(len(mtus), fallback)
    return np.array([mtu.value(tag, number, fallback) * _unit(mtu.at(tag)) for mtu in mtus])


def _different_names(elements: Sequence[Element], report: Report) -> tuple[str, ...]:
    found: dict[str, int] = {}
    for element in elements:
        name = element.at("name").text
        if name and name in found:
            message = f"{label(element)} stands twice, first on line {found[name]}"
            report.error(message, element.line)
        found.setdefault(name, element.line)
    return tuple(found)


def _spanning(dof: Element, muscle_names: Sequence[str], report: Report) -> tuple[str, ...]:
    muscles = dof.value("mtuNameSet", names, ())
    for name in muscles:
        if name not in muscle_names:
            hint = nearest(name, muscle_names)
            message = f"{label(dof)} names {short(name)}, which is no mtu{hint}"
            report.error(message, dof.at("mtuNameSet").line)
    return muscles


def _curve_points(default: Element, report: Report) -> dict[str, Points]:
    curves = default.all("curve")
    given = _different_names(curves, report)
    for name in CURVES:
        if name not in given:
            report.error(f"mtuDefault lacks the curve {name}; all four are needed", default.line)
    points: dict[str, Points] = {}
    for curve in curves:
        x = curve.value("xPoints", numbers, ())
        y = curve.value("yPoints", numbers, ())
        points[CURVES.get(curve.at("name").text, "")] = x, y
        if not x or not y:
            continue  # reported by the schema
        if len(x) != len(y) or len(x) < 2:
            counts = f"{len(x)} xPoints and {len(y)} yPoints"
            report.error(f"{label(curve)} has {counts}; expected 2 or more of each", curve.line)
        for before, after in itertools.pairwise(x):
            if before >= after:
                message = f"{label(curve)}: xPoints must increase, but {after} follows {before}"
                report.error(message, curve.at("xPoints").line)
                break
    return points


def _curve(person: SubjectFile, field: str) -> Curve:
    from refnms.physics.curves import spline_curve

    with np.errstate(all="ignore"):
        curve = spline_curve(*person.curve_points[field])
    if not np.isfinite(curve.pieces).all():
        message = f"the points of the curve {field} lie too close together for a spline"
        raise InputError(Problem(message, person.path))
    return curve


def _check_writable(model: Model, subject: SubjectFile) -> None:
    if model.muscle_names != subject.muscle_names:
        message = f"has the muscles {subject.muscle_names}, the model {model.muscle_names}"
        raise InputError(Problem(message, subject.path))
    if len(set(model.muscles.percentage_change.tolist())) > 1:
        message = "can hold one percentageChange for all muscles; the model has different ones"
        raise InputError(Problem(message, subject.path))


def _with(parent: Element, *children: Element) -> Element:
    """`parent` with `children` in the place of what had their tags."""
    tags = {child.tag for child in children}
    kept = [child for child in parent.children if child.tag not in tags]
    return replace(parent, children=(*kept, *children))


def _calibrated(mtu: Element, default: Element, muscle: Muscles) -> Element:
    """`mtu` with the values of one muscle; its own delay only where it differs from the default."""
    own = [tag for tag in PARAMETERS if tag in MTU.children()]
    values = {tag: float(getattr(muscle, PARAMETERS[tag])) for tag in own}
    if values["emDelay"] == number(default.at("emDelay").text):
        del values["emDelay"]
    unit = {"pennationAngle": {"unit": "rad"}}
    kept = [child for child in mtu.children if child.tag not in PARAMETERS]
    new = [Element(tag, 0, unit.get(tag), repr(value)) for tag, value in values.items()]
    return replace(mtu, children=(*kept, *new))


def _calibration_info(info: Element, source: Path, calibration: Path, folder: Path) -> Element:
    """How CEINMS says whence the values come: a subject already calibrated keeps its start."""
    start, sequence = _relative(source, folder), _relative(calibration, folder)
    if info.has("calibrated"):
        before = info.at("calibrated")
        start = before.at("startSubjectFile").text
        sequence = f"{before.at('calibrationSequence').text} {sequence}".strip()
    files = (Element("startSubjectFile", text=start), Element("calibrationSequence", text=sequence))
    return Element("calibrationInfo", children=(Element("calibrated", children=files),))


def _moved(name: str, old: Path, new: Path) -> str:
    """A file name relative to folder `old`, as it is seen from folder `new`."""
    if not name or re.match(r"[/\\]|\w:", name):
        return name  # absolute
    return _relative(old / name.replace("\\", "/"), new)


def _relative(path: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # on another drive
        return path.name


def _in_order(element: Element, tag: Tag) -> Element:
    """The known elements, in the order that CEINMS wants."""
    known = tag.children()
    order = list(known)
    children = [_in_order(c, known[c.tag]) for c in element.children if c.tag in known]
    return replace(element, children=tuple(sorted(children, key=lambda c: order.index(c.tag))))
