"""Figures: whole or not at all, the same for the same data, with what a reader needs on them."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from people import person, recording

from refnms.errors import InputError
from refnms.figures import AFTER, BEFORE, HELD_OUT, STYLE, Tracking, draw, moment_figure, tracking
from refnms.simulation import simulate

pytest.importorskip("matplotlib", reason="the extra `report` is not installed")

DOFS = ("shoulder_abduction", "elbow_flexion")


@pytest.fixture
def trials():
    time = np.linspace(0.0, 2.0, 50)
    measured = np.column_stack([np.sin(time), 3.0 * np.cos(time)])
    return [
        Tracking(name, held_out, time, measured, 2.0 * measured, measured + 0.1)
        for name, held_out in (("lift", False), ("hand_to_mouth", True))
    ]


@pytest.fixture
def words(trials, tmp_path):
    """Every text of the drawing, as text."""
    from matplotlib import rc_context

    with rc_context({"svg.fonttype": "none"}):
        return moment_figure(tmp_path / "f.svg", DOFS, trials).read_text("utf-8")


def test_axes_carry_names_with_units(words):
    for text in ("time [s]", "moment [N·m]", "shoulder abduction", "elbow flexion"):
        assert text in words


def test_every_curve_is_named(words):
    for text in ("experimental", "uncalibrated", "calibrated"):
        assert f">{text}<" in words


def test_every_trial_is_named_with_its_role(words):
    for text in ("lift", "hand to mouth", "calibration", "held out"):
        assert words.count(f">{text}<") == 1


def test_every_panel_states_its_errors(words, trials):
    assert words.count("RMSE 0.10 N·m") == 4  # measured + 0.1
    rmse = np.sqrt(np.mean(trials[0].measured[:, 1] ** 2))
    assert words.count(f"RMSE {rmse:.2f} N·m") == 2


def test_a_moment_that_does_not_vary_has_no_r2(trials, tmp_path):
    from matplotlib import rc_context

    still = [Tracking("rest", False, t.time, 0.0 * t.measured, t.before, t.after) for t in trials]
    with rc_context({"svg.fonttype": "none"}):
        drawn = moment_figure(tmp_path / "f.svg", DOFS, still).read_text("utf-8")
    assert "RMSE" in drawn and "R²" not in drawn


def test_a_single_panel_can_be_drawn(trials, tmp_path):
    one = trials[0]
    narrow = Tracking(
        "lift", False, one.time, *(m[:, :1] for m in (one.measured, one.before, one.after))
    )
    assert moment_figure(tmp_path / "f.png", DOFS[:1], [narrow]).stat().st_size > 0


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_the_same_data_give_the_same_file(trials, tmp_path, ending):
    one, two = (moment_figure(tmp_path / f"{n}.{ending}", DOFS, trials) for n in "ab")
    assert one.read_bytes() == two.read_bytes()


def test_a_failed_drawing_leaves_the_earlier_file(trials, tmp_path):
    path = moment_figure(tmp_path / "f.svg", DOFS, trials)
    before = path.read_bytes()
    bad = Tracking("lift", False, trials[0].time, *(np.zeros((3, 2)),) * 3)
    with pytest.raises(ValueError):
        moment_figure(path, DOFS, [bad])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_unknown_ending_leaves_nothing(trials, tmp_path):
    with pytest.raises(ValueError, match="bmp"):
        moment_figure(tmp_path / "f.bmp", DOFS, trials)
    assert list(tmp_path.iterdir()) == []


def test_drawing_without_matplotlib_is_an_import_error(trials, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError):
        moment_figure(tmp_path / "f.svg", DOFS, trials)


def test_a_figure_shows_itself_and_keeps_its_style_outside(trials):
    from matplotlib import rc_context, rcdefaults

    with rc_context(STYLE):
        inside = draw(DOFS, trials)._repr_png_()
    with rc_context():
        rcdefaults()
        outside = draw(DOFS, trials)._repr_png_()
    assert inside.startswith(b"\x89PNG")
    assert outside == inside


def test_a_trial_is_drawn_in_the_frames_that_count():
    model = person(3)
    trial = replace(recording(3, model), scored=np.arange(len(recording(3, model).time)) > 5)
    run = simulate(model, trial)
    found = tracking(trial, True, run, run)
    np.testing.assert_array_equal(found.time, trial.time[6:])
    np.testing.assert_array_equal(found.measured, trial.moment[6:])
    assert found.held_out
    with pytest.raises(InputError, match="no measured moments to draw"):
        tracking(replace(trial, moment=None), True, run, run)


def test_the_caller_keeps_their_settings(trials, tmp_path):
    from matplotlib import rc_context, rcdefaults, rcParams

    with rc_context():
        rcdefaults()
        before = dict(rcParams)
        moment_figure(tmp_path / "f.svg", DOFS, trials)
        assert dict(rcParams) == before


def test_a_disk_full_leaves_nothing(trials, monkeypatch, tmp_path):
    from matplotlib.figure import Figure

    def full(figure, path, **settings):
        path.write_text("half")
        raise OSError("no space left")

    monkeypatch.setattr(Figure, "savefig", full)
    with pytest.raises(OSError, match="no space"):
        moment_figure(tmp_path / "f.svg", DOFS, trials)
    assert list(tmp_path.iterdir()) == []


def test_every_curve_and_its_errors_have_the_color_of_the_legend(trials):
    panel = draw(DOFS, trials).axes[0]
    curves = {str(line.get_label()): line for line in panel.get_lines()}
    scores = {text.get_color(): text.get_text() for text in panel.texts}
    for name, color, moment, rmse in (
        ("uncalibrated", BEFORE["color"], trials[0].before, "0.7"),
        ("calibrated", AFTER["color"], trials[0].after, "0.10"),
    ):
        assert curves[name].get_color() == color
        np.testing.assert_array_equal(curves[name].get_ydata(), moment[:, 0])
        assert scores[color].startswith(f"RMSE {rmse}")
    np.testing.assert_array_equal(curves["experimental"].get_ydata(), trials[0].measured[:, 0])


def test_unseen_trials_are_shaded_and_say_so(trials):
    from matplotlib.colors import to_rgba

    lift, hand_to_mouth = draw(DOFS, trials).axes[:2]
    roles = [{text.get_text() for text in panel.texts} for panel in (lift, hand_to_mouth)]
    assert "calibration" in roles[0] and "held out" in roles[1]
    assert lift.get_facecolor() != to_rgba(HELD_OUT) == hand_to_mouth.get_facecolor()
