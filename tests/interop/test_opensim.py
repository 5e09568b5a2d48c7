"""OpenSim's lengths, moment arms and moments, against analytic ones and a recorded walk."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from refnms.errors import InputError, InputWarning
from refnms.geometry import fit_geometry
from refnms.interop.opensim import geometry, inverse_dynamics, sample
from refnms.io.osim import read_osim
from refnms.io.storage import read_storage, write_storage

MODEL = """<?xml version="1.0" encoding="UTF-8" ?>
<OpenSimDocument Version="40000"><Model name="pendulum"><gravity>0 -9.81 0</gravity>
<Ground name="ground"/>
<BodySet name="bodyset"><objects><Body name="shank"><mass>3</mass>
<mass_center>0 -0.2 0</mass_center>
<inertia>0.05 0.05 0.05 0 0 0</inertia></Body></objects></BodySet>
<JointSet name="jointset"><objects><PinJoint name="knee">
<socket_parent_frame>/ground</socket_parent_frame><socket_child_frame>/bodyset/shank
</socket_child_frame><coordinates><Coordinate name="angle"/></coordinates></PinJoint></objects>
</JointSet>
<ForceSet name="forceset"><objects><Thelen2003Muscle name="flexor">
<GeometryPath name="path"><PathPointSet><objects>
<PathPoint name="a"><socket_parent_frame>/ground</socket_parent_frame><location>0.1 0.3 0</location>
</PathPoint><PathPoint name="b"><socket_parent_frame>/bodyset/shank</socket_parent_frame>
<location>0.03 -0.1 0</location></PathPoint></objects></PathPointSet></GeometryPath>
<max_isometric_force>500</max_isometric_force><optimal_fiber_length>0.1</optimal_fiber_length>
<tendon_slack_length>0.2</tendon_slack_length></Thelen2003Muscle></objects></ForceSet>
</Model></OpenSimDocument>
"""
TIME = np.arange(101) / 100.0
ANGLE = 0.6 * np.sin(2.0 * np.pi * TIME)
CROSSES = {"angle": ("flexor",)}


@pytest.fixture
def pendulum(tmp_path: Path) -> tuple[Path, Path]:
    pytest.importorskip("opensim", reason="the extra `opensim` is not installed")
    (tmp_path / "model.osim").write_text(MODEL.replace("\n</socket_child", "</socket_child"))
    write_storage(tmp_path / "ik.mot", TIME, ["angle"], ANGLE[:, None], "motion")
    return tmp_path / "model.osim", tmp_path / "ik.mot"


def length(angle: np.ndarray) -> np.ndarray:
    x = 0.03 * np.cos(angle) + 0.1 * np.sin(angle) - 0.1
    y = 0.03 * np.sin(angle) - 0.1 * np.cos(angle) - 0.3
    return np.hypot(x, y)


def test_lengths_and_arms_are_those_of_plane_geometry(pendulum):
    found = geometry(*pendulum, ["flexor"], CROSSES)
    np.testing.assert_allclose(found.length[:, 0], length(ANGLE), rtol=1e-12)
    arm = -(length(ANGLE + 1e-6) - length(ANGLE - 1e-6)) / 2e-6
    np.testing.assert_allclose(found.moment_arm[:, 0, 0], arm, atol=1e-8)


def test_a_grid_is_sampled_for_a_geometry(pendulum):
    angle = np.linspace(-1.0, 1.0, 9)
    poses = sample(pendulum[0], {"angle": angle})
    assert (poses.muscle_names, poses.dof_names) == (("flexor",), ("angle",))
    np.testing.assert_array_equal(poses.angle[:, 0], angle)
    np.testing.assert_allclose(poses.length[:, 0], length(angle), rtol=1e-12)
    fit = fit_geometry(poses)
    between = np.linspace(-0.9, 0.9, 7)
    np.testing.assert_allclose(fit.geometry.length(between[:, None])[:, 0], length(between), 1e-5)
    assert fit.inconsistent() == []


def test_a_coordinate_that_no_muscle_crosses_is_not_sampled(pendulum):
    with pytest.raises(InputError, match="no muscle crosses angel"):
        sample(pendulum[0], {"angel": np.linspace(0.0, 1.0, 5)})


def test_inverse_dynamics_is_that_of_a_pendulum(pendulum, capfd):
    time, moment = inverse_dynamics(*pendulum, ["angle"], cutoff=20.0)
    np.testing.assert_allclose(time, TIME)
    acceleration = -((2.0 * np.pi) ** 2) * ANGLE
    expected = (0.05 + 3.0 * 0.2**2) * acceleration + 3.0 * 9.81 * 0.2 * np.sin(ANGLE)
    np.testing.assert_allclose(moment[20:-20, 0], expected[20:-20], atol=0.02 * np.ptp(expected))
    assert capfd.readouterr().out == ""  # results of ours go there


def test_degrees_are_converted_where_the_header_says_so(pendulum):
    model, motion = pendulum
    text = motion.read_text().replace("inDegrees=no", "inDegrees=yes")
    degrees = motion.with_name("deg.mot")
    write_storage(degrees, TIME, ["angle"], np.degrees(ANGLE)[:, None], "motion")
    with pytest.raises(InputError, match="look like degrees"):
        geometry(model, degrees, ["flexor"], CROSSES)
    degrees.write_text(degrees.read_text().replace("inDegrees=no", "inDegrees=yes"))
    found = geometry(model, degrees, ["flexor"], CROSSES)
    np.testing.assert_allclose(found.length[:, 0], length(ANGLE), rtol=1e-12)
    assert "inDegrees=yes" in text


def test_columns_named_by_paths_are_read(pendulum):
    model, motion = pendulum
    names = ["/jointset/knee/angle/value", "/jointset/knee/angle/speed"]
    write_storage(motion, TIME, names, np.column_stack([ANGLE, 9.0 * ANGLE]), "states")
    found = geometry(model, motion, ["flexor"], CROSSES)
    np.testing.assert_allclose(found.length[:, 0], length(ANGLE), rtol=1e-12)


def test_a_motion_without_the_coordinate_is_refused(pendulum):
    model, motion = pendulum
    write_storage(motion, TIME, ["angel"], ANGLE[:, None], "motion")
    with pytest.raises(InputError, match="no column for the coordinate 'angle'; the nearest"):
        geometry(model, motion, ["flexor"], CROSSES)


def test_what_opensim_cannot_load_is_bad_input(pendulum):
    model, motion = pendulum
    model.write_text(MODEL.replace("/bodyset/shank", "/bodyset/thigh"))
    with pytest.raises(InputError, match="OpenSim cannot load it"):
        geometry(model, motion, ["flexor"], CROSSES)


def test_without_opensim_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "opensim", None)
    with pytest.raises(InputError, match="install the extra `opensim`"):
        geometry(tmp_path / "model.osim", tmp_path / "ik.mot", [], {})


def test_a_recorded_walk_has_the_published_lengths_and_swing_moments(shared, tmp_path):
    pytest.importorskip("opensim", reason="the extra `opensim` is not installed")
    folder = shared / "rajagopal_walk"
    model, trial = folder / "model" / "model.osim", folder / "trials" / "walk"
    names = ["soleus_r", "recfem_r", "gasmed_r", "vaslat_r"]
    spans = {m.name: m.crosses for m in read_osim(model).muscles}
    dofs = ("knee_angle_r", "ankle_angle_r")
    crosses = {dof: [name for name in names if dof in spans[name]] for dof in dofs}
    with pytest.warns(InputWarning, match="holds no mtp_angle_r"):
        found = geometry(model, trial / "ik.mot", names, crosses)
    known = read_storage(trial / "mtu_length.sto").columns(names)
    np.testing.assert_allclose(found.length, known, atol=2e-7)  # the digits of the file
    for d, dof in enumerate(dofs):
        known = read_storage(trial / f"ma_{dof}.sto").columns(names)
        np.testing.assert_allclose(found.moment_arm[:, :, d], known, atol=2e-7)
    with pytest.warns(InputWarning, match="holds no mtp_angle_r"):
        time, moment = inverse_dynamics(model, trial / "ik.mot", dofs)
    swing = (time > 1.1) & (time < 1.3)  # the right foot is in the air
    known = read_storage(trial / "id.sto").columns(dofs)[swing]
    np.testing.assert_allclose(moment[swing], known, atol=0.5)
