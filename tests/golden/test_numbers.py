from __future__ import annotations

import csv
import json

from refnms.golden import names, text
from refnms.golden.numbers import MANIFEST, TRAJECTORIES, entries, flat

ROWS = list(csv.DictReader(text("force.csv").splitlines()))


def test_the_files_are_those_the_manifest_tells():
    tables = json.loads(text(MANIFEST))["tables"]
    assert names() == sorted([MANIFEST, TRAJECTORIES, "curve_points.csv", *tables])


def test_a_number_has_the_tolerance_of_its_row_and_the_scale_of_its_group():
    row = next(r for r in ROWS if r["entry"] == "force/millard-2012/3")
    number = entries()[row["entry"]].numbers["by_fiber_length"]
    own = [abs(float(r["by_fiber_length"])) for r in ROWS if r["family"] == "millard-2012"]
    all_of_them = [abs(float(r["by_fiber_length"])) for r in ROWS]
    assert number.value == float(row["by_fiber_length"])
    assert number.scale == max(own) < max(all_of_them)
    assert (number.tolerance, number.reason) == (1e-12, "no pennation")


def test_inputs_are_told_from_outputs():
    entry = entries()["force/millard-2012/3"]
    assert entry.inputs["pennation_angle_at_optimal"] == "0.0"
    assert "tendon_force" not in entry.inputs
    assert "fiber_length" not in entry.numbers


def test_an_array_is_its_numbers_by_place():
    golden = json.loads(text(TRAJECTORIES))["trajectories"][0]
    entry = entries()[golden["entry"]]
    lengths = golden["outputs"]["fiber_length"]
    number = entry.numbers["fiber_length[3][1]"]
    assert number.value == lengths[3][1]
    assert number.scale == max(max(map(abs, row)) for row in lengths)
    assert number.tolerance == golden["tolerance"]["signals"]
    assert entry.numbers["loss_by_c1[0]"].tolerance == golden["tolerance"]["gradient"]
    assert entry.numbers["loss"].scale == golden["outputs"]["loss"]


def test_every_scale_is_above_zero_or_all_is_zero():
    for name, entry in entries().items():
        for column, number in entry.numbers.items():
            assert abs(number.value) <= number.scale, (name, column)


def test_flat():
    assert dict(flat("a", [[1, 2.5], []])) == {"a[0][0]": 1.0, "a[0][1]": 2.5}
