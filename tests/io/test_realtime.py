"""Subjects of CEINMS-RT, read and written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from refnms.errors import InputError
from refnms.io.realtime import FIELDS, default_points, read_realtime_subject, realtime_xml
from refnms.physics.curves import ceinms_default, spline_curve

VALUES = dict(
    zip(FIELDS, ("-0.5", "-0.6", "-1.5", "0.05", "25", "0.24", "1500", "1.2"), strict=True)
)


def subject(values: dict[str, str] = VALUES, channels: str = "", curve: str = "") -> str:
    def muscle(name: str) -> str:
        fields = "\n".join(f"<{tag}>{value}</{tag}>" for tag, value in values.items())
        return f"<muscle><name>{name}</name>{fields}</muscle>\n"

    return f"""<?xml version="1.0"?>
<subject><muscleDefault><percentageChange>0.15</percentageChange><damping>0.3</damping>{curve}
</muscleDefault><muscles>{muscle("soleus_r")}{muscle("med_gas_r")}</muscles>
<DoFs><DoF><name>ankle</name><muscleSequence>soleus_r med_gas_r</muscleSequence></DoF></DoFs>
<Channels>{channels or CHANNELS}</Channels>
</subject>
"""


def channel(name: str, muscles: str) -> str:
    return f"<Channel><name>{name}</name><muscleSequence>{muscles}</muscleSequence></Channel>"


CHANNELS = channel("sol", "soleus_r med_gas_r") + channel("gas", "med_gas_r")


def read(folder: Path, text: str):
    (folder / "rt.xml").write_text(text)
    return read_realtime_subject(folder / "rt.xml", 0.04)


def test_a_subject_is_read_in_our_units(tmp_path):
    found = read(tmp_path, subject())
    p = found.subject.muscles
    assert found.subject.muscle_names == ("soleus_r", "med_gas_r")
    np.testing.assert_allclose(p.pennation_angle_at_optimal, np.radians(25.0))
    assert p.c2[1] == -0.6 and p.max_isometric_force[0] == 1500.0
    assert p.fiber_damping[0] == 0.3 and p.percentage_change[0] == 0.15
    assert p.electromechanical_delay[0] == 0.04 and p.max_contraction_velocity[0] == 10.0
    assert found.subject.dofs == {"ankle": ("soleus_r", "med_gas_r")}


def test_a_muscle_of_several_channels_has_their_mean(tmp_path):
    weights = read(tmp_path, subject()).weights()
    assert weights == {"soleus_r": {"sol": 1.0}, "med_gas_r": {"sol": 0.5, "gas": 0.5}}


def test_what_is_written_reads_back_the_same(tmp_path):
    first = read(tmp_path, subject())
    second = read(tmp_path, realtime_xml(first.subject, first.channels))
    np.testing.assert_array_equal(first.subject.muscles, second.subject.muscles)
    assert first.channels == second.channels and first.subject.dofs == second.subject.dofs
    assert first.subject.curve_points == second.subject.curve_points


def test_a_curve_of_the_file_counts(tmp_path):
    curve = "<Curve><name>forceVelocity</name><xPoints>0 1</xPoints><yPoints>1 2</yPoints></Curve>"
    points = read(tmp_path, subject(curve=curve)).subject.curve_points
    assert points["force_velocity"] == ((0.0, 1.0), (1.0, 2.0))
    assert points["active_force_length"] == default_points()["active_force_length"]


def test_the_default_points_are_those_of_the_default_curves():
    for field, points in default_points().items():
        curve, known = spline_curve(*points), getattr(ceinms_default(), field)
        np.testing.assert_allclose(curve.pieces, known.pieces, atol=1e-12)


def test_all_faults_come_at_once(tmp_path):
    bad = VALUES | {"pennationAngle": "250", "optimalFiberLength": "50"}
    text = subject(bad, channel("sol", "solus_r")).replace("<damping>0.3</damping>", "")
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    told = str(caught.value)
    for part in ("is 250; expected 0 to 46 degrees", "is 50; expected 0.005", "lacks <damping>",
                 "names 'solus_r', no muscle; the nearest known is 'soleus_r'"):  # fmt: skip
        assert part in told


def test_another_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="expected a CEINMS-RT subject"):
        read(tmp_path, "<subject><mtuSet/></subject>")


def test_a_subject_of_the_field_is_read(shared):
    found = read_realtime_subject(shared / "s06_treadmill" / "model" / "subjectCalibrated.xml", 0.1)
    assert len(found.subject.muscle_names) == 92 and len(found.channels) == 9
    assert found.weights()["vas_int_r"] == {"vas_med_r": 0.5, "vas_lat_r": 0.5}
