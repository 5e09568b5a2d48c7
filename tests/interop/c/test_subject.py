from __future__ import annotations

import re

import numpy as np
from streams import person, short

from refnms.interop.c import write_model, write_trial
from refnms.physics.kernels.struct import WORDS


def test_the_numbers_of_a_model_lose_not_a_bit(tmp_path):
    model = person().true
    write_model(tmp_path / "subject.h", model, name="ann")
    text = (tmp_path / "subject.h").read_text()
    body = re.search(r"double ann_parameters\[\] = \{(.*?)\};", text, re.S)[1]
    numbers = [float.fromhex(cell) for cell in re.findall(r"[^\s,]+", body)]
    assert np.array_equal(np.reshape(numbers, (12, 16)), model.table())
    assert "-INFINITY" in text and "nan" not in text
    named = re.findall(r"^    \.(\w+) = ", text, re.M)
    assert tuple(named) == WORDS


def test_a_trial_is_laid_out_as_its_description_says(tmp_path):
    trial = short(person().held_out[0], 8)
    moment = np.arange(24.0).reshape(8, 3)
    write_trial(tmp_path / "trial.bin", trial, moment)
    raw = (tmp_path / "trial.bin").read_bytes()
    t, n = np.frombuffer(raw[:16], "<i8")
    assert (t, n) == (8, len(trial.emg_time))
    numbers = np.frombuffer(raw[16:], "<f8")
    assert numbers.size == t + n * (1 + 10) + t * 16 * 4 + t * 3
    assert np.array_equal(numbers[:8], trial.time) and np.array_equal(numbers[-24:], moment.ravel())
