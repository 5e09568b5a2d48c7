"""OpenSim models in every dialect that 357 public ones showed, and values put back in."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest
from models import VALUES, muscle, v1, v3, v4

from refnms.errors import InputError, InputWarning
from refnms.io.osim import OsimMuscle, read_osim, write_osim

FIELDS = {name: float(value) for name, value in VALUES.items()} | {"max_contraction_velocity": 10.0}
CROSSED = ("hip_flexion_r", "knee_angle_r")


def read(folder: Path, text: str | bytes) -> OsimMuscle:
    path = folder / "model.osim"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    (found,) = read_osim(path).muscles
    return found


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(InputError) as caught:
        read(folder, text)
    return str(caught.value)


@pytest.mark.parametrize(
    "kind",
    [
        "Thelen2003Muscle",
        "Thelen2003Muscle_Deprecated",
        "Millard2012EquilibriumMuscle",
        "Millard2012AccelerationMuscle",
        "Schutte1993Muscle",
        "Schutte1993Muscle_Deprecated",
        "Delp1990Muscle_Deprecated",
        "RigidTendonMuscle",
        "DeGrooteFregly2016Muscle",
        "OpenSim::Thelen2003Muscle",
    ],
)
def test_every_class_of_muscle_is_read(kind, tmp_path):
    found = read(tmp_path, v4(muscle(kind)))
    assert (found.name, found.kind, found.values) == ("rect_fem_r", kind, FIELDS)


@pytest.mark.parametrize("version", [30000, 40000, 40500, 40600])
def test_every_version_says_which_joints_a_muscle_crosses(version, tmp_path):
    new = version >= 40000
    text = v4(muscle(), version) if new else v3(muscle(tag="body"), version)
    assert read(tmp_path, text).crosses == CROSSED


@pytest.mark.parametrize("forces", ["ForceSet", "ActuatorSet"])
def test_files_before_version_3_are_read(forces, tmp_path):
    old = {k: v for k, v in VALUES.items() if k != "pennation_angle_at_optimal"}
    old |= {"pennation_angle": " 0.43633231 ", "Vmax": " 8.5 "}
    text = v3(muscle("Schutte1993Muscle", values=old, tag="body"), 20302, forces=forces)
    found = read(tmp_path, text)
    assert found.values == FIELDS | {"max_contraction_velocity": 8.5}
    assert found.crosses == CROSSED


def test_version_1_is_read(tmp_path):
    old = muscle(tag="body").replace("PathPoint", "MusclePoint")
    found = read(tmp_path, v1(old))
    assert found.values == FIELDS and found.crosses == CROSSED


def test_values_are_inherited_from_the_defaults_of_the_class(tmp_path):
    defaults = """<defaults>
<Thelen2003Muscle name="default"><optimal_fiber_length>0.0512</optimal_fiber_length>
<pennation_angle>0.43633231</pennation_angle><Vmax>12</Vmax><tendon_slack_length>9</tendon_slack_length>
</Thelen2003Muscle>
<Schutte1993Muscle name="default"><Vmax>3</Vmax></Schutte1993Muscle></defaults>"""
    own = {k: VALUES[k] for k in ("max_isometric_force", "tendon_slack_length")}
    found = read(tmp_path, v4(muscle(values=own), rest=defaults))
    assert found.values == FIELDS | {"max_contraction_velocity": 12.0}


def test_the_new_name_of_a_value_counts_before_the_old(tmp_path):
    both = VALUES | {"Vmax": "7", "max_contraction_velocity": "11"}
    assert read(tmp_path, v4(muscle(values=both))).values["max_contraction_velocity"] == 11.0


def test_a_tendon_slack_length_of_zero_is_legal(tmp_path):
    found = read(tmp_path, v4(muscle(values=VALUES | {"tendon_slack_length": "0"})))
    assert found.values["tendon_slack_length"] == 0.0


def test_tags_with_colons_are_tolerated(tmp_path):
    contact = (
        "<HuntCrossleyForce::ContactParametersSet name='c'><objects>"
        "<HuntCrossleyForce::ContactParameters><geometry>a b</geometry>"
        "</HuntCrossleyForce::ContactParameters></objects></HuntCrossleyForce::ContactParametersSet>"
    )
    assert read(tmp_path, v4(muscle(), rest=contact)).values == FIELDS


def test_windows_line_ends_and_text_beyond_ascii_are_read(tmp_path):
    text = v4(muscle(), rest="<credits>Müller</credits>").replace("\n", "\r\n")
    assert read(tmp_path, text).values == FIELDS
    assert read(tmp_path, "\ufeff".encode() + text.encode()).values == FIELDS


def test_windows_1252_that_says_utf_8_is_read_with_a_warning(tmp_path):
    with pytest.warns(InputWarning, match="read as windows-1252"):
        assert read(tmp_path, v4(muscle(), rest="<c>Müller</c>").encode("cp1252")).values == FIELDS


def test_coupled_coordinates_are_those_that_lead_them(tmp_path):
    joint = """<CustomJoint name="patella">
