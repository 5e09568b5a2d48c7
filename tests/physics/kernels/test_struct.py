from __future__ import annotations

import numpy as np
import pytest
from streams import PROFILES, person

from refnms.physics.kernels.struct import (
    BLOCK,
    NUMBERS,
    WORDS,
    described,
    lanes,
    spread,
    state_size,
    stream_at,
)
from refnms.stream import packed


def arrays_of(struct):
    for part in struct:
        if isinstance(part, np.ndarray):
            yield part
        else:
            yield from part


@pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
def test_the_arrays_of_a_state_fill_it_without_overlap(profile):
    words = packed(person().true, profile, None, 500.0, 0.1).words
    state = np.zeros(state_size(words))
    base, taken = state.ctypes.data, np.zeros(state.size, int)
    for array in arrays_of(stream_at(words, base)):
        begin = (array.ctypes.data - base) // 8 if array.size else 0
        taken[begin : begin + array.size] += 1
    assert (taken == 1).all()


def test_a_model_comes_back_from_its_words():
    model = person().true
    own = packed(model, PROFILES["native"], None, 500.0, 0.25)
    found = described(own.address)
    assert np.array_equal(found.table, model.table())
    assert np.array_equal(found.emg_to_muscle, model.emg_to_muscle.T)
    assert found.numbers[NUMBERS.index("longest_gap")] == 0.25
    assert found.words[WORDS.index("muscles")] == 16


@pytest.mark.parametrize("muscles", [1, 16, 17, 34, 90])
def test_blocks_hold_every_muscle_once(muscles):
    words = np.zeros(len(WORDS), np.int64)
    words[WORDS.index("muscles")] = muscles
    share = np.ones((lanes(muscles)[0], BLOCK), np.int64)
    spread(words, share)
    held = [m for _, first, count, _ in share for m in range(first, first + count)]
    assert held == list(range(muscles))
    assert not share[:, 0].any() and not share[:, 3].any()
