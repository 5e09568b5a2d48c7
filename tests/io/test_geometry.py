from __future__ import annotations

import json

import numpy as np
import pytest
from geometry.people import fitted, grid

from refnms.errors import InputError
from refnms.io.geometry import read_geometry, write_geometry


@pytest.fixture
def file(tmp_path):
    write_geometry(tmp_path / "arm.json", fitted().geometry)
    return tmp_path / "arm.json"


def test_a_geometry_comes_back_to_the_bit(file):
    before, after = fitted().geometry, read_geometry(file)
    assert (before.muscle_names, before.dof_names) == (after.muscle_names, after.dof_names)
    assert np.array_equal(before.lower, after.lower) and np.array_equal(before.upper, after.upper)
    for name, array in before.paths._asdict().items():
        assert np.array_equal(array, getattr(after.paths, name)), name
    q = grid()[::5] + 0.05
    assert np.array_equal(before.length(q), after.length(q))


def test_another_program_can_evaluate_it(file):
    """SciPy, by what the document says alone."""
    from scipy.interpolate import NdBSpline

    document = json.loads(file.read_text("utf-8"))
    names = [one["name"] for one in document["coordinates"]]
    q = grid()[7::11]
    for m, muscle in enumerate(document["muscles"]):
        splines = muscle["splines"]
        degrees = tuple(spline["degree"] for spline in splines)
        knots = tuple(np.pad(spline["knots"], spline["degree"], mode="edge") for spline in splines)
        columns = [names.index(spline["coordinate"]) for spline in splines]
        length = NdBSpline(knots, np.array(muscle["coefficients"]), degrees)(q[:, columns])
        np.testing.assert_allclose(length, fitted().geometry.length(q)[:, m], atol=1e-12)


def test_a_file_that_is_no_geometry_is_not_overwritten(tmp_path, file):
    mine = tmp_path / "mine.json"
    mine.write_text('{"schema": "another"}', "utf-8")
    with pytest.raises(InputError, match="is no geometry; choose another --out"):
        write_geometry(mine, fitted().geometry)
    assert mine.read_text("utf-8") == '{"schema": "another"}'
    write_geometry(file, fitted().geometry)  # but a geometry is


def changed(file, change):
    document = json.loads(file.read_text("utf-8"))
    change(document)
    file.write_text(json.dumps(document), "utf-8")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(schema="other"), "its schema is not 'refnms-geometry'"),
        (lambda d: d.update(schema_version=2), "of version 2; this one reads 1"),
        (lambda d: d.pop("muscles"), "no whole geometry: KeyError, 'muscles'"),
        (lambda d: d["muscles"][0].update(coefficients=[[1.0]]), "DELT1: coefficients of shape"),
        (lambda d: d["muscles"][0]["coefficients"][0].pop(), "no whole geometry: ValueError"),
        (lambda d: d["muscles"][2]["splines"][0].update(degree=2.5), "the degree 2.5 is not 1 to"),
        (
            lambda d: d["muscles"][2]["splines"][0].update(knots=[0.0, 0.1, 2.0]),
            "its knots do not rise evenly",
        ),
        (lambda d: d["muscles"][0]["splines"].reverse(), "not in the order of the file"),
        (lambda d: d["coordinates"][1].update(name="knee"), "there is no coordinate shoulder_rot"),
        (lambda d: d["coordinates"][0].update(range=[1.0, 0.0]), "a range does not rise"),
        (lambda d: d["muscles"][1].update(name="DELT1"), "the muscle DELT1 stands twice"),
    ],
)
def test_a_damaged_geometry_is_refused(file, change, message):
    changed(file, change)
    with pytest.raises(InputError, match=message) as raised:
        read_geometry(file)
    assert raised.value.problems[0].file == file


def test_all_faults_are_told_at_once(file):
    def change(document):
        document["muscles"][0].update(coefficients=[[1.0]])
        document["muscles"][2]["splines"][0].update(degree=0)

    changed(file, change)
    with pytest.raises(InputError) as raised:
        read_geometry(file)
    assert len(raised.value.problems) >= 2


def test_no_file_and_no_json_are_told(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_geometry(tmp_path / "no.json")
    (tmp_path / "no.json").write_text("{", "utf-8")
    with pytest.raises(InputError, match="no JSON document"):
        read_geometry(tmp_path / "no.json")
