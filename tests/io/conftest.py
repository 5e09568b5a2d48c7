"""One small example of every CEINMS file, in the forms of 0.9 and 0.21, with what they name."""

from __future__ import annotations

from pathlib import Path

import pytest
from recordings import Recording, small_recording

CURVES = "".join(
    f"<curve><name>{name}</name>\n<xPoints>{x}</xPoints>\n<yPoints>{y}</yPoints></curve>\n"
    for name, x, y in (
        ("activeForceLength", "-5 0.4 1 1.6 5", "0 0 1 0 0"),
        ("passiveForceLength", "-5 1 1.6 5", "0 0 2 2"),
        ("forceVelocity", "-10 -1 0 1 10", "0 0 1 1.75 1.75"),
        ("tendonForceStrain", "0 0.01 0.02 0.033", "0 0.1 0.26 0.5"),
    )
)


def mtu(
    name: str, extra: str = "", unit: str = "", pennation: str = "0.25", version: str = "0.9"
) -> str:
    scale = "<activationScale>1</activationScale>\n" if version == "0.21" else ""
    return f"""<mtu><name>{name}</name>
<c1>-0.51</c1>
<c2>-0.52</c2>
<shapeFactor>-1.3</shapeFactor>
{scale}<optimalFibreLength>0.081</optimalFibreLength>
<pennationAngle{unit}>{pennation}</pennationAngle>
<tendonSlackLength>0.35</tendonSlackLength>
{extra}<maxIsometricForce>1288</maxIsometricForce>
<strengthCoefficient>1.1</strengthCoefficient></mtu>
"""


def subject(version: str) -> str:
    info = "<uncalibrated><subjectID>s</subjectID><additionalInfo>x</additionalInfo></uncalibrated>"
    tail = ""
    if version == "0.21":
        tail = "<opensimModelFile>..\\model.osim</opensimModelFile>"
        info = (
            "<calibrated><startSubjectFile>C:\\lab\\s.xml</startSubjectFile>"
            "<calibrationSequence>a.xml</calibrationSequence></calibrated>"
        )
    own = "<maxContractionVelocity>12</maxContractionVelocity><damping>0.2</damping>"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<subject xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
xsi:noNamespaceSchemaLocation="subject.xsd">
<mtuDefault><emDelay>0.015</emDelay>
<percentageChange>0.15</percentageChange>
<damping>0.1</damping>
{CURVES}</mtuDefault>
<mtuSet>
{mtu("soleus", version=version)}{mtu("gastroc", own, ' unit="deg"', "17", version)}</mtuSet>
<dofSet><dof><name>ankle</name><mtuNameSet>soleus gastroc</mtuNameSet></dof>
<dof><name>knee</name><mtuNameSet>gastroc</mtuNameSet></dof></dofSet>
<calibrationInfo>{info}</calibrationInfo>
{tail}</subject>
"""


ALGORITHM = """<algorithm><simulatedAnnealing><noEpsilon>4</noEpsilon><rt>.3</rt>
<T>200000</T><NS>15</NS><NT>5</NT><epsilon>1.E-5</epsilon>
<maxNoEval>200001</maxNoEval></simulatedAnnealing></algorithm>"""
MUSCLE_MODEL = """<tendon>
<equilibriumElastic><tolerance>1e-9</tolerance></equilibriumElastic></tendon>
<activation><exponential/></activation>"""
OBJECTIVES = {
    "0.9": "<minimizeTorqueError/>",
    "0.21": """<torqueErrorNormalised><targets>all</targets><weight>1.5</weight>
<exponent>1</exponent></torqueErrorNormalised>
<penalty><targets>all</targets><targetsType>normalisedFibreLength</targetsType>
<weight>100</weight><exponent>2</exponent><range>0.6 1.4</range></penalty>""",
}


def calibration(version: str) -> str:
    return f"""<?xml version="1.0"?>
