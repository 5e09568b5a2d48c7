"""The drawings of the page: narrow ones, so that a page of any width lays them out side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from refnms.figures import AFTER, BEFORE, FAINT, HELD_OUT, MEASURED
from refnms.fit import fit
from refnms.physics.types import Array
from refnms.report.folder import Recording, Signal
from refnms.report.svg import figure, inline, thin

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 330  # [px] of a drawing
PANEL, ROW = 118, 15  # [px] heights of a panel over time, of a row with a name
LETTER = 5.4  # [px] width of a letter, on average
LONGEST = 22  # letters of a name before it is cut
WIDE, STRIP = 1000, 36  # [px] of one muscle's activation over all trials
GAP = 8  # [px] between trials
HIT, INTERVAL, INSIDE = "#cc79a7", "#56b4e9", "#e9eef2"
CURVE: Any = {**MEASURED, "lw": 3.0}


def short(name: str) -> str:
    """A name that fits beside a drawing; the tables have the whole."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def words(name: str) -> str:
    return name.replace("_", " ")


# ---- moments ----


def limits(recording: Recording, dof: str) -> tuple[float, float]:
    """Of the moments of one trial; those of the uncalibrated model are cut far outside."""
    near = [c for s in (recording.measured, recording.after) if (c := _column(s, dof)).size]
    low, high = min(c.min() for c in near), max(c.max() for c in near)
    room = max(high - low, 1e-9)
    before = _column(recording.before, dof)
    if before.size:
        low = min(low, max(before.min(), low - room))
        high = max(high, min(before.max(), high + room))
    return float(low - 0.05 * room), float(high + 0.05 * room)


def _column(signal: Signal | None, name: str) -> Array:
    column = None if signal is None else signal.of(name)
    return np.empty(0) if column is None else column


def moments(recording: Recording, dofs: Sequence[str], key: str) -> str:
    """Measured and predicted moments of one trial, one panel below the other."""
    rows = len(dofs)
    height = PANEL * rows + 34
    drawing = figure(WIDTH, height)
    drawing.subplots_adjust(
        left=40 / WIDTH, right=1 - 6 / WIDTH, bottom=32 / height, top=1 - 18 / height, hspace=0.32
    )
    panels = drawing.subplots(rows, 1, sharex=True, squeeze=False)[:, 0]
    for panel, dof in zip(panels, dofs, strict=True):
        _moment_panel(panel, recording, dof)
        panel.set_ylim(*limits(recording, dof))
        panel.margins(x=0.0)
    panels[-1].set_xlabel("time [s]")
    label = f"Moments of {recording.name} over time: {', '.join(map(words, dofs))}"
    return inline(drawing, key, label)


def _moment_panel(axes: Axes, recording: Recording, dof: str) -> None:
    if recording.held_out:
        axes.set_facecolor(HELD_OUT)
    axes.axhline(0.0, color=FAINT, lw=0.5, zorder=0.5)
    styles = ((recording.measured, CURVE), (recording.before, BEFORE), (recording.after, AFTER))
    for signal, style in styles:
        column = None if signal is None else signal.of(dof)
        if signal is not None and column is not None:
            axes.plot(*thin(signal.time, column, pixels=WIDTH - 46), **style)
    axes.tick_params(length=2.5, width=0.6, pad=2)
    axes.locator_params(axis="x", nbins=6)
    axes.locator_params(axis="y", nbins=5)
    title = f"{short(words(dof))} [N·m]"
    axes.annotate(title, (0, 1), (0, 4), **_ABOVE, fontweight="bold")
    measured, after = _column(recording.measured, dof), _column(recording.after, dof)
    if measured.size and measured.shape == after.shape:
        goodness = fit(measured, after)
        r2 = "" if goodness.r2 is None else f"  R² {goodness.r2:.2f}"
        text = f"RMSE {goodness.rmse:.1f}{r2}"
        axes.annotate(text, (1, 1), (0, 4), **_ABOVE, ha="right", color=AFTER["color"])


_ABOVE: Any = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "bottom"}


# ---- parameters ----


def parameters(
    rows: Sequence[Mapping[str, Any]], doubts: Mapping[str, Mapping[str, float]], key: str
) -> tuple[str, str]:
    """Parameters of one kind before and after, inside their bounds; and what the axis shows."""
    scale, low, high, note = _axis(rows)
    names = [short(owner(row["name"])) for row in rows]
    drawing, axes = _rows_figure(names, bottom=20)
    ends = [(y, scale(row)(row["lower"]), scale(row)(row["upper"])) for y, row in enumerate(rows)]
    axes.hlines(*np.transpose(ends), color=INSIDE, lw=8)
    known = [(y, row, doubts[row["name"]]) for y, row in enumerate(rows) if row["name"] in doubts]
    if known:
        ends = [(y, scale(row)(doubt["low"]), scale(row)(doubt["high"])) for y, row, doubt in known]
        axes.hlines(*np.transpose(ends), color=INTERVAL, lw=2.4)
    before, after = (
        np.array([scale(row)(row[key]) for row in rows]) for key in ("before", "after")
    )
    y, hit = np.arange(len(rows)), np.array([bool(row["on_bound"]) for row in rows])
    axes.hlines(y, before, after, color=FAINT, lw=0.6)
    axes.plot(before, y, "o", mfc="white", mec=BEFORE["color"], mew=1.2, ms=5)
    axes.plot(after[~hit], y[~hit], "o", color=AFTER["color"], ms=5)
    axes.plot(after[hit], y[hit], "D", color=HIT, mec="white", mew=0.4, ms=6.4)
    room = 0.05 * (high - low)
    axes.set_xlim(low - room, high + room)
    for text in np.array(axes.get_yticklabels())[hit]:
        text.set_fontweight("bold")
    label = f"{words(rows[0]['field'])} of each muscle before and after, between its bounds"
    return inline(drawing, key, label), note


