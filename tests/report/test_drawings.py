"""The drawings of the page say what their data say."""

from __future__ import annotations

import re
from html import unescape

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="the extra `report` is not installed")

from matplotlib import rc_context
from results import parameter

from refnms.report import drawings
from refnms.report.folder import Recording, Signal
from refnms.report.svg import INLINE


@pytest.fixture(autouse=True)
def style():
    with rc_context(INLINE):
        yield


def signal(values, name="knee", time=None):
    time = np.linspace(0.0, 1.0, len(values)) if time is None else time
    return Signal(time, (name,), np.asarray(values, float)[:, None])


def recording(measured, before, after, role="calibration", frames=50):
    moments = [None if m is None else signal(np.full(frames, m)) for m in (measured, before, after)]
    return Recording("walk", role, *moments, None, None, None, None)


def texts(svg: str) -> list[str]:
    return [unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]


def test_axes_hold_the_measured_moment_and_cut_a_start_that_is_far_off():
    wave = np.sin(np.linspace(0.0, 6.0, 50))
    far = Recording("w", "test", signal(wave), signal(1e3 * wave), signal(wave), *(None,) * 4)
    low, high = drawings.limits(far, "knee")
    assert low < -1.0 and high > 1.0 and high - low < 8.0
    near = Recording("w", "test", signal(wave), signal(1.5 * wave), signal(wave), *(None,) * 4)
    low, high = drawings.limits(near, "knee")
    assert low < -1.5 and high > 1.5


def test_a_panel_of_moments_states_its_error():
    time = np.linspace(0.0, 1.0, 50)
    wave = signal(np.sin(6.0 * time))
    shifted = signal(np.sin(6.0 * time) + 0.3)
    told = texts(
        drawings.moments(Recording("w", "test", wave, None, shifted, *(None,) * 4), ["knee"], "k")
    )
    assert "knee [N·m]" in told and "time [s]" in told
    r2 = 1.0 - 0.09 / np.var(np.sin(6.0 * time))
    assert f"RMSE 0.3  R² {r2:.2f}" in told


def test_a_moment_without_measurement_is_drawn_without_an_error():
    told = texts(drawings.moments(recording(None, None, 3.0), ["knee"], "k"))
    assert not any("RMSE" in text for text in told)


def test_bound_hits_are_marked_and_set_in_bold():
    rows = [parameter("c1", f"m{m}", m) for m in range(3)]  # the first one is on a bound
    svg, note = drawings.parameters(rows, {}, "k")
    bold = re.findall(r'<text style="[^"]*font-weight[^"]*"[^>]*>([^<]*)<', svg)
    assert bold == ["m0"] and note == ""
    assert svg.count(drawings.HIT) == 1 and drawings.INTERVAL not in svg
    doubts = {row["name"]: {"low": 0.15, "high": 0.2} for row in rows}
    assert drawings.INTERVAL in drawings.parameters(rows, doubts, "k")[0]


@pytest.mark.parametrize(
    ("bounds", "note"),
    [
        ([(1.0, 0.5, 2.0), (3.0, 0.5, 2.0)], ""),
        ([(1.0, 0.8, 1.2), (3.0, 2.4, 3.6)], "relative to the start"),
        ([(-1.0, -1.2, -0.8), (-3.0, -3.6, -2.4)], "relative to the start"),
        ([(1.0, 0.8, 1.2), (3.0, 1.0, 4.0)], "% of the room between the bounds"),
    ],
)
def test_the_axis_of_parameters_suits_their_bounds(bounds, note):
    rows = [
        {"before": before, "lower": lower, "upper": upper, "after": 0.5 * (lower + upper)}
        for before, lower, upper in bounds
    ]
    scale, low, high, told = drawings._axis(rows)
    assert told == note and low < high
    for row in rows:
        ends = sorted([scale(row)(row["lower"]), scale(row)(row["upper"])])
        assert ends == pytest.approx([low, high])


def test_fibers_state_how_often_they_leave_their_range():
    lengths = {"soleus": np.r_[np.full(97, 1.0), np.full(3, 1.6)], "tib_ant": np.full(100, 1.0)}
    told = texts(drawings.fiber_lengths(list(lengths), {}, lengths, (0.5, 1.5), "k"))
    assert "3.0 %" in told and sum("%" in text for text in told) == 1
    assert {"soleus", "tib_ant"} <= {*told}


def test_a_rare_departure_is_not_told_as_none():
    assert drawings.percent(0.0004) == "<0.1 %" and drawings.percent(0.25) == "25.0 %"


def test_a_strip_shows_both_signals_of_every_trial_and_their_peak():
    wave = np.abs(np.sin(np.linspace(0.0, 9.0, 80)))
    one, other = (
        Recording(
            n,
            "test",
            None,
            None,
            None,
            signal(s * wave, "m"),
            signal(0.5 * s * wave, "m"),
            None,
            None,
        )
        for n, s in (("a", 0.4), ("b", 0.8))
    )
    ((svg, top),) = drawings.strips([one, other], ["m"], "k")
    assert top == pytest.approx(0.8 * wave.max())
    assert texts(svg) == [] and 'class="stretched"' in svg
    (start, first), (second, end) = drawings.places([one, other])
    assert start == 0.0 and end == drawings.WIDE and second - first == drawings.GAP


def test_a_strip_of_a_trial_without_the_muscle_is_empty():
    bare = recording(1.0, None, 1.0)
    assert next(drawings.strips([bare], ["m"], "k"))[1] == pytest.approx(0.01)


def test_long_recordings_make_no_large_drawings(rng):
    time = np.linspace(0.0, 60.0, 60_000)
    noisy = [signal(rng.normal(size=60_000), time=time) for _ in range(3)]
    panel = drawings.moments(Recording("w", "test", *noisy, *(None,) * 4), ["knee"], "k")
    assert len(panel) < 30_000
    emg = [signal(rng.uniform(size=60_000), "m", time) for _ in range(2)]
    trials = [Recording(str(n), "test", None, None, None, *emg, None, None) for n in range(20)]
    assert len(next(drawings.strips(trials, ["m"], "k"))[0]) < 60_000


def test_a_descent_has_plain_numbers_on_its_axes():
    runs = [{"evaluations": [1, 5, 90], "seconds": [0.1, 0.5, 9.0], "objective": [40.0, 3.0, 0.2]}]
    for against, told in (("evaluations", "evaluations"), ("seconds", "time [s]")):
        found = texts(drawings.descent(runs, against, "k"))
        assert told in found and "best objective" in found and "10" in found
        assert not any("$" in text for text in found)


def test_what_is_not_determined_has_another_color():
    known, loose = {"c1": [0.01]}, {"c1": [0.28]}
    assert drawings.HIT not in drawings.knowledge(known, 0.2887, "k")
    svg = drawings.knowledge(loose | {"c2": [0.001]}, 0.2887, "k")
    assert drawings.HIT in svg
    assert {"0.1", "1", "10", "c1", "c2"} <= {*texts(svg)} and "$" not in svg


def test_long_names_are_cut():
    assert drawings.short("a" * 50) == "a" * 21 + "…" and drawings.short("soleus") == "soleus"
