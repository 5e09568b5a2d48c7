"""From EMG envelopes to the excitation of each frame: mapping, clamp, delay and clock.

The mapped envelopes are held inside [0, 1] at the rate of the EMG. Then either they are
interpolated linearly at the time of the frame minus the electromechanical delay (`interpolate`),
or, as CEINMS does, each frame takes one EMG row (`matching_rows`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from refnms.physics.types import Array, Integers

SAME_TIME = 1e-4  # [s] CEINMS holds time stamps this close for equal
AT_SAMPLE = 1e-9  # [EMG samples] an interpolation point this close to a sample sits on its kink


def mapped(emg: Array, emg_to_muscle: Array) -> Array:
    """Excitations `(N, M)` in [0, 1] of envelopes `(N, E)` with weights `(M, E)`.

    Channels are added in their order, as a stream adds them: BLAS would have bits of its own.
    """
    return np.clip(_summed(emg, emg_to_muscle), 0.0, 1.0)


def mapped_vjp(emg: Array, emg_to_muscle: Array, samples_bar: Array) -> Array:
    """Cotangent `(N, E)` of the envelopes; none comes through a sum outside [0, 1]."""
    total = _summed(emg, emg_to_muscle)
    inside = (total >= 0.0) & (total <= 1.0)
    return np.asarray(np.where(inside, samples_bar, 0.0) @ emg_to_muscle)


def _summed(emg: Array, emg_to_muscle: Array) -> Array:
    total = np.zeros((len(emg), len(emg_to_muscle)))
    for channel, weights in zip(emg.T, emg_to_muscle.T, strict=True):
        total += channel[:, None] * weights
    return total


def interpolate(emg_time: Array, samples: Array, time: Array, delay: Array) -> Array:
    """Excitation `(T, M)` at `time - delay` of samples `(N, M)`; beyond, the end sample holds."""
    kind = np.result_type(samples, delay)
    found = np.empty((len(time), samples.shape[1]), kind)
    for muscles, left, fraction, _ in _positions(emg_time, time, delay):
        own = samples[:, muscles]
        rise = _rise(own, left).astype(kind, copy=False)
        rise *= fraction
        rise += own.take(left, axis=0)
        found[:, muscles] = rise
    return found


def interpolate_vjp(emg_time: Array, time: Array, delay: Array, bar: Array) -> Array:
    """Cotangent `(N, M)` of the samples from that of the excitations `(T, M)`."""
    samples_bar = np.zeros((len(emg_time), bar.shape[1]))
    for muscles, left, fraction, _ in _positions(emg_time, time, delay):
        own = np.zeros((len(emg_time), bar[:, muscles].shape[1]))
        np.add.at(own, left, (1.0 - fraction) * bar[:, muscles])
        np.add.at(own, left + 1, fraction * bar[:, muscles])
        samples_bar[:, muscles] = own
    return samples_bar


def interpolate_slope(emg_time: Array, samples: Array, time: Array, delay: Array) -> Array:
    """Slope `(T, M)` of `interpolate` by the delay of each muscle.

    On an EMG sample the interpolation has a kink; there the mean of both slopes is taken, which is
    what central differences see, and beyond the ends zero.
    """
    found = np.empty((len(time), samples.shape[1]))
    for muscles, left, fraction, outside in _positions(emg_time, time, delay):
        own, fraction, last = samples[:, muscles], fraction[:, 0], len(emg_time) - 2
        before = np.flatnonzero((fraction < AT_SAMPLE) & (left > 0))
        after = np.flatnonzero((fraction > 1.0 - AT_SAMPLE) & (left < last))
        slope = _slopes(emg_time, own, left)
        slope[before] = 0.5 * (slope[before] + _slopes(emg_time, own, left[before] - 1))
        slope[after] = 0.5 * (slope[after] + _slopes(emg_time, own, left[after] + 1))
        slope[outside] = 0.0
        found[:, muscles] = -slope
    return found


def _rise(samples: Array, left: Integers) -> Array:
    """From these samples to the next ones `(T, M)`; in place, since memory takes the time."""
    rise = samples.take(left + 1, axis=0)
    rise -= samples.take(left, axis=0)
    return rise


def _slopes(emg_time: Array, samples: Array, left: Integers) -> Array:
    """Slopes `(T, M)` from these samples to the next ones."""
    slope = _rise(samples, left)
    slope /= (emg_time[left + 1] - emg_time[left])[:, None]
    return slope


def _positions(emg_time: Array, time: Array, delay: Array) -> Iterator[tuple[Any, Any, Any, Any]]:
    """Muscles of one delay, left sample, fraction `(T, 1)` towards the right one, what is outside.

    Commonly all muscles have the same.
    """
    shared = bool((delay == delay[0]).all())
    for value in delay[:1] if shared else np.unique(delay):
        wanted = time - value
        left = np.searchsorted(emg_time[1:-1], wanted.real, side="right")
        before = emg_time[left]
        fraction = (wanted - before) / (emg_time[left + 1] - before)
        outside = (fraction.real < 0.0) | (fraction.real > 1.0)
        fraction[outside] = np.clip(fraction[outside].real, 0.0, 1.0)
        muscles = slice(None) if shared else np.flatnonzero(delay == value)
        yield muscles, left, fraction[:, None], outside


def matching_rows(emg_time: Array, time: Array, delay: float) -> tuple[Integers, int]:
    """The EMG row that CEINMS 0.9 takes for each frame, led by the rows that charge its filter.

    A frame takes the first delayed row not earlier than itself; rows skipped between frames are
    lost. Returns the rows `(lead + T,)` and the lead.

    Raises ValueError when two frames would need the same row or the EMG ends too early.
    """
    delayed = emg_time + delay
    rows = np.searchsorted(delayed, time - SAME_TIME)
    if rows[-1] >= len(emg_time):
        raise ValueError("the EMG ends before the last frame")
    if (np.diff(rows) < 1).any():
        raise ValueError("the EMG is slower than the frames")
    lead = int(rows[0])
    return np.concatenate([np.arange(lead), rows]), lead