def owner(name: str) -> str:
    """The muscle, or muscles, of a parameter called `c1 of soleus`."""
    return name.partition(" of ")[2] or name


def _axis(rows: Sequence[Mapping[str, Any]]) -> tuple[Any, float, float, str]:
    """How to place a value: as it is, relative to the start, or by the room between the bounds."""
    lower, upper, before = (
        np.array([row[key] for row in rows]) for key in ("lower", "upper", "before")
    )
    if np.ptp(lower) == 0.0 and np.ptp(upper) == 0.0:
        return (lambda row: lambda v: v), float(lower[0]), float(upper[0]), ""
    if np.all(before != 0.0):
        ends = np.sort(np.array([lower / before, upper / before]), axis=0)
        if np.all(np.ptp(ends, axis=1) < 1e-6):
            relative = lambda row: lambda v: v / row["before"]
            return relative, float(ends[0, 0]), float(ends[1, 0]), "relative to the start"
    share = lambda row: lambda v: 100.0 * (v - row["lower"]) / (row["upper"] - row["lower"])
    return share, 0.0, 100.0, "% of the room between the bounds"


def _rows_figure(names: Sequence[str], bottom: float, right: float = 8) -> tuple[Any, Axes]:
    """A figure with a row for each name, the first on top."""
    height = ROW * len(names) + bottom + 6
    left = LETTER * max(map(len, names)) + 10
    drawing = figure(WIDTH, height)
    drawing.subplots_adjust(
        left=left / WIDTH, right=1 - right / WIDTH, bottom=bottom / height, top=1 - 4 / height
    )
    axes = drawing.subplots()
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0, pad=4)
    axes.tick_params(axis="x", length=2.5, width=0.6, pad=2)
    axes.spines["left"].set_visible(False)
    axes.locator_params(axis="x", nbins=5)
    return drawing, axes


# ---- fibers ----


def fiber_lengths(
    names: Sequence[str],
    before: Mapping[str, Array],
    after: Mapping[str, Array],
    allowed: tuple[float, float] | None,
    key: str,
) -> str:
    """Norm fiber lengths over all trials: where they went, and what the penalty leaves them."""
    drawing, axes = _rows_figure([short(name) for name in names], bottom=34, right=48)
    everything = np.concatenate(
        [*after.values(), *before.values(), np.array(allowed or (0.5, 1.5))]
    )
    low, high = max(0.0, float(everything.min())), min(2.5, float(everything.max()))
    room = 0.04 * (high - low)
    axes.set_xlim(low - room, high + room)
    if allowed is not None:
        for start, end in ((low - room, allowed[0]), (allowed[1], high + room)):
            axes.axvspan(start, end, color="#f3e3da", lw=0, zorder=0)
    axes.axvline(1.0, color=FAINT, lw=0.5, zorder=0.5)
    y = np.arange(len(names))
    if all(name in before for name in names):
        ends = np.array([(before[name].min(), before[name].max()) for name in names])
        axes.hlines(y - 0.28, *ends.T, color=BEFORE["color"], lw=1.1)
    marks = np.array([np.percentile(after[name], [0, 5, 50, 95, 100]) for name in names]).T
    axes.hlines(y + 0.08, marks[0], marks[4], color=AFTER["color"], lw=1.0)
    axes.hlines(y + 0.08, marks[1], marks[3], color=AFTER["color"], lw=5)
    axes.plot(marks[2], y + 0.08, "|", color="white", ms=6, mew=1.6)
    for row, name in enumerate(names):
        share = outside(after[name], allowed) if allowed is not None else 0.0
        if share > 0.0:
            axes.annotate(percent(share), (1, row), (44, 0), **_BESIDE)
    axes.set_xlabel("fiber length / optimal fiber length")
    return inline(drawing, key, "Normalized fiber length of each muscle over all trials")


_BESIDE: Any = {
    "xycoords": ("axes fraction", "data"),
    "textcoords": "offset points",
    "ha": "right",
    "va": "center_baseline",
}


def outside(lengths: Array, allowed: tuple[float, float]) -> float:
    """Share of the frames whose length the penalty counts."""
    return float(np.mean((lengths < allowed[0]) | (lengths > allowed[1])))


def percent(share: float) -> str:
    return "<0.1 %" if 0.0 < share < 0.001 else f"{100.0 * share:.1f} %"


