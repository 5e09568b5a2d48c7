"""Small OpenSim models, one for each dialect and quirk that public models showed."""

from __future__ import annotations

from collections.abc import Iterable

VALUES = {
    "max_isometric_force": "1234.5",
    "optimal_fiber_length": "0.0512",
    "tendon_slack_length": "0.25",
    "pennation_angle_at_optimal": "0.43633231",
}
V4_JOINTS = """
<JointSet name="jointset"><objects>
<PinJoint name="hip_r"><socket_parent_frame>pelvis_offset</socket_parent_frame>
<socket_child_frame>femur_offset</socket_child_frame>
<coordinates><Coordinate name="hip_flexion_r"/></coordinates>
<frames><PhysicalOffsetFrame name="pelvis_offset"><socket_parent>/bodyset/pelvis</socket_parent>
</PhysicalOffsetFrame><PhysicalOffsetFrame name="femur_offset">
<socket_parent>/bodyset/femur_r</socket_parent></PhysicalOffsetFrame></frames></PinJoint>
<CustomJoint name="knee_r"><socket_parent_frame>femur_offset</socket_parent_frame>
<socket_child_frame>/bodyset/tibia_r</socket_child_frame>
<coordinates><Coordinate name="knee_angle_r"><locked>false</locked></Coordinate></coordinates>
<frames><PhysicalOffsetFrame name="femur_offset"><socket_parent>/bodyset/femur_r</socket_parent>
</PhysicalOffsetFrame></frames></CustomJoint>
<WeldJoint name="foot"><socket_parent_frame>/bodyset/tibia_r</socket_parent_frame>
<socket_child_frame>/bodyset/foot_r</socket_child_frame></WeldJoint>
</objects></JointSet>
"""


def point(body: str, tag: str = "socket_parent_frame", name: str = "P") -> str:
    at = f"/bodyset/{body}" if tag.startswith("socket") else f" {body} "
    return f'<PathPoint name="{name}"><{tag}>{at}</{tag}><location>0 0 0</location></PathPoint>'


def muscle(
    kind: str = "Thelen2003Muscle",
    name: str = "rect_fem_r",
    values: dict[str, str] | None = None,
    bodies: Iterable[str] = ("pelvis", "femur_r", "tibia_r"),
    tag: str = "socket_parent_frame",
    extra: str = "",
) -> str:
    points = "".join(point(body, tag) for body in bodies)
    fields = "".join(f"\n\t\t<{k}>{v}</{k}>" for k, v in (values or VALUES).items())
    return f"""\t<{kind} name="{name}">{extra}
\t\t<GeometryPath name="path"><PathPointSet><objects>{points}</objects></PathPointSet>
\t\t</GeometryPath>
{fields}
\t</{kind}>
"""


def v4(muscles: str, version: int = 40000, rest: str = "", joints: str = V4_JOINTS) -> str:
    return f"""<?xml version="1.0" encoding="UTF-8" ?>
<OpenSimDocument Version="{version}">
<Model name="leg">{rest}
{joints}
<ForceSet name="forceset"><objects>
{muscles}</objects></ForceSet>
</Model>
</OpenSimDocument>
"""


def v3(muscles: str, version: int = 30000, rest: str = "", forces: str = "ForceSet") -> str:
    """Joints stand in the bodies that they carry, coordinates in a set of the joint."""

    def body(name: str, parent: str, coordinate: str, kind: str = "CustomJoint") -> str:
        return f"""<Body name="{name}"><mass>1</mass><Joint><{kind} name="{coordinate}_joint">
<parent_body> {parent} </parent_body><CoordinateSet><objects>
<Coordinate name="{coordinate}"><locked> false </locked></Coordinate></objects></CoordinateSet>
</{kind}></Joint></Body>
"""

    return f"""<?xml version="1.0" encoding="UTF-8"?>
<OpenSimDocument Version="{version}">
<Model name="leg">{rest}
<BodySet name=""><objects><Body name="ground"/>
{body("pelvis", "ground", "pelvis_tilt")}{body("femur_r", "pelvis", "hip_flexion_r")}
{body("tibia_r", "femur_r", "knee_angle_r", "PinJoint")}</objects></BodySet>
<{forces} name=""><objects>
{muscles}</objects></{forces}>
</Model>
</OpenSimDocument>
"""


def v1(muscles: str) -> str:
    """Version 1.9: an engine holds bodies and joints, joints name two bodies and coordinates."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<OpenSimDocument Version="10900">
<Model name="leg"><DynamicsEngine><SimbodyEngine name=""><BodySet><objects>
<SimbodyBody name="pelvis"/><SimbodyBody name="femur_r"/><SimbodyBody name="tibia_r"/>
</objects></BodySet>
<CoordinateSet><objects><SimbodyCoordinate name="hip_flexion_r"/>
<SimbodyCoordinate name="knee_angle_r"/></objects></CoordinateSet>
<JointSet><objects>
<SimbodyJoint name="hip_r"><bodies> pelvis femur_r </bodies><DofSet><objects><SimmRotationDof>
<coordinate> hip_flexion_r </coordinate></SimmRotationDof></objects></DofSet></SimbodyJoint>
<SimbodyJoint name="knee_r"><bodies>femur_r tibia_r</bodies><DofSet><objects><SimmRotationDof>
<coordinate>knee_angle_r</coordinate></SimmRotationDof></objects></DofSet></SimbodyJoint>
</objects></JointSet></SimbodyEngine></DynamicsEngine>
<ActuatorSet name=""><objects>
{muscles}</objects></ActuatorSet>
</Model></OpenSimDocument>
"""
