"""New CEINMS files: what is written is what its reader reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from refnms.io.calibration import Single, read_calibration
from refnms.io.generator import read_excitation_generator
from refnms.io.setups import read_calibration_setup, read_input_data
from refnms.io.subject import SubjectFile, read_subject
from refnms.io.templates import (
    FREE,
    SETUP,
    calibration_xml,
    default_points,
    generator_xml,
    input_data_xml,
    real_time_xml,
    subject_xml,
)
from refnms.physics.curves import ceinms_default, spline_curve
from refnms.physics.types import Muscles


def a_subject() -> SubjectFile:
    values = np.random.default_rng(3).uniform(0.1, 0.3, (len(Muscles._fields), 2))
    muscles = Muscles(*values)._replace(
        percentage_change=np.full(2, 0.15), c1=np.array([-0.6, -0.7]), shape_factor=-np.ones(2)
    )
    dofs = {"knee": ("a", "b"), "ankle": ("b",)}
    return SubjectFile(Path("folder/leg.osim"), ("a", "b"), muscles, default_points(), dofs)


def test_a_subject_reads_back_to_the_bit(tmp_path):
    subject = a_subject()
    (tmp_path / "s.xml").write_text(subject_xml(subject))
    found = read_subject(tmp_path / "s.xml")
    np.testing.assert_array_equal(found.muscles, subject.muscles)
    assert found.muscle_names == subject.muscle_names and found.dofs == subject.dofs
    assert found.curve_points == subject.curve_points
    assert "converted from leg.osim" in (tmp_path / "s.xml").read_text()


def test_a_generator_reads_back(tmp_path):
    weights = {"a": {"x": 0.25, "y": 0.75}, "b": {}}
    (tmp_path / "g.xml").write_text(generator_xml(("x", "y"), weights))
    found = read_excitation_generator(tmp_path / "g.xml")
    assert found.signals == ("x", "y") and found.weights == weights


def test_a_setup_reads_back(tmp_path):
    for name in ("lmt", "emg", "id", "ma"):
        (tmp_path / f"{name}.sto").touch()
    files = {"muscleTendonLengthFile": "lmt.sto", "excitationsFile": "emg.sto"}
    text = input_data_xml(files | {"externalTorquesFile": "id.sto"}, {"knee": "ma.sto"})
    (tmp_path / "trial.xml").write_text(text)
    trial = read_input_data(tmp_path / "trial.xml")
    assert trial.moment_arms == {"knee": tmp_path / "ma.sto"}
    (tmp_path / "calibration.xml").write_text(calibration_xml(("knee", "ankle"), ["trial.xml"]))
    calibration = read_calibration(tmp_path / "calibration.xml")
    (step,) = calibration.steps
    assert step.dofs == ("knee", "ankle") and calibration.trials == (tmp_path / "trial.xml",)
    assert [p.name for p in step.parameters] == list(FREE)
    assert {p.scope for p in step.parameters} == {Single()}
    assert {p.name for p in step.parameters if p.relative} == {
        "tendonSlackLength",
        "optimalFibreLength",
    }
    for name in ("subject", "excitationGenerator"):
        (tmp_path / f"{name}.xml").touch()
    (tmp_path / "setup.xml").write_text(SETUP)
    assert read_calibration_setup(tmp_path / "setup.xml").output == tmp_path / "calibrated.xml"


@pytest.mark.filterwarnings("ignore::refnms.errors.InputWarning")
def test_a_subject_of_real_time_reads_back(tmp_path):
    subject, path = a_subject(), tmp_path / "rt.xml"
    path.write_text(real_time_xml(subject, {"x": ("a", "b"), "y": ("b",)}))
    found = read_subject(path)
    for field, values in subject.muscles._asdict().items():
        if field not in ("electromechanical_delay", "max_contraction_velocity", "fiber_damping"):
            np.testing.assert_allclose(getattr(found.muscles, field), values, rtol=1e-15)
    assert (found.muscles.fiber_damping == subject.muscles.fiber_damping[0]).all()
    assert found.dofs == subject.dofs
    weights = {"a": {"x": 1.0}, "b": {"x": 0.5, "y": 0.5}}  # the mean of its channels
    assert read_excitation_generator(path).weights == weights


def test_the_default_points_are_those_of_the_default_curves():
    for field, points in default_points().items():
        curve, known = spline_curve(*points), getattr(ceinms_default(), field)
        np.testing.assert_allclose(curve.pieces, known.pieces, atol=1e-12)
