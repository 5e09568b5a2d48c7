"""The plain functions, run by Python: what a frame takes of the EMG that has come."""

from __future__ import annotations

import numpy as np
from streams import PROFILES, person

from refnms.physics import excitation as emg
from refnms.physics.kernels.stream import EMG_LOST, LATE, begin, excite, match, push
from refnms.physics.kernels.struct import FRAMES, NEXT_ROW, described, state_size, stream_at
from refnms.stream import packed

RATE = 200.0


class Memory:
    """A stream in memory of its own."""

    def __init__(self, profile: str, emg_rate: float = RATE) -> None:
        self.packed = packed(person().true, PROFILES[profile], None, emg_rate, 0.1)
        self.state = np.zeros(state_size(self.packed.words))
        self.model = described(self.packed.address)
        self.stream = stream_at(self.packed.words, self.state.ctypes.data)
        begin(self.model, self.stream)


def test_excitations_and_their_slopes_are_those_of_whole_trials(rng):
    memory = Memory("native")
    time, samples = np.arange(60) / RATE, rng.uniform(-0.5, 1.5, (60, 10))
    model = person().true
    mapped = emg.mapped(samples, model.emg_to_muscle)
    assert mapped.min() == 0.0 and mapped.max() == 1.0
    delay = model.muscles.electromechanical_delay
    for i in range(60):
        assert push(memory.model, memory.stream, time[i], samples[i]) == 0
        if i > 12:
            at = np.array([time[i] - 0.3 / RATE])
            assert excite(memory.model, memory.stream, at[0]) == 0
            want = emg.interpolate(time, mapped, at, delay)[0]
            assert np.array_equal(memory.stream.excitation[-1], want)
            slope = emg.interpolate_slope(time, mapped, at, delay)[0]
            assert np.allclose(memory.stream.by_delay[0], slope, rtol=1e-12)


def test_on_a_sample_the_slope_by_the_delay_is_the_mean_of_both_sides(rng):
    memory, found = Memory("native"), 0
    time, samples = np.arange(60) / RATE, rng.uniform(0.0, 0.5, (60, 10))
    model = person().true
    mapped, delay = emg.mapped(samples, model.emg_to_muscle), model.muscles.electromechanical_delay
    kept = memory.stream.emg_time.size
    for i in range(60):
        push(memory.model, memory.stream, time[i], samples[i])
        for on in time[max(i - kept + 2, 1) : i] + delay[0]:
            if np.isin(on - delay[0], time):  # the sum may have been rounded
                excite(memory.model, memory.stream, on)
                slope = emg.interpolate_slope(time, mapped, np.array([on]), delay)[0]
                assert np.allclose(memory.stream.by_delay[0], slope, rtol=1e-12)
                found += 1
    assert found > 10


def test_rows_are_matched_as_in_whole_trials(rng):
    memory = Memory("online", emg_rate=2000.0)  # so that no row before the first frame is dropped
    time, samples = np.arange(80) / RATE, rng.uniform(0.0, 0.5, (80, 10))
    model = person().true
    mapped = emg.mapped(samples, model.emg_to_muscle)
    frames = 0.06 + 0.01 * np.arange(20)
    rows, lead = emg.matching_rows(time, frames, float(model.muscles.electromechanical_delay[0]))
    pushed = 0
    for i, at in enumerate(frames):
        while time[pushed] <= at:
            push(memory.model, memory.stream, time[pushed], samples[pushed])
            pushed += 1
        assert match(memory.model, memory.stream, at) == 0
        assert np.array_equal(memory.stream.excitation[-1], mapped[rows[lead + i]])
        memory.stream.counters[FRAMES] += 1
    assert memory.stream.counters[NEXT_ROW] == rows[-1] + 1


def test_emg_that_goes_back_is_refused_and_dropped_emg_is_told(rng):
    memory = Memory("native", emg_rate=10.0)
    assert push(memory.model, memory.stream, 0.0, np.zeros(10)) == 0
    assert push(memory.model, memory.stream, 0.0, np.ones(10)) == LATE
    for i in range(1, 20):
        push(memory.model, memory.stream, i / RATE, np.zeros(10))
    assert excite(memory.model, memory.stream, 20 / RATE) == EMG_LOST
