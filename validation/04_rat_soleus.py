"""Does the muscle follow a measured one?

A rat soleus, fully stimulated and pulled by the same displacement at six amplitudes (Krylow and
Sandercock 1997, J Biomech 30:27), with the parameters and curve points that go with this benchmark
(Millard et al. 2013, J Biomech Eng 135:021005). The error of a trial is the mean distance of the
model's force from the measured samples, over the isometric force of 1.17 N. Millard et al. report
3.3 to 8.9 %; a quick model of the data's README, with other splines, 7 to 11 %. About 4 points of
that are the first 0.3 s, in which the measured force still rises from zero. To pass, every trial
stays below 10 % from 0.3 s on, the bound of the benchmark, and within half a point of the README's.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from common import figure, folder, options, table, verdict

from refnms import Model, Trial, simulate
from refnms.io import read_storage
from refnms.physics.curves import ceinms_default, spline_curve
from refnms.physics.types import Curves, Muscles

ISOMETRIC = 1.17  # [N]
ONSET = 0.3  # [s]
BAR, CLOSE = 10.0, 0.5  # [%]
MILLARD = "3.3-8.9"


def soleus(parameters: dict[str, float], curves: Curves) -> Model:
    values = {
        "c1": -0.5,
        "c2": -0.5,
        "shape_factor": -1.0,
        "optimal_fiber_length": parameters["optimal_fibre_length_m"],
        "pennation_angle_at_optimal": parameters["pennation_rad"],
        "tendon_slack_length": parameters["tendon_slack_length_m"],
        "max_isometric_force": parameters["max_isometric_force_N"],
        "max_contraction_velocity": parameters["max_contraction_velocity_lo_per_s"],
        "strength_coefficient": 1.0,
        "electromechanical_delay": 0.0,
        "fiber_damping": parameters["damping"],
        "percentage_change": parameters["percentage_change"],
    }
    return Model(
        muscle_names=("soleus",),
        dof_names=("pull",),
        emg_names=("stimulus",),
        muscles=Muscles(**{name: np.array([value]) for name, value in values.items()}),
        curves=curves,
        emg_to_muscle=np.ones((1, 1)),
        crosses=np.ones((1, 1), bool),
    )


def benchmark_curves(data: Path) -> Curves:
    points = json.loads((data / "curves_ceinms2.json").read_text("utf-8"))
    return Curves(
        active_force_length=spline_curve(**points["activeForceLength"]),
        passive_force_length=spline_curve(**points["passiveForceLength"]),
        force_velocity=spline_curve(**points["forceVelocity"]),
        tendon_force_strain=spline_curve(**points["tendonForceStrain"]),
    )


def force(model: Model, stretched: Path) -> tuple[np.ndarray, np.ndarray]:
    """Time and force [N] of a fully active muscle; a moment arm of 1 m makes moments of forces."""
    read = read_storage(stretched)
    trial = Trial(
        name=stretched.stem,
        time=read.time,
        musculotendon_length=read.columns(["mtu_length"]),
        moment_arm=np.ones((len(read.time), 1, 1)),
        emg_time=read.time,
        emg=np.ones((len(read.time), 1)),
    )
    return read.time, simulate(model, trial).tendon_force[:, 0]


def error(time: np.ndarray, model: np.ndarray, measured, start: float) -> float:
    """Mean distance from the samples after `start` [% of the isometric force]."""
    late = measured.time >= start
    distance = np.abs(np.interp(measured.time[late], time, model) - measured.data[late, 0])
    return float(100.0 * np.mean(distance) / ISOMETRIC)


def main() -> int:
    chosen = options(__doc__)
    data = folder(chosen, "rat_soleus")
    pack = json.loads((data / "pack.json").read_text("utf-8"))
    readme = pack["our_reference_check"]["same_without_first_0p3s"]
    fitted = soleus(pack["parameters"], benchmark_curves(data))
    generic = soleus(pack["parameters"], ceinms_default())
    rows, panels, late, apart = [], [], [], []
    for stretched in sorted(data.glob("trial?_amp*mm.sto")):
        name, amplitude = stretched.stem.split("_amp")
        measured = read_storage(data / f"{name}_force_measured.sto")
        time, ours = force(fitted, stretched)
        _, default = force(generic, stretched)
        whole, after = (error(time, ours, measured, start) for start in (0.0, ONSET))
        late.append(after)
        apart.append(abs(after - readme[name]))
        others = [error(time, default, measured, start) for start in (0.0, ONSET)]
        cells = [whole, after, readme[name], *others]
        rows.append([f"{name}, {amplitude}", *(f"{cell:.1f}" for cell in cells)])
        panels.append((amplitude, measured, time, ours))
    table(
        ["mean error [%]", "all", "from 0.3 s", "README's model", "CEINMS's curves", "from 0.3 s"],
        rows,
    )

    def draw(page) -> None:
        axes = page.subplots(2, 3, sharex=True, sharey=True)
        for panel, (amplitude, measured, time, ours), e in zip(
            axes.flat, panels, late, strict=True
        ):
            panel.plot(measured.time, measured.data[:, 0], ".", color="#8a8a8a", label="measured")
            panel.plot(time, ours, color="#0072b2", lw=1.2, label="refnms")
            panel.axvspan(0.0, ONSET, color="#f4f1e8", zorder=0, label="onset, not scored")
            panel.set_title(f"{amplitude.replace('mm', ' mm')}: {e:.1f} %", fontsize=9)
        for panel in axes[-1]:
            panel.set(xlabel="time [s]", xlim=(0.0, 2.0))
        for panel in axes[:, 0]:
            panel.set_ylabel("force [N]")
        page.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3,
                    frameon=False)  # fmt: skip

    figure(chosen, "04_rat_soleus.png", draw, figsize=(8.0, 4.4))
    return verdict(
        max(late) < BAR and max(apart) < CLOSE,
        f"mean errors of {min(late):.1f} to {max(late):.1f} % of the isometric force from 0.3 s on "
        f"(Millard et al.: {MILLARD} %)",
    )


if __name__ == "__main__":
    sys.exit(main())
