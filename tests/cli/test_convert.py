"""`refnms convert` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import refnms
from models import muscle, v4

LEG = v4(muscle(name="rect_fem_r") + muscle(name="vas_r", bodies=("femur_r", "tibia_r")))


@pytest.fixture
def leg(tmp_path: Path) -> Path:
    (tmp_path / "leg.osim").write_text(LEG)
    return tmp_path / "leg.osim"


def test_a_model_to_ceinms_to_real_time_to_ceinms_and_into_the_model(leg, tmp_path, capsys):
    assert refnms("convert", leg, "--out", tmp_path / "c") == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "2 muscles, 2 DOFs: hip_flexion_r, knee_angle_r"
    assert told[-1] == f"written {tmp_path / 'c' / 'excitationGenerator.xml'}"
    generator = tmp_path / "c" / "excitationGenerator.xml"
    subject = tmp_path / "c" / "subject.xml"
    assert refnms("convert", subject, "--generator", generator, "--out", tmp_path / "rt.xml") == 0
    assert refnms("convert", tmp_path / "rt.xml", "--out", tmp_path / "back") == 0
    back = tmp_path / "back" / "subject.xml"
    assert refnms("convert", back, "--into", leg, "--out", tmp_path / "new.osim", "-q") == 0
    assert (tmp_path / "new.osim").read_text() == LEG
    assert "cannot hold: emDelay" in capsys.readouterr().err


def test_json_tells_what_was_written(leg, tmp_path, capsys):
    assert refnms("convert", leg, "--dof", "hip_flexion_r", "--out", tmp_path / "c", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["muscles"] == 1 and told["dofs"] == ["hip_flexion_r"] and told["changed"] is None
    assert [Path(path).name for path in told["written"]] == [
        "subject.xml",
        "excitationGenerator.xml",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--into", "x"), "--into does not go with an OpenSim model"),
        (("--loads", "x"), "--loads does not go with a model without --motion"),
        (("--motion", "x"), "1 --motion and 0 --emg; give one for each motion"),
        (("--motion", "x", "--emg", "y", "--moments", "a", "--moments", "b"), "2 --moments"),
    ],
)
def test_options_that_do_not_go_together_are_usage(arguments, message, leg, tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        refnms("convert", leg, "--out", tmp_path / "c", *arguments)
    told = capsys.readouterr().err
    assert caught.value.code == 2 and message in told
    assert told.startswith("usage: refnms convert")


def test_a_subject_needs_to_know_where_it_goes(project, tmp_path, capsys):
    with pytest.raises(SystemExit):
        refnms("convert", project / "subject.xml", "--out", tmp_path / "c")
    assert "needs --generator (to CEINMS-RT) or --into (.osim)" in capsys.readouterr().err


def test_a_file_of_another_kind_is_bad_input(project, tmp_path, capsys):
    arguments = ("--into", tmp_path / "x.osim", "--out", tmp_path / "c")
    assert refnms("convert", project / "execution.xml", *arguments) == 3
    told = capsys.readouterr().err
    assert (
        "expected an OpenSim model, or a subject of CEINMS or CEINMS-RT, found <execution>" in told
    )
    assert "[RN106]" in told


def test_without_the_extra_a_motion_is_refused_with_its_name(
    leg, project, tmp_path, monkeypatch, capsys
):
    monkeypatch.setitem(__import__("sys").modules, "opensim", None)
    emg = project / "walk" / "emg.sto"
    arguments = ("--motion", tmp_path / "ik.mot", "--emg", emg, "--out", tmp_path / "c")
    assert refnms("convert", leg, *arguments) == 3
    assert "install the extra `opensim`" in capsys.readouterr().err
    assert not (tmp_path / "c").exists()
