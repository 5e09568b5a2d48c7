"""The commands in a process that cannot import Numba: the same numbers, slower."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from project import write_project
from streams import person, short

from refnms import cli, simulate
from refnms.io.storage import read_storage

CHECKOUT = Path(__file__).resolve().parents[1]
AGREEMENT = 1e-12  # of a column's peak; a root is only as good as its tolerance, Brent's path equal
FILES = ("Activations", "FiberLenghts", "FiberVelocities", "MuscleForces", "Torques")
BLOCKED = """
import json, sys
sys.modules["numba"] = sys.modules["llvmlite"] = None
sys.path.insert(0, sys.argv[1])
from refnms import cli
for arguments in json.loads(sys.stdin.read()):
    assert cli.main(arguments) == 0, arguments
from refnms.physics import engine, reference
assert engine.pick() is reference
"""


def run_blocked(commands: list[list[str]]) -> None:
    command = [sys.executable, "-c", BLOCKED, str(CHECKOUT)]
    done = subprocess.run(command, input=json.dumps(commands), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def compare(one: Path, other: Path) -> None:
    for name in FILES:
        a, b = (read_storage(folder / f"{name}.sto") for folder in (one, other))
        peak = np.max(np.abs(b.data), axis=0)
        assert np.all(np.abs(a.data - b.data) <= AGREEMENT * peak), name


@pytest.fixture(scope="module")
def project(tmp_path_factory: Any) -> Path:
    return write_project(tmp_path_factory.mktemp("master") / "project")


@pytest.mark.parametrize("profile", ["native", "ceinms-0.9"])
def test_a_run_gives_the_same_numbers(project, tmp_path, profile):
    command = ["run", str(project / "run.xml"), "--profile", profile, "--out"]
    run_blocked([[*command, str(tmp_path / "blocked")]])
    assert cli.main([*command, str(tmp_path / "plain")]) == 0
    compare(tmp_path / "blocked", tmp_path / "plain")


def test_a_calibration_takes_the_same_steps(project, tmp_path):
    command = ["calibrate", str(project / "calibrate.xml"), "--evaluations", "20", "--out"]
    run_blocked([[*command, str(tmp_path / "blocked")]])
    assert cli.main([*command, str(tmp_path / "plain")]) == 0
    one, other = (
        json.loads((tmp_path / name / "refnms.json").read_text()) for name in ("blocked", "plain")
    )
    assert one["evaluations"] == other["evaluations"] == 20
    assert other["objective"]["final"] < 0.5 * other["objective"]["initial"]
    for key, value in other["objective"].items():
        assert one["objective"][key] == pytest.approx(value, rel=1e-6, abs=1e-12)


MEASURED = (
    ("units/slack_to_taut/setup_elastic_online.xml", "ceinms-0.9"),
    ("units/slack_to_taut/setup_elastic_online.xml", "native"),
    ("s06/setup_run81_a_elastic_offline.xml", "ceinms-0.9"),
    ("s06/setup_walk36_a_stiff_online.xml", "ceinms-0.9"),
    ("s06/setup_walk36_a_elastic_offline.xml", "native"),
)


def test_measured_trials_give_the_same_numbers(shared, tmp_path):
    def commands(folder: str) -> list[list[str]]:
        listed = []
        for i, (setup, profile) in enumerate(MEASURED):
            setup_file, out = shared / "ceinms09" / setup, tmp_path / folder / str(i)
            listed.append(["run", str(setup_file), "--profile", profile, "--out", str(out)])
        return listed

    run_blocked(commands("blocked"))
    for i, command in enumerate(commands("plain")):
        assert cli.main(command) == 0
        compare(tmp_path / "blocked" / str(i), tmp_path / "plain" / str(i))


STREAMED = """
import sys
sys.modules["numba"] = sys.modules["llvmlite"] = None
sys.path[:0] = sys.argv[1:3]
import numpy as np
from streams import person, played, short
np.save(sys.argv[3], played(person().true, short(person().held_out[0], 6)))
"""


def test_a_stream_gives_the_same_numbers(tmp_path):
    file = tmp_path / "moments.npy"
    command = [
        sys.executable,
        "-W",
        "error",
        "-c",
        STREAMED,
        str(CHECKOUT),
        str(CHECKOUT / "tests"),
    ]
    done = subprocess.run([*command, str(file)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    trial = short(person().held_out[0], 6)
    want = simulate(person().true, trial).moment
    assert np.abs(np.load(file) - want).max() <= AGREEMENT * np.abs(want).max()