# ---- activation ----


def strips(
    recordings: Sequence[Recording], muscles: Sequence[str], key: str
) -> Iterator[tuple[str, float]]:
    """Excitation and activation of each muscle, all trials side by side; the largest of both."""
    drawing = figure(WIDE, STRIP)  # one for all: axes take longer to make than lines to draw
    axes = drawing.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, WIDE)
    for n, muscle in enumerate(muscles):
        excited = _side_by_side(recordings, [r.excitation for r in recordings], muscle)
        active = _side_by_side(recordings, [r.activation for r in recordings], muscle)
        ends = np.transpose(places(recordings))
        curves = [
            axes.hlines(np.zeros(len(recordings)), *ends, color=FAINT, lw=0.6),
            axes.fill_between(*excited, color="#c9c9c9", lw=0),
            *axes.plot(*active, **AFTER),
        ]
        top = float(np.nanmax(np.concatenate([excited[1], active[1], [0.01]])))
        axes.set_ylim(-0.05 * top, 1.05 * top)
        label = f"Excitation and activation of {muscle} in {len(recordings)} trials"
        yield inline(drawing, f"{key}{n}", label, stretched=True), top
        for curve in curves:
            curve.remove()


def _side_by_side(
    recordings: Sequence[Recording], signals: Sequence[Signal | None], muscle: str
) -> tuple[Array, Array]:
    """One curve across the strip, with a gap (NaN) after each trial."""
    x, y = [np.empty(0)], [np.empty(0)]
    for signal, (start, end) in zip(signals, places(recordings), strict=True):
        column = None if signal is None else signal.of(muscle)
        if signal is not None and column is not None:
            time, values = thin(signal.time, column, pixels=max(2, int(end - start)))
            x += [np.interp(time, signal.time[[0, -1]], [start, end]), np.array([end])]
            y += [values, np.array([np.nan])]
    return np.concatenate(x), np.concatenate(y)


def places(recordings: Sequence[Recording]) -> list[tuple[float, float]]:
    """Where each trial begins and ends across a strip: all are equally wide."""
    each = (WIDE + GAP) / len(recordings)
    return [(n * each, (n + 1) * each - GAP) for n in range(len(recordings))]


# ---- the search, and what is known ----


def descent(runs: Sequence[Mapping[str, Any]], against: str, key: str) -> str:
    """The best objective so far, over `evaluations` or `seconds`."""
    height = 190
    drawing = figure(WIDTH, height)
    drawing.subplots_adjust(
        left=46 / WIDTH, right=1 - 10 / WIDTH, bottom=36 / height, top=1 - 10 / height
    )
    axes = drawing.subplots()
    whole, *parts = [run for run in runs if run["objective"]]
    for part in parts[:200]:
        if against == "evaluations":
            axes.step(part[against], part["objective"], where="post", color="#bbbbbb", lw=0.7)
    axes.step(whole[against], whole["objective"], where="post", **AFTER)
    axes.plot(whole[against][-1], whole["objective"][-1], "o", color=AFTER["color"], ms=4)
    if min(min(run["objective"]) for run in (whole, *parts)) > 0.0:
        axes.set_yscale("log")
    if whole[against][-1] > 1000 * max(whole[against][0], 1e-3):
        axes.set_xscale("log")
    _plain_ticks(axes)
    axes.set_xlabel("time [s]" if against == "seconds" else against)
    axes.set_ylabel("best objective")
    axes.tick_params(which="both", length=2.5, width=0.6, pad=2)
    return inline(drawing, key, f"The best objective so far over {against}")


def knowledge(shares: Mapping[str, Sequence[float]], bounds_alone: float, key: str) -> str:
    """Standard deviations of the parameters, in shares of the room between their bounds."""
    fields = list(shares)
    drawing, axes = _rows_figure([short(words(field)) for field in fields], bottom=34)
    axes.set_xscale("log")
    for y, field in enumerate(fields):
        loose = np.array(shares[field]) > 0.8 * bounds_alone
        values = 100.0 * np.maximum(np.array(shares[field]), 1e-5)
        for color, chosen in ((AFTER["color"], ~loose), (HIT, loose)):
            axes.plot(values[chosen], np.full(chosen.sum(), y), "o", color=color, alpha=0.7, ms=4.5)
    axes.axvline(100.0 * bounds_alone, color=FAINT, lw=0.8, ls=(0, (4, 2)))
    low, high = axes.get_xlim()
    ticks = [t for t in (0.001, 0.01, 0.1, 0.3, 1, 3, 10, 30) if low <= t <= high]
    axes.set_xticks(ticks)
    _plain_ticks(axes)
    axes.tick_params(axis="x", which="minor", length=0)
    axes.set_xlabel("deviation [% of the room between bounds]")
    return inline(drawing, key, "How far each parameter is known")


def _plain_ticks(axes: Axes) -> None:
    """Numbers on the ticks of a logarithmic axis, where Matplotlib sets formulas."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    for axis in (axes.xaxis, axes.yaxis):
        if axis.get_scale() == "log":
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.set_minor_formatter(NullFormatter())
