"""The files of a small valid trial, to be spoiled by a test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from refnms.errors import InputError
from refnms.io.storage import write_storage
from refnms.io.trials import TrialFiles, read_trial
from refnms.model import Model, Trial
from refnms.physics.curves import ceinms_default
from refnms.physics.profiles import NATIVE, Profile
from refnms.physics.types import Muscles

MUSCLES = ("soleus", "gastrocnemius", "vastus")
DOFS = ("ankle", "knee")
MODEL = Model(
    muscle_names=MUSCLES,
    dof_names=DOFS,
    emg_names=("calf", "thigh"),
    muscles=Muscles(*[np.ones(3)] * len(Muscles._fields))._replace(
        optimal_fiber_length=np.array([0.05, 0.06, 0.10]),
        tendon_slack_length=np.array([0.25, 0.38, 0.15]),
        electromechanical_delay=np.array([0.05, 0.02, 0.0]),
    ),
    curves=ceinms_default(),
    emg_to_muscle=np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]),
    crosses=np.array([[True, False], [True, True], [False, True]]),
)


@dataclass
class Recording:
    """Columns of the files of a small valid trial, to be spoiled by a test."""

    time: np.ndarray
    files: dict[str, tuple[np.ndarray, dict[str, np.ndarray]]]
    start_stop: tuple[float, float] | None = None

    def write(self, folder: Path) -> TrialFiles:
        paths = {}
        for name, (time, columns) in self.files.items():
            paths[name] = folder / f"{name}.sto"
            data = np.column_stack(list(columns.values()))
            write_storage(paths[name], time, list(columns), data, "run 1")
        return TrialFiles(
            name="trial",
            lengths=paths["lengths"],
            moment_arms={dof: paths[f"ma_{dof}"] for dof in DOFS if f"ma_{dof}" in paths},
            excitations=paths["emg"],
            moments=paths.get("id"),
            start_stop=self.start_stop,
            source=folder / "trial.xml",
        )

    def read(self, folder: Path, profile: Profile = NATIVE) -> Trial:
        return read_trial(self.write(folder), MODEL, profile)

    def problems(self, folder: Path, profile: Profile = NATIVE) -> list[tuple[str, object, str]]:
        with pytest.raises(InputError) as caught:
            self.read(folder, profile)
        return [(Path(str(p.file)).name, p.column, p.message) for p in caught.value.problems]

    def column(self, file: str, name: str) -> np.ndarray:
        return self.files[file][1][name]

    def retime(self, file: str, time: np.ndarray) -> None:
        columns = self.files[file][1]
        self.files[file] = (time, {n: np.resize(x, len(time)) for n, x in columns.items()})


def small_recording() -> Recording:
    time, emg_time = np.arange(1.0, 2.005, 0.01), np.arange(0.9, 2.0005, 0.001)
    swing, envelope = np.sin(5.0 * time), 0.5 + 0.4 * np.sin(7.0 * emg_time)
    files = {
        "lengths": {"soleus": 0.3 + 0.02 * swing, "gastrocnemius": 0.44 + 0.03 * swing,
                    "other": 9.0 * swing, "vastus": 0.24 + 0.02 * swing},
        "ma_ankle": {"gastrocnemius": -0.05 + 0.001 * swing, "soleus": -0.04 + 0.001 * swing,
                     "vastus": 7.0 + swing},
        "ma_knee": {"gastrocnemius": 0.02 + 0.001 * swing, "vastus": 0.04 + 0.001 * swing},
        "id": {"knee_moment": 30.0 * swing, "ankle_moment": -80.0 * swing},
    }  # fmt: skip
    emg = {"thigh": 1.0 - envelope, "calf": envelope}
    return Recording(time, {n: (time, c) for n, c in files.items()} | {"emg": (emg_time, emg)})
