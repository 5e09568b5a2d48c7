"""Recordings that CEINMS 0.21 crops to their startStopTime."""

from __future__ import annotations

import numpy as np
import pytest

from refnms.errors import InputWarning
from refnms.physics.profiles import NATIVE, ceinms_0_21


@pytest.mark.parametrize("uncropped", [False, True])
def test_0_21_crops_lengths_and_emg_and_leaves_the_arms(uncropped, recording, tmp_path):
    recording.start_stop = (1.2, 1.7)
    profile = ceinms_0_21(uncropped_arms=uncropped)
    told = "so it is done here" if uncropped else "ceinms-0.21-uncropped-arms follows it"
    with pytest.warns(InputWarning, match=rf"begins 0\.2 s, 20 rows, .*{told}"):
        trial = recording.read(tmp_path, profile)
    whole = recording.read(tmp_path, NATIVE)
    window = slice(20, 71)
    assert trial.scored is None and len(trial.time) == 51
    np.testing.assert_array_equal(trial.time, whole.time[window])
    np.testing.assert_array_equal(trial.musculotendon_length, whole.musculotendon_length[window])
    np.testing.assert_array_equal(trial.moment, whole.moment[window])
    arms = slice(0, 51) if uncropped else window
    np.testing.assert_array_equal(trial.moment_arm, whole.moment_arm[arms])
    # The first row of EMG is the first that, delayed by the first muscle's 50 ms, is no earlier.
    assert trial.emg_time[0] == pytest.approx(1.15, abs=1e-9)


@pytest.mark.parametrize("window", [None, (1.0, 1.5)])
@pytest.mark.filterwarnings("error::refnms.errors.InputWarning")
def test_a_window_that_begins_with_the_files_misaligns_nothing(window, recording, tmp_path):
    recording.start_stop = window
    frames = len(recording.time) if window is None else 51
    for uncropped in (False, True):
        trial = recording.read(tmp_path, ceinms_0_21(uncropped_arms=uncropped))
        assert trial.moment_arm.shape[0] == len(trial.time) == frames


def test_only_the_emg_of_the_window_must_be_there(recording, tmp_path):
    recording.start_stop = (1.5, 1.9)
    recording.retime("emg", np.arange(1.4, 2.0005, 0.001))
    with pytest.warns(InputWarning, match="0.5 s, 50 rows"):
        recording.read(tmp_path, ceinms_0_21())
    recording.retime("emg", np.arange(1.46, 2.0005, 0.001))
    problems = recording.problems(tmp_path, ceinms_0_21())
    assert {file for file, _, _ in problems} == {"emg.sto"}
    assert "the EMG starts after the first frame" in problems[0][2]
