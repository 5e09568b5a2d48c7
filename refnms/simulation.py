"""The chain, written once: emg -> excitation -> neural activation -> activation -> fiber length ->
fiber velocity -> tendon force -> moment.

Trials are joined along time, so that one pass computes all of them. Arrays in give arrays, Vars in
give Vars, complex numbers in give complex numbers.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from refnms import primitives
from refnms.display import count, listed, over_time, page
from refnms.errors import InputError, InputWarning, Problem
from refnms.model import ElasticTendon, Model, PiecewiseActivation, RigidTendon, Trial
from refnms.physics import apart
from refnms.physics import excitation as emg
from refnms.physics.flags import sample_flags
from refnms.physics.held import Held, held
from refnms.physics.held import joined as joined_held
from refnms.physics.profiles import NATIVE, Profile
from refnms.physics.solve import plain_curves
from refnms.physics.stencils import timeline
from refnms.physics.types import (
    Array,
    Flag,
    Integers,
    Muscles,
    MuscleSignals,
    System,
)

if TYPE_CHECKING:
    from refnms.display import DataFrame

OF_FILTER = np.isin(Muscles._fields, ("c1", "c2"))[:, None]


class Signals(NamedTuple):
    """Every signal of the chain; rows `(K, M)` for the first two, frames `(T, M)` or `(T, D)`."""

    excitation: Any
    neural_activation: Any
    activation: Any
    fiber_length: Any
    fiber_velocity: Any
    tendon_force: Any
    moment: Any


@dataclass(frozen=True, eq=False)
class Simulation:
    """One trial run through the chain. SI units; `flags` are `Flag` bits of each sample."""

    name: str  # of the trial
    muscle_names: tuple[str, ...]
    dof_names: tuple[str, ...]
    time: Array  # (T,)
    excitation: Array  # (T, M)
    neural_activation: Array  # (T, M)
    activation: Array  # (T, M)
    fiber_length: Array  # (T, M)
    fiber_velocity: Array  # (T, M)
    tendon_force: Array  # (T, M)
    moment: Array  # (T, D)
    flags: Integers  # (T, M)

    def to_frame(self, signal: str = "moment") -> DataFrame:
        """A signal as a pandas DataFrame: a row for each frame, indexed by time [s].

        `signal` is the name of an attribute; the columns are muscles, of `moment` the degrees of
        freedom.
        """
        names = self.dof_names if signal == "moment" else self.muscle_names
        return over_time(self.time, names, getattr(self, signal))

    def __repr__(self) -> str:
        frames, muscles = self.flags.shape
        met = [f"{flag.name} {n}" for flag in Flag if (n := np.count_nonzero(self.flags & flag))]
        return (
            f"<Simulation of {self.name!r}: {count(frames, 'frame')} from {self.time[0]:g} to "
            f"{self.time[-1]:g} s, {count(muscles, 'muscle')}, moments of "
            f"{listed(self.dof_names)}; samples flagged: {', '.join(met) or 'none'}>"
        )

    def _repr_html_(self) -> str:
        return page(repr(self), self.to_frame().describe().drop(index="count"))


@dataclass(frozen=True, eq=False)
class Joined:
    """Trials of one model joined along time, ready to be run under one profile."""

    model: Model
    names: tuple[str, ...]
    times: tuple[Array, ...]  # of each trial
    system: System
    musculotendon_length: Array  # (T, M)
    moment_arm: Array  # (T, M, D)
    samples: tuple[Array, ...]  # excitations (N_i, M) of each trial at the rate of its EMG
    emg_times: tuple[Array, ...]
    rows: Array | None  # (K, M) excitation rows, where the profile does not interpolate
    held: Held | None  # the filter of the pass that prepares the velocity, where it is another
    least_force: float  # [N]

    def frames(self, i: int) -> slice:
        """The frames of trial i."""
        return slice(*self.system.timeline.frames[i : i + 2])

    def excitation(self, table: Any) -> Any:
        """Excitation rows `(K, M)` of a `(12, M)` parameter table."""
        if self.rows is not None:
            return self.rows
        return primitives.excitation(self.emg_times, self.samples, self.times)(table)

    def excitation_by_delay(self, delay: Array) -> Array:
        """Slopes `(K, M)` of the excitation rows by the delay `(M,)` of each muscle."""
        parts = zip(self.emg_times, self.samples, self.times, strict=True)
        return np.concatenate([emg.interpolate_slope(*part, delay) for part in parts])

    def of_muscles(self, m: Integers) -> Joined:
        """The same for some muscles alone."""
        held = self.held
        return replace(
            self,
            musculotendon_length=np.ascontiguousarray(self.musculotendon_length[:, m]),
            moment_arm=self.moment_arm[:, m],
            samples=tuple(sample[:, m] for sample in self.samples),
            rows=None if self.rows is None else np.ascontiguousarray(self.rows[:, m]),
            held=None if held is None else held._replace(mean=held.mean[:, m]),
        )


def join(model: Model, trials: Sequence[Trial], profile: Profile) -> Joined:
    """Lay the trials out for one run. Raises InputError for a trial that cannot be run."""
    if not trials:
        raise InputError("no trial given")
    for trial in trials:
        trial.check(model)
    if profile.interpolates_emg:
        check_emg_covers(model, trials, model.muscles.electromechanical_delay)
    samples = tuple(emg.mapped(trial.emg, model.emg_to_muscle) for trial in trials)
    leads, rows, held = [0] * len(trials), None, None
    if not profile.interpolates_emg:
        taken, leads = _matched(model, trials, profile)
        matched = [s[k] for s, k in zip(samples, taken, strict=True)]
        rows = apart.joined(apart.EXCITATION, *matched)
        if profile.prepares_by_row and isinstance(model.tendon, ElasticTendon):
            held = _held(taken, samples, profile)
    times = tuple(trial.time for trial in trials)
    return Joined(
        model=model,
        names=tuple(trial.name for trial in trials),
        times=times,
        system=System(
            curves=model.curves,
            timeline=timeline(times, leads, profile),
            start=profile.start,
            root=profile.root,
            node_tolerance=profile.node_tolerance,
            rigid=isinstance(model.tendon, RigidTendon),
            plain=plain_curves(model.curves, profile.root),
            piecewise=isinstance(model.activation, PiecewiseActivation),
        ),
        musculotendon_length=apart.joined(
            apart.LENGTH, *(trial.musculotendon_length for trial in trials)
        ),
        moment_arm=_joined_arms(trials),
        samples=samples,
        emg_times=tuple(trial.emg_time for trial in trials),
        rows=rows,
        held=held,
        least_force=profile.least_force,
    )


def _joined_arms(trials: Sequence[Trial]) -> Array:
    """Moment arms `(T, M, D)`, muscles side by side in memory as the forces they multiply."""
    arms = np.concatenate([trial.moment_arm for trial in trials])
    return np.ascontiguousarray(arms.transpose(2, 0, 1)).transpose(1, 2, 0)


def check_emg_covers(model: Model, trials: Sequence[Trial], delays: Array) -> None:
    """Raise InputError unless EMG was recorded, to one sample, at every frame minus each delay.

    `delays (M,)`; those of muscles without EMG do not count.
    """
    delays = delays[model.emg_to_muscle.any(axis=1)]
    if not delays.size:
        return
    problems = []
    for trial in trials:
        emg_time, time = trial.emg_time, trial.time
        first, last = time[0] - np.max(delays), time[-1] - np.min(delays)
        start = 2.0 * emg_time[0] - emg_time[1] - emg.SAME_TIME
        stop = 2.0 * emg_time[-1] - emg_time[-2] + emg.SAME_TIME
        if first < start or last > stop:
            recorded = f"EMG from {emg_time[0]:g} to {emg_time[-1]:g} s"
            wanted = f"{first:g} to {last:g} s, the frames less the electromechanical delay"
            problems.append(Problem(f"trial {trial.name!r}: {recorded} does not cover {wanted}"))
    if problems:
        raise InputError(problems)


def _matched(
    model: Model, trials: Sequence[Trial], profile: Profile
) -> tuple[list[Integers], list[int]]:
    """The EMG rows that CEINMS takes of each trial, delayed by the first muscle's delay."""
    delay = model.muscles.electromechanical_delay
    if np.ptp(delay) > 0.0:
        message = (
            f"{profile.name} delays every muscle by the {delay[0]:g} s of {model.muscle_names[0]}"
        )
        warnings.warn(message, InputWarning, stacklevel=3)
    rows, leads, problems = [], [], []
    for trial in trials:
        try:
            taken, lead = emg.matching_rows(trial.emg_time, trial.time, float(delay[0]))
        except ValueError as error:
            problems.append(Problem(f"trial {trial.name!r}: {error}"))
            continue
        rows.append(taken)
        leads.append(lead)
    if problems:
        raise InputError(problems)
    return rows, leads


