"""A person and recordings as a folder of CEINMS files: what the commands take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from people import person, recording

from refnms.io.ceinms import CURVES, PARAMETERS
from refnms.io.recordings import write_trial
from refnms.model import Model
from refnms.physics.curves import value
from refnms.physics.types import Array
from refnms.simulation import simulate

TRIALS = ("walk", "run", "jump")  # the first two to calibrate on
PERSON = person(8, electromechanical_delay=0.03, shape_factor=-1.0)
EXECUTION = """<execution><NMSmodel><type><openLoop/></type>
<tendon><equilibriumElastic><tolerance>1e-9</tolerance></equilibriumElastic></tendon>
<activation><exponential/></activation></NMSmodel><offline/></execution>
"""
RUN_SETUP = """<ceinms><subjectFile>subject.xml</subjectFile>
<inputDataFile>walk/trial.xml</inputDataFile><executionFile>execution.xml</executionFile>
<excitationGeneratorFile>excitationGenerator.xml</excitationGeneratorFile>
<outputDirectory>results/walk</outputDirectory></ceinms>
"""
CALIBRATION_SETUP = """<ceinmsCalibration><subjectFile>subject.xml</subjectFile>
<excitationGeneratorFile>excitationGenerator.xml</excitationGeneratorFile>
<calibrationFile>calibration.xml</calibrationFile>
<outputSubjectFile>results/calibrated.xml</outputSubjectFile></ceinmsCalibration>
"""
STRENGTH = """<parameter><name>strengthCoefficient</name><single/>
<absolute><range>0.4 2.5</range></absolute></parameter>"""
STEP = f"""<step><dofs>knee ankle</dofs>
<objectiveFunction><minimizeTorqueError/></objectiveFunction>
<parameterSet>{STRENGTH}</parameterSet></step>
"""


def calibration(*steps: str, trials: str = "walk/trial.xml run/trial.xml") -> str:
    return f"""<calibration><algorithm><simulatedAnnealing><noEpsilon>4</noEpsilon><rt>.3</rt>
<T>200000</T><NS>15</NS><NT>5</NT><epsilon>1.E-5</epsilon><maxNoEval>200001</maxNoEval>
</simulatedAnnealing></algorithm>
<NMSmodel><type><openLoop/></type><tendon><equilibriumElastic/></tendon>
<activation><exponential/></activation></NMSmodel>
<calibrationSteps>{"".join(steps or (STEP,))}</calibrationSteps>
<trialSet>{trials}</trialSet></calibration>
"""


def generator(model: Model) -> str:
    excitations = "".join(
        f'<excitation id="{muscle}"><input weight="1">{channel}</input></excitation>\n'
        for muscle, channel in zip(model.muscle_names, model.emg_names, strict=True)
    )
    channels = " ".join(model.emg_names)
    return f"""<excitationGenerator><inputSignals type="EMG">{channels}</inputSignals>
<mapping>{excitations}</mapping></excitationGenerator>
"""


def numbers(values: Array) -> str:
    return " ".join(repr(v) for v in values.tolist())


def subject(model: Model) -> str:
    p = model.muscles
    curves = "".join(
        f"<curve><name>{tag}</name><xPoints>{numbers(curve.knots)}</xPoints>"
        f"<yPoints>{numbers(value(curve, curve.knots))}</yPoints></curve>\n"
        for tag, curve in ((tag, getattr(model.curves, name)) for tag, name in CURVES.items())
    )
    return f"""<subject><mtuDefault><emDelay>{float(p.electromechanical_delay[0])!r}</emDelay>
<percentageChange>{float(p.percentage_change[0])!r}</percentageChange>
<damping>{float(p.fiber_damping[0])!r}</damping>
{curves}</mtuDefault>
<mtuSet>{"".join(mtus(model))}</mtuSet>
<dofSet>{"".join(dofs(model))}</dofSet>
<calibrationInfo><uncalibrated><subjectID>s</subjectID><additionalInfo>x</additionalInfo>
</uncalibrated></calibrationInfo></subject>
"""


def mtus(model: Model) -> Iterator[str]:
    shared = ("emDelay", "damping", "percentageChange")  # stand in mtuDefault
    for m, name in enumerate(model.muscle_names):
        fields = "".join(
            f"<{tag}>{float(getattr(model.muscles, field)[m])!r}</{tag}>\n"
            for tag, field in PARAMETERS.items()
            if tag not in shared
        )
        order = [f"<{tag}>" for tag in MTU_ORDER]
        lines = sorted(fields.splitlines(), key=lambda line: order.index(line.split(">")[0] + ">"))
        yield f"<mtu><name>{name}</name>\n{''.join(lines)}</mtu>\n"


MTU_ORDER = (
    "c1",
    "c2",
    "shapeFactor",
    "optimalFibreLength",
    "pennationAngle",
    "tendonSlackLength",
    "maxContractionVelocity",
    "maxIsometricForce",
    "strengthCoefficient",
)


def dofs(model: Model) -> Iterator[str]:
    for d, name in enumerate(model.dof_names):
        muscles = " ".join(np.array(model.muscle_names)[model.crosses[:, d]])
        yield f"<dof><name>{name}</name><mtuNameSet>{muscles}</mtuNameSet></dof>\n"


def write_project(folder: Path, frames: int = 40) -> Path:
    """A weak person whose recordings were made when strong, so that calibration has something
    to find. Trials `walk`, `run` and `jump`; setups `run.xml` and `calibrate.xml`."""
    strong = replace(PERSON, muscles=PERSON.muscles._replace(strength_coefficient=np.full(3, 1.4)))
    folder.mkdir(exist_ok=True)
    for seed, name in enumerate(TRIALS):
        trial = recording(seed, PERSON, frames, name=name)
        moment = simulate(strong, trial).moment
        write_trial(folder / name, PERSON, replace(trial, moment=moment))
    texts = {
        "subject.xml": subject(PERSON),
        "excitationGenerator.xml": generator(PERSON),
        "execution.xml": EXECUTION,
        "run.xml": RUN_SETUP,
        "calibration.xml": calibration(),
        "calibrate.xml": CALIBRATION_SETUP,
    }
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    return folder


def hybrid(
    synthesized: str = "muscle_0",
    adjusted: str = "muscle_2",
    dofs: str = "",
    weights: str = "1 5 9",
) -> str:
    """The `hybrid` of an execution file."""
    alpha, beta, gamma = weights.split()
    chosen = f"<dofSet>{dofs}</dofSet>" if dofs else ""
    return f"""<hybrid><alpha>{alpha}</alpha><beta>{beta}</beta><gamma>{gamma}</gamma>{chosen}
<synthMTUs>{synthesized}</synthMTUs><adjustMTUs>{adjusted}</adjustMTUs>
<algorithm><simulatedAnnealing><noEpsilon>4</noEpsilon><rt>.3</rt><T>2</T><NS>15</NS><NT>5</NT>
<epsilon>1.E-5</epsilon><maxNoEval>20</maxNoEval></simulatedAnnealing></algorithm></hybrid>"""


def execute_so(project: Path, mode: str, velocity: str = "<online/>") -> None:
    """Have the trial of a project run in this mode."""
    text = EXECUTION.replace("<openLoop/>", mode).replace("<offline/>", velocity)
    (project / "execution.xml").write_text(text)
