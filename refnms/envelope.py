"""From raw EMG to its envelope: band-pass, rectify, low-pass; as a whole or sample by sample.

Butterworth filters of SciPy, as second-order sections. As a whole they run forward and backward, so
the envelope has no lag (and each filter twice its order); causal ones run forward alone, as a
stream must, and lag by some 1 / (pi * low) seconds. `Stream` gives the bits of `causal`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from refnms.errors import InputError

Array: TypeAlias = NDArray[np.float64]
LONGEST_FLAT = 3  # samples in a row at the same extreme: a converter at its limit


@dataclass(frozen=True)
class Filters:
    """`order` counts one pass. The defaults are the field's habit (20 to 450 Hz, then 6 Hz)."""

    band: tuple[float, float] = (20.0, 450.0)  # [Hz]
    low: float = 6.0  # [Hz]
    order: int = 2

    def problems(self, rate: float, samples: int) -> list[str]:
        """Why these filters cannot take a recording of so many samples at `rate` [Hz]."""
        found = []
        if rate < 10.0 * self.band[0]:
            found.append(
                f"is sampled at {rate:g} Hz, too slow for raw EMG; is it an envelope already?"
            )
        elif self.band[1] >= 0.5 * rate:
            found.append(
                f"the band ends at {self.band[1]:g} Hz, but {rate:g} Hz hold nothing above "
                f"{0.5 * rate:g} Hz; lower it with --band {self.band[0]:g} {0.45 * rate:.0f}"
            )
        if self.low >= self.band[1]:
            found.append(
                f"the low-pass of {self.low:g} Hz lies above the band; lower it with --low"
            )
        if samples < rate / self.low:
            found.append(
                f"{samples} samples are too few for a filter of {self.low:g} Hz at {rate:g} Hz"
            )
        return found

    def sections(self, rate: float) -> tuple[Array, Array]:
        """Second-order sections of the band-pass and of the low-pass."""
        from scipy.signal import butter

        band = butter(self.order, self.band, "bandpass", fs=rate, output="sos")
        return band, butter(self.order, self.low, "lowpass", fs=rate, output="sos")


def envelope(raw: Array, rate: float, filters: Filters | None = None) -> Array:
    """Envelopes `(N, E)` of raw EMG `(N, E)` at `rate` [Hz], without lag; never negative.

    Both ends are continued by reflection for one period of the low-pass. Raises InputError for a
    rate or length that the filters cannot take.
    """
    from scipy.signal import sosfiltfilt

    filters = _able(filters, rate, len(raw))
    band, low = filters.sections(rate)
    pad = min(len(raw) - 1, int(np.ceil(rate / filters.low)))
    rectified = np.abs(sosfiltfilt(band, raw, axis=0, padlen=pad))
    smooth = sosfiltfilt(low, rectified, axis=0, padtype="even", padlen=pad)
    return np.maximum(np.asarray(smooth), 0.0)  # a Butterworth step undershoots


def causal(raw: Array, rate: float, filters: Filters | None = None) -> Array:
    """What a stream gives for the same samples: `(N, E)`."""
    filters = _able(filters, rate, len(raw))
    return Stream(rate, raw.shape[1], filters).push(raw)


class Stream:
    """The causal envelope of E channels, in pieces of any length."""

    def __init__(self, rate: float, channels: int, filters: Filters | None = None) -> None:
        self.channels = channels
        self._sections = (filters or Filters()).sections(rate)
        self._states: list[Any] = [None, None]

    def push(self, raw: Array) -> Array:
        """Envelopes `(n, E)` of the next samples `(n, E)`."""
        rectified = np.abs(self._filtered(0, np.asarray(raw, dtype=float)))
        return np.maximum(self._filtered(1, rectified), 0.0)

    def _filtered(self, which: int, signal: Array) -> Array:
        from scipy.signal import sosfilt, sosfilt_zi

        if not len(signal):
            return signal
        sections = self._sections[which]
        if self._states[which] is None:  # at rest on the first sample: no step from an offset
            rest = sosfilt_zi(sections)[:, :, None]
            self._states[which] = rest * signal[0]
        filtered, self._states[which] = sosfilt(sections, signal, axis=0, zi=self._states[which])
        return np.asarray(filtered)


def clipped(raw: Array) -> NDArray[np.bool_]:
    """Samples `(N, E)` that sit on the largest or smallest value three times or more in a row."""
    found = np.zeros(raw.shape, dtype=bool)
    for extreme in (raw.max(axis=0), raw.min(axis=0)):
        at = raw == extreme
        run = np.copy(at)
        for step in range(1, LONGEST_FLAT):
            run[step:] &= at[:-step]
            run[:step] = False
        for step in range(LONGEST_FLAT):  # from the last sample of a run back to its first
            found[: len(raw) - step] |= run[step:]
    return found


def _able(filters: Filters | None, rate: float, samples: int) -> Filters:
    filters = filters or Filters()
    problems = filters.problems(rate, samples)
    if problems:
        raise InputError("; ".join(problems))
    return filters
