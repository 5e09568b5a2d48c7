"""How long from the start of Python to a calibrated participant on disk?

The demo in new processes, until its result is written: with nothing compiled, as on the first run
ever, and with everything kept from before. What the parts of the second take is printed beside it,
and the figure that is drawn afterwards. So are the commands that should be there at once: the help,
and, where the data are, the check of a measured set-up and the page about its calibration, nine
trials long; and its certificate, with nothing compiled. To pass, the first takes at most 20 s, the
second 3 s, the help 0.15 s, the check 2 s, the page 5 s and 2 MB, and the certificate 60 s.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from common import SHARED, figure, options, table, verdict

COLD, WARM = 20.0, 3.0  # [s]
HELP, CHECK, REPORT, VERIFY = 0.15, 2.0, 5.0, 60.0  # [s]
SIZE = 2.0  # [MB]
S06 = SHARED / "s06_calibration"
SETUP = S06 / "calibrationSetup.xml"
STARTS = 5
PARTS = """
import time
began = time.perf_counter()
from refnms.demo import free_parameters
from refnms import calibrate
from refnms.synthetic import participant
imported = time.perf_counter()
person = participant(0)
free = free_parameters(person.generic)
loaded = time.perf_counter()
fit = calibrate(person.generic, person.calibration, free)
print(imported - began, loaded - imported, fit.result.seconds)
"""


def started(cache: Path, *command: str) -> tuple[float, str]:
    """Seconds that `python ...` takes with a folder for compiled code, and what it prints."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache)}
    environment.pop("REFNMS_CACHE", None)
    began = time.perf_counter()
    ended = subprocess.run(
        [sys.executable, *command], env=environment, capture_output=True, text=True
    )
    took = time.perf_counter() - began
    return (took if ended.returncode == 0 else math.inf), ended.stdout


def demo(cache: Path, out: Path) -> tuple[float, float]:
    """Seconds from the start of Python until the result of the demo is written, and to its end."""
    began = time.time()
    took, _ = started(cache, "-m", "refnms", "demo", "--out", str(out))
    return (out / "refnms.json").stat().st_mtime - began, took


def median_of(cache: Path, *arguments: str) -> float:
    """Seconds that a command commonly takes."""
    return float(np.median([started(cache, "-m", "refnms", *arguments)[0] for _ in range(STARTS)]))


def page(scratch: Path, cache: Path) -> tuple[float, float]:
    """Seconds for the page about a calibration and six unseen trials, and its size [MB]."""
    results = scratch / "results"
    known = [f"{name}_a" for name in ("walk36", "walk45", "run81")]
    unseen = sorted(path for path in S06.glob("*/trial.xml") if path.parent.name not in known)
    tests = [word for path in unseen for word in ("--test", str(path))]
    calibrate = ("-m", "refnms", "calibrate", str(SETUP), *tests, "--out", str(results))
    if math.isinf(started(cache, *calibrate)[0]):
        return math.inf, math.inf
    seconds = median_of(cache, "report", str(results))
    return seconds, (results / "report.html").stat().st_size / 1e6


def main() -> int:
    chosen = options(__doc__, needs_data=False)
    with tempfile.TemporaryDirectory() as scratch:
        cache = Path(scratch) / "cache"
        out = Path(scratch) / "demo"
        cold, _ = demo(cache, out)
        runs = [demo(cache, out) for _ in range(STARTS)]
        printed = [started(cache, "-c", PARTS)[1].split() for _ in range(STARTS)]
        help = median_of(cache, "--help")
        check, report, size, verify = 0.0, 0.0, 0.0, 0.0
        if SETUP.exists():
            check = median_of(cache, "check", str(SETUP))
            report, size = page(Path(scratch), cache)
            verify, _ = started(Path(scratch) / "other", "-m", "refnms", "verify", str(SETUP))
    parts = np.median(np.array(printed, float), axis=0)
    warm = [written for written, _ in runs]
    middle, whole = (float(x) for x in np.median(runs, axis=0))
    rest = middle - parts.sum()
    rows = [
        ["nothing compiled", f"{cold:.1f}", f"{COLD:.0f}"],
        ["all compiled before", f"{middle:.1f} ({min(warm):.1f}-{max(warm):.1f})", f"{WARM:.0f}"],
        ["  of it: imports", f"{parts[0]:.1f}", ""],
        ["  loading compiled code, inventing a person", f"{parts[1]:.1f}", ""],
        ["  optimization", f"{parts[2]:.2f}", ""],
        ["  all else: predicting, writing", f"{rest:.1f}", ""],
        ["and its figure", f"{whole - middle:.1f}", ""],
    ]
    table(["refnms demo, from the start of Python", "s (least-largest)", "at most"], rows)
    rows = [["refnms --help", f"{help:.3f}", f"{HELP:.2f}"]]
    if check:
        rows += [["refnms check, walking and running", f"{check:.2f}", f"{CHECK:.0f}"]]
        rows += [["refnms report, its calibration", f"{report:.2f}", f"{REPORT:.0f}"]]
        rows += [["  its size [MB]", f"{size:.2f}", f"{SIZE:.0f}"]]
        rows += [["refnms verify, the same, nothing compiled", f"{verify:.0f}", f"{VERIFY:.0f}"]]
    table(["other commands", "s", "at most"], rows)

    def draw(canvas) -> None:
        axes = canvas.subplots()
        left = 0.0
        labels = ("imports", "loading, person", "optimization", "else")
        colors = ("#8a8a8a", "#b3b3b3", "#0072b2", "#e69f00")
        for part, label, color in zip([*parts, rest], labels, colors, strict=True):
            axes.barh(0, part, left=left, color=color, height=0.5, label=label)
            left += part
        axes.barh(1, cold, color="#cccccc", height=0.5)
        axes.plot([WARM, WARM], [-0.35, 0.35], color="#d55e00", lw=1.6, label="at most")
        axes.plot([COLD, COLD], [0.65, 1.35], color="#d55e00", lw=1.6)
        axes.set_yticks([0, 1], ["all compiled before", "nothing compiled"])
        axes.set_xlabel("time [s]")
        canvas.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=5,
                    frameon=False)  # fmt: skip

    figure(chosen, "07_start_up.png", draw, figsize=(7.5, 2.2))
    return verdict(
        cold <= COLD
        and middle <= WARM
        and help <= HELP
        and check <= CHECK
        and report <= REPORT
        and size <= SIZE
        and verify <= VERIFY,
        f"first run ever {cold:.1f} s, later ones {middle:.1f} s, of which optimization "
        f"{parts[2]:.2f} s; help {help:.3f} s, check {check:.2f} s, report {report:.2f} s, "
        f"verify {verify:.0f} s",
    )


if __name__ == "__main__":
    sys.exit(main())
