"""Static figures. Matplotlib is imported by whoever draws, not by whoever imports."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from refnms.errors import InputError
from refnms.fit import fit
from refnms.physics.types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Figure

    from refnms.model import Trial
    from refnms.simulation import Simulation

# Wong 2011 (Nature Methods 8:441): told apart by all common kinds of color vision; dashes and width
# say it once more.
MEASURED: Any = {"color": "#b3b3b3", "lw": 3.6, "solid_capstyle": "round"}
BEFORE: Any = {"color": "#d55e00", "lw": 1.0, "ls": (0, (4, 2))}
AFTER: Any = {"color": "#0072b2", "lw": 1.3}
INK, FAINT, HELD_OUT = "#333333", "#8a8a8a", "#f4f1e8"

STYLE: Any = {
    "font.size": 8.5,
    "font.family": "sans-serif",
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "svg.hashsalt": "refnms",  # the same data give the same file
    "text.parse_math": False,  # a dollar in a name is a dollar
}


@dataclass(frozen=True, eq=False)
class Tracking:
    """The moments of one trial, each `(T, D)` [N.m], over time `(T,)` [s]."""

    name: str
    held_out: bool
    time: Array
    measured: Array
    before: Array
    after: Array


def tracking(trial: Trial, held_out: bool, before: Simulation, after: Simulation) -> Tracking:
    """The moments of a trial in the frames that count.

    Raises InputError for a trial without measured moments.
    """
    if trial.moment is None:
        raise InputError(f"trial {trial.name!r} has no measured moments to draw")
    counts = slice(None) if trial.scored is None else trial.scored
    signals = (trial.time, trial.moment, before.moment, after.moment)
    return Tracking(trial.name, held_out, *(signal[counts] for signal in signals))


def moment_figure(
    path: str | os.PathLike[str], dof_names: Sequence[str], trials: Sequence[Tracking]
) -> Path:
    """Write what `draw` draws. The ending of `path` says the format (`.svg`, `.png`, `.pdf`).

    The file appears whole or not at all.

    Raises ImportError when Matplotlib is missing (extra `report`).
    """
    from matplotlib import rc_context

    with rc_context(STYLE):  # the salt of an SVG's names
        return save(draw(dof_names, trials), Path(path), dpi=200)


def save(figure: Figure, path: Path, dpi: int) -> Path:
    """Write a figure whole or not at all; the same figure gives the same bytes."""
    metadata = {"Date": None} if path.suffix == ".svg" else None
    part = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        figure.savefig(part, dpi=dpi, metadata=metadata)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def draw(dof_names: Sequence[str], trials: Sequence[Tracking]) -> Figure:
    """Measured moments with those before and after calibration: a row for each degree of freedom,
    a column for each trial. In a notebook the figure shows itself.

    Raises ImportError when Matplotlib is missing (extra `report`).
    """
    from matplotlib import rc_context

    with rc_context(STYLE):
        return _draw(dof_names, trials)


def _draw(dof_names: Sequence[str], trials: Sequence[Tracking]) -> Figure:
    rows, columns = len(dof_names), len(trials)
    width, height = 2.0 * columns + 1.0, 1.75 * rows + 1.1
    figure = _styled(width, height)
    # Margins in inches: a layout that measures every label takes longer than the calibration.
    figure.subplots_adjust(
        left=0.85 / width,
        right=1.0 - 0.1 / width,
        bottom=0.45 / height,
        top=1.0 - 1.0 / height,
        wspace=0.12,
        hspace=0.34,
    )
    axes = figure.subplots(rows, columns, sharex="col", sharey="row", squeeze=False)
    for column, trial in enumerate(trials):
        for row in range(rows):
            _panel(axes[row, column], trial, row)
        _heading(axes[0, column], trial)
        axes[-1, column].set_xlabel("time [s]")
    for row, name in enumerate(dof_names):
        axes[row, 0].set_ylabel(f"{_words(name)}\nmoment [N·m]")
        axes[row, 0].yaxis.set_label_coords(-0.45 / 1.75, 0.5)
    lines = axes[0, 0].get_lines()[1:]
    figure.legend(handles=lines, loc="upper center", ncols=3, frameon=False, fontsize=10)
    return figure


def _styled(width: float, height: float) -> Figure:
    """A figure that keeps its style where it is drawn later, and can be shown in a notebook."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    class Styled(Figure):
        def draw(self, renderer: Any) -> None:
            with rc_context(STYLE):  # ticks are made when they are drawn
                super().draw(renderer)

        def _repr_png_(self) -> bytes:
            buffer = BytesIO()
            self.savefig(buffer, format="png", dpi=100)
            return buffer.getvalue()

    return Styled(figsize=(width, height))


def _heading(axes: Axes, trial: Tracking) -> None:
    role = "held out" if trial.held_out else "calibration"
    axes.annotate(
        f"{_words(trial.name)}\n", (0.5, 1.0), (0, 25), **_ABOVE, fontsize=10, fontweight="bold"
    )
    axes.annotate(role, (0.5, 1.0), (0, 25), **_ABOVE, color=FAINT)


def _panel(axes: Axes, trial: Tracking, dof: int) -> None:
    measured, before, after = (m[:, dof] for m in (trial.measured, trial.before, trial.after))
    if trial.held_out:
        axes.set_facecolor(HELD_OUT)
    axes.axhline(0.0, color=FAINT, lw=0.4, zorder=0.5)
    axes.plot(trial.time, measured, label="experimental", **MEASURED)
    axes.plot(trial.time, before, label="uncalibrated", **BEFORE)
    axes.plot(trial.time, after, label="calibrated", **AFTER)
    axes.margins(x=0.0)
    axes.tick_params(length=2.5, width=0.6)
    axes.locator_params(axis="x", nbins=5, prune="upper")  # else it meets the next panel's first
    for moment, color, height in ((before, BEFORE["color"], 12), (after, AFTER["color"], 2)):
        axes.annotate(_score(measured, moment), (0.5, 1.0), (0, height), **_ABOVE, color=color)


_ABOVE: Any = {"xycoords": "axes fraction", "textcoords": "offset points", "ha": "center"}


def _score(measured: Array, moment: Array) -> str:
    goodness = fit(measured, moment)
    r2 = "" if goodness.r2 is None else f",  R² {goodness.r2:.3f}"
    return f"RMSE {goodness.rmse:.2f} N·m{r2}"


def _words(name: str) -> str:
    return name.replace("_", " ")
