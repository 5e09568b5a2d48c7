"""The figure of raw EMG and its envelope."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="the extra `report` is not installed")

from matplotlib import rc_context

from refnms.report.emg import BINS, Panel, _extremes, emg_figure

TIME = np.arange(5000) / 1000.0


def panel(name: str, clipped: int = 0) -> Panel:
    raw = np.sin(300.0 * TIME)
    at = np.zeros(len(TIME), dtype=bool)
    at[:clipped] = True
    return Panel(name, raw, np.full(len(TIME), 0.6), at, 1.2)


def drawn(tmp_path, *panels: Panel) -> str:
    with rc_context({"svg.fonttype": "none"}):
        return emg_figure(tmp_path / "f.svg", "walk", TIME, panels).read_text("utf-8")


def test_every_channel_is_named_with_its_peak(tmp_path):
    words = drawn(tmp_path, panel("soleus"), panel("tibialis"))
    for text in ("walk", "soleus", "tibialis", "raw", "envelope", "time [s]"):
        assert f">{text}<" in words
    assert words.count("peak 0.50 of the maximum") == 2
    assert ">clipped<" not in words


def test_clipping_is_drawn_and_told(tmp_path):
    words = drawn(tmp_path, panel("soleus", clipped=50), panel("tibialis"))
    assert words.count(">clipped<") == 1 and "1.00% clipped" in words


def test_long_recordings_are_drawn_by_their_extremes():
    raw = np.zeros(500_000)
    raw[123_456] = 7.0  # one sample among half a million must show
    moment, low, high = _extremes(np.arange(len(raw)), raw)
    assert len(moment) == BINS and high.max() == 7.0 and low.min() == 0.0


def test_a_short_recording_keeps_every_sample():
    _, low, high = _extremes(TIME[:5], np.arange(5.0))
    assert low.tolist() == high.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_many_channels_stay_apart_and_the_file_small(tmp_path):
    panels = [panel(f"channel_{k}") for k in range(16)]
    assert emg_figure(tmp_path / "f.png", "walk", TIME, panels).stat().st_size < 1_000_000
