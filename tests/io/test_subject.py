from __future__ import annotations

import dataclasses
import math
import re
from pathlib import Path

import numpy as np
import pytest

from refnms.errors import InputError, InputWarning
from refnms.io.subject import read_model, read_subject, write_subject
from refnms.io.xml import Element, read_xml
from refnms.model import Model
from refnms.physics.curves import value
from refnms.physics.types import Curves, Muscles


def edited(folder: Path, tmp_path: Path, *edits: tuple[str, str]) -> Path:
    text = (folder / "subject.xml").read_text()
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    path = tmp_path / "subject.xml"
    path.write_text(text)
    return path


def model_of(subject: Path, folder: Path) -> Model:
    return read_model(subject, folder / "excitationGenerator.xml")


def assert_same_muscles(a: Muscles, b: Muscles) -> None:
    for field, first, second in zip(Muscles._fields, a, b, strict=True):
        assert first.tobytes() == second.tobytes(), field


def test_every_parameter_comes_from_its_own_element(folder: Path) -> None:
    subject = read_subject(folder / "subject.xml")
    assert subject.muscle_names == ("soleus", "gastroc")
    assert subject.dofs == {"ankle": ("soleus", "gastroc"), "knee": ("gastroc",)}
    expected = {
        "c1": [-0.51, -0.51],
        "c2": [-0.52, -0.52],
        "shape_factor": [-1.3, -1.3],
        "optimal_fiber_length": [0.081, 0.081],
        "pennation_angle_at_optimal": [0.25, math.radians(17)],
        "tendon_slack_length": [0.35, 0.35],
        "max_isometric_force": [1288.0, 1288.0],
        "max_contraction_velocity": [10.0, 12.0],
        "strength_coefficient": [1.1, 1.1],
        "electromechanical_delay": [0.015, 0.015],
        "fiber_damping": [0.1, 0.2],
        "percentage_change": [0.15, 0.15],
    }
    assert set(expected) == set(Muscles._fields)
    for field, values in expected.items():
        np.testing.assert_allclose(getattr(subject.muscles, field), values, rtol=1e-15)


def test_a_model_is_built_in_the_order_of_the_subject(folder: Path) -> None:
    model = model_of(folder / "subject.xml", folder)
    assert model.muscle_names == ("soleus", "gastroc")
    assert model.dof_names == ("ankle", "knee")
    assert model.emg_names == ("sol", "tib")
    np.testing.assert_array_equal(model.emg_to_muscle, [[1.0, 0.0], [0.75, 0.25]])
    np.testing.assert_array_equal(model.crosses, [[True, False], [True, True]])
    key_points = Curves((1.0, 1.0), (1.6, 2.0), (1.0, 1.75), (0.033, 0.5))
    for curve, (x, y) in zip(model.curves, key_points, strict=True):
        assert value(curve, np.array(x)) == pytest.approx(y, abs=1e-15)


