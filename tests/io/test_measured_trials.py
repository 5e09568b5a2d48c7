"""The shared recordings read as they are, in both profiles."""

from __future__ import annotations

import warnings

import numpy as np

from refnms.io.setups import read_input_data
from refnms.io.storage import read_storage
from refnms.io.subject import read_model
from refnms.io.trials import read_trial
from refnms.physics.profiles import NATIVE, ceinms_0_9

CEINMS_0_9 = ceinms_0_9()


def test_the_measured_trials_read_in_both_profiles(shared):
    folder = shared / "s06_calibration"
    model = read_model(folder / "subject.xml", folder / "excitationGenerator.xml")
    inputs = sorted(folder.glob("*/trial.xml"))
    assert len(inputs) == 9
    for path in inputs:
        files = read_input_data(path)
        for profile in (NATIVE, CEINMS_0_9):
            trial = read_trial(files, model, profile)
            assert trial.musculotendon_length.shape == (len(trial.time), 12)
            knee = read_storage(path.parent / "ma_knee_angle_r.sto")
            d = model.dof_names.index("knee_angle_r")
            for m in np.flatnonzero(model.crosses[:, d]):
                (column,) = knee.columns([model.muscle_names[m]]).T
                assert np.array_equal(trial.moment_arm[:, m, d], column)


def test_the_inputs_of_ceinms_0_9_read_as_ceinms_reads_them(shared):
    inputs = sorted((shared / "ceinms09").glob("units/*/trial.xml"))
    inputs += sorted((shared / "ceinms09").glob("s06/*/trial.xml"))
    assert len(inputs) == 11
    outside = set()
    for path in inputs:
        home = path.parent if (path.parent / "subject.xml").exists() else path.parents[1]
        model = read_model(home / "subject.xml", home / "excitationGenerator.xml")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            trial = read_trial(read_input_data(path), model, CEINMS_0_9)
        outside |= {trial.name for w in caught if "outside [0, 1]" in str(w.message)}
        assert trial.moment is not None
    assert outside == {"emg_out_of_range", "run81_a", "walk36_a"}
