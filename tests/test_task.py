"""What a calibration setup asks for: free parameters, trials, objective, and what is refused."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from project import PERSON, STEP, STRENGTH, calibration, subject

from refnms.ceinms_terms import (
    FiberLengthPower,
    LengthJump,
    MomentErrorPower,
    SummedMomentError,
)
from refnms.cli.options import PROFILES as OFFERED
from refnms.errors import InputError, InputWarning
from refnms.model import ElasticTendon, ExponentialActivation, PiecewiseActivation, RigidTendon
from refnms.physics.profiles import CEINMS_TOLERANCE, NATIVE, ceinms_0_9, ceinms_0_21
from refnms.physics.types import Muscles
from refnms.task import PROFILES, profile_named, read_task, terms_of
from refnms.terms import TERMS, FiberLengthRange, MomentError, Prior


def test_a_profile_is_found_by_its_name():
    assert profile_named("native") is NATIVE
    assert profile_named("native", online=True, tolerance=1e-9) is NATIVE
    assert profile_named("ceinms-0.9") == ceinms_0_9(tolerance=CEINMS_TOLERANCE)
    assert profile_named("ceinms-0.9", True, 1e-9) == ceinms_0_9(True, 1e-9)
    assert profile_named("ceinms-0.21") == ceinms_0_21()
    uncropped = profile_named("ceinms-0.21-uncropped-arms", True, 1e-9)
    assert uncropped == ceinms_0_21(1e-9, uncropped_arms=True)
    assert OFFERED == PROFILES


def test_what_is_not_known_of_0_21_is_refused_by_name():
    with pytest.raises(InputError, match=r"<offline/>: how CEINMS 0\.21 finds velocities offline"):
        profile_named("ceinms-0.21", online=False)


def task_of(
    project: Path, parameters: str, dofs: str = "knee ankle", profile: str = "native"
) -> Any:
    step = STEP.replace(STRENGTH, parameters).replace("knee ankle", dofs)
    (project / "calibration.xml").write_text(calibration(step))
    return read_task(project / "calibrate.xml", profile)


def parameter(name: str, scope: str, bounds: str) -> str:
    return f"<parameter><name>{name}</name>{scope}{bounds}</parameter>"


ABSOLUTE = "<absolute><range>-0.9 -0.1</range></absolute>"
RELATIVE = "<relativeToSubjectValue><range>0.9 1.2</range></relativeToSubjectValue>"


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        ("<single/>", ["c1 of muscle_0", "c1 of muscle_1", "c1 of muscle_2"]),
        ("<single>muscle_2 muscle_0</single>", ["c1 of muscle_2", "c1 of muscle_0"]),
        ("<global/>", ["c1 of muscle_0 and 2 more"]),
        (
            "<muscleGroups><muscles>muscle_0 muscle_2</muscles><muscles>muscle_1</muscles>"
            "</muscleGroups>",
            ["c1 of muscle_0 and 1 more", "c1 of muscle_1"],
        ),
    ],
)
def test_parameters_are_free_per_muscle_per_group_or_shared(project, scope, names):
    task = task_of(project, parameter("c1", scope, ABSOLUTE))
    assert task.packing.names == names
    assert set(task.packing.lower) == {-0.9} and set(task.packing.upper) == {-0.1}


def test_relative_bounds_are_multiples_of_the_subject_s_value(project):
    task = task_of(project, parameter("tendonSlackLength", "<single/>", RELATIVE))
    lts = PERSON.muscles.tendon_slack_length
    np.testing.assert_allclose(task.packing.lower, 0.9 * lts, rtol=1e-15)
    np.testing.assert_allclose(task.packing.upper, 1.2 * lts, rtol=1e-15)


@pytest.mark.parametrize("scope", ["<single/>", "<global/>"])
def test_only_muscles_that_span_the_step_s_degrees_of_freedom_are_free(project, scope):
    task = task_of(project, parameter("c1", scope, ABSOLUTE), dofs="ankle")
    free = (task.packing.index >= 0).any(axis=0)
    np.testing.assert_array_equal(free, [False, True, True])  # muscle_0 crosses the knee alone


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("c2", "c2"),
        ("shapeFactor", "shape_factor"),
        ("optimalFibreLength", "optimal_fiber_length"),
        ("pennationAngle", "pennation_angle_at_optimal"),
        ("maxIsometricForce", "max_isometric_force"),
        ("maxContractionVelocity", "max_contraction_velocity"),
        ("emDelay", "electromechanical_delay"),
        ("damping", "fiber_damping"),
    ],
)
def test_every_parameter_of_ceinms_can_be_free(project, name, field):
    bounds = "<relativeToSubjectValue><range>0.9 1.1</range></relativeToSubjectValue>"
    task = task_of(project, parameter(name, "<single>muscle_1</single>", bounds))
    assert task.packing.frees(field)
    assert (task.packing.index >= 0).sum() == 1


def test_percentage_change_is_free_for_all_muscles_or_none(project):
    bounds = "<absolute><range>0.0 0.3</range></absolute>"
    task = task_of(project, parameter("percentageChange", "<global/>", bounds))
    assert (task.packing.index[Muscles._fields.index("percentage_change")] == 0).all()
    for scope in ("<single/>", "<single>muscle_1</single>"):
        with pytest.raises(InputError, match=r"calibration\.xml: percentageChange is one value"):
            task_of(project, parameter("percentageChange", scope, bounds))


def test_trials_have_their_roles(project):
    task = read_task(project / "calibrate.xml", "native", [project / "jump/trial.xml"])
    roles = {name: role for name, (role, _) in task.trials.items()}
    assert roles == {"walk": "calibration", "run": "calibration", "jump": "test"}
    assert [t.name for t in task.recordings("test")] == ["jump"]


def test_a_step_follows_from_what_the_one_before_found(project):
    """Relative bounds are multiples of the value at the start of the step."""
    first = STEP.replace(STRENGTH, parameter("c1", "<global/>", ABSOLUTE))
    second = STEP.replace(STRENGTH, parameter("strengthCoefficient", "<single/>", RELATIVE))
    (project / "calibration.xml").write_text(calibration(first, second))
    task = read_task(project / "calibrate.xml", "native")
    assert task.packing.names == ["c1 of muscle_0 and 2 more"]
    table = task.model.table()
    table[Muscles._fields.index("strength_coefficient")] *= 1.3
    following = task.following(task.model.with_table(table))
    strength = 1.3 * task.model.muscles.strength_coefficient
    np.testing.assert_allclose(following.packing.lower, 0.9 * strength)
    np.testing.assert_allclose(following.packing.upper, 1.2 * strength)
    assert following.following(following.model) is None


def test_what_is_wrong_in_any_step_is_told_before_the_work(project):
    wrong = [STEP.replace("knee ankle", name) for name in ("hip", "toes")]
    (project / "calibration.xml").write_text(calibration(STEP, *wrong))
    with pytest.raises(InputError) as caught:
        read_task(project / "calibrate.xml", "native")
    assert [str(p).partition("<dofs> ")[2][:10] for p in caught.value.problems] == [
        "names hip;",
        "names toes",
    ]


def test_all_that_a_calibration_file_asks_wrongly_is_told_with_its_lines(project):
    lines = parameter("c1", "<single>muscle_1 psoas</single>", ABSOLUTE)
    lines += "\n" + parameter("emDelay", "<global/>", "<absolute><range>0 0.1</range></absolute>")
    lines += "\n" + parameter(
        "pennationAngle", "<single/>", "<absolute><range>0 1.2</range></absolute>"
    )
    with pytest.raises(InputError) as caught:
        task_of(project, lines, dofs="knee hip", profile="ceinms-0.9")
    told = {(p.message.split(",")[0], p.line) for p in caught.value.problems}
    first = (project / "calibration.xml").read_text().split("<parameterSet>")[0].count("\n") + 1
    dofs = (project / "calibration.xml").read_text().split("<dofs>")[0].count("\n") + 1
    assert {p.file for p in caught.value.problems} == {project / "calibration.xml"}
    assert ("<dofs> names hip; the subject has knee", dofs) in told
    assert ("parameter 'c1' names psoas; the subject has muscle_0", first) in told
    assert ("ceinms-0.9 takes whole EMG rows", first + 1) in told
    assert any("the bound 1.2 is not 0 to 0.8" in p.message for p in caught.value.problems)


def test_parameters_stand_in_the_order_of_ceinms(project):
    lines = parameter("strengthCoefficient", "<global/>", RELATIVE)
    lines += parameter("c1", "<global/>", ABSOLUTE)
    assert [name[:2] for name in task_of(project, lines).packing.names] == ["c1", "st"]


# ---- the objective of 0.21 ----

NORMALIZED = """<torqueErrorNormalised><targets>{}</targets><weight>{}</weight>
<exponent>{}</exponent></torqueErrorNormalised>"""
PENALTY = """<penalty><targets>{}</targets><targetsType>normalisedFibreLength</targetsType>
<weight>{}</weight><exponent>{}</exponent><range>0.7 1.3</range></penalty>"""


def task_with(project: Path, objective: str) -> Any:
    step = STEP.replace("<minimizeTorqueError/>", objective)
    (project / "calibration.xml").write_text(calibration(step))
    return read_task(project / "calibrate.xml", "native")


def test_the_objective_of_0_21_takes_targets_weights_exponents_and_range(project):
    one = NORMALIZED.format("all", 1, 1) + PENALTY.format("all", 100, 2)
    task = task_with(project, one)
    assert task.dofs == ("knee", "ankle")
    with pytest.warns(InputWarning, match="is not public"):
        moment, length, prior = terms_of(task.step)
    assert (moment, prior) == (MomentError(), Prior())
    assert length == FiberLengthRange(0.7, 1.3, weight=100.0, soft=100.0)
    task = task_with(project, NORMALIZED.format("ankle", 3, 1.5) + PENALTY.format("muscle_1", 7, 3))
    assert task.dofs == ("ankle",)
    with pytest.warns(InputWarning, match="is not public"):
        moment, length, _ = terms_of(task.step)
    assert moment == MomentErrorPower(3.0, 1.5)
    assert length == FiberLengthPower(0.7, 1.3, 7.0, 3.0, ("muscle_1",))


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        (NORMALIZED.format("hip", 1, 1), "torqueErrorNormalised names hip; the subject has knee"),
        (NORMALIZED.format("all", 1, 0.5), "torqueErrorNormalised has the exponent 0.5"),
        (NORMALIZED.format("all", 1, 1) + PENALTY.format("soleus", 1, 2), "penalty names soleus"),
        (NORMALIZED.format("all", 1, 1) + PENALTY.format("all", 1, 1), "penalty has the exponent"),
    ],
)
def test_what_an_objective_cannot_be_is_refused(project, objective, message):
    with pytest.raises(InputError, match=message):
        task_with(project, objective)


def test_by_values_the_objective_is_ceinmss_own(project):
    task = read_task(project / "calibrate.xml", "native")
    assert terms_of(task.step, by_values=True) == (SummedMomentError(), LengthJump())
    assert terms_of(task.step) == TERMS


def test_two_trials_of_one_name_are_refused(project):
    (project / "again").mkdir()
    shutil.copytree(project / "walk", project / "again" / "walk")
    with pytest.raises(InputError, match="a second trial called 'walk'"):
        read_task(project / "calibrate.xml", "native", [project / "again/walk/trial.xml"])


def test_problems_of_all_trials_are_told_at_once(project):
    for name in ("walk", "run"):
        (project / name / "emg.sto").unlink()
    with pytest.raises(InputError) as caught:
        read_task(project / "calibrate.xml", "native", [project / "nobody.xml"])
    files = {str(problem).partition(":")[0].partition(",")[0] for problem in caught.value.problems}
    assert files == {str(project / p) for p in ("walk/trial.xml", "run/trial.xml", "nobody.xml")}


def test_a_degree_of_freedom_that_the_subject_lacks_is_refused(project):
    with pytest.raises(InputError, match=r"<dofs> names ankel; the subject has knee, ankle"):
        task_of(project, parameter("c1", "<single/>", ABSOLUTE), dofs="knee ankel")


def test_the_calibration_file_chooses_tendon_activation_and_tolerance(project):
    plain = read_task(project / "calibrate.xml", "ceinms-0.9")
    assert (plain.model.tendon, plain.model.activation) == (
        ElasticTendon(),
        ExponentialActivation(),
    )
    assert plain.profile == ceinms_0_9(tolerance=CEINMS_TOLERANCE)
    exact = "<equilibriumElastic><tolerance>1e-8</tolerance></equilibriumElastic>"
    (project / "calibration.xml").write_text(calibration().replace("<equilibriumElastic/>", exact))
    assert read_task(project / "calibrate.xml", "ceinms-0.9").profile == ceinms_0_9(tolerance=1e-8)
    stiff = calibration().replace("<equilibriumElastic/>", "<stiff/>")
    (project / "calibration.xml").write_text(stiff.replace("exponential", "piecewise"))
    convex = PERSON.muscles._replace(shape_factor=np.full(3, 0.05))
    (project / "subject.xml").write_text(subject(replace(PERSON, muscles=convex)))
    other = read_task(project / "calibrate.xml", "ceinms-0.9").model
    assert (other.tendon, other.activation) == (RigidTendon(), PiecewiseActivation())


def test_bounds_that_no_subject_may_hold_are_refused_before_the_work(project):
    bounds = "<absolute><range>0.1 1.2</range></absolute>"
    with pytest.raises(
        InputError, match=r"pennation.* of muscle_0: the bound 1\.2 is not 0 to 0\.8"
    ):
        task_of(project, parameter("pennationAngle", "<single/>", bounds))


def test_a_start_outside_its_bounds_is_told(project):
    bounds = "<absolute><range>2.0 3.0</range></absolute>"
    with pytest.warns(InputWarning, match="starts on them, in strength_coefficient of muscle_0"):
        task_of(project, parameter("strengthCoefficient", "<single/>", bounds))


def test_trials_of_other_frame_rates_are_told(project):
    for name in ("lmt.sto", "id.sto", *(p.name for p in (project / "run").glob("ma_*.sto"))):
        lines = (project / "run" / name).read_text().split("\n")
        start = lines.index("endheader") + 2
        thinned = [*lines[:start], *lines[start:-1:2], ""]
        text = "\n".join(thinned).replace(
            f"nRows={len(lines) - start - 1}", f"nRows={len(thinned) - start - 1}"
        )
        (project / "run" / name).write_text(text)
    with pytest.warns(InputWarning, match="c1 and c2 mean something else at each frame rate"):
        read_task(project / "calibrate.xml", "native")


def test_a_profile_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="no profile is called 'Native'"):
        profile_named("Native")