def _held(taken: Sequence[Integers], samples: Sequence[Array], profile: Profile) -> Held | None:
    """The past of the filter in the preparing pass; None where it is that of the run itself."""
    if all(np.all(np.diff(rows) == 1) for rows in taken):
        return None
    pairs = zip(taken, samples, strict=True)
    return joined_held([held(rows, sample, profile.start.restart) for rows, sample in pairs])


def chain(
    joined: Joined,
    table: Any,
    flags: Integers,
    excitation: Any = None,
    musculotendon_length: Any = None,
    moment_arm: Any = None,
) -> Signals:
    """Run the chain for a `(12, M)` table of parameters; `flags (T, M)` are written by the solver.

    `excitation`, `musculotendon_length` and `moment_arm` replace those of the recordings.
    """
    lmt = joined.musculotendon_length if musculotendon_length is None else musculotendon_length
    e = joined.excitation(table) if excitation is None else excitation
    u, a, l, v, force = _pulling(joined, table, flags, e, lmt)
    return _turning(joined, Signals(e, u, a, l, v, force, None), moment_arm)


def _pulling(joined: Joined, table: Any, flags: Integers, e: Any, lmt: Any) -> MuscleSignals:
    """The signals of the muscles, forces as the fibers make them."""
    signals = muscle_signals(joined, table, flags, e, lmt)
    if joined.held is None:
        return signals
    u = primitives.held_activation(joined.held)(table, e)
    unfiltered = np.where(OF_FILTER, 0.0, table)  # c1 = c2 = 0: u is taken as it comes
    velocity = muscle_signals(joined, unfiltered, np.zeros_like(flags), u, lmt).fiber_velocity
    force = primitives.tendon_force(joined.system.curves)(table, *signals[1:3], velocity)
    return signals._replace(fiber_velocity=velocity, tendon_force=force)


