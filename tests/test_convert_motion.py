"""A set-up from a model, a motion and EMG; OpenSim itself is tested in interop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from models import muscle, v4

from refnms import convert_motion
from refnms.convert_motion import Recording, set_up
from refnms.errors import InputError, InputWarning
from refnms.interop.opensim import Geometry
from refnms.io.storage import write_storage
from refnms.task import read_task

TIME = np.linspace(1.0, 2.0, 21)
LEG = v4(muscle(name="rect_fem_r") + muscle(name="vas_r", bodies=("femur_r", "tibia_r")))
DOFS = ("hip_flexion_r", "knee_angle_r")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """A model, EMG, moments and a motion, whose geometry needs no OpenSim."""

    def made(model, motion, muscles, crosses, callback=None) -> Geometry:
        arm = np.zeros((len(TIME), len(muscles), len(crosses)))
        for d, spanning in enumerate(crosses.values()):
            arm[:, [m for m, name in enumerate(muscles) if name in spanning], d] = 0.04
        return Geometry(TIME, 0.3 + 0.01 * np.sin(TIME)[:, None] * [1.0, 2.0], arm)

    monkeypatch.setattr(convert_motion, "geometry", made)
    monkeypatch.setattr(
        convert_motion, "inverse_dynamics", lambda *_: (TIME, np.outer(np.sin(TIME), [10.0, 20.0]))
    )
    (tmp_path / "leg.osim").write_text(LEG)
    emg_time = np.linspace(0.5, 2.5, 201)
    names = ["rect_fem_r", "vas_r"]
    emg = np.random.default_rng(5).uniform(0.0, 1.0, (201, 2))
    write_storage(tmp_path / "emg.sto", emg_time, names, emg, "emg")
    moments = np.outer(np.sin(TIME), [30.0, 40.0])
    write_storage(tmp_path / "id.sto", TIME, DOFS, moments, "moments")
    (tmp_path / "walk.mot").touch()
    return {name: tmp_path / name for name in ("leg.osim", "emg.sto", "id.sto", "walk.mot")}


def recording(files: dict[str, Path], moments: bool = True) -> Recording:
    return Recording(files["walk.mot"], files["emg.sto"], files["id.sto"] if moments else None)


def test_what_is_written_is_a_calibration_that_is_read(files, tmp_path):
    done = set_up(files["leg.osim"], [recording(files)], tmp_path / "out")
    assert done.unmapped == () and done.dofs == DOFS
    task = read_task(tmp_path / "out" / "calibrationSetup.xml", "native")
    role, trial = task.trials["walk"]
    assert role == "calibration" and task.step.dofs == DOFS
    np.testing.assert_allclose(trial.time, TIME)
    np.testing.assert_allclose(trial.moment, np.outer(np.sin(TIME), [30.0, 40.0]))
    assert trial.moment_arm[0].tolist() == [[0.04, 0.04], [0.0, 0.04]]


def test_without_moments_and_loads_inverse_dynamics_warns(files, tmp_path):
    with pytest.warns(InputWarning, match="no external loads"):
        set_up(files["leg.osim"], [recording(files, moments=False)], tmp_path / "out")
    task = read_task(tmp_path / "out" / "calibrationSetup.xml", "native")
    np.testing.assert_allclose(task.trials["walk"][1].moment[:, 0], 10.0 * np.sin(TIME))


def test_angles_are_not_taken_for_moments(files, tmp_path):
    write_storage(files["id.sto"], TIME, DOFS, np.outer(np.sin(TIME), [0.3, 0.4]), "angles")
    with pytest.raises(InputError, match="are they angles"):
        set_up(files["leg.osim"], [recording(files)], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_moments_may_carry_opensims_names(files, tmp_path):
    names = [f"{dof}_moment" for dof in DOFS]
    write_storage(files["id.sto"], TIME, names, np.outer(np.sin(TIME), [0.3, 0.4]), "moments")
    set_up(files["leg.osim"], [recording(files)], tmp_path / "out")


def test_two_motions_of_one_name_are_refused(files, tmp_path):
    with pytest.raises(InputError, match="two motions have the same name"):
        set_up(files["leg.osim"], [recording(files)] * 2, tmp_path / "out")


def test_every_trial_needs_the_signals_of_the_first(files, tmp_path):
    write_storage(tmp_path / "other.sto", TIME, ["vas_r"], np.ones((21, 1)), "emg")
    other = Recording(tmp_path / "run.mot", tmp_path / "other.sto", files["id.sto"])
    with pytest.raises(InputError, match=r"other.sto.*'rect_fem_r'.*no column of this name"):
        set_up(files["leg.osim"], [recording(files), other], tmp_path / "out")
