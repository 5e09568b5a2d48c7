from __future__ import annotations

import csv
import json
import math

import pytest

from refnms.errors import InputError
from refnms.golden import compare, text
from refnms.golden.compare import SCHEMA

JSON = ("golden.json", "trajectories.json")
FORCES = text("force.csv")
TRAJECTORIES = json.loads(text("trajectories.json"))["trajectories"]


@pytest.fixture
def given(tmp_path):
    """A file with some content."""

    def write(content, name="mine.csv"):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
        return path

    return write


def cell(entry, column):
    rows = csv.DictReader(FORCES.splitlines())
    return next(row[column] for row in rows if row["entry"] == entry)


def with_cell(entry, column, value):
    """The golden forces with another number in one place."""
    lines = FORCES.splitlines()
    at = lines[0].split(",").index(column)
    k = next(i for i, line in enumerate(lines) if line.startswith(f"{entry},"))
    cells = lines[k].split(",")
    cells[at] = repr(value) if isinstance(value, float) else value
    lines[k] = ",".join(cells)
    return "\n".join(lines) + "\n"


def problems(path):
    with pytest.raises(InputError) as caught:
        compare(path)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("name", ["force.csv", "curves.csv", "filter.csv", "trajectories.json"])
def test_the_golden_files_are_right_themselves(name, given):
    found = compare(given(text(name), name))
    assert (found.wrong, found.missing, found.worst) == ((), 0, 0.0)
    assert found.given > 100


def test_a_wrong_number_is_named_with_its_size(given):
    entry, column = "force/thelen-2003/8", "by_fiber_damping"
    golden = float(cell(entry, column))
    found = compare(given(with_cell(entry, column, golden * 1.001)))
    (wrong,) = found.wrong
    assert (wrong.entry, wrong.column, wrong.golden.value) == (entry, column, golden)
    assert wrong.error == pytest.approx(abs(golden) * 1e-3 / wrong.golden.scale)
    assert str(wrong).startswith(f"{entry} {column}: {golden * 1.001!r}, should be {golden!r}")
    assert found.columns() == [("force: by_fiber_damping", 1, 1)]


def test_a_number_is_right_up_to_its_tolerance(given):
    entry, column = "force/thelen-2003/8", "tendon_force"
    golden = compare(given(with_cell(entry, column, 0.0))).wrong[0].golden
    allowed = golden.scale * golden.tolerance
    assert not compare(given(with_cell(entry, column, golden.value + 0.9 * allowed))).wrong
    assert compare(given(with_cell(entry, column, golden.value + 1.2 * allowed))).wrong


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_what_is_not_finite_is_wrong(value, given):
    (wrong,) = compare(given(with_cell("force/thelen-2003/8", "tendon_force", value))).wrong
    assert wrong.error == math.inf


def test_the_worst_comes_first(given):
    content = FORCES.replace(cell("force/thelen-2003/8", "tendon_force"), "1.0")
    content = content.replace(cell("force/thelen-2003/9", "tendon_force"), "1e9")
    errors = [wrong.error for wrong in compare(given(content)).wrong]
    assert len(errors) == 2
    assert errors == sorted(errors, reverse=True)


def test_a_part_of_the_numbers_is_enough_and_the_rest_is_counted(given):
    found = compare(given("entry,tendon_force\nforce/thelen-2003/8,1.0\n"))
    assert (found.given, len(found.wrong)) == (1, 1)
    assert found.missing == (len(FORCES.splitlines()) - 1) * 11 - 1
    found = compare(given("entry,tendon_force,by_activation\nforce/thelen-2003/8,1.0, \n"))
    assert found.given == 1


def test_spaces_after_commas_and_windows_line_ends_are_read(given):
    found = compare(given("entry, tendon_force\r\nforce/thelen-2003/8, 1.0\r\n"))
    assert found.given == 1


