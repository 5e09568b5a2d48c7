"""The chain, written once: emg -> excitation -> neural activation -> activation -> fiber length ->
fiber velocity -> tendon force -> moment.

Trials are joined along time, so that one pass computes all of them. Arrays in give arrays, Vars in
give Vars, complex numbers in give complex numbers.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from refnms import primitives
from refnms.errors import InputError, InputWarning, Problem
from refnms.model import ElasticTendon, Model, PiecewiseActivation, RigidTendon, Trial
from refnms.physics import excitation as emg
from refnms.physics.flags import sample_flags
from refnms.physics.profiles import NATIVE, Profile
from refnms.physics.solve import plain_curves
from refnms.physics.stencils import timeline
from refnms.physics.types import Array, Flag, Integers, System, unpacked


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

    time: Array  # (T,)
    excitation: Array  # (T, M)
    neural_activation: Array  # (T, M)
    activation: Array  # (T, M)
    fiber_length: Array  # (T, M)
    fiber_velocity: Array  # (T, M)
    tendon_force: Array  # (T, M)
    moment: Array  # (T, D)
    flags: Integers  # (T, M)


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


def join(model: Model, trials: Sequence[Trial], profile: Profile) -> Joined:
    """Lay the trials out for one run. Raises InputError for a trial that cannot be run."""
    if not trials:
        raise InputError("no trial given")
    for trial in trials:
        trial.check(model)
    _refuse_zero_slack(model, profile)
    if profile.interpolates_emg:
        check_emg_covers(model, trials, model.muscles.electromechanical_delay)
    samples = tuple(emg.mapped(trial.emg, model.emg_to_muscle) for trial in trials)
    leads, rows = [0] * len(trials), None
    if not profile.interpolates_emg:
        rows, leads = _matched(model, trials, samples, profile)
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
        musculotendon_length=np.concatenate([trial.musculotendon_length for trial in trials]),
        # Muscles side by side in memory, as the forces they multiply: four times faster.
        moment_arm=np.concatenate(
            [trial.moment_arm.transpose(2, 0, 1) for trial in trials], 1
        ).transpose(1, 2, 0),
        samples=samples,
        emg_times=tuple(trial.emg_time for trial in trials),
        rows=rows,
    )


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


def _refuse_zero_slack(model: Model, profile: Profile) -> None:
    """CEINMS divides by the slack length; refnms takes 0 for a rigid tendon, in its own profile."""
    zero = model.muscles.tendon_slack_length == 0.0
    if profile.root.upper > 0.0 and isinstance(model.tendon, ElasticTendon) and zero.any():
        names = [model.muscle_names[m] for m in np.flatnonzero(zero)]
        message = (
            f"{', '.join(names)}: an elastic tendon of length 0 has no strain in {profile.name}"
        )
        raise InputError(f"{message}; use the native profile, where it is rigid")


def _matched(
    model: Model, trials: Sequence[Trial], samples: Sequence[Array], profile: Profile
) -> tuple[Array, list[int]]:
    """The excitation rows that CEINMS takes, all delayed by the first muscle's delay."""
    delay = model.muscles.electromechanical_delay
    if np.ptp(delay) > 0.0:
        message = (
            f"{profile.name} delays every muscle by the {delay[0]:g} s of {model.muscle_names[0]}"
        )
        warnings.warn(message, InputWarning, stacklevel=3)
    rows, leads, problems = [], [], []
    for trial, sample in zip(trials, samples, strict=True):
        try:
            taken, lead = emg.matching_rows(trial.emg_time, trial.time, float(delay[0]))
        except ValueError as error:
            problems.append(Problem(f"trial {trial.name!r}: {error}"))
            continue
        rows.append(sample[taken])
        leads.append(lead)
    if problems:
        raise InputError(problems)
    return np.concatenate(rows), leads


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
    arm = joined.moment_arm if moment_arm is None else moment_arm
    e = joined.excitation(table) if excitation is None else excitation
    packed = primitives.muscle_signals(joined.system, flags)(table, e, lmt)
    rows, frames = joined.system.timeline.rows[-1], joined.system.timeline.frames[-1]
    u, a, l, v, force = unpacked(packed, int(rows), int(frames))
    return Signals(e, u, a, l, v, force, primitives.moments(force, arm))


def simulate(model: Model, trial: Trial, profile: Profile = NATIVE) -> Simulation:
    """Predict the moments of one recording, and every signal on the way.

    Raises InputError when the recording does not fit the model, or its EMG not the frames.
    """
    return simulate_all(model, [trial], profile)[0]


def simulate_all(
    model: Model, trials: Sequence[Trial], profile: Profile = NATIVE
) -> list[Simulation]:
    """`simulate` for several recordings in one pass."""
    joined = join(model, trials, profile)
    flags = np.zeros(joined.musculotendon_length.shape, np.int64)
    signals = chain(joined, model.table(), flags)
    with np.errstate(all="ignore"):  # a residual means nothing where nothing was solved
        bits = sample_flags(
            joined.system, model.muscles, joined.musculotendon_length, *signals[2:6]
        )
    flags |= bits
    if isinstance(model.tendon, RigidTendon):
        flags &= ~Flag.ILL_POSED  # nothing was solved
    return [_cut(joined, i, signals, flags) for i in range(len(trials))]


def _cut(joined: Joined, i: int, signals: Signals, flags: Integers) -> Simulation:
    frames, row = joined.frames(i), joined.system.timeline.rows[i + 1]
    rows = slice(row - (frames.stop - frames.start), row)
    parts = [signal[rows] for signal in signals[:2]] + [signal[frames] for signal in signals[2:]]
    named: dict[str, Array] = dict(zip(Signals._fields, map(np.array, parts), strict=True))
    return Simulation(time=joined.times[i], flags=flags[frames], **named)
