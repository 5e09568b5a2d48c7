"""How long does each method take to a calibration that predicts equally well?

The experiment of Hambly et al.: an upper limb with 16 muscles and 3 degrees of freedom, calibrated
on three trials and tested on others, here on invented participants whose truth is known: true
parameters, co-contraction and noise are drawn anew for each. All methods minimise the same function
with the same compiled loops, from the same start, in one process, the default between the others.
The error is that of the moments in unseen trials to the moments without noise, root mean square,
over their standard deviation, in the degree of freedom where it is largest. A method has arrived
when the best point it has met so far first has an error of 5 %; one that does not is cut off, and
the ratio is a lower bound. To pass, the default arrives with every participant, at least 80 times
faster than dual annealing, 500 times faster than Corana's, and 5 times faster than AdamW, in the
median of participants; and at the paper's size, three trials of 1,000 frames and 96 parameters, the
delay being known, it ends within 0.15 s, in the median of runs. Needs no data.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from common import (
    ADAMW,
    COLORS,
    CORANA,
    DUAL,
    LM,
    PURE,
    Raced,
    figure,
    methods,
    options,
    raced,
    table,
    to_and_fro,
    verdict,
)

from refnms import Budget, Model, Packing, Trial, simulate
from refnms.demo import SIX, free_parameters
from refnms.figures import Tracking, moment_figure
from refnms.optimize import Linear
from refnms.simulation import simulate_all
from refnms.synthetic import MOMENT_NOISE, Participant, participant

PARTICIPANTS, MORE_PARTICIPANTS = 5, 10
BAR = 0.05
FASTER = {ADAMW: 5.0, DUAL: 80.0, PURE: 80.0, CORANA: 500.0}
CUT, LATER_CUT = 1.1, 4.0  # times the ratio to show
FRAMES, SECONDS, RUNS = 1_000, 0.15, 7
STRENGTHS = "strengths alone"


# ---- the experiment ----


def error(person: Participant, model: Model) -> np.ndarray:
    """Error in each degree of freedom `(D,)`, unseen trials together."""
    predicted = np.concatenate([run.moment for run in simulate_all(model, person.held_out)])
    true = np.concatenate([person.moment[trial.name] for trial in person.held_out])
    return np.sqrt(np.mean((predicted - true) ** 2, axis=0)) / true.std(axis=0)


@dataclass(frozen=True, eq=False)
class Arrival:
    """How one method did with one participant."""

    raced: Raced
    errors: np.ndarray  # (K,) the largest of all degrees of freedom
    seconds: float  # until the error was small enough; infinite where it never was
    evaluations: float

    @property
    def took(self) -> float:
        """Seconds to arrive, or to be cut off."""
        return min(self.seconds, self.raced.result.seconds)


def arrival(person: Participant, run: Raced) -> Arrival:
    run = run.thinned()
    errors = np.array([error(person, run.fit.packing.unpack(x)).max() for x in run.points])
    there = np.flatnonzero(errors <= BAR)
    if there.size == 0:
        return Arrival(run, errors, np.inf, np.inf)
    return Arrival(run, errors, run.seconds[there[0]], run.evaluations[there[0]])


def experiment(seed: int, cut: float) -> dict[str, Arrival]:
    """Every method with the participant of this seed."""
    person = participant(seed)
    free = free_parameters(person.generic)
    given = (person.generic, person.calibration, free)
    everything = methods(seed)
    default = everything.pop(LM)
    runs, found = [arrival(person, raced(*given, default))], {}
    strengths = Linear(free.entries("strength_coefficient"))
    found[STRENGTHS] = arrival(person, raced(*given, strengths))
    for name, method in everything.items():
        seconds = cut * FASTER[name] * runs[0].seconds if name in FASTER else None
        budget = Budget(seconds=None if name == ADAMW else seconds)
        found[name] = arrival(person, raced(*given, method, budget))
        runs.append(arrival(person, raced(*given, default)))
    runs.sort(key=lambda run: run.seconds)
    return {LM: runs[len(runs) // 2], **found}


# ---- its size in the paper ----


def longer(person: Participant, trial: Trial, rng: np.random.Generator) -> Trial:
    """The trial played forward and back to 1,000 frames, measured anew."""
    step, emg_step = trial.time[1] - trial.time[0], trial.emg_time[1] - trial.emg_time[0]
    time = step * np.arange(FRAMES)
    rows = round((time[-1] - trial.emg_time[0]) / emg_step) + 1
    played = replace(
        trial,
        time=time,
        musculotendon_length=to_and_fro(trial.musculotendon_length, FRAMES),
        moment_arm=to_and_fro(trial.moment_arm, FRAMES),
        emg_time=trial.emg_time[0] + emg_step * np.arange(rows),
        emg=to_and_fro(trial.emg, rows),
        moment=None,
    )
    moment = simulate(person.true, played).moment
    noise = MOMENT_NOISE * moment.std(axis=0) * rng.standard_normal(moment.shape)
    return replace(played, moment=moment + noise)


def whole_size(known: bool) -> np.ndarray:
    """Seconds of the default `(participants, runs)`, the delay being known or free; prints them."""
    seconds, evaluations = np.empty((PARTICIPANTS, RUNS)), []
    for seed in range(PARTICIPANTS):
        person, rng = participant(seed), np.random.default_rng(seed)
        trials = [longer(person, trial, rng) for trial in person.calibration]
        delay = person.true.muscles.electromechanical_delay
        informed = person.generic.muscles._replace(electromechanical_delay=delay)
        model = replace(person.generic, muscles=informed) if known else person.generic
        free = Packing(model, SIX) if known else free_parameters(model)
        runs = [raced(model, trials, free, methods(0)[LM]).result for _ in range(RUNS)]
        seconds[seed] = [run.seconds for run in runs]
        evaluations.append(runs[0].evaluations)
    medians = ", ".join(f"{each:.3f}" for each in np.median(seconds, axis=1))
    print(
        f"three trials of {FRAMES:,} frames, {len(free.start)} parameters: "
        f"{np.median(seconds):.3f} s ({seconds.min():.3f}-{seconds.max():.3f}); "
        f"participants {medians} in {', '.join(map(str, evaluations))} evaluations"
    )
    return seconds


# ---- what came out ----


def ratios(people: Sequence[dict[str, Arrival]], name: str) -> tuple[np.ndarray, bool]:
    """How many times slower than the default, for each participant; whether some are bounds."""
    slower = np.array([person[name].took / person[LM].seconds for person in people])
    return slower, any(np.isinf(person[name].seconds) for person in people)


def times(value: float, bound: bool) -> str:
    return f"{'> ' if bound else ''}{value:.0f}"


def show(people: Sequence[dict[str, Arrival]]) -> None:
    rows = []
    for name in people[0]:
        runs = [person[name] for person in people]
        ends = [100.0 * run.errors[-1] for run in runs]
        results = [run.raced.result for run in runs]
        arrived = sum(np.isfinite(run.seconds) for run in runs)
        slower, bound = ratios(people, name)
        rows.append(
            [
                name,
                f"{np.median(ends):.1f} ({min(ends):.1f}-{max(ends):.1f})",
                f"{arrived} of {len(runs)}",
                f"{np.median([run.took for run in runs]):.3g}",
                f"{times(np.median(slower), bound)} ({slower.min():.0f}-{slower.max():.0f})",
                f"{np.median([result.evaluations for result in results]):,.0f}",
                f"{np.median([result.seconds for result in results]):.3g}",
            ]
        )
    heads = ["error at the end [%]", "arrived", "s to arrive", "times the default"]
    table(["median (least-largest)", *heads, "evaluations", "s in all"], rows)


def draw(page: Any, people: Sequence[dict[str, Arrival]]) -> None:
    by_time, by_evaluation, predicted = page.subplots(1, 3)
    for person in people:
        for name, color in COLORS.items():
            run = person[name]
            at, line = run.raced, {"color": color, "lw": 0.8}
            loss = at.result.history.objective[at.evaluations - 1]
            by_time.plot(at.seconds, loss, **line)
            by_evaluation.plot(at.evaluations, loss, **line)
            predicted.plot(at.seconds, 100.0 * run.errors, **line)
    for name, color in COLORS.items():
        predicted.plot([], [], color=color, label=name)
    predicted.axhline(100.0 * BAR, color="#8a8a8a", lw=0.8, ls="--")
    by_time.set(xscale="log", yscale="log", xlabel="time [s]", ylabel="loss, best so far")
    by_evaluation.set(xscale="log", yscale="log", xlabel="evaluations")
    predicted.set(xscale="log", yscale="log", xlabel="time [s]")
    predicted.set_ylabel("error in unseen trials [% of SD]")
    predicted.set_yticks([2, 5, 10, 20, 50, 100], ["2", "5", "10", "20", "50", "100"])
    predicted.minorticks_off()
    page.legend(*predicted.get_legend_handles_labels(), loc="outside upper center", ncols=6,
                frameon=False)  # fmt: skip


def draw_moments(folder: Path, calibrated: Model) -> None:
    """All trials of the first participant, as in figure 1 of the paper."""
    person = participant(0)
    before, after = (simulate_all(model, person.trials) for model in (person.generic, calibrated))
    tracked = [
        Tracking(t.name, t in person.held_out, t.time, np.asarray(t.moment), old.moment, new.moment)
        for t, old, new in zip(person.trials, before, after, strict=True)
    ]
    moment_figure(folder / "05_moments.png", person.true.dof_names, tracked)


def main() -> int:
    chosen = options(__doc__, needs_data=False, takes_full=True)
    count, cut = (MORE_PARTICIPANTS, LATER_CUT) if chosen.full else (PARTICIPANTS, CUT)
    seconds = whole_size(known=True)
    whole_size(known=False)
    people = [experiment(seed, cut) for seed in range(count)]
    show(people)
    middle = float(np.median(seconds))
    target = figure(
        chosen, "05_upper_limb.png", lambda page: draw(page, people), figsize=(10.0, 3.6)
    )
    if target is not None:
        draw_moments(target, people[0][LM].raced.fit.model)
    arrived = all(np.isfinite(person[LM].seconds) for person in people)
    medians = {name: float(np.median(ratios(people, name)[0])) for name in FASTER}
    passed = arrived and middle <= SECONDS
    passed = passed and all(medians[name] >= least for name, least in FASTER.items())
    told = ", ".join(
        f"{times(value, ratios(people, name)[1])} times {name}" for name, value in medians.items()
    )
    return verdict(passed, f"{count} participants: {told}; {middle:.3f} s at the paper's size")


if __name__ == "__main__":
    sys.exit(main())