def test_a_muscle_may_have_its_own_delay(folder: Path, tmp_path: Path) -> None:
    path = edited(folder, tmp_path, ("<c1>", "<emDelay>0.02</emDelay><c1>"))
    np.testing.assert_array_equal(read_subject(path).muscles.electromechanical_delay, [0.02, 0.015])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (">0.25<", ">25<", "'soleus': pennationAngle is 25; expected 0 to 0.8 rad"),
        (">17<", ">50<", "'gastroc': pennationAngle is 50"),
        (">0.25<", ">-0.1<", "pennationAngle is -0.1"),
        (' unit="deg"', ' unit="degree"', "expected rad or deg"),
        (">0.081<", ">81<", "optimalFibreLength is 81; .*mm"),
        (">0.081<", ">0.004<", "optimalFibreLength"),
        (">0.35<", ">350<", "tendonSlackLength is 350"),
        (">0.35<", ">-0.01<", "tendonSlackLength is -0.01"),
        (">1288<", ">0<", "maxIsometricForce is 0"),
        (">12<", ">0<", "maxContractionVelocity is 0"),
        (">1.1<", ">-1<", "strengthCoefficient is -1"),
        (">0.2<", ">-0.2<", "damping is -0.2"),
        (">0.015<", ">15<", "mtuDefault: emDelay is 15; .*ms"),
        (">0.15<", ">15<", "mtuDefault: percentageChange is 15; .*percent"),
        ("<optimalFibreLength>", "<activationScale>1.5</activationScale><optimalFibreLength>", "1"),
        ("<c1>-0.51</c1>", "", "mtu 'soleus' lacks <c1>"),
        ("<c1>", "<c1>-0.4</c1><c1>", "holds <c1> more than once"),
        (">-0.51<", ">-0,51<", "found '-0,51'"),
        ("<name>gastroc", "<name>soleus", "mtu 'soleus' stands twice"),
        ("<name>knee", "<name>ankle", "dof 'ankle' stands twice"),
        (">soleus gastroc<", ">soleus gastrok<", "no mtu; the nearest known is 'gastroc'"),
        ("<name>forceVelocity", "<name>activeForceLength", "lacks the curve forceVelocity"),
        ("<name>forceVelocity", "<name>forceVelocityy", "found 'forceVelocityy'"),
        ("-10 -1 0 1 10", "-10 -1 -1 1 10", "'forceVelocity': xPoints must increase"),
        ("-10 -1 0 1 10", "-10 -1 1 10", "has 4 xPoints and 5 yPoints"),
        ("<damping>0.1</damping>", "", "mtuDefault lacks <damping>"),
        ("<mtuSet>", "<muscles/><mtuSet>", "CEINMS-RT"),
    ],
)
def test_faults_are_refused_with_their_line(
    folder: Path, tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = edited(folder, tmp_path, (old, new))
    with pytest.raises(InputError, match=message) as error:
        read_subject(path)
    assert all(problem.file == path and problem.line for problem in error.value.problems)


def test_all_problems_of_subject_and_generator_are_told_at_once(
    folder: Path, tmp_path: Path
) -> None:
    edits = ((">0.25<", ">25<"), (">17<", ">170<"), (">-0.51<", ">nan<"))
    path = edited(folder, tmp_path, *edits)
    generator = tmp_path / "generator.xml"
    generator.write_text("<excitationGenerator/>")
    with pytest.raises(InputError) as error:
        read_model(path, generator)
    assert len(error.value.problems) == 5


def test_a_tendon_slack_length_of_zero_is_legal(folder: Path, tmp_path: Path) -> None:
    path = edited(folder, tmp_path, (">0.35<", ">0<"))
    assert read_subject(path).muscles.tendon_slack_length[0] == 0.0


def test_an_unstable_filter_is_a_warning(folder: Path, tmp_path: Path) -> None:
    path = edited(folder, tmp_path, (">-0.51<", ">-1.0<"))
    with pytest.warns(InputWarning, match="c1 is -1.0; the filter"):
        read_subject(path)


def test_an_unknown_element_is_a_warning_and_has_no_effect(folder: Path, tmp_path: Path) -> None:
    own = "<percentageChange>0.3</percentageChange><c1>"
    with pytest.warns(InputWarning, match="mtu 'soleus'/percentageChange is ignored"):
        subject = read_subject(edited(folder, tmp_path, ("<c1>", own)))
    np.testing.assert_array_equal(subject.muscles.percentage_change, [0.15, 0.15])
    default = "<maxContractionVelocity>8</maxContractionVelocity><damping>0.1"
    with pytest.warns(InputWarning, match="mtuDefault/maxContractionVelocity is ignored"):
        subject = read_subject(edited(folder, tmp_path, ("<damping>0.1", default)))
    np.testing.assert_array_equal(subject.muscles.max_contraction_velocity, [10.0, 12.0])


def test_curve_points_too_close_for_numbers_are_refused(folder: Path, tmp_path: Path) -> None:
    path = edited(folder, tmp_path, ("-10 -1 0 1 10", "-10 -1 0 1e-320 10"))
    with pytest.raises(InputError, match="too close together"):
        model_of(path, folder)


def perturbed(model: Model, rng: np.random.Generator) -> Model:
    change = rng.uniform(0.9, 1.1)
    muscles = Muscles(*(x * rng.uniform(0.9, 1.1, x.shape) for x in model.muscles))
    one_change = model.muscles.percentage_change * change
    return dataclasses.replace(model, muscles=muscles._replace(percentage_change=one_change))


def test_a_written_subject_reads_back_bit_for_bit(
    folder: Path, tmp_path: Path, rng: np.random.Generator
) -> None:
    source = folder / "subject.xml"
    model = perturbed(model_of(source, folder), rng)
    written = tmp_path / "out.xml"
    write_subject(written, source, model, folder / "calibration.xml")
    again = model_of(written, folder)
    assert_same_muscles(again.muscles, model.muscles)
    assert again.muscle_names == model.muscle_names
    np.testing.assert_array_equal(again.crosses, model.crosses)
    for curve, original in zip(again.curves, model.curves, strict=True):
        assert curve.pieces.tobytes() == original.pieces.tobytes()


def test_a_written_subject_says_whence_it_comes_without_machine_paths(
    folder: Path, tmp_path: Path, version: str
) -> None:
    source = folder / "subject.xml"
    (folder / "out").mkdir(exist_ok=True)
    written = folder / "out" / "calibrated.xml"
    write_subject(written, source, model_of(source, folder), folder / "calibration.xml")
    root = read_xml(written)
    info = root.at("calibrationInfo", "calibrated")
    sequence = info.at("calibrationSequence").text
    if version == "0.9":
        assert info.at("startSubjectFile").text == "../subject.xml"
        assert sequence == "../calibration.xml"
    else:
        assert info.at("startSubjectFile").text == "C:\\lab\\s.xml"
        assert sequence == "a.xml ../calibration.xml"
        assert root.at("opensimModelFile").text == "../../model.osim"
        assert all(mtu.has("activationScale") for mtu in root.at("mtuSet").children)
    assert str(folder) not in written.read_text()


def test_a_written_subject_has_no_own_delay_where_it_equals_the_default(
    folder: Path, tmp_path: Path
) -> None:
    source = edited(folder, tmp_path, ("<c1>", "<emDelay>0.02</emDelay><c1>"))
    written = tmp_path / "out.xml"
    write_subject(written, source, model_of(source, folder), tmp_path / "c.xml")
    first, second = read_xml(written).at("mtuSet").children
    assert first.at("emDelay").text == "0.02"
    assert not second.has("emDelay")


def test_names_are_escaped(folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "subject.xml"
    source.write_text((folder / "subject.xml").read_text().replace("soleus", "s&lt;&amp;\"'é"))
    generator = tmp_path / "generator.xml"
    text = (folder / "excitationGenerator.xml").read_text()
    generator.write_text(text.replace("soleus", "s&lt;&amp;&quot;'é"))
    model = read_model(source, generator)
    write_subject(tmp_path / "out.xml", source, model, tmp_path / "c.xml")
    assert read_subject(tmp_path / "out.xml").muscle_names == ("s<&\"'é", "gastroc")


def test_what_the_format_cannot_hold_is_refused(folder: Path, tmp_path: Path) -> None:
    source = folder / "subject.xml"
    model = model_of(source, folder)
    muscles = model.muscles._replace(percentage_change=np.array([0.1, 0.2]))
    bad = dataclasses.replace(model, muscles=muscles)
    with pytest.raises(InputError, match="one percentageChange"):
        write_subject(tmp_path / "out.xml", source, bad, tmp_path / "c.xml")
    bad = dataclasses.replace(model, muscle_names=("a", "b"))
    with pytest.raises(InputError, match="has the muscles"):
        write_subject(tmp_path / "out.xml", source, bad, tmp_path / "c.xml")
    assert not (tmp_path / "out.xml").exists()


def layout(element: Element) -> object:
    """Tags and attributes in order, without values and without our explicit damping."""
    children = [layout(child) for child in element.children if child.tag != "damping"]
    return element.tag, element.attributes or {}, children


def test_a_written_subject_has_the_layout_of_a_calibration_by_ceinms(
    shared: Path, tmp_path: Path
) -> None:
    data = shared / "s06_calibration"
    reference = data / "reference" / "ceinms09_calibrated.xml"
    model = read_model(reference, data / "excitationGenerator.xml")
    written = tmp_path / "written.xml"
    write_subject(written, data / "subject.xml", model, data / "calibrationCfg.xml")
    ours, theirs = read_xml(written), read_xml(reference)
    for part in ("mtuDefault", "mtuSet", "dofSet", "calibrationInfo"):
        assert layout(ours.at(part)) == layout(theirs.at(part))
    assert [child.tag for child in ours.children] == [child.tag for child in theirs.children]
    again = read_model(written, data / "excitationGenerator.xml")
    assert_same_muscles(again.muscles, model.muscles)
    text = written.read_text()
    assert re.match('<\\?xml version="1.0" encoding="UTF-8" standalone="no" \\?>\n<subject', text)
    assert "<xPoints>-5 0 0.401 0.402" in text


def test_the_measured_subject_has_the_parameters_of_its_readme(shared: Path) -> None:
    data = shared / "s06_calibration"
    model = read_model(data / "subject.xml", data / "excitationGenerator.xml")
    assert (len(model.muscle_names), len(model.dof_names), len(model.emg_names)) == (12, 2, 9)
    soleus = model.muscle_names.index("soleus_r")
    assert model.muscles.max_isometric_force[soleus] == 3549.0
    np.testing.assert_array_equal(model.muscles.electromechanical_delay, np.full(12, 0.08))
    assert model.emg_to_muscle.sum(axis=1).tolist() == [1.0] * 12
