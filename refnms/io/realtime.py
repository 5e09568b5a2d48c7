"""Subjects of CEINMS-RT: its words, read into the records of a CEINMS subject and back.

CEINMS-RT has no delay, no maximum contraction velocity and no tendon curve in its subject (its
tendon is the 17 points of `ceinms_default`); pennation is in degrees; channels name the muscles
they drive, without weights. A muscle that several channels drive is taken to have their mean.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from refnms.errors import InputError, Problem
from refnms.io.ceinms import CURVES, DEFAULT_MAX_CONTRACTION_VELOCITY, PARAMETERS, ROOTS
from refnms.io.schema import (
    Report,
    check,
    label,
    names,
    nearest,
    number,
    numbers,
    one,
    optional,
    several,
    short,
    some,
    some_names,
    word,
    word_of,
)
from refnms.io.subject import PLAUSIBLE, Points, SubjectFile
from refnms.io.xml import Element, read_xml, render_xml
from refnms.physics.curves import ceinms_default, value
from refnms.physics.types import Curve, Muscles

FIELDS = {  # tag of a muscle -> field of Muscles, in the order of the file
    "C1": "c1",
    "C2": "c2",
    "shapeFactor": "shape_factor",
    "optimalFiberLength": "optimal_fiber_length",
    "pennationAngle": "pennation_angle_at_optimal",  # [degrees]
    "tendonSlackLength": "tendon_slack_length",
    "maxIsometricForce": "max_isometric_force",
    "strengthCoefficient": "strength_coefficient",
}
OWN_CURVES = [tag for tag in CURVES if tag != "tendonForceStrain"]
SUBJECT = one(
    "subject",
    one(
        "muscleDefault",
        one("percentageChange", number),
        one("damping", number),
        several(
            "Curve", one("name", word_of(*CURVES)), one("xPoints", numbers), one("yPoints", numbers)
        ),
    ),
    one("muscles", some("muscle", one("name", word), *(one(tag, number) for tag in FIELDS))),
    one("DoFs", some("DoF", one("name", word), one("muscleSequence", some_names))),
    optional("Channels", several("Channel", one("name", word), one("muscleSequence", names))),
)


@dataclass(frozen=True, eq=False)
class RealTimeSubject:
    subject: SubjectFile
    channels: dict[str, tuple[str, ...]]  # signal -> the muscles that it drives

    def weights(self) -> dict[str, dict[str, float]]:
        """Weights of the signals, by muscle: the mean of its channels."""
        found: dict[str, dict[str, float]] = {}
        for muscle in self.subject.muscle_names:
            driving = [name for name, muscles in self.channels.items() if muscle in muscles]
            found[muscle] = {name: 1.0 / len(driving) for name in driving}
        return found


def is_realtime(root: Element) -> bool:
    return root.tag == "subject" and root.has("muscles")


def read_realtime_subject(path: str | os.PathLike[str], delay: float) -> RealTimeSubject:
    """A subject of CEINMS-RT, with the electromechanical delay [s] that its file does not hold.

    Raises InputError: not such a subject, not valid, or values that cannot be in its units.
    """
    path = Path(path)
    root = read_xml(path)
    if not is_realtime(root):
        what = ROOTS.get(root.tag, "not a CEINMS file")
        message = f"expected a CEINMS-RT subject, <subject> with <muscles>, found: {what}"
        raise InputError(Problem(message, path, root.line))
    report = Report(path)
    check(root, SUBJECT, report)
    muscles = root.at("muscles").all("muscle")
    muscle_names = tuple(dict.fromkeys(m.at("name").text for m in muscles))
    if len(muscle_names) < len(muscles):
        report.error("names a muscle more than once", root.at("muscles").line)
    for muscle in muscles:
        _check_plausible(muscle, report)
    dofs = {d.at("name").text: _known(d, muscle_names, report) for d in root.at("DoFs").children}
    channels = {
        c.at("name").text: _known(c, muscle_names, report) for c in root.at("Channels").children
    }
    curves = _curves(root.at("muscleDefault"), report)
    report.close()
    subject = SubjectFile(path, muscle_names, _muscles(root, muscles, delay), curves, dofs)
    return RealTimeSubject(subject, channels)


def realtime_xml(subject: SubjectFile, channels: Mapping[str, tuple[str, ...]]) -> str:
    """The file that CEINMS-RT reads."""
    p = subject.muscles
    default = [
        Element("percentageChange", text=repr(float(p.percentage_change[0]))),
        Element("damping", text=repr(float(p.fiber_damping[0]))),
    ]
    for tag in OWN_CURVES:
        x, y = (
            " ".join(f"{v:.15g}" for v in values) for values in subject.curve_points[CURVES[tag]]
        )
        points = Element("xPoints", text=x), Element("yPoints", text=y)
        default.append(Element("Curve", children=(Element("name", text=tag), *points)))
    muscles = [
        Element("muscle", children=(Element("name", text=name), *_values(p, m)))
        for m, name in enumerate(subject.muscle_names)
    ]
    parts = {
        "muscleDefault": default,
        "muscles": muscles,
        "DoFs": _sequences(subject.dofs, "DoF"),
        "Channels": _sequences(channels, "Channel"),
    }
    children = tuple(Element(tag, children=tuple(content)) for tag, content in parts.items())
    return render_xml(Element("subject", children=children))


def _values(p: Muscles, m: int) -> list[Element]:
    found = []
    for tag, field in FIELDS.items():
        own = float(getattr(p, field)[m])
        text = _degrees(own) if tag == "pennationAngle" else repr(own)
        found.append(Element(tag, text=text))
    return found


def _degrees(angle: float) -> str:
    """The shortest number of degrees that reads back as `angle`, or one nearest to it."""
    texts = [f"{math.degrees(angle):.{digits}g}" for digits in (15, 16, 17)]
    return next((t for t in texts if math.radians(float(t)) == angle), texts[-1])


def _sequences(sets: Mapping[str, tuple[str, ...]], tag: str) -> list[Element]:
    return [
        Element(
            tag,
            children=(Element("name", text=n), Element("muscleSequence", text=" ".join(members))),
        )
        for n, members in sets.items()
    ]


def _muscles(root: Element, muscles: list[Element], delay: float) -> Muscles:
    count, default = len(muscles), root.at("muscleDefault")
    values = {field: np.full(count, math.nan) for field in PARAMETERS.values()}
    for tag, field in FIELDS.items():
        values[field] = np.array([m.value(tag, number, math.nan) for m in muscles])
    values["pennation_angle_at_optimal"] = np.radians(values["pennation_angle_at_optimal"])
    values["max_contraction_velocity"][:] = DEFAULT_MAX_CONTRACTION_VELOCITY
    values["electromechanical_delay"][:] = delay
    values["percentage_change"][:] = default.value("percentageChange", number, math.nan)
    values["fiber_damping"][:] = default.value("damping", number, math.nan)
    return Muscles(**values)


def _check_plausible(muscle: Element, report: Report) -> None:
    for tag, field in FIELDS.items():
        plausible, expected = PLAUSIBLE.get(field, (lambda _: True, ""))
        own = muscle.value(tag, number, math.nan)
        if tag == "pennationAngle":
            plausible, expected = (lambda a: 0.0 <= a <= 46.0), "0 to 46 degrees"
        if not math.isnan(own) and not plausible(own):
            message = f"{label(muscle)}: {tag} is {muscle.at(tag).text}; expected {expected}"
            report.error(message, muscle.at(tag).line)


def _known(element: Element, muscle_names: tuple[str, ...], report: Report) -> tuple[str, ...]:
    found = element.value("muscleSequence", names, ())
    for name in found:
        if name not in muscle_names:
            hint = nearest(name, muscle_names)
            report.error(f"{label(element)} names {short(name)}, no muscle{hint}", element.line)
    return tuple(name for name in found if name in muscle_names)


def _curves(default: Element, report: Report) -> dict[str, Points]:
    """The curves of the file, and those of `ceinms_default` where it has none."""
    points = default_points()
    for curve in default.all("Curve"):
        x, y = curve.value("xPoints", numbers, ()), curve.value("yPoints", numbers, ())
        if len(x) != len(y):
            counts = f"{len(x)} xPoints and {len(y)} yPoints"
            report.error(f"{label(curve)} has {counts}", curve.line)
        points[CURVES.get(curve.at("name").text, "")] = x, y
    return points


def default_points() -> dict[str, Points]:
    """The points of the curves that CEINMS ships, by field of Curves."""

    def points(curve: Curve) -> Points:
        heights = [round(float(y), 6) + 0.0 for y in value(curve, curve.knots)]  # no -0.0
        return tuple(curve.knots.tolist()), tuple(heights)

    return {field: points(curve) for field, curve in ceinms_default()._asdict().items()}
