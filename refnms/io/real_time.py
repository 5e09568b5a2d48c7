"""Subjects of CEINMS-RT, put into the form of CEINMS 0.9.

They hold what CEINMS-RT's schema (NMSmodel.xsd) lists: no tendon curve, since its program has the
classic points built in; pennation in degrees; no delay; and the EMG channels of each muscle, which
stand in a file of their own in CEINMS. A muscle is excited by the mean of its channels.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from refnms.io.schema import WORD
from refnms.io.xml import Element
from refnms.physics.curves import ceinms_default

CURVE = "tendonForceStrain"


def is_real_time_subject(root: Element) -> bool:
    return root.tag == "subject" and root.has("muscles") and not root.has("mtuSet")


def as_subject(root: Element, tags: dict[str, str]) -> Element:
    """The subject of CEINMS 0.9 that says the same; `tags` are other names of parameters."""
    default = root.at("muscleDefault")
    curves = tuple(replace(curve, tag="curve") for curve in default.all("Curve"))
    if not any(curve.at("name").text == CURVE for curve in curves):
        curves += (_tendon_curve(default.line),)
    others = tuple(child for child in default.children if child.tag != "Curve")
    delay = Element("emDelay", default.line, text="0")
    muscles = tuple(_muscle(muscle, tags) for muscle in root.at("muscles").all("muscle"))
    dofs = tuple(_dof(dof) for dof in root.at("DoFs").all("DoF"))
    return replace(
        root,
        children=(
            Element("mtuDefault", default.line, children=(delay, *others, *curves)),
            Element("mtuSet", root.at("muscles").line, children=muscles),
            Element("dofSet", root.at("DoFs").line, children=dofs),
        ),
    )


def as_generator(root: Element) -> Element:
    """The excitation generator of CEINMS 0.9 that its channels are."""
    channels = root.at("Channels").all("Channel")
    signals = [channel.at("name").text for channel in channels]
    of_channel = [WORD.findall(channel.at("muscleSequence").text) for channel in channels]
    excitations = []
    for muscle in root.at("muscles").all("muscle"):
        name = muscle.at("name").text
        own = [s for s, muscles in zip(signals, of_channel, strict=True) if name in muscles]
        weight = {"weight": repr(1.0 / len(own))} if own else {}
        inputs = tuple(Element("input", muscle.line, weight, signal) for signal in own)
        excitations.append(Element("excitation", muscle.line, {"id": name}, children=inputs))
    line = root.at("Channels").line
    return Element(
        "excitationGenerator",
        root.line,
        children=(
            Element("inputSignals", line, text=" ".join(signals)),
            Element("mapping", line, children=tuple(excitations)),
        ),
    )


def _muscle(muscle: Element, tags: dict[str, str]) -> Element:
    children = []
    for child in muscle.children:
        child = replace(child, tag=tags.get(child.tag, child.tag))
        if child.tag == "pennationAngle":
            child = replace(child, attributes={"unit": "deg"})
        children.append(child)
    return replace(muscle, tag="mtu", children=tuple(children))


def _dof(dof: Element) -> Element:
    children = [
        replace(child, tag="mtuNameSet") if child.tag == "muscleSequence" else child
        for child in dof.children
    ]
    return replace(dof, tag="dof", children=tuple(children))


def _tendon_curve(line: int) -> Element:
    curve = ceinms_default().tendon_force_strain
    heights = np.append(curve.pieces[1:-1, 1], curve.pieces[-1, 1])
    points = {"xPoints": curve.knots, "yPoints": heights}
    children = [Element("name", line, text=CURVE)]
    for tag, values in points.items():
        children.append(Element(tag, line, text=" ".join(repr(float(v)) for v in values)))
    return Element("curve", line, children=tuple(children))
