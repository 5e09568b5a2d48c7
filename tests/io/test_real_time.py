"""Subjects of CEINMS-RT: a small one word by word, and a real one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from refnms.errors import InputError, InputWarning
from refnms.io.generator import read_excitation_generator
from refnms.io.subject import read_model, read_subject, write_subject
from refnms.physics.curves import ceinms_default

CURVES = "".join(
    f"<Curve><name>{name}</name><xPoints>-1 0 1 2</xPoints><yPoints>0 0.5 1 1</yPoints></Curve>"
    for name in ("activeForceLength", "passiveForceLength", "forceVelocity")
)
MUSCLE = """<muscle><name>{name}</name><C1>-0.5</C1><C2>-0.4</C2><shapeFactor>0.1</shapeFactor>
<optimalFiberLength>0.05</optimalFiberLength><pennationAngle>30</pennationAngle>
<tendonSlackLength>0.2</tendonSlackLength><maxIsometricForce>900</maxIsometricForce>
<strengthCoefficient>1.1</strengthCoefficient></muscle>"""
SUBJECT = f"""<subject><muscleDefault><percentageChange>0.15</percentageChange>
<damping>0.5</damping>{CURVES}</muscleDefault>
<muscles>{MUSCLE.format(name="soleus")}{MUSCLE.format(name="gastroc")}</muscles>
<DoFs><DoF><name>ankle</name><muscleSequence>soleus gastroc</muscleSequence></DoF></DoFs>
<Channels><Channel><name>sol</name><muscleSequence>soleus</muscleSequence></Channel>
<Channel><name>gm</name><muscleSequence>gastroc soleus</muscleSequence></Channel></Channels>
</subject>"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "subject.xml"
    path.write_text(SUBJECT)
    return path


@pytest.mark.filterwarnings("ignore::refnms.errors.InputWarning")
def test_it_says_the_same_as_a_subject_of_ceinms(path):
    model = read_model(path, path)
    assert model.muscle_names == ("soleus", "gastroc")
    assert model.dof_names == ("ankle",) and model.crosses.all()
    muscles = model.muscles
    np.testing.assert_allclose(muscles.pennation_angle_at_optimal, np.radians(30.0), rtol=1e-15)
    assert (muscles.c1[0], muscles.c2[0], muscles.shape_factor[0]) == (-0.5, -0.4, 0.1)
    assert (muscles.optimal_fiber_length[0], muscles.tendon_slack_length[0]) == (0.05, 0.2)
    assert (muscles.fiber_damping[0], muscles.percentage_change[0]) == (0.5, 0.15)
    assert muscles.electromechanical_delay[0] == 0.0
    assert muscles.max_contraction_velocity[0] == 10.0  # fixed in its program
    for found, wanted in zip(
        model.curves.tendon_force_strain, ceinms_default().tendon_force_strain, strict=True
    ):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.filterwarnings("ignore::refnms.errors.InputWarning")
def test_a_muscle_is_excited_by_the_mean_of_its_channels(path):
    generator = read_excitation_generator(path)
    assert generator.signals == ("sol", "gm")
    np.testing.assert_array_equal(generator.matrix(("soleus", "gastroc")), [[0.5, 0.5], [0.0, 1.0]])


def test_it_is_told(path):
    with pytest.warns(InputWarning, match="pennation is taken in degrees"):
        read_subject(path)


@pytest.mark.filterwarnings("ignore::refnms.errors.InputWarning")
def test_what_is_wrong_in_it_is_told_by_its_line(path):
    path.write_text(SUBJECT.replace("<C1>-0.5</C1>", "<C1>half</C1>", 1))
    with pytest.raises(InputError, match=r"subject\.xml, line 3: .*'half'"):
        read_subject(path)


@pytest.mark.filterwarnings("ignore::refnms.errors.InputWarning")
def test_calibrated_it_becomes_a_subject_of_ceinms(path, tmp_path):
    model = read_model(path, path)
    write_subject(tmp_path / "out.xml", path, model, tmp_path / "calibration.xml")
    again = read_subject(tmp_path / "out.xml")
    assert "mtuSet" in (tmp_path / "out.xml").read_text()
    np.testing.assert_array_equal(np.array(again.muscles), np.array(model.muscles))


@pytest.mark.filterwarnings("ignore::refnms.errors.InputWarning")
def test_a_real_one_reads_with_its_channels(shared):
    path = shared / "s06_treadmill" / "model" / "subjectCalibrated.xml"
    model = read_model(path, path)
    assert {"knee_angle_r", "ankle_angle_r"} <= set(model.dof_names)
    assert model.emg_to_muscle.any()
