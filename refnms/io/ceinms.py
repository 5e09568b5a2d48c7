"""The words of CEINMS's XML files, versions 0.9 and 0.21: every tag, and our name for its content.

Where the two versions differ a file may use either form. Tags stand in the order in which CEINMS
wants them written. Nowhere else in the package is a fiber a `Fibre`.
"""

from __future__ import annotations

import os
from pathlib import Path

from refnms.errors import InputError, Problem
from refnms.io.real_time import as_generator, as_subject, is_real_time_subject
from refnms.io.schema import (
    Report,
    Tag,
    anything,
    at_least_1,
    check,
    either,
    interval,
    names,
    no_less_than_0,
    number,
    numbers,
    one,
    optional,
    several,
    short,
    some,
    some_names,
    text,
    word,
    word_of,
)
from refnms.io.xml import Element, read_xml

# CEINMS's parameters, in the order of its parameter vector, as fields of Muscles.
PARAMETERS = {
    "c1": "c1",
    "c2": "c2",
    "shapeFactor": "shape_factor",
    "optimalFibreLength": "optimal_fiber_length",
    "pennationAngle": "pennation_angle_at_optimal",
    "tendonSlackLength": "tendon_slack_length",
    "maxIsometricForce": "max_isometric_force",
    "maxContractionVelocity": "max_contraction_velocity",
    "strengthCoefficient": "strength_coefficient",
    "emDelay": "electromechanical_delay",
    "damping": "fiber_damping",
    "percentageChange": "percentage_change",
}
CURVES = {
    "activeForceLength": "active_force_length",
    "passiveForceLength": "passive_force_length",
    "forceVelocity": "force_velocity",
    "tendonForceStrain": "tendon_force_strain",
}
DEFAULT_MAX_CONTRACTION_VELOCITY = 10.0  # of an <mtu> that does not say it [l_opt/s]

MTU = some(
    "mtu",
    one("name", word),
    optional("emDelay", number),
    one("c1", number),
    one("c2", number),
    one("shapeFactor", number),
    optional("activationScale", number),  # 0.21
    one("optimalFibreLength", number),
    one("pennationAngle", number, attributes=(optional("unit", word_of("rad", "deg")),)),
    one("tendonSlackLength", number),
    optional("maxContractionVelocity", number),
    optional("damping", number),
    one("maxIsometricForce", number),
    one("strengthCoefficient", number),
)
MTU_DEFAULT = one(
    "mtuDefault",
    one("emDelay", number),
    one("percentageChange", number),
    one("damping", number),
    several(
        "curve", one("name", word_of(*CURVES)), one("xPoints", numbers), one("yPoints", numbers)
    ),
)
SUBJECT = one(
    "subject",
    MTU_DEFAULT,
    one("mtuSet", MTU),
    one("dofSet", some("dof", one("name", word), one("mtuNameSet", some_names))),
    optional(
        "calibrationInfo",
        either(
            one(
                "uncalibrated",
                optional("subjectID", anything),
                optional("additionalInfo", anything),
            ),
            one(
                "calibrated",
                optional("startSubjectFile", anything),
                optional("calibrationSequence", anything),
            ),
        ),
    ),
    optional("opensimModelFile", anything),  # 0.21
    optional("contactModelFile", anything),  # 0.21
)
EXCITATION_GENERATOR = one(
    "excitationGenerator",
    one("inputSignals", some_names, attributes=(optional("type", anything),)),
    one(
        "mapping",
        some(
            "excitation",
            several("input", word, attributes=(one("weight", number),)),
            attributes=(one("id", word),),
        ),
    ),
)
INPUT_DATA = one(
    "inputData",
    one("muscleTendonLengthFile", text),
    one("excitationsFile", text),
    one(
        "momentArmsFiles",
        some("momentArmsFile", text, attributes=(one("dofName", word),)),
    ),
    optional("externalTorquesFile", text),
    optional("externalLoadsFile", anything),  # 0.21, as are the next two
    optional("motionFile", anything),
    optional("startStopTime", interval),
)
ALGORITHM = one(
    "algorithm",
    one(
        "simulatedAnnealing",
        one("noEpsilon", at_least_1),
        one("rt", no_less_than_0),
        one("T", no_less_than_0),
        one("NS", at_least_1),
        one("NT", at_least_1),
        one("epsilon", no_less_than_0),
        one("maxNoEval", at_least_1),
    ),
)
TENDON = one(
    "tendon",
    either(
        one("stiff", optional("tolerance", number)),
        one("equilibriumElastic", optional("tolerance", number)),
        one("integrationElastic", optional("tolerance", number)),
    ),
)
ACTIVATION = one("activation", either(one("exponential"), one("piecewise")))
PARAMETER = some(
    "parameter",
    one("name", word_of(*PARAMETERS)),
    either(one("single", names), one("global"), one("muscleGroups", some("muscles", some_names))),
    either(
        one("absolute", one("range", interval)),
        one("relativeToSubjectValue", one("range", interval)),
    ),
)
CALIBRATION = one(
    "calibration",
    ALGORITHM,
    one("NMSmodel", one("type", one("openLoop")), TENDON, ACTIVATION),
    one(
        "calibrationSteps",
        some(
            "step",
            one("dofs", some_names),
            one(
                "objectiveFunction",
                either(
                    one("minimizeTorqueError"),
                    one(  # 0.21
                        "torqueErrorNormalised",
                        one("targets", some_names),
                        one("weight", number),
                        one("exponent", number),
                    ),
                ),
                several(  # 0.21
                    "penalty",
                    one("targets", some_names),
                    one("targetsType", word_of("normalisedFibreLength")),
                    one("weight", number),
                    one("exponent", number),
                    one("range", interval),
                ),
            ),
            one("parameterSet", PARAMETER),
        ),
    ),
    one("trialSet", some_names),
)
EXECUTION = one(
    "execution",
    one(
        "NMSmodel",
        one(
            "type",
            either(
                one("openLoop"),
                one(
                    "hybrid",
                    one("alpha", no_less_than_0),
                    one("beta", no_less_than_0),
                    one("gamma", no_less_than_0),
                    optional("dofSet", some_names),  # 0.21
                    one("synthMTUs", names),
                    one("adjustMTUs", names),
                    ALGORITHM,
                ),
            ),
        ),
        TENDON,
        ACTIVATION,
    ),
    optional("online"),  # 0.9 wants one of the two, 0.21 has neither
    optional("offline"),
    optional("elaboratedDoFs", anything),
)
RUN_SETUP = one(
    "ceinms",
    one("subjectFile", text),
    one("inputDataFile", text),
    one("executionFile", text),
    one("excitationGeneratorFile", text),
    one("outputDirectory", text),
)
CALIBRATION_SETUP = one(
    "ceinmsCalibration",
    one("subjectFile", text),
    one("excitationGeneratorFile", text),
    one("calibrationFile", text),
    one("outputSubjectFile", text),
)

