"""Our muscles in MuJoCo's steps: the forces of a whole run, on every joint, and given back."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from refnms.errors import DivergedError, InputError
from refnms.interop.mujoco import attach
from refnms.model import RigidTendon
from refnms.simulation import simulate
from refnms.stream import Status, Stepper

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
SECONDS = 0.6


@pytest.fixture(scope="module")
def elbow() -> ModuleType:
    """The example of the documentation."""
    pytest.importorskip("mujoco", reason="the extra `mujoco` is not installed")
    spec = importlib.util.spec_from_file_location("elbow", EXAMPLES / "elbow_mujoco.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def scene(elbow) -> SimpleNamespace:
    """A simulation at rest, as the example begins it."""
    import mujoco

    mj_model, mj_data = elbow.scene()
    model = elbow.person()

    def attached(**changed: Any) -> Any:
        given = {"model": model, "frame_rate": elbow.RATE} | changed
        return attach(mj_model, mj_data, **given)

    return SimpleNamespace(
        mujoco=mujoco, mj_model=mj_model, data=mj_data, model=model, attached=attached
    )


def arrays(mj_model) -> dict[str, np.ndarray]:
    return {
        name: np.array(getattr(mj_model, name))
        for name in dir(mj_model)
        if isinstance(getattr(mj_model, name), np.ndarray)
    }


@pytest.mark.parametrize("tendon", ["elastic", "rigid"])
def test_the_moments_are_those_of_the_whole_run_to_the_bit(elbow, tendon):
    model = elbow.person()
    model = model if tendon == "elastic" else replace(model, tendon=RigidTendon())
    run = elbow.simulated(model, SECONDS)
    assert np.ptp(run.trial.musculotendon_length, axis=0).min() > 1e-3
    assert np.ptp(run.moment) > 1.0
    assert np.array_equal(simulate(model, run.trial).moment, run.moment)


def test_mujoco_moves_the_joint_by_our_moments(scene, elbow):
    """Its own sum over tendons, of forces that it took from ctrl, is ours over muscles."""
    with scene.attached() as muscles:
        for _ in range(50):
            moment = muscles.step(elbow.emg(scene.data.time)[0])
            np.testing.assert_allclose(scene.data.qfrc_actuator, moment, rtol=1e-12)
            np.testing.assert_array_equal(scene.data.actuator_force, -muscles.stepper.tendon_force)
            np.testing.assert_array_equal(scene.data.ten_length, muscles.musculotendon_length)
    assert np.abs(moment).max() > 1.0


def test_a_joint_that_the_model_does_not_have_is_pulled_too(scene, elbow):
    """The path is MuJoCo's: also about joints that no moment is asked of."""
    text = elbow.ELBOW.read_text("utf-8")
    hinge = '<joint name="rotation" type="hinge" axis="0 0 1" damping="1"/>'
    mj_model = scene.mujoco.MjModel.from_xml_string(
        text.replace('<body name="forearm">', f'<body name="forearm">{hinge}')
    )
    data = scene.mujoco.MjData(mj_model)
    data.qpos[1] = 0.9
    with attach(mj_model, data, scene.model, frame_rate=elbow.RATE) as muscles:
        muscles.step(elbow.emg(0.0)[0])
        assert np.allclose(data.qfrc_actuator[1], muscles.stepper.moment, rtol=1e-12)
        assert abs(data.qfrc_actuator[0]) > 0.1


def test_muscles_are_found_by_name_in_any_order(scene, elbow):
    moved = replace_order(scene.model, [3, 0, 5, 1, 4, 2])
    found = []
    for model in (scene.model, moved):
        scene.mujoco.mj_resetData(scene.mj_model, scene.data)
        scene.data.qpos[0] = 0.9
        with scene.attached(model=model) as muscles:
            for _ in range(20):
                muscles.step(elbow.emg(scene.data.time)[0])
        found.append(scene.data.qpos[0])
    assert found[0] == pytest.approx(found[1], rel=1e-12) and found[0] != 0.9


def replace_order(model, order):
    return replace(
        model,
        muscle_names=tuple(model.muscle_names[i] for i in order),
        muscles=type(model.muscles)(*(values[order] for values in model.muscles)),
        emg_to_muscle=model.emg_to_muscle[order],
        crosses=model.crosses[order],
    )


def test_detached_mujoco_is_as_it_was(scene, elbow):
    before = arrays(scene.mj_model)
    with scene.attached() as muscles:
        assert (scene.mj_model.actuator_gainprm[:, 0] == 1.0).all()
        muscles.step(elbow.emg(0.0)[0])
    after = arrays(scene.mj_model)
    assert [name for name in before if not np.array_equal(before[name], after[name])] == []
    assert not scene.data.ctrl.any()


