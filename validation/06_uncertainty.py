"""Do the stated intervals hold the truth as often as they say?

A hundred invented participants, each with a truth, co-contraction and noise of its own, smooth in
time as measured noise is. After each calibration the intervals of 95 % are held against the truth:
those of the predicted moments of unseen trials, against the moments that the true model has of the
same EMG and against measured ones; and those of the parameters that the data determine (a standard
deviation below a tenth of the room between the bounds, and the bounds two deviations away). To
pass, 90 to 98 % of them hold it. Reported beside it: the moments without the error that the noise
of EMG brings, which no interval knows of, and each kind of parameter. Needs no data.
"""

from __future__ import annotations

import sys
from collections import defaultdict

import numpy as np
from common import figure, options, table, verdict

from refnms import Packing, calibrate, simulate, uncertainty_of
from refnms.demo import free_parameters
from refnms.physics.types import Muscles
from refnms.synthetic import Participant, participant

PARTICIPANTS, MORE_PARTICIPANTS = 100, 300
LEAST, MOST = 90.0, 98.0  # [%]
SIGMAS = 1.96
DETERMINED, AWAY = 0.1, 2.0  # deviation in shares of the room; deviations to the next bound
MOMENTS, MEASURED = "moments of unseen trials, same EMG", "measured moments of unseen trials"
CLEAN, PARAMETERS = "moments without the noise of EMG", "parameters that the data determine"
ALL = "all parameters, intervals cut at the bounds"
JUDGED = (MOMENTS, MEASURED, PARAMETERS)


def truth(free: Packing, person: Participant) -> np.ndarray:
    """The true values `(P,)` of the free parameters."""
    table_ = person.true.table()
    return np.array([table_[free.index == k][0] for k in range(len(free.start))])


def fields(free: Packing) -> list[str]:
    """The field of each free parameter."""
    rows = [np.argwhere(free.index == k)[0, 0] for k in range(len(free.start))]
    return [Muscles._fields[row] for row in rows]


def coverage(seed: int) -> dict[str, list[float]]:
    """What the intervals of one participant hold: for moments one share, else one entry each."""
    person = participant(seed)
    free = free_parameters(person.generic)
    stated = uncertainty_of(calibrate(person.generic, person.calibration, free))
    found: dict[str, list[float]] = defaultdict(list)
    shares = defaultdict(list)
    for trial in person.held_out:
        moment, deviation = stated.band(trial)
        same = simulate(person.true, trial).moment
        shares[MOMENTS].append(np.abs(moment - same) <= SIGMAS * deviation)
        shares[CLEAN].append(np.abs(moment - person.moment[trial.name]) <= SIGMAS * deviation)
        wide = np.sqrt(deviation**2 + stated.noise**2)
        shares[MEASURED].append(np.abs(moment - trial.moment) <= SIGMAS * wide)
    for name, held in shares.items():
        found[name].append(float(np.concatenate(held).mean()))
    true, deviation, center = truth(free, person), stated.deviation, stated.center
    low, high = stated.interval(SIGMAS)
    found[ALL] = list((low <= true) & (true <= high))
    room = np.minimum(center - free.lower, free.upper - center)
    determined = (deviation < DETERMINED * (free.upper - free.lower)) & (room > AWAY * deviation)
    holds = np.abs(center - true) <= SIGMAS * deviation
    found[PARAMETERS] = list(holds[determined])
    for field, held, counts in zip(fields(free), holds, determined, strict=True):
        if counts:
            found[field.replace("_", " ")].append(held)
    return found


def draw(page, rows: dict[str, list[float]]) -> None:
    axes = page.subplots()
    axes.axvspan(LEAST, MOST, color="#e6f1f8", zorder=0)
    axes.axvline(95.0, color="#8a8a8a", lw=0.8, ls="--")
    for k, (name, held) in enumerate(rows.items()):
        color = "#0072b2" if name in JUDGED else "#8a8a8a"
        axes.plot(100.0 * np.mean(held), k, "o", color=color)
    axes.set_yticks(range(len(rows)), list(rows))
    axes.invert_yaxis()
    axes.set(xlabel="intervals of 95 % that hold the truth [%]")


def main() -> int:
    chosen = options(__doc__, needs_data=False, takes_full=True)
    count = MORE_PARTICIPANTS if chosen.full else PARTICIPANTS
    together: dict[str, list[float]] = defaultdict(list)
    for seed in range(count):
        for name, held in coverage(seed).items():
            together[name] += held
    first = [*JUDGED, CLEAN, ALL]
    rows = {name: together[name] for name in [*first, *sorted({*together} - {*first})]}
    cells = [[name, f"{100.0 * np.mean(held):.1f}", len(held)] for name, held in rows.items()]
    table([f"{count} participants", "held [%]", "participants or parameters"], cells)
    figure(chosen, "06_uncertainty.png", lambda page: draw(page, rows), figsize=(6.5, 3.4))
    held = {name: 100.0 * float(np.mean(together[name])) for name in JUDGED}
    return verdict(
        all(LEAST <= value <= MOST for value in held.values()),
        "; ".join(f"{name} {value:.1f} %" for name, value in held.items()),
    )


if __name__ == "__main__":
    sys.exit(main())
