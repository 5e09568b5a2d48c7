"""New CEINMS files, written from records: a subject, an excitation generator and their set-up.

What a calibration may change, and how far, is what published calibrations use (field practice with
CEINMS 0.21: c1 and c2 in -0.95 to -0.05, shape in -2.999 to -0.001, lengths within 15 %).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from refnms.io.ceinms import CURVES, MTU, PARAMETERS
from refnms.io.subject import SubjectFile
from refnms.io.xml import Element, render_xml

CALIBRATION = """\
<?xml version="1.0" encoding="UTF-8" standalone="no" ?>
<calibration>
  <!-- The settings of CEINMS's annealing; refnms reads them and does not need them. -->
  <algorithm><simulatedAnnealing>
    <noEpsilon>4</noEpsilon><rt>0.3</rt><T>200000</T><NS>15</NS><NT>5</NT>
    <epsilon>1.E-5</epsilon><maxNoEval>200000</maxNoEval>
  </simulatedAnnealing></algorithm>
  <NMSmodel>
    <type><openLoop/></type>
    <tendon><equilibriumElastic/></tendon>
    <activation><exponential/></activation>
  </NMSmodel>
  <calibrationSteps><step>
    <dofs>{dofs}</dofs>
    <objectiveFunction><minimizeTorqueError/></objectiveFunction>
    <parameterSet>
{parameters}
    </parameterSet>
  </step></calibrationSteps>
  <trialSet>{trials}</trialSet>
</calibration>
"""
FREE = {  # parameter -> whether its bounds multiply the subject's value, and the bounds
    "c1": (False, "-0.95 -0.05"),
    "c2": (False, "-0.95 -0.05"),
    "shapeFactor": (False, "-2.999 -0.001"),
    "tendonSlackLength": (True, "0.85 1.15"),
    "optimalFibreLength": (True, "0.85 1.15"),
    "strengthCoefficient": (False, "0.5 2.5"),
}
SETUP = """\
<?xml version="1.0" encoding="UTF-8" standalone="no" ?>
<ceinmsCalibration>
  <subjectFile>subject.xml</subjectFile>
  <excitationGeneratorFile>excitationGenerator.xml</excitationGeneratorFile>
  <calibrationFile>calibration.xml</calibrationFile>
  <outputSubjectFile>calibrated.xml</outputSubjectFile>
</ceinmsCalibration>
"""


def subject_xml(subject: SubjectFile) -> str:
    """A CEINMS subject, uncalibrated; `path` of the record says whence it comes.

    What CEINMS holds once for all muscles (delay, percentage change, damping) is the first one's.
    """
    default = {tag: getattr(subject.muscles, field)[0] for tag, field in PARAMETERS.items()}
    shared = [_value(tag, default[tag]) for tag in ("emDelay", "percentageChange", "damping")]
    own = [tag for tag in MTU.children() if tag in PARAMETERS]
    mtus = []
    for m, name in enumerate(subject.muscle_names):
        values = {tag: float(getattr(subject.muscles, PARAMETERS[tag])[m]) for tag in own}
        for tag in ("emDelay", "damping"):
            if values[tag] == default[tag]:
                del values[tag]
        fields = [_value(tag, value) for tag, value in values.items()]
        mtus.append(_parent("mtu", Element("name", text=name), *fields))
    info = _parent(
        "uncalibrated",
        Element("subjectID", text=subject.path.stem),
        Element("additionalInfo", text=f"converted from {subject.path.name}"),
    )
    return render_xml(
        _parent(
            "subject",
            _parent("mtuDefault", *shared, *_curves(subject)),
            _parent("mtuSet", *mtus),
            _parent("dofSet", *_sets(subject.dofs, "dof", "mtuNameSet")),
            _parent("calibrationInfo", info),
        )
    )


def generator_xml(signals: Sequence[str], weights: Mapping[str, Mapping[str, float]]) -> str:
    """An excitation generator with the weights of signals, by muscle."""
    excitations = [
        Element(
            "excitation",
            attributes={"id": muscle},
            children=tuple(
                Element("input", attributes={"weight": f"{weight:.15g}"}, text=signal)
                for signal, weight in inputs.items()
            ),
        )
        for muscle, inputs in weights.items()
    ]
    names = Element("inputSignals", attributes={"type": "EMG"}, text=" ".join(signals))
    return render_xml(_parent("excitationGenerator", names, _parent("mapping", *excitations)))


def input_data_xml(files: Mapping[str, str], arms: Mapping[str, str]) -> str:
    """One trial: CEINMS's tag -> file name, and degree of freedom -> file of moment arms."""
    arm_files = [
        Element("momentArmsFile", attributes={"dofName": dof}, text=name)
        for dof, name in arms.items()
    ]
    named = [Element(tag, text=name) for tag, name in files.items()]
    return render_xml(_parent("inputData", *named, _parent("momentArmsFiles", *arm_files)))


def calibration_xml(dofs: Sequence[str], trials: Sequence[str]) -> str:
    parameters = "\n".join(
        f"      <parameter><name>{name}</name><single/>"
        + ("<relativeToSubjectValue>" if relative else "<absolute>")
        + f"<range>{bounds}</range>"
        + ("</relativeToSubjectValue>" if relative else "</absolute>")
        + "</parameter>"
        for name, (relative, bounds) in FREE.items()
    )
    return CALIBRATION.format(dofs=" ".join(dofs), parameters=parameters, trials=" ".join(trials))


def _curves(subject: SubjectFile) -> list[Element]:
    return [
        _parent(
            "curve",
            Element("name", text=tag),
            *(
                Element(axis, text=" ".join(f"{value:.15g}" for value in values))
                for axis, values in zip(
                    ("xPoints", "yPoints"), subject.curve_points[field], strict=True
                )
            ),
        )
        for tag, field in CURVES.items()
    ]


def _sets(sets: Mapping[str, Sequence[str]], tag: str, content: str) -> list[Element]:
    return [
        _parent(tag, Element("name", text=name), Element(content, text=" ".join(members)))
        for name, members in sets.items()
    ]


def _value(tag: str, value: float) -> Element:
    unit = {"unit": "rad"} if tag == "pennationAngle" else None
    return Element(tag, attributes=unit, text=repr(float(value)))


def _parent(tag: str, *children: Element) -> Element:
    return Element(tag, children=children)