def test_all_that_does_not_match_is_told_at_once(scene, elbow):
    names = ("BIClonk", *scene.model.muscle_names[1:])
    wrong = replace(scene.model, muscle_names=names, dof_names=("elbow",))
    scene.mj_model.opt.integrator = scene.mujoco.mjtIntegrator.mjINT_RK4
    scene.mj_model.actuator_trntype[1] = scene.mujoco.mjtTrn.mjTRN_JOINT
    with pytest.raises(InputError) as raised:
        scene.attached(model=wrong, frame_rate=100.0)
    told = [problem.message for problem in raised.value.problems]
    assert len(told) == 5
    for part in (
        "no actuator 'BIClonk'; the nearest known is 'BIClong'",
        "no joint 'elbow'; the nearest known is 'elbow_flexion'",
        "model.at_frame_rate(100, 500) with frame_rate=500",
        "BICshort of MuJoCo's model pulls on no tendon",
        "integrator is RK4",
    ):
        assert any(part in message for message in told), part


def test_another_unit_is_refused(scene, elbow):
    text = elbow.ELBOW.read_text("utf-8")
    wide = scene.mujoco.MjModel.from_xml_string(
        text.replace('pos="0.010 0 0.1310"', 'pos="0.010 0 1.310"')
    )
    with pytest.raises(InputError, match=r"the path of BRA is 1\.\d+ long .* lengths must be in m"):
        attach(wide, scene.mujoco.MjData(wide), scene.model, frame_rate=elbow.RATE)


def without_actuation(scene):
    scene.mj_model.opt.disableflags |= int(scene.mujoco.mjtDisableBit.mjDSBL_ACTUATION)


def with_limited_tendon(scene):
    if not hasattr(scene.mj_model, "tendon_actfrclimited"):
        pytest.skip("this version of MuJoCo limits no tendons")
    scene.mj_model.tendon_actfrclimited[0] = 1


def with_delay(scene):
    if not hasattr(scene.mj_model, "actuator_delay"):
        pytest.skip("this version of MuJoCo delays no controls")
    scene.mj_model.actuator_delay[0] = 0.01


def with_slider(scene):
    scene.mj_model.jnt_type[0] = scene.mujoco.mjtJoint.mjJNT_SLIDE


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without_actuation, "`actuation` is disabled"),
        (lambda scene: setattr(scene.mj_model.opt, "disableactuator", 1), "group 0 is disabled"),
        (with_limited_tendon, "has an actuatorfrcrange"),
        (with_delay, "it delays its control"),
        (with_slider, "elbow_flexion of MuJoCo's model is no hinge"),
    ],
)
def test_what_would_keep_the_forces_back_is_refused(scene, change, message):
    change(scene)
    with pytest.raises(InputError, match=message):
        scene.attached()


def test_time_that_goes_back_needs_a_reset(scene, elbow):
    with scene.attached() as muscles:
        first = [muscles.step(elbow.emg(0.0)[0]).copy() for _ in range(3)]
        scene.mujoco.mj_resetData(scene.mj_model, scene.data)
        scene.data.qpos[0] = np.radians(50.0)
        with pytest.raises(InputError, match="after mj_resetData call reset"):
            muscles.step(elbow.emg(0.0)[0])
        muscles.reset()
        assert [muscles.step(elbow.emg(0.0)[0]).copy() for _ in range(3)] == first


def test_a_time_step_that_changed_is_refused(scene, elbow):
    with scene.attached() as muscles:
        scene.mj_model.opt.timestep = 0.001
        with pytest.raises(InputError, match=r"was 0\.002 s when the muscles were attached"):
            muscles.step(elbow.emg(0.0)[0])


def test_a_step_without_any_emg_is_refused(scene):
    with scene.attached() as muscles, pytest.raises(InputError, match="no EMG has come"):
        muscles.step(None)


def test_lengths_that_are_not_finite_end_the_run(scene, elbow):
    with scene.attached() as muscles:
        scene.mujoco.mj_step1(scene.mj_model, scene.data)
        scene.data.actuator_length[0] = np.nan
        with pytest.raises(DivergedError, match="it has diverged"):
            muscles.apply(elbow.emg(0.0)[0])


def test_the_example_tells_that_no_bit_differs(elbow, capsys):
    elbow.main()
    assert capsys.readouterr().out.endswith("with other bits than those of the whole run: 0\n")


def test_without_mujoco_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "mujoco", None)
    with pytest.raises(InputError, match="install the extra `mujoco`"):
        attach(None, None, None, frame_rate=500.0)


def test_the_rest_of_the_status_is_the_steppers(scene, elbow):
    with scene.attached() as muscles:
        muscles.step(elbow.emg(0.0)[0] * np.array([np.nan, 1.0, 1.0, 1.0]))
        assert isinstance(muscles.stepper, Stepper)
        assert int(muscles.stepper.status) & Status.EMG_HELD
