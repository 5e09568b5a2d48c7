"""The main job on the embedded participant, from start to figure."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace

import pytest

from refnms import demo
from refnms.errors import InputError
from refnms.optimize import LevenbergMarquardt
from refnms.synthetic import DOFS, MUSCLES

HELD_OUT_ERROR = 0.05  # of the standard deviation of the moments without noise


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The result, the lines of the story and the folder of one full run."""
    lines: list[str] = []
    folder = tmp_path_factory.mktemp("demo") / "out"
    return demo.run(0, folder, lines.append), lines, folder


@pytest.fixture
def short(monkeypatch):
    """A demo of two steps, for what does not depend on how well it calibrates."""
    monkeypatch.setattr(demo, "METHOD", LevenbergMarquardt(patience=1, tolerance=1.0))


@pytest.mark.parametrize("dof", DOFS)
def test_unseen_moments_come_close_to_the_true_ones(told, dof):
    error = told[0].held_out_error[dof]
    assert error.after < HELD_OUT_ERROR < 0.1 < error.before


def test_every_moment_of_every_trial_gets_better(told):
    fits = [fit for trial in told[0].trials.values() for fit in trial.dofs.values()]
    assert len(fits) == 18
    for fit in fits:
        assert fit["after"].rmse < 0.35 * fit["before"].rmse
        assert fit["after"].r2 > 0.98


def test_three_trials_are_for_calibration_and_three_unseen(told):
    roles = [trial.role for trial in told[0].trials.values()]
    assert roles == ["calibration"] * 3 + ["test"] * 3


def test_what_moments_tell_comes_nearer_to_the_truth(told):
    for quantity in demo.TOLD:
        error = told[0].recovery[quantity]
        assert error.after < 0.7 * error.before, quantity


def test_the_record_is_plain_json(told):
    result, _, folder = told
    text = json.dumps(asdict(result), allow_nan=False)
    assert json.loads(text) == json.loads((folder / "refnms.json").read_text("utf-8"))


def test_the_figure_is_drawn(told):
    pytest.importorskip("matplotlib", reason="the extra `report` is not installed")
    assert (told[2] / demo.FIGURE).read_bytes().startswith(b"\x89PNG")


def test_the_story_is_plain_and_fits_a_terminal(told):
    for line in "\n".join(told[1]).splitlines():
        assert line.isascii() and len(line) <= 90, line


def test_the_story_names_every_trial_and_degree_of_freedom(told):
    story = "\n".join(told[1])
    for name in (*told[0].trials, *DOFS):
        assert name.replace("_", " ") in story


def test_the_free_parameters_are_those_of_the_field():
    packing = demo.free_parameters(demo.participant(0).generic)
    assert len(packing.start) == 6 * len(MUSCLES) + 1
    assert ((packing.lower < packing.start) & (packing.start < packing.upper)).all()


def test_the_truth_lies_within_the_bounds():
    person = demo.participant(0)
    packing = demo.free_parameters(person.generic)
    truth = demo.free_parameters(replace(person.generic, muscles=person.true.muscles)).base
    free = packing.index >= 0
    x = packing.index[free]
    assert (packing.lower[x] < truth[free]).all() and (truth[free] < packing.upper[x]).all()


def test_the_figure_shows_every_trial_in_its_role(short, monkeypatch, tmp_path):
    drawn = []
    monkeypatch.setattr(demo, "moment_figure", lambda path, dofs, trials: drawn.extend(trials))
    result = demo.run(0, tmp_path / "out", lambda line: None)
    assert [trial.name for trial in drawn] == list(result.trials)
    assert [trial.held_out for trial in drawn] == [False] * 3 + [True] * 3
    goodness = result.trials[drawn[0].name].dofs[DOFS[0]]
    for when in ("before", "after"):
        error = getattr(drawn[0], when)[:, 0] - drawn[0].measured[:, 0]
        assert (error**2).mean() ** 0.5 == pytest.approx(goodness[when].rmse)


def test_without_matplotlib_the_story_names_the_extra(short, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    lines: list[str] = []
    demo.run(0, tmp_path / "out", lines.append)
    assert any("refnms[report]" in line for line in lines)
    assert not (tmp_path / "out" / demo.FIGURE).exists()
    assert (tmp_path / "out" / "refnms.json").exists()


def test_a_folder_of_other_things_is_left_alone(short, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="no refnms result"):
        demo.run(0, tmp_path, lambda line: None)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_second_run_replaces_the_first(short, tmp_path):
    for seed in (0, 1):
        demo.run(seed, tmp_path / "out", lambda line: None)
    assert json.loads((tmp_path / "out" / "refnms.json").read_text("utf-8"))["seed"] == 1


def test_without_a_folder_the_results_lie_beside_the_user(short, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    demo.run(0, say=lambda line: None)
    assert (tmp_path / demo.FOLDER / "refnms.json").exists()
