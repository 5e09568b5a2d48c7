"""The committed golden files: the arbiter writes the same again, and refnms answers them right."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path

import ours
import pytest
from arbiter import rows, samples, write
from arbiter.trial import PROFILES

from refnms import primitives
from refnms.golden import compare, names, text
from refnms.jit import HAVE_NUMBA
from refnms.physics import curves as curve_module
from refnms.physics import engine, implicit, muscle, reference

CHECKOUT = Path(__file__).resolve().parents[1]
FILES = resources.files("refnms.golden") / "files"
HELD = 2e-13  # what refnms's error stays below, where the files ask for 1e-12
# One trajectory of each profile is written again here; validation/ writes all of them.
AGAIN = [
    ("native", "thelen-2003", "elastic", "exponential"),
    ("ceinms-0.9-online", "millard-2012", "elastic", "exponential"),
    ("ceinms-0.9-offline", "ceinms-default", "rigid", "exponential"),
    ("native", "ceinms-default", "elastic", "piecewise"),
]


@pytest.fixture(scope="module")
def precise():
    return rows.all_curves(write.knots_of(FILES))


def test_the_arbiter_writes_the_same_tables_again(precise):
    for name, content in write.tables(precise).items():
        assert content == text(name), name


def test_the_arbiter_writes_the_same_manifest_again():
    assert write.as_json(write.manifest(PROFILES)) + "\n" == text("golden.json")


@pytest.mark.parametrize("wanted", AGAIN, ids="/".join)
def test_the_arbiter_writes_the_same_trajectory_again(wanted, precise):
    (choice,) = [c for c in rows.choices(PROFILES) if (c[0].name, *c[1:]) == wanted]
    entry = "/".join(("trajectories", *wanted))
    (golden,) = [t for t in trajectories() if t["entry"] == entry]
    assert rows.trajectory(precise, choice) == golden


def trajectories():
    return json.loads(text("trajectories.json"))["trajectories"]


def test_every_profile_and_family_has_its_trajectories():
    found = {(t["profile"], t["family"], t["tendon"], t["activation"]) for t in trajectories()}
    assert found == {(c[0].name, *c[1:]) for c in rows.choices(PROFILES)}
    assert {t["profile"] for t in trajectories()} == set(ours.PROFILES)
    assert {t["family"] for t in trajectories()} == set(rows.FAMILIES)


def test_cells_are_plain():
    """A program that knows nothing but commas and line ends can read the tables."""
    for name in names():
        if name.endswith(".csv"):
            content = text(name)
            head, *rows = content.splitlines()
            assert not re.search(r"[\"'\r]", content)
            assert {row.count(",") for row in rows} == {head.count(",")}


def test_every_number_reads_back_to_itself():
    for name in ("force.csv", "curves.csv"):
        numbers = re.findall(r"-?\d+\.\d+(?:e-?\d+)?", text(name))
        assert all(repr(float(number)) == number for number in numbers)
        assert max(len(re.sub(r"e.*|\D", "", n).strip("0")) for n in numbers) <= 17


def test_the_files_are_small():
    assert sum(len(text(name)) for name in names()) < 1_000_000


def test_the_page_tells_how_many_entries_there_are():
    page = (CHECKOUT / "docs" / "golden.md").read_text("utf-8")
    told = dict(re.findall(r"^\| `([\w.]+)` \| ([\d,]+)", page, re.M))
    counts = {name: text(name).count("\n") - 1 for name in names() if name.endswith(".csv")}
    counts["trajectories.json"] = len(trajectories())
    assert {name: int(count.replace(",", "")) for name, count in told.items()} == counts


def test_samples_lie_away_from_kinks():
    assert len(samples.force_samples("thelen-2003")) == samples.FORCES
    assert {reason for _, reason in samples.length_samples("thelen-2003")} >= {samples.AWAY}


# ---- refnms's answers ----


@pytest.fixture(
    params=[reference, engine.pick()] if HAVE_NUMBA else [reference],
    ids=lambda module: module.__name__.rpartition(".")[2],
)
def either_engine(request, monkeypatch):
    monkeypatch.setattr(primitives, "pick", lambda *_: request.param)


@pytest.fixture
def checked(tmp_path):
    """What becomes of answers that are given as a file."""

    def check(name, content):
        (tmp_path / name).write_text(content, "utf-8")
        return compare(tmp_path / name)

    return check


@pytest.mark.filterwarnings("ignore:ceinms-0.* delays every muscle")
def test_refnms_answers_every_trajectory_right(either_engine, checked):
    curves = ours.golden_curves()
    found = [ours.trajectory(curves, golden) for golden in trajectories()]
    result = checked("t.json", json.dumps({"trajectories": found}))
    assert (result.wrong, result.missing) == ((), 0)
    assert result.worst <= 1e-12  # gradients, too, though the files allow 1e-11


def table_answers():
    curves = ours.golden_curves()
    return {
        "splines.csv": ours.splines(curves),
        "curves.csv": ours.curve_values(curves),
        "activation.csv": ours.activations(),
        "filter.csv": ours.filters(),
        "velocity.csv": ours.velocities(),
        "force.csv": ours.forces(curves),
        "fiber_length.csv": ours.fiber_lengths(curves),
    }


@pytest.mark.parametrize("name", table_answers())
def test_refnms_answers_every_table_right(name, checked):
    result = checked(name, ours.as_csv(list(table_answers()[name])))
    assert (result.wrong, result.missing) == ((), 0)
    assert result.worst <= (1e-11 if name == "splines.csv" else HELD)


def planted(monkeypatch, module, name, field):
    """A thousandth too much in one of the slopes that a function gives."""
    right = getattr(module, name)

    def wrong(*arguments):
        found = right(*arguments)
        return found._replace(**{field: getattr(found, field) * 1.001})

    monkeypatch.setattr(module, name, wrong)


@pytest.mark.parametrize("field", muscle.ForcePartials._fields)
def test_a_partial_that_is_off_by_a_thousandth_is_named(field, monkeypatch, checked):
    planted(monkeypatch, muscle, "tendon_force_partials", field)
    result = checked("f.csv", ours.as_csv(list(ours.forces(ours.golden_curves()))))
    assert [name for name, *_ in result.columns()] == [f"force: by_{field}"]


@pytest.mark.parametrize("field", implicit.LengthSlopes._fields)
def test_a_slope_of_the_length_that_is_off_by_a_thousandth_is_named(field, monkeypatch, checked):
    planted(monkeypatch, implicit, "length_slopes", field)
    result = checked("l.csv", ours.as_csv(list(ours.fiber_lengths(ours.golden_curves()))))
    column = field.removesuffix("_velocity") if field == "past_velocity" else field
    assert [name for name, *_ in result.columns()] == [f"fiber_length: by_{column}"]


def test_a_curves_slope_that_is_off_is_named(monkeypatch, checked):
    right = curve_module.value_and_slope
    monkeypatch.setattr(
        ours, "value_and_slope", lambda c, x: (right(c, x)[0], right(c, x)[1] * 1.001)
    )
    result = checked("c.csv", ours.as_csv(list(ours.curve_values(ours.golden_curves()))))
    assert [name for name, *_ in result.columns()] == ["curves: slope"]
