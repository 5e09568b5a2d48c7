"""What measured signals show that no reader can refuse: scaling, lag, signs, lengths.

Every look is a rule of thumb with its number beside it. None stops a calibration.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np

from refnms.errors import Problem
from refnms.io.trials import TrialFiles
from refnms.lint.findings import Level
from refnms.model import Model, Trial
from refnms.physics.excitation import interpolate, mapped
from refnms.physics.types import Array

Recording: TypeAlias = tuple[TrialFiles, Trial]
Look: TypeAlias = tuple[Level, Problem]

WEAK = 0.05  # an envelope that never exceeds this is hardly normalised to its maximum
OFFSET = 0.15  # nor does a relaxed muscle keep this much
LAGS = np.arange(-0.10, 0.301, 0.01)  # [s] of moments behind EMG
USUAL_LAGS = (-0.02, 0.2)  # [s] delay of the muscle, its activation and its tendon
CLEAR = 0.6  # correlation that says something
FIBER_LENGTHS = (0.4, 1.6)  # optimal lengths; beyond, a fiber has no active force
OPPOSITE = -0.5  # correlation of a length with what its moment arms say of it


def looks(model: Model, recordings: Sequence[Recording]) -> Iterator[Look]:
    """What looks wrong in trials of one person."""
    if not recordings:
        return
    yield from _idle_muscles(model, recordings[0][0])
    yield from _channels(model, recordings)
    yield from _lags(model, recordings)
    yield from _fiber_lengths(model, recordings)
    for files, trial in recordings:
        yield from _still_moments(model, files, trial)
        yield from _arms_against_lengths(model, files, trial)


def _idle_muscles(model: Model, files: TrialFiles) -> Iterator[Look]:
    spanning = np.asarray(model.crosses.any(axis=1))
    names = [name for m, name in enumerate(model.muscle_names) if not spanning[m]]
    if names:
        text = f"span no degree of freedom, so moments say nothing of them: {', '.join(names)}"
        yield Level.WARNING, Problem(text, files.source)


def _channels(model: Model, recordings: Sequence[Recording]) -> Iterator[Look]:
    file = recordings[0][0].excitations
    highest = np.array([trial.emg.max(axis=0) for _, trial in recordings])  # trials, channels
    lowest = np.array([trial.emg.min(axis=0) for _, trial in recordings])
    for e, name in enumerate(model.emg_names):
        if not np.any(model.emg_to_muscle[:, e]):
            continue
        top, bottom = highest[:, e].max(), lowest[:, e].min()
        if top == bottom:
            text = "the signal never changes: was the electrode connected?"
            yield Level.WARNING, Problem(text, file, column=name)
        elif top < WEAK:
            text = f"never exceeds {top:.3g}: was it normalised to the maximum of another muscle?"
            yield Level.WARNING, Problem(text, file, column=name)
        elif bottom > OFFSET:
            text = f"never falls below {bottom:.3g}: was its offset removed?"
            yield Level.WARNING, Problem(text, file, column=name)
        if len(recordings) > 1 and np.all(highest[:, e] == 1.0):
            text = (
                "reaches exactly 1 in every trial: each seems normalised to its own maximum, so "
                "trials cannot be compared; take one maximum over all (refnms emg)"
            )
            yield Level.WARNING, Problem(text, file, column=name)
        if any(np.mean(trial.emg[:, e] < -0.05) > 0.1 for _, trial in recordings):
            text = "is negative much of the time: is it raw? Make envelopes with refnms emg"
            yield Level.WARNING, Problem(text, file, column=name)
    yield from _twins(model, recordings)


def _twins(model: Model, recordings: Sequence[Recording]) -> Iterator[Look]:
    files, trial = recordings[0]
    for e, name in enumerate(model.emg_names):
        for k in range(e):
            if np.ptp(trial.emg[:, e]) > 0.0 and np.array_equal(trial.emg[:, e], trial.emg[:, k]):
                text = f"is the same signal as {model.emg_names[k]!r}: was it copied?"
                yield Level.WARNING, Problem(text, files.excitations, column=name)


def _lags(model: Model, recordings: Sequence[Recording]) -> Iterator[Look]:
    """Moments of EMG without any dynamics, against the measured ones, at one lag after another."""
    for d, dof in enumerate(model.dof_names):
        found = [
            (r, files)
            for files, trial in recordings
            if (r := _correlations(model, trial, d)) is not None
        ]
        if not found:
            continue
        curve, file = np.median([r for r, _ in found], axis=0), found[0][1].source
        best, lag = float(curve.max()), round(float(LAGS[curve.argmax()]), 2) + 0.0
        if best < CLEAR and curve.min() < -CLEAR:
            text = (
                f"{dof}: the moments have the opposite sign of what EMG and moment arms give "
                f"(r = {curve.min():.2f}); is the sign of one of them turned?"
            )
            yield Level.WARNING, Problem(text, file)
        elif best >= CLEAR:
            delay = float(np.median(model.muscles.electromechanical_delay))
            text = f"{dof}: moments lag EMG by {lag:.2f} s (r = {best:.2f}); emDelay is {delay:g} s"
            usual = USUAL_LAGS[0] <= lag <= USUAL_LAGS[1]
            if not usual:
                text += f", usual are 0 to {USUAL_LAGS[1]:g} s: do the clocks agree?"
            yield (Level.NOTE if usual else Level.WARNING), Problem(text, file)


def _correlations(model: Model, trial: Trial, d: int) -> Array | None:
    """Correlation at each of LAGS; None where there is nothing to compare."""
    if trial.moment is None or np.ptp(trial.moment[:, d]) == 0.0:
        return None
    samples = mapped(trial.emg, model.emg_to_muscle)
    strength = model.muscles.max_isometric_force * model.muscles.strength_coefficient
    weights = trial.moment_arm[:, :, d] * strength
    found = []
    for lag in LAGS:
        excitation = interpolate(
            trial.emg_time, samples, trial.time, np.full(len(model.muscle_names), lag)
        )
        guess = np.sum(weights * excitation, axis=1)
        if np.ptp(guess) == 0.0:
            return None
        found.append(np.corrcoef(guess, trial.moment[:, d])[0, 1])
    return np.array(found)


def _fiber_lengths(model: Model, recordings: Sequence[Recording]) -> Iterator[Look]:
    """Of rigid tendons, as the subject has them."""
    p = model.muscles
    lengths = np.concatenate([trial.musculotendon_length for _, trial in recordings])
    along = (lengths - p.tendon_slack_length) / p.optimal_fiber_length
    norm = np.hypot(np.sin(p.pennation_angle_at_optimal), np.maximum(along, 0.0))
    low, high = norm.min(axis=0), norm.max(axis=0)
    files = recordings[0][0]
    for m, name in enumerate(model.muscle_names):
        slack = float(np.mean(along[:, m] <= 0.0))
        if low[m] < FIBER_LENGTHS[0] or high[m] > FIBER_LENGTHS[1]:
            text = (
                f"normalised fiber length {low[m]:.2f} to {high[m]:.2f} with a rigid tendon; "
                f"active force ends at {FIBER_LENGTHS[0]:g} and {FIBER_LENGTHS[1]:g}"
            )
            if slack:
                text += f", and the tendon is slack in {slack:.0%} of the frames"
            yield Level.WARNING, Problem(text, files.lengths, column=name)


def _still_moments(model: Model, files: TrialFiles, trial: Trial) -> Iterator[Look]:
    if trial.moment is None or files.moments is None:
        return
    for d, dof in enumerate(model.dof_names):
        if np.ptp(trial.moment[:, d]) == 0.0:
            text = "the moment never changes: nothing can be calibrated on it"
            yield Level.WARNING, Problem(text, files.moments, column=f"{dof}_moment")


def _arms_against_lengths(model: Model, files: TrialFiles, trial: Trial) -> Iterator[Look]:
    """A moment arm is minus the change of length by angle, so the muscles of a joint must tell the
    same story of how it moves. What the others say of the motion is held against each muscle's own
    change of length; a turned sign, or another muscle's column, shows as an opposite one."""
    rate = np.gradient(trial.musculotendon_length, trial.time, axis=0)  # (T, M)
    for m, name in enumerate(model.muscle_names):
        dofs = np.flatnonzero(model.crosses[m])
        others = np.arange(len(model.muscle_names)) != m
        if not len(dofs) or model.crosses[others][:, dofs].sum(axis=0).min() < 2:
            continue  # nobody to compare with
        motion = _motion(trial.moment_arm[:, others][:, :, dofs], rate[:, others])
        told = -np.sum(trial.moment_arm[:, m][:, dofs] * motion, axis=1)
        if np.ptp(told) == 0.0 or np.ptp(rate[:, m]) == 0.0:
            continue
        r = float(np.corrcoef(told, rate[:, m])[0, 1])
        if r < OPPOSITE:
            text = (
                f"its length changes against what its moment arms say (r = {r:.2f}): is a sign "
                "turned, or is this another muscle's column?"
            )
            yield Level.WARNING, Problem(text, files.lengths, column=name)


def _motion(arm: Array, rate: Array) -> Array:
    """Angular velocities `(T, D)` by least squares of rate = -arm @ velocity, frame by frame."""
    normal = np.einsum("tmd,tme->tde", arm, arm) + 1e-9 * np.eye(arm.shape[2])
    side = -np.einsum("tmd,tm->td", arm, rate)
    return np.asarray(np.linalg.solve(normal, side[:, :, None])[:, :, 0])