<socket_parent_frame>/bodyset/femur_r</socket_parent_frame>
<socket_child_frame>/bodyset/patella_r</socket_child_frame><coordinates>
<Coordinate name="beta"/></coordinates></CustomJoint></objects></JointSet>
<ConstraintSet><objects><CoordinateCouplerConstraint name="c"><isEnforced>true</isEnforced>
<independent_coordinate_names>knee_angle_r</independent_coordinate_names>
<dependent_coordinate_name>beta</dependent_coordinate_name></CoordinateCouplerConstraint>
</objects></ConstraintSet>"""
    base = v4(muscle(bodies=("femur_r", "patella_r")))
    text = base.replace("</objects></JointSet>", joint)
    assert read(tmp_path, text).crosses == ("knee_angle_r",)
    assert [c.name for c in read_osim(tmp_path / "model.osim").coordinates] == list(CROSSED)
    free = text.replace("<isEnforced>true", "<isEnforced>false")
    assert read(tmp_path, free).crosses == ("beta",)


@pytest.mark.parametrize(
    "off", ["<appliesForce>false</appliesForce>", "<isDisabled>true</isDisabled>"]
)
def test_disabled_muscles_are_left_out_with_a_warning(off, tmp_path):
    text = v4(muscle() + muscle(name="soleus_r", extra=off))
    with pytest.warns(InputWarning, match="soleus_r is disabled"):
        assert read(tmp_path, text).name == "rect_fem_r"


def test_all_faults_come_at_once_with_their_lines(tmp_path):
    bad = VALUES | {"optimal_fiber_length": "51.2", "tendon_slack_length": "0,25"}
    del bad["max_isometric_force"]
    told = refusal(tmp_path, v4(muscle(values=bad) + muscle() + muscle(name="a b")))
    assert len(told.splitlines()) == 5
    for part in (
        "rect_fem_r lacks <max_isometric_force>",
        "is 51.2; expected 0.005 to 1 m (is it in mm?)",
        "expected a number, found '0,25'",
        "'rect_fem_r' stands twice, first on line",
        "'a b' has a blank in its name",
    ):
        assert part in told


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (v4(""), "has no muscles"),
        ("<subject/>", "expected an OpenSim model"),
        ("<OpenSimDocument>", "not well-formed"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><OpenSimDocument/>', "document type"),
    ],
)
def test_what_is_no_model_is_refused(text, message, tmp_path):
    assert message in refusal(tmp_path, text)


def changed_lines(before: bytes, after: bytes) -> list[tuple[bytes, bytes]]:
    one, other = before.splitlines(keepends=True), after.splitlines(keepends=True)
    assert len(one) == len(other)
    return [(a, b) for a, b in zip(one, other, strict=True) if a != b]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.filterwarnings("ignore::refnms.errors.InputWarning")
def test_written_values_change_their_own_bytes_and_no_others(line_end, encoding, tmp_path):
    odd = VALUES | {"optimal_fiber_length": " 0.0512\t", "tendon_slack_length": "<!--m-->0.25"}
    text = v4(muscle(values=odd) + muscle(name="soleus_r"), rest="<credits a='1>2'>é</credits>")
    data = text.replace("\n", line_end).encode(encoding)
    (tmp_path / "in.osim").write_bytes(data)
    new = {"rect_fem_r": {"optimal_fiber_length": 0.1 + 0.2, "max_isometric_force": 1234.5}}
    assert write_osim(tmp_path / "out.osim", tmp_path / "in.osim", new) == 1
    ((before, after),) = changed_lines(data, (tmp_path / "out.osim").read_bytes())
    assert after == before.replace(b" 0.0512\t", b" 0.30000000000000004\t")
    assert read_osim(tmp_path / "out.osim").muscles[0].values["optimal_fiber_length"] == 0.1 + 0.2


def test_a_value_beside_a_comment_is_replaced_with_it(tmp_path):
    (tmp_path / "in.osim").write_text(
        v4(muscle(values=VALUES | {"tendon_slack_length": "<!--m-->0.25"}))
    )
    write_osim(tmp_path / "o", tmp_path / "in.osim", {"rect_fem_r": {"tendon_slack_length": 0.3}})
    assert "<tendon_slack_length>0.3</tendon_slack_length>" in (tmp_path / "o").read_text()


def test_an_inherited_value_becomes_the_muscles_own(tmp_path):
    defaults = """<defaults><Thelen2003Muscle name="default">
