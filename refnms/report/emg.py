"""Raw EMG under its envelope, and where the recording sat on its limit."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from refnms.figures import AFTER, BEFORE, FAINT, STYLE, save
from refnms.physics.types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BINS = 1200  # more than pixels across: each is drawn from its smallest to its largest sample
ROW, WIDTH = 1.05, 9.0  # [inches]


@dataclass(frozen=True, eq=False)
class Panel:
    """One channel, N samples, in the unit of the recording."""

    name: str
    raw: Array  # (N,)
    envelope: Array  # (N,)
    clipped: NDArray[np.bool_]  # (N,)
    maximum: float  # of the envelope over all recordings: what becomes 1


def emg_figure(
    path: str | os.PathLike[str], title: str, time: Array, panels: Sequence[Panel]
) -> Path:
    """Draw a row for each channel. Raises ImportError when Matplotlib is missing."""
    from matplotlib import rc_context

    with rc_context(STYLE):
        return save(_draw(title, time, panels), Path(path), dpi=130)


def _draw(title: str, time: Array, panels: Sequence[Panel]) -> Figure:
    from matplotlib.figure import Figure

    height = ROW * len(panels) + 1.0
    figure = Figure(figsize=(WIDTH, height))
    figure.subplots_adjust(
        left=0.7 / WIDTH,
        right=1.0 - 0.15 / WIDTH,
        bottom=0.45 / height,
        top=1.0 - 0.6 / height,
        hspace=0.45,
    )
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for panel, own in zip(panels, axes, strict=True):
        _panel(own, time, panel)
    axes[-1].set_xlabel("time [s]")
    figure.text(0.7 / WIDTH, 1.0 - 0.28 / height, title, fontsize=11, fontweight="bold")
    handles: dict[str, Any] = {}
    for own in axes:
        for handle, label in zip(*own.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    figure.legend(
        handles.values(),
        handles.keys(),
        loc="upper right",
        bbox_to_anchor=(1.0, 1.0 - 0.05 / height),
        ncols=3,
        frameon=False,
    )
    return figure


def _panel(axes: Axes, time: Array, panel: Panel) -> None:
    moment, low, high = _extremes(time, panel.raw)
    axes.fill_between(moment, low, high, color="#c4c4c4", lw=0.4, label="raw")
    blue = AFTER["color"]
    step = max(1, len(time) // (2 * BINS))
    axes.plot(time[::step], panel.envelope[::step], color=blue, lw=1.5, label="envelope")
    share = panel.clipped.mean()
    if share > 0.0:
        at = np.flatnonzero(panel.clipped)[:: max(1, int(panel.clipped.sum()) // BINS)]
        red = BEFORE["color"]
        axes.plot(time[at], panel.raw[at], ".", color=red, ms=4, label="clipped")
    peak = f"peak {panel.envelope.max() / panel.maximum:.2f} of the maximum"
    note = f"{peak}, {share:.2%} clipped" if share > 0.0 else peak
    axes.annotate(panel.name, (0.0, 1.02), xycoords="axes fraction", fontweight="bold")
    axes.annotate(note, (1.0, 1.02), xycoords="axes fraction", ha="right", color=FAINT)
    axes.margins(x=0.0)
    axes.locator_params(axis="y", nbins=3)
    axes.tick_params(length=2.5, width=0.6)


def _extremes(time: Array, raw: Array) -> tuple[Array, Array, Array]:
    """Smallest and largest sample of each of at most BINS stretches."""
    edges = np.linspace(0, len(raw), min(BINS, len(raw)) + 1).astype(int)[:-1]
    return time[edges], np.minimum.reduceat(raw, edges), np.maximum.reduceat(raw, edges)
