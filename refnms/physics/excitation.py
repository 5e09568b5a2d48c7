"""From EMG envelopes to the excitation of each frame: mapping, clamp, delay and clock.

The mapped envelopes are held inside [0, 1] at the rate of the EMG. Then either they are
interpolated linearly at the time of the frame minus the electromechanical delay (`interpolate`),
or, as CEINMS does, each frame takes one EMG row (`matching_rows`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refnms.physics.types import Array, Integers

SAME_TIME = 1e-4  # [s] CEINMS holds time stamps this close for equal
AT_SAMPLE = 1e-9  # [EMG samples] an interpolation point this close to a sample sits on its kink


def mapped(emg: Array, emg_to_muscle: Array) -> Array:
    """Excitations `(N, M)` in [0, 1] of envelopes `(N, E)` with weights `(M, E)`."""
    return np.asarray(np.clip(emg @ emg_to_muscle.T, 0.0, 1.0))


def interpolate(emg_time: Array, samples: Array, time: Array, delay: Array) -> Array:
    """Excitation `(T, M)` at `time - delay` of samples `(N, M)`; beyond, the end sample holds."""
    left, fraction, _ = _position(emg_time, time, delay)
    muscle = np.arange(samples.shape[1])
    low, high = samples[left, muscle], samples[left + 1, muscle]
    return np.asarray(low + fraction * (high - low))


def interpolate_vjp(
    emg_time: Array, samples: Array, time: Array, delay: Array, bar: Array
) -> Array:
    """Cotangent `(M,)` of the delay.

    On an EMG sample the interpolation has a kink; there the mean of both slopes is taken, which is
    what central differences see, and beyond the ends zero.
    """
    left, fraction, outside = _position(emg_time, time, delay)
    muscle = np.arange(samples.shape[1])
    slopes = np.diff(samples, axis=0) / np.diff(emg_time)[:, None]
    slope = slopes[left, muscle]
    last = len(slopes) - 1
    before = (fraction < AT_SAMPLE) & (left > 0)
    after = (fraction > 1.0 - AT_SAMPLE) & (left < last)
    slope = np.where(before, 0.5 * (slope + slopes[np.maximum(left - 1, 0), muscle]), slope)
    slope = np.where(after, 0.5 * (slope + slopes[np.minimum(left + 1, last), muscle]), slope)
    return np.asarray(-np.sum(np.where(outside, 0.0, slope) * bar, axis=0))


def _position(emg_time: Array, time: Array, delay: Array) -> tuple[Any, Any, Any]:
    """Left sample, fraction towards the right one, whether it lies outside, each `(T, M)`."""
    wanted = time[:, None] - delay
    left = np.clip(np.searchsorted(emg_time, wanted.real, side="right") - 1, 0, len(emg_time) - 2)
    fraction = (wanted - emg_time[left]) / np.diff(emg_time)[left]
    outside = (fraction.real < 0.0) | (fraction.real > 1.0)
    held = np.clip(fraction.real, 0.0, 1.0)
    return left, np.where(outside, held, fraction), outside


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