def muscle_signals(joined: Joined, table: Any, flags: Integers, e: Any, lmt: Any) -> MuscleSignals:
    """What the engine makes of excitations `(K, M)` and musculotendon lengths `(T, M)`."""
    return primitives.muscle_signals(joined.system, flags)(table, e, lmt)


def _turning(joined: Joined, signals: Signals, moment_arm: Any = None) -> Signals:
    """The signals with no force below the least one, and with the moments."""
    force = signals.tendon_force
    if joined.least_force > -np.inf:
        force = np.maximum(force, joined.least_force)
    arm = joined.moment_arm if moment_arm is None else moment_arm
    return signals._replace(tendon_force=force, moment=primitives.moments(force, arm))


def simulate(model: Model, trial: Trial, profile: Profile = NATIVE) -> Simulation:
    """Predict the moments of one recording, and every signal on the way.

    Raises InputError when the recording does not fit the model, or its EMG not the frames.
    """
    return simulate_all(model, [trial], profile)[0]


def simulate_all(
    model: Model, trials: Sequence[Trial], profile: Profile = NATIVE
) -> list[Simulation]:
    """`simulate` for several recordings in one pass."""
    return simulate_joined(join(model, trials, profile))


def simulate_joined(joined: Joined, excitation: Array | None = None) -> list[Simulation]:
    """`simulate_all` for trials already joined; with other excitations `(K, M)` if given."""
    model, table = joined.model, joined.model.table()
    flags = np.zeros(joined.musculotendon_length.shape, np.int64)
    e = joined.excitation(table) if excitation is None else excitation
    lmt = joined.musculotendon_length
    free = Signals(e, *_pulling(joined, table, flags, e, lmt), None)
    signals = _turning(joined, free)
    with np.errstate(all="ignore"):  # a residual means nothing where nothing was solved
        bits = sample_flags(joined.system, model.muscles, joined.musculotendon_length, *free[2:6])
    flags |= bits
    if isinstance(model.tendon, RigidTendon):
        flags &= ~Flag.ILL_POSED  # nothing was solved
    return [_cut(joined, i, signals, flags) for i in range(len(joined.names))]


def _cut(joined: Joined, i: int, signals: Signals, flags: Integers) -> Simulation:
    frames, row = joined.frames(i), joined.system.timeline.rows[i + 1]
    rows = slice(row - (frames.stop - frames.start), row)
    parts = [signal[rows] for signal in signals[:2]] + [signal[frames] for signal in signals[2:]]
    named: dict[str, Array] = dict(zip(Signals._fields, map(np.array, parts), strict=True))
    return Simulation(
        name=joined.names[i],
        muscle_names=joined.model.muscle_names,
        dof_names=joined.model.dof_names,
        time=joined.times[i],
        flags=flags[frames],
        **named,
    )