<calibration>{ALGORITHM}
<NMSmodel><type><openLoop/></type>{MUSCLE_MODEL}</NMSmodel>
<calibrationSteps><step><dofs>ankle knee</dofs>
<objectiveFunction>{OBJECTIVES[version]}</objectiveFunction>
<parameterSet>
<parameter><name>c1</name><single/><absolute><range>-0.95 -0.05</range></absolute></parameter>
<parameter><name>emDelay</name><global/><absolute><range>0.01 0.12</range></absolute></parameter>
<parameter><name>optimalFibreLength</name><single>soleus</single>
<relativeToSubjectValue><range>0.85 1.15</range></relativeToSubjectValue></parameter>
<parameter><name>strengthCoefficient</name>
<muscleGroups><muscles>soleus gastroc</muscles><muscles>tibant</muscles></muscleGroups>
<absolute><range>0.5 2.5</range></absolute></parameter>
</parameterSet></step></calibrationSteps>
<trialSet>.\\walk\\trial.xml run.xml</trialSet></calibration>
"""


def execution(version: str) -> str:
    if version == "0.9":
        return f"""<execution><NMSmodel><type><openLoop/></type>{MUSCLE_MODEL}</NMSmodel>
<offline/></execution>
"""
    return f"""<execution><NMSmodel><type><hybrid><alpha>1</alpha><beta>5</beta><gamma>10</gamma>
<dofSet>ankle</dofSet><synthMTUs>psoas</synthMTUs><adjustMTUs/>{ALGORITHM}</hybrid></type>
<tendon><stiff/></tendon><activation><piecewise/></activation></NMSmodel></execution>
"""


def input_data(version: str) -> str:
    tail = "<startStopTime>0.45 1.799</startStopTime><motionFile>ik.mot</motionFile>"
    return f"""<?xml version="1.0"?>
<inputData><muscleTendonLengthFile>lmt.sto</muscleTendonLengthFile>
<excitationsFile>"emg.sto"</excitationsFile>
<momentArmsFiles><momentArmsFile dofName="ankle">.\\ma_ankle.sto</momentArmsFile>
<momentArmsFile dofName="knee">ma_knee.sto</momentArmsFile></momentArmsFiles>
<externalTorquesFile>id.sto</externalTorquesFile>
{tail if version == "0.21" else ""}</inputData>
"""


GENERATOR = """<?xml version="1.0"?>
<excitationGenerator><inputSignals type="EMG">sol tib</inputSignals>
<mapping><excitation id="gastroc"><input weight="0.75">sol</input>
<input weight="0.25">tib</input></excitation>
<excitation id="soleus"><input weight="1">sol</input></excitation></mapping>
</excitationGenerator>
"""
RUN_SETUP = """<ceinms><subjectFile>subject.xml</subjectFile>
<inputDataFile>run.xml</inputDataFile>
<executionFile>execution.xml</executionFile>
<excitationGeneratorFile>excitationGenerator.xml</excitationGeneratorFile>
<outputDirectory>.\\out</outputDirectory></ceinms>
"""
CALIBRATION_SETUP = """<ceinmsCalibration><subjectFile>subject.xml</subjectFile>
<excitationGeneratorFile>excitationGenerator.xml</excitationGeneratorFile>
<calibrationFile>calibration.xml</calibrationFile>
<outputSubjectFile>out\\calibrated.xml</outputSubjectFile></ceinmsCalibration>
"""


@pytest.fixture(scope="session", params=["0.9", "0.21"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def examples(version: str) -> dict[str, str]:
    """Texts of a valid file of each kind, by the tag of its root."""
    return {
        "subject": subject(version),
        "excitationGenerator": GENERATOR,
        "inputData": input_data(version),
        "calibration": calibration(version),
        "execution": execution(version),
        "ceinms": RUN_SETUP,
        "ceinmsCalibration": CALIBRATION_SETUP,
    }


@pytest.fixture(scope="session")
def folder(
    examples: dict[str, str], version: str, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder with one file of each kind, `<root>.xml`, and all files that they name."""
    folder = tmp_path_factory.mktemp(f"ceinms {version}")
    for root, text in examples.items():
        (folder / f"{root}.xml").write_text(text)
    (folder / "walk").mkdir()
    for trial in (folder, folder / "walk"):
        for name in ("lmt", "emg", "id", "ma_ankle", "ma_knee"):
            (trial / f"{name}.sto").touch()
    for trial in ("run.xml", "walk/trial.xml"):
        (folder / trial).write_text(examples["inputData"])
    return folder


@pytest.fixture
def recording() -> Recording:
    return small_recording()
