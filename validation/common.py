"""What the validation scripts share: arguments, data, tables, figures, the verdict."""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import refnms
from refnms.calibration import Calibration
from refnms.errors import InputWarning
from refnms.optimize import (
    LBFGSB,
    AdamW,
    Budget,
    CoranaAnnealing,
    DualAnnealing,
    LevenbergMarquardt,
    Method,
    Result,
)
from refnms.physics.profiles import Profile

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
PASSED, FAILED, NO_DATA = 0, 1, 2
S06_CALIBRATION = ("walk36_a", "walk45_a", "run81_a")  # its windows to calibrate on


LM, LBFGS, ADAMW = "Levenberg-Marquardt", "L-BFGS-B", "AdamW"
DUAL, PURE, CORANA = "dual annealing", "dual annealing, no local search", "Corana's annealing"
COLORS = {
    LM: "#0072b2",
    LBFGS: "#009e73",
    ADAMW: "#cc79a7",
    DUAL: "#d55e00",
    PURE: "#e69f00",
    CORANA: "#333333",
}


def methods(seed: int) -> dict[str, Method]:
    """What is compared: the default, SciPy's, the published one, and annealing."""
    return {
        LM: LevenbergMarquardt(),
        LBFGS: LBFGSB(),
        ADAMW: AdamW(),
        DUAL: DualAnnealing(seed=seed),
        PURE: DualAnnealing(local_search=False, seed=seed),
        CORANA: CoranaAnnealing(rt=0.85, temperature=0.01, ns=5, nt=1, seed=1 + seed),  # quenched
    }


def options(
    question: str | None, needs_data: bool = True, takes_full: bool = False
) -> argparse.Namespace:
    """The arguments of a script: `data`, `out` for figures, `full`."""
    parser = argparse.ArgumentParser(
        description=question,
        epilog="Exit codes: 0 PASS, 1 FAIL, 2 no data or wrong usage.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if needs_data:
        parser.add_argument("--data", type=Path, default=SHARED, help="default: %(default)s")
    parser.add_argument("--out", type=Path, help="folder for figures (default: a temporary one)")
    if takes_full:
        parser.add_argument("--full", action="store_true", help="take the time it takes")
    warnings.simplefilter("ignore", InputWarning)  # known of these files; the commands show them
    return parser.parse_args()


def folder(chosen: argparse.Namespace, name: str) -> Path:
    """A folder of the data; ends the script where it is missing."""
    found: Path = chosen.data / name
    if not found.is_dir():
        print(f"no data: {found} is not there; name the folder that holds {name}/ with --data DIR")
        sys.exit(NO_DATA)
    return found


def s06_windows(
    data: Path, names: Sequence[str], model: refnms.Model, profile: Profile
) -> list[refnms.Trial]:
    """Windows of the measured calibration problem."""
    return [refnms.io.read_trial(data / name / "trial.xml", model, profile) for name in names]


def s06_parameters(model: refnms.Model, *others: refnms.Free) -> refnms.Packing:
    """What its calibration file sets free, and others."""
    return refnms.Packing(
        model,
        [
            refnms.Free("c1", (-0.95, -0.05)),
            refnms.Free("c2", (-0.95, -0.05)),
            refnms.Free("shape_factor", (-2.999, -0.001)),
            refnms.Free("optimal_fiber_length", (0.85, 1.15), relative=True),
            refnms.Free("tendon_slack_length", (0.85, 1.15), relative=True),
            refnms.Free("strength_coefficient", (0.5, 2.5)),
            *others,
        ],
    )


@dataclass(frozen=True, eq=False)
class Raced:
    """A calibration, and the points that were the best so far."""

    fit: Calibration
    evaluations: np.ndarray  # (K,)
    points: np.ndarray  # (K, P)

    @property
    def result(self) -> Result:
        return self.fit.result

    @property
    def seconds(self) -> np.ndarray:
        """When each of the points was found `(K,)`."""
        return self.result.history.seconds[self.evaluations - 1]

    def thinned(self, most: int = 60) -> Raced:
        """Without some of the points, evenly over the logarithm of time."""
        wanted = np.geomspace(self.seconds[0], self.seconds[-1], most)
        kept = np.unique(
            np.append(np.searchsorted(self.seconds, wanted, "right") - 1, -1) % len(self.points)
        )
        return Raced(self.fit, self.evaluations[kept], self.points[kept])


def raced(
    model: refnms.Model,
    trials: Sequence[refnms.Trial],
    free: refnms.Packing,
    method: Method,
    budget: Budget | None = None,
    **options: Any,
) -> Raced:
    """Calibrate, and keep what was the best on the way."""
    best, at, points = math.inf, [], []

    def keep(evaluations: int, value: float, x: np.ndarray) -> None:
        nonlocal best
        if value < best:
            best = value
            at.append(evaluations)
            points.append(x.copy())

    fit = refnms.calibrate(model, trials, free, method, callback=keep, budget=budget, **options)
    return Raced(fit, np.array(at), np.array(points))


def to_and_fro(rows: np.ndarray, count: int) -> np.ndarray:
    """Rows played forward, backward, forward ... until there are so many: without a jump."""
    period = np.concatenate([rows, rows[-2:0:-1]])
    return period[np.arange(count) % len(period)]


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a small table: the first column to the left, the others to the right."""
    lines = [list(head), *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for first, *others in lines:
        cells = [first.ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        print("  ".join(cells).rstrip())


def figure(
    chosen: argparse.Namespace, name: str, draw: Callable[[Any], None], **size: Any
) -> Path | None:
    """Let `draw` fill a figure and keep it as `name`, where Matplotlib is installed; its folder."""
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        print('no figure: Matplotlib is missing; pip install "refnms[report]"')
        return None
    from refnms.figures import STYLE

    target = Path(tempfile.mkdtemp(prefix="refnms-")) if chosen.out is None else chosen.out
    target.mkdir(parents=True, exist_ok=True)
    with rc_context(STYLE | {"text.parse_math": True}):  # powers of ten; no name is a user's
        drawn = Figure(layout="constrained", **size)
        draw(drawn)
        drawn.savefig(target / name, dpi=200)
    print(f"figure: {target / name}")
    return target


def verdict(passed: bool, finding: str) -> int:
    """Print the verdict; its exit code."""
    print(f"{'PASS' if passed else 'FAIL'}: {finding}")
    return PASSED if passed else FAILED
