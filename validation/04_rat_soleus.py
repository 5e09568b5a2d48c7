"""Does the muscle follow a measured one?

A rat soleus, fully stimulated and pulled by the same displacement at six amplitudes (Krylow and
Sandercock 1997, J Biomech 30:27), with the parameters and curve points that go with this benchmark
(Millard et al. 2013, J Biomech Eng 135:021005). The error of a trial is the mean distance of the
model's force from the measured samples, over the isometric force of 1.17 N. Millard et al. report
3.3 to 8.9 %; a quick model of the data's README, with other splines, 7 to 11 %. About 4 points of
that are the first 0.3 s, in which the measured force still rises from zero: so the published
parameters are judged from 0.3 s on. Over the whole record parameters are calibrated, each trial
predicted by those of the five others: the activation alone (c1, c2, shape) as it follows a stimulus
that begins at 0 s, and with it optimal fiber length, tendon slack length and strength. To pass,
every trial stays below 10 %, the bound of the benchmark, in all three, and the first lies within
half a point of the README's.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from common import figure, folder, options, table, verdict

from refnms import Free, Model, Packing, Trial, calibrate, simulate
from refnms.io import read_storage
from refnms.physics.curves import ceinms_default, spline_curve
from refnms.physics.types import Curves, Muscles

ISOMETRIC = 1.17  # [N]
ONSET = 0.3  # [s]
LEAD = 0.1  # [s] of rest before the stimulus
BAR, CLOSE = 10.0, 0.5  # [%]
MILLARD = "3.3-8.9"
# A recursion at 1 kHz that lags by tens of milliseconds has its coefficients near -1.
FILTER = -0.95
ACTIVATION = (
    Free("c1", (-0.995, -0.5)),
    Free("c2", (-0.995, -0.5)),
    Free("shape_factor", (-2.999, -0.001)),
)
ALL_SIX = (
    *ACTIVATION,
    Free("optimal_fiber_length", (0.85, 1.15), relative=True),
    Free("tendon_slack_length", (0.95, 1.05), relative=True),
    Free("strength_coefficient", (0.7, 1.3)),
)


@dataclass(frozen=True, eq=False)
class Pull:
    """One trial: the pull with the stimulus, and the force as measured, at times of its own."""

    amplitude: str
    trial: Trial
    time: np.ndarray  # (N,) [s]
    force: np.ndarray  # (N,) [N]

    def error(self, model: Model, start: float = 0.0) -> float:
        """Mean distance from the samples after `start` [% of the isometric force]."""
        late = self.time >= start
        ours = np.interp(self.time[late], self.trial.time, self.simulated(model))
        return float(100.0 * np.mean(np.abs(ours - self.force[late])) / ISOMETRIC)

    def simulated(self, model: Model) -> np.ndarray:
        return simulate(model, self.trial).tendon_force[:, 0]


def soleus(parameters: dict[str, float], curves: Curves) -> Model:
    values = {
        "c1": FILTER,
        "c2": FILTER,
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


def read_pull(stretched: Path, rest: bool) -> Pull:
    """A trial; with `rest`, the muscle is at rest before 0 s, else it was always active.

    A moment arm of 1 m makes moments of forces.
    """
    name, _, amplitude = stretched.stem.partition("_amp")
    read = read_storage(stretched)
    measured = read_storage(stretched.with_name(f"{name}_force_measured.sto"))
    length, time = read.columns(["mtu_length"]), read.time
    if rest:
        before = np.arange(-LEAD, -1e-9, time[1] - time[0])
        time = np.concatenate([before, time])
        length = np.concatenate([np.repeat(length[:1], len(before), axis=0), length])
    trial = Trial(
        name=name,
        time=time,
        musculotendon_length=length,
        moment_arm=np.ones((len(time), 1, 1)),
        emg_time=time,
        emg=(time >= 0.0).astype(float)[:, None],
        moment=np.interp(time, measured.time, measured.data[:, 0])[:, None],
        scored=time >= 0.0,
    )
    return Pull(amplitude.replace("mm", " mm"), trial, measured.time, measured.data[:, 0])


def predicted(model: Model, pulls: Sequence[Pull], free: Sequence[Free]) -> list[Model]:
    """For each trial the model calibrated on the others."""
    return [
        calibrate(model, [p.trial for p in pulls if p is not left_out], Packing(model, free)).model
        for left_out in pulls
    ]


def draw(page: Any, pulls: Sequence[Pull], published: Sequence[Pull], models: Any) -> None:
    fitted, calibrated = models
    axes = page.subplots(2, 3, sharex=True, sharey=True)
    for panel, pull, always, model in zip(axes.flat, pulls, published, calibrated, strict=True):
        panel.plot(pull.time, pull.force, ".", color="#8a8a8a", label="measured")
        line = {"color": "#d55e00", "lw": 1.0, "ls": (0, (4, 2))}
        panel.plot(always.trial.time, always.simulated(fitted), label="published", **line)
        label = "calibrated on the others"
        panel.plot(pull.trial.time, pull.simulated(model), color="#0072b2", lw=1.2, label=label)
        panel.set_title(f"{pull.amplitude}: {pull.error(model):.1f} %", fontsize=9)
    for panel in axes[-1]:
        panel.set(xlabel="time [s]", xlim=(-LEAD, 2.0))
    for panel in axes[:, 0]:
        panel.set_ylabel("force [N]")
    page.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3,
                frameon=False)  # fmt: skip


def main() -> int:
    chosen = options(__doc__)
    data = folder(chosen, "rat_soleus")
    pack = json.loads((data / "pack.json").read_text("utf-8"))
    readme = pack["our_reference_check"]["same_without_first_0p3s"]
    fitted = soleus(pack["parameters"], benchmark_curves(data))
    generic = replace(fitted, curves=ceinms_default())
    files = sorted(data.glob("trial?_amp*mm.sto"))
    published = [read_pull(file, rest=False) for file in files]
    pulls = [read_pull(file, rest=True) for file in files]
    by_activation = predicted(fitted, pulls, ACTIVATION)
    by_all = predicted(fitted, pulls, ALL_SIX)
    errors = np.array(
        [
            [
                always.error(fitted, ONSET),
                readme[always.trial.name],
                always.error(generic, ONSET),
                always.error(fitted),
                pull.error(activated),
                pull.error(calibrated),
            ]
            for always, pull, activated, calibrated in zip(
                published, pulls, by_activation, by_all, strict=True
            )
        ]
    )
    heads = ["from 0.3 s", "README's model", "CEINMS's curves", "all", "activation", "six"]
    rows = [
        [f"{pull.trial.name}, {pull.amplitude}", *(f"{e:.1f}" for e in row)]
        for pull, row in zip(pulls, errors, strict=True)
    ]
    table(["mean error [%]", *heads], rows)
    print("activation, six: all of the record, by parameters calibrated on the five other trials")
    figure(
        chosen,
        "04_rat_soleus.png",
        lambda page: draw(page, pulls, published, (fitted, by_activation)),
        figsize=(8.0, 4.4),
    )
    late, theirs, *_, activation, six = errors.T
    return verdict(
        max(late.max(), activation.max(), six.max()) < BAR and np.abs(late - theirs).max() < CLOSE,
        f"mean errors of {late.min():.1f} to {late.max():.1f} % of the isometric force from 0.3 s "
        f"on (Millard et al.: {MILLARD} %); all of it, calibrated on other trials: activation "
        f"{activation.min():.1f} to {activation.max():.1f} %, six parameters {six.min():.1f} to "
        f"{six.max():.1f} %",
    )


if __name__ == "__main__":
    sys.exit(main())
