"""What does a network add to the muscles, on trials that nothing was chosen by?

Three ways to the same moments: physics alone (calibrated by Levenberg and Marquardt), a network
alone (EMG and lengths, now and before, to moments), and the hybrid (the same inputs to corrections
of excitations, trained together with the physical parameters through the muscles). Restraint, decay
and length of training are chosen by leaving out each calibration trial in turn; test trials are
predicted once.

- sliding electrodes: an invented upper limb whose EMG grows or fades with the joint angles, by a
  factor of its own for each channel, as a muscle slides below its electrode. No model knows it.
- lost channels: the same people without three of their ten channels; muscles that lose all their
  channels borrow a neighbor's.
- treadmill: one measured adult, walking and running, five of nine channels; borrowed as above.
- unseen speed: the same, calibrated on walking alone and tested on running.

The invented people are five; the networks of the measured one start from five seeds. Errors are
those of the moments in test trials over their standard deviation, mean over degrees of freedom. To
pass, the hybrid is better than both others for every person with sliding electrodes, and better
than the physics alone from every seed on the treadmill. The others are shown as they come out.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

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

from refnms import NATIVE, Model, Packing, Trial, calibrate
from refnms.autodiff import value_and_grad
from refnms.demo import free_parameters
from refnms.io import read_model
from refnms.networks import (
    BOUND,
    EVERY,
    METHOD,
    Inputs,
    Network,
    choose_training,
    hybrid,
    train,
)
from refnms.optimize import Budget, minimize
from refnms.simulation import simulate_all
from refnms.synthetic import NEUTRAL, participant

SEEDS = 5
HIDDEN = (8,)
SLIDE = 0.5  # [1/rad] of the logarithm of EMG, standard deviation over channels and angles
LOST = {"infraspinatus": "deltoid_posterior", "triceps_lateral": "triceps_long",
        "brachioradialis": "biceps"}  # fmt: skip
LOST_OF_LEG = {"med_gas_r": "soleus_r", "lat_gas_r": "soleus_r", "bifemlh_r": "semimem_r",
               "vas_lat_r": "vas_med_r"}  # fmt: skip
UNSEEN = ("walk36_b", "walk36_c", "walk45_b", "walk45_c", "run81_b", "run81_c")
SLIDING, LOSING, TREADMILL, FASTER = (
    "sliding electrodes",
    "lost channels",
    "treadmill",
    "unseen speed",
)
WINDOWS = {TREADMILL: (S06_CALIBRATION, UNSEEN), FASTER: (S06_CALIBRATION[:2], UNSEEN[4:])}
DECAYS = (1e-3, 1e-1)
WAYS = ("physics alone", "network alone", "hybrid")
EMG_DELAYS, LENGTH_DELAYS = (0.03, 0.08, 0.13), (0.0, 0.05)  # [s] of the inputs


@dataclass(frozen=True, eq=False)
class Task:
    """What to calibrate on and what to predict; `truth` are the test moments `(T, D)`."""

    model: Model
    free: Packing
    trials: tuple[Trial, ...]
    unseen: tuple[Trial, ...]
    truth: np.ndarray
    corrected: tuple[str, ...]
    seed: int

    def error(self, moment: np.ndarray) -> float:
        off = np.sqrt(np.mean((moment - self.truth) ** 2, axis=0)) / self.truth.std(axis=0)
        return float(off.mean())

    def inputs(self, trials: Sequence[Trial]) -> Inputs:
        return Inputs.of(trials, EMG_DELAYS, LENGTH_DELAYS)


# ---- tasks ----


def borrowed(model: Model, lost: dict[str, str]) -> tuple[Model, tuple[str, ...]]:
    """The model without some channels, and the muscles that they reached."""
    weights = model.emg_to_muscle.copy()
    at = {name: e for e, name in enumerate(model.emg_names)}
    reached = weights[:, [at[name] for name in lost]].any(axis=1)
    for name, neighbor in lost.items():
        weights[:, at[neighbor]] += weights[:, at[name]]
    kept = [e for name, e in at.items() if name not in lost]
    return (
        replace(
            model,
            emg_names=tuple(name for name in model.emg_names if name not in lost),
            emg_to_muscle=weights[:, kept],
        ),
        tuple(np.array(model.muscle_names)[reached]),
    )


def without(trial: Trial, names: Sequence[str], lost: dict[str, str]) -> Trial:
    return replace(trial, emg=trial.emg[:, [name not in lost for name in names]])


def slid(trial: Trial, angle: np.ndarray, gain: np.ndarray) -> Trial:
    """The recording with electrodes under which the muscles slide: EMG times exp(gain . angle)."""
    at = np.column_stack([np.interp(trial.emg_time, trial.time, q) for q in angle.T])
    return replace(trial, emg=np.clip(trial.emg * np.exp((at - NEUTRAL) @ gain), 0.0, 1.0))


def invented(seed: int, slides: bool) -> Task:
    person = participant(seed)
    model, trials, unseen = person.generic, person.calibration, person.held_out
    truth = np.concatenate([person.moment[trial.name] for trial in unseen])
    if slides:
        shape = (len(model.dof_names), len(model.emg_names))
        gain = np.random.default_rng([seed, 17]).normal(0.0, SLIDE, shape)
        moved = lambda group: tuple(slid(t, person.angle[t.name], gain) for t in group)
        trials, unseen, corrected = moved(trials), moved(unseen), model.muscle_names
    else:
        names = model.emg_names
        model, corrected = borrowed(model, LOST)
        trials = tuple(without(trial, names, LOST) for trial in trials)
        unseen = tuple(without(trial, names, LOST) for trial in unseen)
    return Task(model, free_parameters(model), trials, unseen, truth, corrected, seed)


def measured(data: Path, seed: int, name: str, every_channel: bool = False) -> Task:
    model = read_model(data / "subject.xml", data / "excitationGenerator.xml")
    trials, unseen = (tuple(s06_windows(data, names, model, NATIVE)) for names in WINDOWS[name])
    truth = np.concatenate([trial.moment for trial in unseen])
    corrected = model.muscle_names
    if not every_channel:
        names = model.emg_names
        model, corrected = borrowed(model, LOST_OF_LEG)
        trials = tuple(without(trial, names, LOST_OF_LEG) for trial in trials)
        unseen = tuple(without(trial, names, LOST_OF_LEG) for trial in unseen)
    return Task(model, s06_parameters(model), trials, unseen, truth, corrected, seed)


# ---- ways ----


def physics(task: Task) -> np.ndarray:
    fit = calibrate(task.model, task.trials, task.free)
    return np.concatenate([run.moment for run in simulate_all(fit.model, task.unseen)])


def hybridly(task: Task) -> tuple[np.ndarray, str]:
    inputs = task.inputs(task.trials)
    untrained = hybrid(task.model, inputs, task.corrected, HIDDEN, task.seed)
    restraint, steps = choose_training(untrained, task.trials, task.free).best
    done = train(untrained, task.trials, task.free, restraint=restraint, steps=steps).hybrid
    moment = np.concatenate([run.moment for run in done.simulate(task.unseen)])
    return moment, f"{steps} steps, restraint {restraint:g}"


class Alone:
    """A network from inputs to moments, in standard deviations: mean squared error and decay."""

    def __init__(self, network: Network, inputs: Inputs, trials: Sequence[Trial], decay: float):
        self.x = inputs(trials)
        moment = np.concatenate([trial.moment for trial in trials])
        self.mean, self.spread = moment.mean(axis=0), moment.std(axis=0)
        self.network, self.inputs, self.decay = network, inputs, decay
        self.y = (moment - self.mean) / self.spread
        self._slope = value_and_grad(self.loss)

    def loss(self, weights: Any) -> Any:
        off = np.mean(np.square(self.network(weights, self.x) - self.y))
        return off + self.decay * np.mean(np.square(weights))

    def value(self, weights: np.ndarray) -> float:
        return float(self.loss(weights))

    def gradient(self, weights: np.ndarray, progress: float = 1.0) -> tuple[float, np.ndarray]:
        value, slope = self._slope(weights)
        return float(value), slope

    def predicted(self, weights: np.ndarray, trials: Sequence[Trial]) -> np.ndarray:
        return self.mean + self.spread * self.network(weights, self.inputs(trials))

    def trained(self, start: np.ndarray, steps: int | None, look: Any = None) -> np.ndarray:
        room = np.full(start.size, BOUND)
        budget = Budget(None if steps is None else steps + 1)
        return minimize(METHOD, self, start, -room, room, budget, look).x


def network_alone(task: Task) -> tuple[np.ndarray, str]:
    """Chosen as the hybrid's training is: by trials that are left out."""
    count = len(task.inputs(task.trials).mean)
    network = Network((count, *HIDDEN, len(task.model.dof_names)))
    start = network.start(task.seed)
    errors = np.zeros((len(DECAYS), METHOD.steps // EVERY + 1, len(task.trials)))
    for i, left_out in enumerate(task.trials):
        others = [trial for k, trial in enumerate(task.trials) if k != i]
        for r, decay in enumerate(DECAYS):
            alone = Alone(network, task.inputs(others), others, decay)

            def look(n: int, _: float, w: np.ndarray, own=errors[r, :, i], a=alone, t=left_out):
                if (n - 1) % EVERY == 0:
                    off = (a.predicted(w, [t]) - t.moment) / t.moment.std(axis=0)
                    own[(n - 1) // EVERY] = np.mean(off**2)

            alone.trained(start, None, look)
    mean = errors.mean(axis=2)
    r, s = np.unravel_index(int(np.argmin(mean)), mean.shape)
    alone = Alone(network, task.inputs(task.trials), task.trials, DECAYS[r])
    found = alone.trained(start, int(s) * EVERY)
    return alone.predicted(found, task.unseen), f"{s * EVERY} steps, decay {DECAYS[r]:g}"


def compared(task: Task) -> tuple[list[float], list[str]]:
    """Errors of the three ways, and what was chosen for the networks."""
    alone, of_network = network_alone(task)
    both, of_hybrid = hybridly(task)
    return [task.error(m) for m in (physics(task), alone, both)], [of_network, of_hybrid]


def main() -> int:
    chosen = options(__doc__)
    leg = folder(chosen, "s06_calibration")
    began = time.perf_counter()
    experiments = {
        SLIDING: [invented(seed, slides=True) for seed in range(SEEDS)],
        LOSING: [invented(seed, slides=False) for seed in range(SEEDS)],
        TREADMILL: [measured(leg, seed, TREADMILL) for seed in range(SEEDS)],
        FASTER: [measured(leg, seed, FASTER) for seed in range(SEEDS)],
    }
    errors: dict[str, np.ndarray] = {}
    for name, tasks in experiments.items():
        found = [compared(task) for task in tasks]
        errors[name] = np.array([row for row, _ in found])
        rows = [
            [f"{name}, {task.seed}", *(f"{100.0 * e:.1f}" for e in row), *what]
            for task, (row, what) in zip(tasks, found, strict=True)
        ]
        middle = [f"{100.0 * e:.1f}" for e in np.median(errors[name], axis=0)]
        table(["error [% of SD]", *WAYS, "network", "hybrid"], [*rows, ["median", *middle, "", ""]])
        print(flush=True)
    for name in WINDOWS:
        full = measured(leg, 0, name, every_channel=True)
        print(f"{name}, physics alone with nine channels: {100.0 * full.error(physics(full)):.1f}")
    print(f"took {time.perf_counter() - began:.0f} s\n")

    def draw(page: Any) -> None:
        for axes, (name, values) in zip(page.subplots(1, 4), errors.items(), strict=True):
            for row in values:
                axes.plot(100.0 * row, "o-", ms=3, lw=0.8, color="#0072b2", alpha=0.7)
            axes.set_xticks(range(3), [way.replace(" ", "\n") for way in WAYS])
            axes.set_xlim(-0.4, 2.4)
            axes.set_title(name)
            axes.set_ylim(bottom=0.0)
        page.axes[0].set_ylabel("error in test trials [% of SD]")

    figure(chosen, "17_hybrid_networks.png", draw, figsize=(7.5, 3.0))
    sliding, treadmill = errors[SLIDING], errors[TREADMILL]
    good = (sliding[:, 2] < sliding[:, :2].min(axis=1)).all()
    good = good and (treadmill[:, 2] < treadmill[:, 0]).all()
    told = []
    for name, values in errors.items():
        alone, network, both = (f"{100.0 * e:.1f}" for e in np.median(values, axis=0))
        best = np.count_nonzero(values[:, 2] < values[:, :2].min(axis=1))
        told.append(
            f"{name}: physics {alone}, network {network}, hybrid {both} %, the best in {best} of "
            f"{SEEDS}"
        )
    return verdict(bool(good), "; ".join(told))


if __name__ == "__main__":
    sys.exit(main())
