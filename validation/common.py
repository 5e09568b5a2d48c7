"""What the validation scripts share: arguments, data, tables, figures, the verdict."""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import refnms
from refnms.errors import InputWarning
from refnms.physics.profiles import Profile

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
PASSED, FAILED, NO_DATA = 0, 1, 2
S06_CALIBRATION = ("walk36_a", "walk45_a", "run81_a")  # its windows to calibrate on


def options(question: str | None, needs_data: bool = True) -> argparse.Namespace:
    """The arguments of a script: `data`, and `out`, the folder for figures."""
    parser = argparse.ArgumentParser(
        description=question,
        epilog="Exit codes: 0 PASS, 1 FAIL, 2 no data or wrong usage.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if needs_data:
        parser.add_argument("--data", type=Path, default=SHARED, help="default: %(default)s")
    parser.add_argument("--out", type=Path, help="folder for figures (default: a temporary one)")
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


def s06_parameters(model: refnms.Model) -> refnms.Packing:
    """What its calibration file sets free."""
    return refnms.Packing(
        model,
        [
            refnms.Free("c1", (-0.95, -0.05)),
            refnms.Free("c2", (-0.95, -0.05)),
            refnms.Free("shape_factor", (-2.999, -0.001)),
            refnms.Free("optimal_fiber_length", (0.85, 1.15), relative=True),
            refnms.Free("tendon_slack_length", (0.85, 1.15), relative=True),
            refnms.Free("strength_coefficient", (0.5, 2.5)),
        ],
    )


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a small table: the first column to the left, the others to the right."""
    lines = [list(head), *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for first, *others in lines:
        cells = [first.ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        print("  ".join(cells).rstrip())


def figure(chosen: argparse.Namespace, name: str, draw: Callable[[Any], None], **size: Any) -> None:
    """Let `draw` fill a figure and keep it as `name`, where Matplotlib is installed."""
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        print('no figure: Matplotlib is missing; pip install "refnms[report]"')
        return
    from refnms.report.figures import STYLE

    target = Path(tempfile.mkdtemp(prefix="refnms-")) if chosen.out is None else chosen.out
    target.mkdir(parents=True, exist_ok=True)
    with rc_context(STYLE):
        drawn = Figure(layout="constrained", **size)
        draw(drawn)
        drawn.savefig(target / name, dpi=200)
    print(f"figure: {target / name}")


def verdict(passed: bool, finding: str) -> int:
    """Print the verdict; its exit code."""
    print(f"{'PASS' if passed else 'FAIL'}: {finding}")
    return PASSED if passed else FAILED
