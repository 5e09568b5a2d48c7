"""Which coordinates a path crosses, from joints alone."""

from __future__ import annotations

from pathlib import Path

from models import V4_JOINTS, v1, v3, v4

from refnms.io.skeleton import read_skeleton
from refnms.io.xml import parse_xml

HERE = Path("model.osim")


def skeleton(text: str):
    return read_skeleton(parse_xml(text, HERE).at("Model"))


def test_a_path_crosses_the_joints_between_its_bodies():
    for found in (skeleton(v4("")), skeleton(v3("")), skeleton(v1(""))):
        assert found.crossed(["pelvis", "femur_r"]) == ("hip_flexion_r",)
        assert found.crossed(["femur_r", "tibia_r"]) == ("knee_angle_r",)
        assert found.crossed(["tibia_r", "pelvis"]) == ("hip_flexion_r", "knee_angle_r")
        assert found.crossed(["pelvis", "pelvis"]) == ()
        assert found.crossed(["pelvis", "moon"]) == ()


def test_a_weld_adds_no_coordinate():
    assert skeleton(v4("")).crossed(["femur_r", "foot_r"]) == ("knee_angle_r",)


def test_offset_frames_lead_to_their_body():
    """Two joints may each have a frame of the same name; a path says whose it means."""
    found = skeleton(v4(""))
    assert found.body("/jointset/hip_r/pelvis_offset") == "pelvis"
    assert found.body("/jointset/knee_r/femur_offset") == "femur_r"
    assert found.body("/bodyset/tibia_r") == "tibia_r" == found.body(" tibia_r ")


def test_frames_that_lead_in_a_circle_end_somewhere():
    text = v4("").replace("<socket_parent>/bodyset/pelvis", "<socket_parent>pelvis_offset")
    assert skeleton(text).body("pelvis_offset") == "pelvis_offset"


def test_the_ground_joint_is_crossed_only_by_what_hangs_on_the_ground():
    assert skeleton(v3("")).crossed(["ground", "femur_r"]) == ("pelvis_tilt", "hip_flexion_r")


def test_locked_coordinates_are_known():
    text = v4("").replace("<locked>false", "<locked>true")
    assert skeleton(text).coordinates["knee_angle_r"].locked
    assert not skeleton(text).coordinates["hip_flexion_r"].locked


def test_frames_of_one_name_belong_to_their_joints():
    """Models of version 4 call the frames of every joint alike."""
    hip, knee = V4_JOINTS.split("<CustomJoint")
    hip, knee = hip.replace("pelvis_offset", "offset"), knee.replace("femur_offset", "offset")
    for joints in (f"{hip}<CustomJoint{knee}", _turned(hip, knee)):
        found = skeleton(v4("", joints=joints))
        assert found.crossed(["pelvis", "femur_r"]) == ("hip_flexion_r",)
        assert found.crossed(["femur_r", "tibia_r"]) == ("knee_angle_r",)
        assert found.body("/jointset/knee_r/offset") == "femur_r"


def _turned(hip: str, knee: str) -> str:
    """The knee before the hip."""
    start = '<JointSet name="jointset"><objects>'
    first, _, rest = knee.partition("</CustomJoint>")
    return f"{start}<CustomJoint{first}</CustomJoint>{hip.partition(start)[2]}{rest}"