def test_every_problem_of_a_table_is_told(given):
    bad = problems(
        given(
            "entry,tendon_force,by_force,activation\n"
            "force/thelen-2003/8,one,1.0,0.5\n"
            "force/nobody/8,1.0,1.0,0.5\n"
        )
    )
    assert len(bad) == 4
    assert (
        "line 2, column 'tendon_force': 'one' is no number to hold against the golden one" in bad[0]
    )
    assert (
        "line 2, column 'by_force': no golden column is called so; there are tendon_force" in bad[1]
    )
    assert "line 2, column 'activation': another question: '0.5', where" in bad[2]
    assert (
        "line 3: no golden entry is called 'force/nobody/8'; they begin with activation" in bad[3]
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "line 1: no column is called 'entry'"),
        ("name,value\n", "line 1: no column is called 'entry'"),
        ("entry,tendon_force\n", "holds no number to compare with golden ones"),
        (
            "entry,reason\nforce/thelen-2003/8,because\n",
            "holds no number to compare with golden ones",
        ),
        (
            "entry,tendon_force\nforce/thelen-2003/8,1\nforce/thelen-2003/8,1\n",
            "line 3: golden entry 'force/thelen-2003/8' is answered twice",
        ),
        (
            "entry,tendon_force\nforce/thelen-2003/8,1,2\n",
            "line 2: answers a golden entry with more cells than columns",
        ),
    ],
)
def test_a_table_that_is_none_is_refused(content, message, given):
    (problem,) = problems(given(content))
    assert message in problem


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path):
    assert "cannot be read: there is no such file" in problems(tmp_path / "none.csv")[0]
    (tmp_path / "mine.csv").write_bytes(b"entry,\xff\n")
    assert "is not UTF-8: byte 6 is 0xff" in problems(tmp_path / "mine.csv")[0]


# ---- trajectories ----


def one(**outputs):
    golden = TRAJECTORIES[1]
    return {"trajectories": [{"entry": golden["entry"], "outputs": outputs}]}


def test_a_wrong_place_of_a_trajectory_is_named(given):
    lengths = [list(row) for row in TRAJECTORIES[1]["outputs"]["fiber_length"]]
    lengths[5][1] *= 1.001
    found = compare(given(one(fiber_length=lengths), "mine.json"))
    (wrong,) = found.wrong
    assert wrong.column == "fiber_length[5][1]"
    assert found.columns() == [("trajectories: fiber_length", 1, 1)]


def test_the_schema_is_that_of_the_files():
    assert {json.loads(text(name))["schema"] for name in JSON} == {SCHEMA}


def test_other_inputs_are_refused(given):
    golden = json.loads(json.dumps(TRAJECTORIES[1]))
    golden["inputs"]["time"][0] += 1e-9
    (problem,) = problems(given({"trajectories": [golden]}, "mine.json"))
    assert "its inputs are not the golden ones" in problem


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "line 1, column 2: "),
        ([], "golden answers are {'trajectories'"),
        ({"trajectories": [{"entry": "x"}]}, "golden answers are {'trajectories'"),
        ({"trajectories": [{"entry": "x", "outputs": {}}]}, "no golden entry is called 'x'"),
        (one(fibre=[1.0]), "has no 'fibre'; there are activation"),
        (one(loss=[1.0]), "loss has 1 numbers where 1 are due, or another nesting"),
        (one(fiber_length=[[1.0, 2.0]]), "fiber_length has 2 numbers where 32 are due"),
        (one(loss="much"), "loss holds what is no number"),
        (one(loss=None), "loss holds what is no number"),
        ({"trajectories": one(loss=1.0)["trajectories"] * 2}, "is answered twice"),
        (one(loss=1.0) | {"schema": 2}, "has golden schema 2, not 1: write the files anew"),
    ],
)
def test_trajectories_that_are_none_are_refused(content, message, given):
    (problem,) = problems(given(content, "mine.json"))
    assert message in problem
