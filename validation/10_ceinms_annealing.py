"""Does annealing follow CEINMS 0.9 through a whole calibration, and what does an evaluation cost?

The measured problem of 02 (12 muscles, 72 parameters, three windows), by the method, the settings,
the objective and the search of CEINMS 0.9, with the random numbers of the C library that it was
built with. It is judged by where it ends and by its cost: from 0.955 to 0.970, as CEINMS's own,
and no slower than CEINMS's C++ per evaluation. How far the parameters are from CEINMS's is told.

One muscle changes from one evaluation to the next, and only that muscle is run. With --full it
anneals with Windows' random numbers, too.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from common import (
    CORANA,
    S06_CALIBRATION,
    figure,
    folder,
    options,
    s06_parameters,
    s06_windows,
    table,
    verdict,
)

from refnms.calibration import Calibration, calibrate
from refnms.ceinms_terms import LengthJump, SummedMomentError
from refnms.io import read_model
from refnms.io.calibration import read_calibration
from refnms.io.subject import read_subject
from refnms.physics.profiles import ceinms_0_9
from refnms.steps import annealing_of

LOWEST, HIGHEST = 0.955, 0.970
# CEINMS 0.9, from the README of the data: its end, and what it took on two cores.
CEINMS_RUN = ((65_000, 2.0), (95_000, 0.97), (120_000, 0.9597), (162_000, 0.95925))
CEINMS_SECONDS, CEINMS_CPU = 18 * 60 + 29, 1635.0


def annealed(data, random: str) -> tuple[Calibration, float]:
    """The calibration, and the seconds of processor that an evaluation took."""
    model = read_model(data / "subject.xml", data / "excitationGenerator.xml")
    trials = s06_windows(data, S06_CALIBRATION, model, ceinms_0_9())
    method = annealing_of(read_calibration(data / "calibrationCfg.xml").annealing, random)
    free, began = s06_parameters(model), time.process_time()
    fit = calibrate(model, trials, free, method, ceinms_0_9(), (SummedMomentError(), LengthJump()))
    return fit, (time.process_time() - began) / fit.result.evaluations


def apart(data, fit: Calibration) -> float:
    """Largest relative difference of a free parameter from CEINMS's own result."""
    theirs = np.array(read_subject(data / "reference" / "ceinms09_calibrated.xml").muscles)
    free = fit.packing.index >= 0
    return float(np.max(np.abs(fit.model.table() / theirs - 1.0)[free]))


def draw(page, runs: dict[str, Calibration]) -> None:
    axes = page.subplots()
    evaluations, reached = zip(*CEINMS_RUN, strict=True)
    axes.plot(evaluations, reached, "o", color="#d55e00", ms=5, label="CEINMS 0.9")
    for (name, fit), color in zip(runs.items(), ("#333333", "#0072b2"), strict=False):
        history = fit.result.history
        best = np.minimum.accumulate(history.objective)
        kept = np.unique(np.geomspace(1, len(best), 400).astype(int)) - 1
        axes.plot(history.evaluations[kept], best[kept], color=color, lw=1.2, label=name)
    axes.set(xlabel="evaluations", ylabel="CEINMS's objective, best so far", yscale="log")
    axes.set_yticks([1, 2, 5, 10], ["1", "2", "5", "10"])
    axes.minorticks_off()
    axes.legend(frameon=False)


def main() -> int:
    chosen = options(__doc__, takes_full=True)
    data = folder(chosen, "s06_calibration")
    end = CEINMS_RUN[-1]
    theirs = (1e3 * CEINMS_SECONDS / end[0], 1e3 * CEINMS_CPU / end[0])
    rows = [["CEINMS 0.9", f"{end[1]:.5f}", f"{end[0]:,}", *(f"{t:.2f}" for t in theirs), ""]]
    runs = {}
    for random in ("glibc", "msvc") if chosen.full else ("glibc",):
        fit, cpu = annealed(data, random)
        name = f"{CORANA}, {random}"
        runs[name] = fit
        wall = 1e3 * fit.result.seconds / fit.result.evaluations
        numbers = [f"{fit.final:.5f}", f"{fit.result.evaluations:,}", f"{wall:.2f}"]
        rows.append([name, *numbers, f"{1e3 * cpu:.2f}", f"{apart(data, fit):.1e}"])
        if random == "glibc":
            judged, faster, leaner = fit, theirs[0] / wall, theirs[1] / (1e3 * cpu)
            distance = apart(data, fit)
    heads = ["end", "evaluations", "ms each", "ms of processor", "parameters apart"]
    table(["measured calibration", *heads], rows)
    figure(chosen, "10_ceinms_annealing.png", lambda page: draw(page, runs), figsize=(6.5, 3.6))
    passed = LOWEST <= judged.final <= HIGHEST and leaner >= 1.0
    return verdict(
        passed,
        f"ends at {judged.final:.5f} after {judged.result.evaluations:,} evaluations, parameters "
        f"within {distance:.0e} of CEINMS's; an evaluation {faster:.1f} times faster, with "
        f"{leaner:.1f} times less of the processor",
    )


if __name__ == "__main__":
    sys.exit(main())
