"""Records refuse what cannot be, all at once and by name, and are trusted after."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from people import person, recording, with_field

from refnms.errors import InputError
from refnms.model import Model, Trial
from refnms.physics.curves import spline_curve
from refnms.physics.types import Muscles

MODEL = person(0)
TRIAL = recording(0, MODEL)


def messages(caught: pytest.ExceptionInfo[InputError]) -> list[str]:
    return [str(problem) for problem in caught.value.problems]


def test_a_table_holds_the_muscles_row_by_row():
    table = MODEL.table()
    assert table.shape == (12, 3)
    for row, values in zip(table, MODEL.muscles, strict=True):
        np.testing.assert_array_equal(row, values)


def test_the_parameters_are_a_frame_with_a_row_for_each_muscle():
    frame = MODEL.to_frame()
    assert list(frame.index) == list(MODEL.muscle_names)
    assert list(frame.columns) == list(Muscles._fields)
    np.testing.assert_array_equal(frame.to_numpy().T, MODEL.table())
    assert MODEL.value("c2", MODEL.muscle_names[1]) == MODEL.muscles.c2[1]


def test_a_model_from_its_own_table_is_the_same_person():
    table = MODEL.table()
    again = MODEL.with_table(table)
    np.testing.assert_array_equal(again.table(), table)
    assert again.muscle_names == MODEL.muscle_names
    table[0] = -0.123  # a model keeps no view of what it was made of
    assert not (again.muscles.c1 == -0.123).any()


def test_values_are_stored_as_kernels_want_them():
    model = replace(MODEL, emg_to_muscle=np.eye(3, dtype=int)[:, ::-1], crosses=[[1, 0]] * 3)
    arrays = [*model.muscles, model.emg_to_muscle]
    assert all(a.dtype == np.float64 and a.flags.c_contiguous for a in arrays)
    assert model.crosses.dtype == bool
    trial = replace(TRIAL, musculotendon_length=np.asfortranarray(TRIAL.musculotendon_length))
    assert trial.musculotendon_length.flags.c_contiguous


def test_at_another_frame_rate_the_filter_decays_as_fast():
    """The free decay of u, from u = 1 twice, is the same at the times that both rates have."""
    slow = replace(MODEL, muscles=MODEL.muscles._replace(c1=[-0.6, -0.9, 0.0], c2=[-0.4] * 3))
    fast = slow.at_frame_rate(100.0, 400.0)
    for c, again in zip(slow.muscles[:2], fast.muscles[:2], strict=True):
        np.testing.assert_allclose((-again) ** 4, -c, rtol=1e-14)
    back = fast.at_frame_rate(400.0, 100.0)
    np.testing.assert_allclose(back.table(), slow.table(), rtol=1e-14)
    np.testing.assert_array_equal(fast.table()[2:], slow.table()[2:])


def test_a_filter_that_alternates_has_no_other_frame_rate():
    c1 = np.array([-0.5, 0.2, -0.5])
    with pytest.raises(InputError, match=f"one frame rate alone: {MODEL.muscle_names[1]}$"):
        replace(MODEL, muscles=MODEL.muscles._replace(c1=c1)).at_frame_rate(100.0, 500.0)


def test_a_record_does_not_change():
    with pytest.raises(FrozenInstanceError):
        MODEL.dof_names = ()  # type: ignore[misc]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("optimal_fiber_length", 0.0, "optimal_fiber_length is 0, must be above 1e-06"),
        ("tendon_slack_length", 1e-9, "must be 0 (a rigid tendon) or at least 1e-06"),
        ("max_isometric_force", -1.0, "max_isometric_force is -1, must be above 0"),
        ("max_contraction_velocity", 0.0, "max_contraction_velocity is 0, must be above 0"),
        ("strength_coefficient", 0.0, "strength_coefficient is 0, must be above 0"),
        ("percentage_change", -1.0, "percentage_change is -1, must be above -1"),
        ("tendon_slack_length", -0.1, "tendon_slack_length is -0.1, must not be below 0"),
        ("pennation_angle_at_optimal", -0.1, "must not be below 0"),
        ("fiber_damping", -0.1, "fiber_damping is -0.1, must not be below 0"),
        ("pennation_angle_at_optimal", 0.5 * np.pi, "must be below a right angle"),
        ("c1", -1.01, "c1 is -1.01, must not exceed 1 in size"),
        ("c2", 1.01, "c2 is 1.01, must not exceed 1 in size"),
        ("shape_factor", -101.0, "must not exceed 100 in size"),
        ("optimal_fiber_length", 85.0, "is 85, must not exceed 10 in size"),  # [mm]
        ("tendon_slack_length", 340.0, "is 340, must not exceed 10 in size"),
        ("max_isometric_force", 1e200, "must not exceed 1e+06 in size"),
        ("electromechanical_delay", 80.0, "is 80, must not exceed 10 in size"),  # [ms]
    ],
)
def test_an_impossible_parameter_is_refused_with_its_muscle(field, value, message):
    values = getattr(MODEL.muscles, field).copy()
    values[1] = value
    with pytest.raises(InputError) as caught:
        with_field(MODEL, **{field: values})
    (text,) = messages(caught)
    assert text.startswith("muscle_1: ") and message in text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tendon_slack_length", 0.0),
        ("fiber_damping", 0.0),
        ("percentage_change", -0.5),
        ("c1", -1.0),
        ("c2", 1.0),
    ],
)
def test_the_edge_of_what_can_be_is_allowed(field, value):
    with_field(MODEL, **{field: np.full(3, value)})


def test_all_impossible_parameters_are_told_at_once():
    with pytest.raises(InputError) as caught:
        with_field(MODEL, max_isometric_force=np.full(3, -1.0), fiber_damping=np.full(3, -1.0))
    assert len(messages(caught)) == 6


@pytest.mark.parametrize("field", Muscles._fields)
def test_a_parameter_that_is_not_a_number_is_refused(field):
    values = getattr(MODEL.muscles, field).copy()
    values[2] = np.nan
    with pytest.raises(InputError, match=rf"{field} is not finite, first at index \(2,\)"):
        with_field(MODEL, **{field: values})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"muscle_names": ("a", "b", "a")}, "muscle 'a' is named twice"),
        ({"dof_names": ("knee", "knee")}, "degree of freedom 'knee' is named twice"),
        ({"emg_names": ("a", "a", "b")}, "EMG channel 'a' is named twice"),
        ({"emg_to_muscle": np.eye(2)}, r"emg_to_muscle has shape \(2, 2\), expected \(3, 3\)"),
        ({"crosses": np.ones((3, 1))}, r"crosses has shape \(3, 1\), expected \(3, 2\)"),
        ({"emg_to_muscle": np.full((3, 3), np.inf)}, "emg_to_muscle is not finite"),
        ({"muscles": MODEL.muscles._replace(c1=np.zeros(2))}, r"c1 has shape \(2,\)"),
    ],
)
def test_a_model_whose_parts_do_not_fit_is_refused(changed, message):
    with pytest.raises(InputError, match=message):
        replace(MODEL, **changed)


@pytest.mark.parametrize("shape", [-1.0, 0.0, 0.44])
def test_a_shape_factor_of_the_exponential_does_not_fit_the_piecewise_activation(shape):
    piecewise = person(0, piecewise=True)
    with pytest.raises(InputError, match=r"muscle_2: shape_factor is .*the piecewise activation"):
        with_field(piecewise, shape_factor=np.array([0.01, 0.12, shape]))
    with_field(MODEL, shape_factor=np.array([0.01, 0.12, shape]))


@pytest.mark.parametrize("where", ["x", "y"])
def test_a_curve_that_would_overflow_is_refused_by_name(where):
    points = {"x": [-1.0, 0.0, 1.0, 2.0], "y": [0.0, 0.2, 1.0, 1.1]}
    points[where][-1] = 1e200
    with np.errstate(all="ignore"):
        curves = MODEL.curves._replace(force_velocity=spline_curve(points["x"], points["y"]))
    with pytest.raises(InputError, match="the curve force_velocity has a point beyond"):
        replace(MODEL, curves=curves)


T, M, D = TRIAL.moment_arm.shape


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"time": TRIAL.time[::-1]}, "time must be two or more rising time stamps"),
        ({"time": TRIAL.time[:1]}, "time must be two or more rising time stamps"),
        ({"emg_time": np.zeros(len(TRIAL.emg_time))}, "emg_time must be two or more rising"),
        ({"musculotendon_length": np.ones((T, M + 1))}, "musculotendon_length has shape"),
        ({"moment_arm": np.ones((T - 1, M, D))}, "moment_arm has shape"),
        ({"emg": np.ones((3, M))}, "emg has shape"),
        ({"moment": np.ones((T, D + 1))}, "moment has shape"),
        ({"scored": np.ones(T - 1, bool)}, "scored has shape"),
        ({"emg": np.full_like(TRIAL.emg, np.nan)}, "emg is not finite"),
        ({"moment": np.full_like(TRIAL.moment, np.nan)}, "moment is not finite"),
        ({"musculotendon_length": np.full((T, M), np.nan)}, "length is not finite"),
    ],
)
def test_a_trial_whose_parts_do_not_fit_is_refused_by_name(changed, message):
    with pytest.raises(InputError, match=f"trial 'trial': .*{message}"):
        replace(TRIAL, **changed)


def test_a_trial_of_somebody_else_is_refused():
    other = person(0, muscles=4)
    with pytest.raises(InputError) as caught:
        TRIAL.check(other)
    assert len(messages(caught)) == 3
    TRIAL.check(MODEL)


def test_a_trial_needs_no_measured_moments():
    trial = replace(TRIAL, moment=None)
    assert isinstance(trial, Trial) and isinstance(MODEL, Model)