<tendon_slack_length>0.25</tendon_slack_length></Thelen2003Muscle></defaults>"""
    own = {k: v for k, v in VALUES.items() if k != "tendon_slack_length"}
    text = v4(muscle(values=own) + muscle(name="soleus_r", values=own), rest=defaults)
    (tmp_path / "in.osim").write_text(text)
    new = {"rect_fem_r": {"tendon_slack_length": 0.26, "max_contraction_velocity": 10.0}}
    assert write_osim(tmp_path / "out.osim", tmp_path / "in.osim", new) == 1
    after = (tmp_path / "out.osim").read_text()
    added = [
        line for line in difflib.ndiff(text.splitlines(), after.splitlines()) if line[0] != " "
    ]
    assert added == ["+ \t\t<tendon_slack_length>0.26</tendon_slack_length>"]
    first, second = read_osim(tmp_path / "out.osim").muscles
    assert first.values["tendon_slack_length"] == 0.26
    assert second.values["tendon_slack_length"] == 0.25


def test_nothing_to_change_gives_the_same_file(tmp_path):
    text = v3(muscle("Schutte1993Muscle_Deprecated", tag="body"))
    (tmp_path / "in.osim").write_text(text)
    same = {"rect_fem_r": FIELDS}
    assert write_osim(tmp_path / "out.osim", tmp_path / "in.osim", same) == 0
    assert (tmp_path / "out.osim").read_text() == text


def test_a_muscle_that_the_model_lacks_is_refused_and_nothing_written(tmp_path):
    (tmp_path / "in.osim").write_text(v4(muscle()))
    with pytest.raises(InputError, match="has no muscle 'vas_med_r'"):
        write_osim(tmp_path / "out.osim", tmp_path / "in.osim", {"vas_med_r": {}})
    assert not (tmp_path / "out.osim").exists()


@pytest.mark.parametrize(
    ("model", "muscles", "coordinates"),
    [("rajagopal_walk", 80, 31), ("s06_treadmill", 92, 23)],
)
def test_models_of_the_field_are_read(model, muscles, coordinates, shared):
    (path,) = (shared / model / "model").glob("*.osim")
    found = read_osim(path)
    assert len(found.muscles) == muscles and len(found.coordinates) == coordinates
    soleus = next(m for m in found.muscles if m.name == "soleus_r")
    assert "ankle_angle_r" in soleus.crosses and "knee_angle_r" not in soleus.crosses
    assert all(m.crosses for m in found.muscles)
