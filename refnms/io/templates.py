"""New files of CEINMS and CEINMS-RT, written from records: subjects, generators, a set-up.

What a calibration may change, and how far, is what published calibrations use (field practice with
CEINMS 0.21: c1 and c2 in -0.95 to -0.05, shape in -2.999 to -0.001, lengths within 15 %).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from refnms.io.ceinms import CURVES, MTU, PARAMETERS
from refnms.io.subject import Points, SubjectFile
from refnms.io.xml import Element, render_xml
from refnms.physics.curves import ceinms_default, value
from refnms.physics.types import Curve, Muscles

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
REAL_TIME = {  # tag of CEINMS-RT -> field of Muscles, in the order of its file
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
SETUP = """\
<?xml version="1.0" encoding="UTF-8" standalone="no" ?>
<ceinmsCalibration>
  <subjectFile>subject.xml</subjectFile>
  <excitationGeneratorFile>excitationGenerator.xml</excitationGeneratorFile>
  <calibrationFile>calibration.xml</calibrationFile>
  <outputSubjectFile>calibrated.xml</outputSubjectFile>
</ceinmsCalibration>
"""
EXECUTION = """\
<?xml version="1.0" encoding="UTF-8" standalone="no" ?>
<execution>
  <NMSmodel>
    <type><openLoop/></type>
    <tendon><equilibriumElastic/></tendon>
    <activation><exponential/></activation>
  </NMSmodel>
  <online/>
</execution>
"""
RUN_SETUP = """\
<?xml version="1.0" encoding="UTF-8" standalone="no" ?>
<ceinms>
  <subjectFile>subject.xml</subjectFile>
  <inputDataFile>{trial}</inputDataFile>
  <executionFile>execution.xml</executionFile>
  <excitationGeneratorFile>excitationGenerator.xml</excitationGeneratorFile>
  <outputDirectory>{out}</outputDirectory>
</ceinms>
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
    """One trial: CEINMS's tag -> its text, and degree of freedom -> file of moment arms."""
    arm_files = [
        Element("momentArmsFile", attributes={"dofName": dof}, text=name)
        for dof, name in arms.items()
    ]
    named = [Element(tag, text=text) for tag, text in files.items()]
    return render_xml(_parent("inputData", *named, _parent("momentArmsFiles", *arm_files)))


def run_setup_xml(trial: str, out: str) -> str:
    """A set-up that runs one trial and writes its results into the folder `out`."""
    return RUN_SETUP.format(trial=trial, out=out)


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


def real_time_xml(subject: SubjectFile, channels: Mapping[str, tuple[str, ...]]) -> str:
    """A subject of CEINMS-RT, with the channels of EMG and the muscles that each drives.

    It has no place for delay, contraction velocity and tendon curve.
    """
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
        "DoFs": _sets(subject.dofs, "DoF", "muscleSequence"),
        "Channels": _sets(channels, "Channel", "muscleSequence"),
    }
    children = tuple(Element(tag, children=tuple(content)) for tag, content in parts.items())
    return render_xml(Element("subject", children=children))


def _values(p: Muscles, m: int) -> list[Element]:
    found = []
    for tag, field in REAL_TIME.items():
        own = float(getattr(p, field)[m])
        text = _degrees(own) if tag == "pennationAngle" else repr(own)
        found.append(Element(tag, text=text))
    return found


def _degrees(angle: float) -> str:
    """The shortest number of degrees that reads back as `angle`, or one nearest to it."""
    texts = [f"{math.degrees(angle):.{digits}g}" for digits in (15, 16, 17)]
    return next((t for t in texts if math.radians(float(t)) == angle), texts[-1])


def default_points() -> dict[str, Points]:
    """The points of the curves that CEINMS ships, by field of Curves."""

    def points(curve: Curve) -> Points:
        heights = [round(float(y), 6) + 0.0 for y in value(curve, curve.knots)]  # no -0.0
        return tuple(curve.knots.tolist()), tuple(heights)

    return {field: points(curve) for field, curve in ceinms_default()._asdict().items()}


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
