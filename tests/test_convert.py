"""From one program's files to another's and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from models import VALUES, muscle, v4

from refnms import convert
from refnms.errors import InputError, InputWarning
from refnms.io import read_model
from refnms.io.generator import read_excitation_generator
from refnms.io.osim import read_osim
from refnms.io.storage import write_storage
from refnms.io.subject import read_subject, write_subject

LEG = v4(
    muscle(name="rect_fem_r")
    + muscle(name="soleus_r", bodies=("tibia_r", "tibia_r"))
    + muscle("Millard2012EquilibriumMuscle", "vas_med_r", bodies=("femur_r", "tibia_r"))
)


@pytest.fixture
def leg(tmp_path: Path) -> Path:
    (tmp_path / "leg.osim").write_text(LEG)
    return tmp_path / "leg.osim"


def test_a_model_becomes_a_subject_that_is_read(leg, tmp_path):
    done = convert.write_person(convert.from_osim(leg), tmp_path / "out")
    assert done.dofs == ("hip_flexion_r", "knee_angle_r") and done.unmapped == ()
    model = read_model(*done.written)
    assert model.muscle_names == ("rect_fem_r", "vas_med_r")  # the soleus crosses nothing here
    assert model.crosses.tolist() == [[True, True], [False, True]]
    np.testing.assert_array_equal(model.emg_to_muscle, np.eye(2))
    for field, text in VALUES.items():
        assert (getattr(model.muscles, field) == float(text)).all()
    assert (model.muscles.c1 != model.muscles.c2).all()  # else a gradient keeps them equal


def test_only_the_wanted_degrees_of_freedom_are_kept(leg):
    person = convert.from_osim(leg, ["hip_flexion_r"])
    assert person.subject.muscle_names == ("rect_fem_r",)
    with pytest.raises(InputError) as caught:
        convert.from_osim(leg, ["hip_flexio_r", "ankle"])
    assert "no coordinate 'hip_flexio_r'; the nearest known is 'hip_flexion_r'" in str(caught.value)
    assert len(caught.value.problems) == 2


def test_locked_coordinates_are_not_taken_unless_named(tmp_path):
    (tmp_path / "m.osim").write_text(LEG.replace("<locked>false", "<locked>true"))
    assert tuple(convert.from_osim(tmp_path / "m.osim").subject.dofs) == ("hip_flexion_r",)
    named = convert.from_osim(tmp_path / "m.osim", ["knee_angle_r"])
    assert tuple(named.subject.dofs) == ("knee_angle_r",)


def test_signals_named_after_a_muscle_reach_it(leg, tmp_path):
    names = ("VAS_MED_R", "rect_fem", "glute")
    write_storage(tmp_path / "emg.sto", np.arange(2.0), names, np.ones((2, 3)), "emg")
    person = convert.from_osim(leg, None, tmp_path / "emg.sto")
    assert person.signals == names and person.unmapped == ()
    assert person.weights == {"rect_fem_r": {"rect_fem": 1.0}, "vas_med_r": {"VAS_MED_R": 1.0}}


def test_a_side_is_not_guessed_where_both_are_there(tmp_path):
    both = v4(muscle(name="rect_fem_r") + muscle(name="rect_fem_l"))
    (tmp_path / "m.osim").write_text(both)
    write_storage(tmp_path / "emg.sto", np.arange(2.0), ["rect_fem"], np.ones((2, 1)), "emg")
    person = convert.from_osim(tmp_path / "m.osim", None, tmp_path / "emg.sto")
    assert person.unmapped == ("rect_fem_r", "rect_fem_l")


def test_a_generator_that_is_there_is_taken(leg, tmp_path):
    (tmp_path / "g.xml").write_text(
        '<excitationGenerator><inputSignals>q</inputSignals><mapping><excitation id="vas_med_r">'
        '<input weight="0.5">q</input></excitation></mapping></excitationGenerator>'
    )
    person = convert.from_osim(leg, None, None, tmp_path / "g.xml")
    assert person.signals == ("q",) and person.unmapped == ("rect_fem_r",)
    assert person.weights["vas_med_r"] == {"q": 0.5}


def test_tendons_that_are_rigid_for_some_are_told(tmp_path):
    rigid = muscle(extra="<ignore_tendon_compliance>true</ignore_tendon_compliance>")
    (tmp_path / "m.osim").write_text(v4(rigid + muscle(name="b")))
    with pytest.warns(InputWarning, match="1 of 2 muscles ignore the compliance"):
        convert.from_osim(tmp_path / "m.osim")


@pytest.mark.filterwarnings("ignore::refnms.errors.InputWarning")
def test_to_real_time_and_back_the_muscles_are_the_same(project, tmp_path):
    files = project / "subject.xml", project / "excitationGenerator.xml"
    convert.to_realtime(*files, tmp_path / "rt.xml")
    convert.write_person(convert.from_realtime(tmp_path / "rt.xml"), tmp_path / "back")
    one, other = (read_model(folder / files[0].name, folder / files[1].name)
                  for folder in (project, tmp_path / "back"))  # fmt: skip
    lost = {"electromechanical_delay", "max_contraction_velocity"}
    for field, values in one.muscles._asdict().items():
        if field not in lost:
            np.testing.assert_allclose(getattr(other.muscles, field), values, rtol=1e-14)
    np.testing.assert_array_equal(one.emg_to_muscle, other.emg_to_muscle)
    np.testing.assert_array_equal(one.crosses, other.crosses)
    assert one.emg_names == other.emg_names


def test_what_real_time_cannot_hold_is_told(project, tmp_path):
    text = (project / "excitationGenerator.xml").read_text()
    (project / "excitationGenerator.xml").write_text(text.replace('weight="1"', 'weight="0.7"', 1))
    files = project / "subject.xml", project / "excitationGenerator.xml"
    with pytest.warns(InputWarning) as told:
        convert.to_realtime(*files, tmp_path / "rt.xml")
    (message,) = [str(w.message) for w in told if "cannot hold" in str(w.message)]
    for part in ("emDelay", "weights of EMG (channels count alike) of muscle_0"):
        assert part in message


def test_a_real_time_subject_warns_of_its_delay_and_shapes(shared):
    path = shared / "s06_treadmill" / "model" / "subjectCalibrated.xml"
    with pytest.warns(InputWarning) as told:
        person = convert.from_realtime(path)
    assert any("keeps the delay elsewhere; 0.05 s" in str(w.message) for w in told)
    assert any("88 shape factors are above 0" in str(w.message) for w in told)
    assert person.weights["vas_int_r"] == {"vas_med_r": 0.5, "vas_lat_r": 0.5}
    assert len(person.subject.muscle_names) == 92 and len(person.signals) == 9


@pytest.mark.filterwarnings("ignore::refnms.errors.InputWarning")
def test_calibrated_parameters_go_back_into_their_model(leg, tmp_path):
    convert.write_person(convert.from_osim(leg), tmp_path / "out")
    subject, generator = tmp_path / "out" / "subject.xml", tmp_path / "out" / convert.GENERATOR
    model = read_model(subject, generator)
    table = model.table()
    table[3] *= 1.03  # optimal fiber length
    table[8] = [1.5, 1.0]  # strength
    calibrated = model.with_table(table)
    write_subject(tmp_path / "calibrated.xml", subject, calibrated, tmp_path / "calibration.xml")
    done = convert.into_osim(tmp_path / "calibrated.xml", leg, tmp_path / "new.osim")
    assert done.changed == 3
    before, after = read_osim(leg), read_osim(tmp_path / "new.osim")
    by_name = {muscle.name: muscle.values for muscle in after.muscles}
    assert by_name["soleus_r"] == before.muscles[1].values
    assert by_name["rect_fem_r"]["max_isometric_force"] == 1.5 * 1234.5
    assert by_name["vas_med_r"]["optimal_fiber_length"] == 1.03 * 0.0512
    assert len(tmp_path.joinpath("new.osim").read_text().splitlines()) == len(LEG.splitlines())


def test_losses_of_a_model_are_told(leg, tmp_path):
    convert.write_person(convert.from_osim(leg), tmp_path / "out")
    with pytest.warns(InputWarning) as told:
        convert.into_osim(tmp_path / "out" / "subject.xml", leg, tmp_path / "new.osim")
    assert any("1 muscles of the model are not in the subject" in str(w.message) for w in told)
    assert any("no place for c1, c2" in str(w.message) for w in told)
    assert (tmp_path / "new.osim").read_text() == LEG


@pytest.mark.filterwarnings("ignore::refnms.errors.InputWarning")
def test_nothing_that_is_there_is_overwritten(leg, tmp_path):
    person = convert.from_osim(leg)
    with pytest.raises(InputError, match="may be yours"):
        convert.write_person(person, tmp_path)
    convert.write_person(person, tmp_path / "out")
    subject, generator = tmp_path / "out" / "subject.xml", tmp_path / "out" / convert.GENERATOR
    for make in (
        lambda: convert.into_osim(subject, leg, leg),
        lambda: convert.to_realtime(subject, generator, leg),
    ):
        with pytest.raises(InputError, match="is there already"):
            make()
    assert leg.read_text() == LEG
    assert read_subject(subject).muscle_names == tuple(read_excitation_generator(generator).weights)