ROOTS = {
    "subject": "a CEINMS subject",
    "excitationGenerator": "a CEINMS excitation generator",
    "inputData": "CEINMS input data (one trial)",
    "calibration": "a CEINMS calibration",
    "execution": "a CEINMS execution",
    "ceinms": "a CEINMS setup",
    "ceinmsCalibration": "a CEINMS calibration setup",
    "simulatedAnnealing": "a CEINMS-RT calibration",
    "executionEMG": "a CEINMS-RT EMG device",
    "executionOptimization": "a CEINMS-RT optimization",
    "OpenSimDocument": "an OpenSim file",
}
# CEINMS-RT -> CEINMS.
RT_TAGS = {"C1": "c1", "C2": "c2", "optimalFiberLength": "optimalFibreLength"}
RT_SUBJECT = (
    "a subject of CEINMS-RT: its pennation is taken in degrees, its tendon has the classic curve, "
    "and it is run by the profile that you choose, none of which is CEINMS-RT's"
)
RT_CHANNELS = "a subject of CEINMS-RT: a muscle is excited by the mean of its channels"
# Tags that only CEINMS-RT uses, under roots that it shares with CEINMS.
REAL_TIME_TAGS = {
    "subject": {"muscleDefault", "muscles", "muscle", "DoFs", "Channels"},
    "execution": {"realTime", "elasticBiSec", "ConsumerPlugin", "NameOfSubject"},
}


def read_document(path: Path, tag: Tag) -> tuple[Element, Report]:
    """Root of a CEINMS file and what is wrong in it so far.

    Raises InputError when the file is not the one that `tag` describes.
    """
    root, told = read_xml(path), ""
    if is_real_time_subject(root):
        if tag is SUBJECT:
            root, told = as_subject(root, RT_TAGS), RT_SUBJECT
        elif tag is EXCITATION_GENERATOR and root.has("Channels"):
            root, told = as_generator(root), RT_CHANNELS
    if root.tag != tag.name:
        what = ROOTS.get(root.tag, "not a CEINMS file")
        message = f"expected {ROOTS[tag.name]}, <{tag.name}>, found <{root.tag[:60]}>: {what}"
        raise InputError(Problem(message, path, root.line))
    real_time = _tags(root) & REAL_TIME_TAGS.get(root.tag, set())
    if real_time:
        message = (
            f"this is a file of CEINMS-RT (it has <{min(real_time)}>), which is not supported; "
            "expected the form of CEINMS 0.9 or 0.21"
        )
        raise InputError(Problem(message, path, root.line))
    report = Report(path)
    if told:
        report.warn(told, root.line)
    check(root, tag, report)
    return root, report


def named_path(element: Element, source: Path) -> Path:
    """The path that an element of the file `source` holds: either slash, quotes trimmed."""
    return source.parent / element.text.strip(' "').replace("\\", "/")


def named_file(element: Element, source: Path, report: Report) -> Path:
    """The file that an element of the file `source` names; reported when it is not there."""
    path = named_path(element, source)
    if element.text and not os.path.isfile(path):
        message = f"<{element.tag}> names {short(element.text)}, but there is no file {path}"
        report.error(message, element.line)
    return path


def _tags(element: Element) -> set[str]:
    return {element.tag}.union(*map(_tags, element.children))
