"""Envelopes: right for signals whose envelope is known, and the same when streamed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refnms.envelope import Filters, Stream, causal, clipped, envelope
from refnms.errors import InputError

RATE = 2000.0
TIME = np.arange(6000) / RATE
CARRIER = np.sin(2.0 * np.pi * 101.3 * TIME)  # well inside the band
MEAN = 2.0 / np.pi  # of a rectified sine


def bump(center: float, width: float = 0.3) -> np.ndarray:
    return np.exp(-(((TIME - center) / width) ** 2))


def test_the_envelope_of_a_modulated_carrier_is_its_modulation():
    """cos^2 of width 0.3 s has nothing above some 2 Hz, so the filters of 6 Hz leave it alone."""
    raw = np.column_stack([bump(1.2) * CARRIER, 0.5 * bump(1.8) * CARRIER])
    found = envelope(raw, RATE, Filters(low=12.0))
    expected = MEAN * np.column_stack([bump(1.2), 0.5 * bump(1.8)])
    np.testing.assert_allclose(found, expected, atol=0.012 * MEAN)


def test_an_offset_and_what_lies_outside_the_band_are_gone():
    raw = np.column_stack([5.0 + 0.0 * TIME, np.sin(2.0 * np.pi * 1.0 * TIME)])
    assert envelope(raw, RATE).max() < 0.005
    assert np.all(envelope(7.0 + raw + CARRIER[:, None], RATE)[1000:-1000] > 0.9 * MEAN)


def test_the_gain_at_the_ends_of_the_band_is_that_of_two_passes():
    for edge in (20.0, 450.0):
        sine = np.sin(2.0 * np.pi * edge * TIME)[:, None]
        middle = envelope(sine, RATE)[2000:4000].mean()
        assert middle == pytest.approx(0.5 * MEAN, rel=0.02)  # -3 dB, twice


@pytest.mark.parametrize("frequency", [25.3, 61.7, 203.7])
@pytest.mark.parametrize("order", [2, 3])
def test_the_gain_is_that_of_butterworths_formula(frequency, order):
    """1 / (1 + W^2n) for the power of one pass, with frequencies warped by the bilinear map."""
    sine = np.sin(2.0 * np.pi * frequency * TIME)[:, None]
    found = envelope(sine, RATE, Filters(order=order))[2500:3500].mean()
    f, low, high = np.tan(np.pi * np.array([frequency, 20.0, 450.0]) / RATE)
    power = 1.0 / (1.0 + ((f * f - low * high) / (f * (high - low))) ** (2 * order))
    assert found == pytest.approx(power * MEAN, rel=2e-4)


def test_without_lag_the_peak_stays_and_causally_it_is_late():
    raw = (bump(1.5, 0.2) * CARRIER)[:, None]
    offline, late = (f(raw, RATE)[:, 0] for f in (envelope, causal))
    assert TIME[offline.argmax()] == pytest.approx(1.5, abs=0.01)
    assert 0.02 < TIME[late.argmax()] - 1.5 < 0.08


def test_time_reversed_the_envelope_is_the_reverse():
    """What holds of a filter without lag alone."""
    raw = np.random.default_rng(1).standard_normal((4000, 1))
    one, other = envelope(raw, RATE), envelope(raw[::-1], RATE)[::-1]
    np.testing.assert_allclose(one[800:-800], other[800:-800], rtol=1e-3, atol=1e-4)


@given(st.lists(st.integers(0, 400), min_size=1, max_size=8))
def test_a_stream_gives_the_bits_of_the_whole_whatever_the_pieces(sizes):
    raw = 0.3 + np.random.default_rng(len(sizes)).standard_normal((sum(sizes) + 400, 2))
    stream, pieces = Stream(RATE, 2), []
    for start, size in zip(np.cumsum([0, *sizes]), [*sizes, 400], strict=True):
        pieces.append(stream.push(raw[start : start + size]))
    np.testing.assert_array_equal(np.concatenate(pieces), causal(raw, RATE))


def test_a_stream_that_begins_on_an_offset_does_not_jump():
    assert causal(np.full((500, 1), 4.2), RATE).max() < 1e-9


def test_envelopes_are_never_negative():
    raw = np.zeros((4000, 1))
    raw[2000] = 1.0
    assert envelope(raw, RATE).min() == 0.0 == causal(raw, RATE).min()


@pytest.mark.parametrize(
    ("rate", "samples", "message"),
    [
        (100.0, 500, "too slow for raw EMG"),
        (800.0, 5000, "the band ends at 450 Hz, but 800 Hz hold nothing above 400 Hz; "),
        (2000.0, 100, "100 samples are too few"),
    ],
)
def test_what_the_filters_cannot_take_is_refused(rate, samples, message):
    for function in (envelope, causal):
        with pytest.raises(InputError, match=message):
            function(np.ones((samples, 1)), rate)


def test_clipping_is_three_samples_in_a_row_at_the_same_extreme():
    raw = np.array([[0, 5, 5, 0, 5, 5, 5, 0, -9, -9, -9, -9, 1, -9, 2]], dtype=float).T
    assert np.flatnonzero(clipped(raw)).tolist() == [4, 5, 6, 8, 9, 10, 11]
    assert not clipped(np.random.default_rng(2).standard_normal((500, 3))).any()
