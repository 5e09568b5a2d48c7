"""Does the main job hold on measured data: as good as CEINMS 0.9's own calibration, in seconds?

One adult on a treadmill, 12 muscles, knee and ankle, 72 parameters; three windows to calibrate on,
six others to predict. CEINMS 0.9's figures come from the README of the data. Beside the profile
ceinms-0.9 stand the native profile and the simplest baselines: bounded least squares of the
strengths alone, with a rigid and with an elastic tendon. To pass, the objective in CEINMS's own
terms ends at or below 1.0, and the mean R2 of the unseen windows at or above .75 for the knee and
.81 for the ankle.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from common import (
    S06_CALIBRATION,
    figure,
    folder,
    options,
    s06_parameters,
    s06_windows,
    table,
    verdict,
)

import refnms
from refnms.fit import fits
from refnms.model import Model, RigidTendon
from refnms.objective import CeinmsObjective, ceinms_objective
from refnms.physics.profiles import NATIVE, Profile, ceinms_0_9
from refnms.simulation import simulate_all

UNSEEN = ("walk36_b", "walk36_c", "walk45_b", "walk45_c", "run81_b", "run81_c")
BARS = {"objective": 1.0, "knee": 0.75, "ankle": 0.81}
# CEINMS 0.9 (simulated annealing, two cores), from the README of the data.
CEINMS_RUN = ((65_000, 2.0), (95_000, 0.97), (120_000, 0.9597), (162_000, 0.95925))
CEINMS_SECONDS = 18 * 60 + 29
CEINMS_R2 = {  # of the moments in each unseen window: knee, ankle
    "walk36_b": (0.797, 0.856),
    "walk36_c": (0.796, 0.847),
    "walk45_b": (0.759, 0.803),
    "walk45_c": (0.699, 0.788),
    "run81_b": (0.896, 0.843),
    "run81_c": (0.785, 0.872),
}


@dataclass(frozen=True)
class Row:
    """One way to calibrate, and what came out."""

    name: str
    r2: np.ndarray  # (6, 2) of the unseen windows
    score: CeinmsObjective  # of the calibration windows, in CEINMS's terms
    evaluations: int | None = None
    seconds: float | None = None
    history: tuple[np.ndarray, np.ndarray] | None = None  # evaluations, best score so far


def unseen_r2(data: Path, model: Model, profile: Profile) -> np.ndarray:
    windows = s06_windows(data, UNSEEN, model, profile)
    pairs = zip(windows, simulate_all(model, windows, profile), strict=True)
    return np.array([[f.r2 for f in fits(model, trial, run).values()] for trial, run in pairs])


def calibrated(data: Path, model: Model, profile: Profile) -> Row:
    """The main job, by the public names."""
    free = s06_parameters(model)
    visited: list[np.ndarray] = []
    windows = s06_windows(data, S06_CALIBRATION, model, profile)
    fit = refnms.calibrate(
        model, windows, free, profile=profile, callback=lambda n, value, x: visited.append(x.copy())
    )
    judged = s06_windows(data, S06_CALIBRATION, model, ceinms_0_9())
    shown = np.unique(np.geomspace(1, len(visited), 60).astype(int))
    scores = [ceinms_objective(free.unpack(visited[n - 1]), judged).total for n in shown]
    return Row(
        f"refnms, {profile.name}",
        unseen_r2(data, fit.model, profile),
        ceinms_objective(fit.model, judged),
        fit.result.evaluations,
        fit.result.seconds,
        (shown, np.minimum.accumulate(scores)),
    )


def strengths_alone(data: Path, model: Model, name: str) -> Row:
    """Forces are linear in strength: bounded least squares of the same moments."""
    from scipy.optimize import lsq_linear

    profile = ceinms_0_9()
    windows = s06_windows(data, S06_CALIBRATION, model, profile)
    parts, targets = [], []
    for trial, run in zip(windows, simulate_all(model, windows, profile), strict=True):
        scale = trial.moment.std(axis=0, ddof=1) * np.sqrt(len(trial.time))  # (D,)
        per_strength = run.tendon_force / model.muscles.strength_coefficient
        columns = per_strength[:, :, None] * trial.moment_arm / scale  # (T, M, D)
        parts.append(columns.transpose(0, 2, 1).reshape(-1, columns.shape[1]))
        targets.append((trial.moment / scale).ravel())
    found = lsq_linear(np.concatenate(parts), np.concatenate(targets), (1e-9, np.inf))
    strong = replace(model, muscles=model.muscles._replace(strength_coefficient=found.x))
    return Row(name, unseen_r2(data, strong, profile), ceinms_objective(strong, windows))


def show(rows: list[Row]) -> None:
    print("R2 of the moments in the unseen windows")
    for dof, joint in enumerate(("knee", "ankle")):
        cells = [[row.name, *(f"{r:.3f}" for r in [*row.r2[:, dof], row.r2[:, dof].mean()])]
                 for row in rows]  # fmt: skip
        table([joint, *UNSEEN, "mean"], cells)
    print()
    table(
        ["objective in CEINMS's terms", "moments", "penalty", "sum", "evaluations", "seconds"],
        [
            [
                row.name,
                f"{row.score.moment:.4f}",
                f"{row.score.penalty:.4f}",
                f"{row.score.total:.4f}",
                "-" if row.evaluations is None else f"{row.evaluations:,}",
                "-" if row.seconds is None else f"{row.seconds:.1f}",
            ]
            for row in rows
        ],
    )


def draw(page, ceinms: Row, ours: Row, native: Row, rigid: Row) -> None:
    rows = {"#333333": ceinms, "#0072b2": ours, "#009e73": native, "#d55e00": rigid}
    cost, *gains = page.subplot_mosaic("ab\nac", width_ratios=(1, 1.4)).values()
    cost.plot(*zip(*CEINMS_RUN, strict=True), "o-", color="#333333", ms=3.5, lw=1.0)
    cost.plot(ours.history[0], ours.history[1], color="#0072b2")
    cost.axhline(BARS["objective"], color="#8a8a8a", lw=0.6, ls="--")
    for color, row in (("#333333", ceinms), ("#0072b2", ours)):
        took = f"{row.seconds:.1f} s" if row.seconds < 60 else f"{row.seconds / 60:.1f} min"
        end = (row.evaluations, row.score.total)
        cost.annotate(took, end, (0, -14), textcoords="offset points", ha="center", color=color)
    cost.set(xscale="log", yscale="log", xlabel="evaluations", ylim=(0.75, None))
    cost.set(ylabel="objective in CEINMS's terms, best so far")
    cost.set_yticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
    ticks = np.arange(len(UNSEEN))
    for dof, (gain, joint) in enumerate(zip(gains, ("knee", "ankle"), strict=True)):
        for shift, (color, row) in enumerate(rows.items()):
            gain.plot(
                ticks + 0.15 * (shift - 1.5), row.r2[:, dof], "o", color=color, label=row.name
            )
        gain.set(ylabel=f"R², {joint}", ylim=(0.28, 1.0))
        gain.set_xticks(ticks, UNSEEN if dof else [])
        gain.grid(axis="y", lw=0.3)
    page.legend(*gains[0].get_legend_handles_labels(), loc="outside upper center", ncols=4,
                frameon=False)  # fmt: skip


def main() -> int:
    chosen = options(__doc__)
    data = folder(chosen, "s06_calibration")
    model = refnms.io.read_model(data / "subject.xml", data / "excitationGenerator.xml")
    ceinms = Row(
        "CEINMS 0.9, annealing",
        np.array([CEINMS_R2[window] for window in UNSEEN]),
        CeinmsObjective(CEINMS_RUN[-1][1], 0.0),
        CEINMS_RUN[-1][0],
        CEINMS_SECONDS,
    )
    ours = calibrated(data, model, ceinms_0_9())
    native = calibrated(data, model, NATIVE)
    rigid = strengths_alone(data, replace(model, tendon=RigidTendon()), "strengths, rigid tendon")
    elastic = strengths_alone(data, model, "strengths, elastic tendon")
    show([ceinms, ours, native, rigid, elastic])
    figure(
        chosen,
        "02_s06_calibration.png",
        lambda page: draw(page, ceinms, ours, native, rigid),
        figsize=(9.0, 4.2),
    )
    knee, ankle = ours.r2.mean(axis=0)
    return verdict(
        ours.score.total <= BARS["objective"] and knee >= BARS["knee"] and ankle >= BARS["ankle"],
        f"objective {ours.score.total:.3f} after {ours.evaluations} evaluations in "
        f"{ours.seconds:.1f} s; unseen windows: R2 {knee:.3f} (knee), {ankle:.3f} (ankle)",
    )


if __name__ == "__main__":
    sys.exit(main())
