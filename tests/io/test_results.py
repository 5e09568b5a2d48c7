"""Result files have CEINMS's names, layout and quantities, and lose no digit."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from refnms.errors import InputError
from refnms.io.results import write_ceinms_results
from refnms.io.storage import read_storage
from refnms.io.subject import read_model
from refnms.model import Model
from refnms.physics.curves import ceinms_default
from refnms.physics.types import Muscles

FROM_CEINMS = {
    "activation": "Activations",
    "fiber_length": "FiberLenghts",
    "fiber_velocity": "FiberVelocities",
    "tendon_force": "MuscleForces",
    "moment": "Torques",
}
FILES = {*FROM_CEINMS.values(), "NormFiberLengths", "NormFiberVelocities", "PennationAngles"}


def one_muscle() -> Model:
    ones = np.ones(1)
    muscles = Muscles(*[ones] * len(Muscles._fields))._replace(
        optimal_fiber_length=0.1 * ones,
        pennation_angle_at_optimal=0.5 * ones,
        max_contraction_velocity=10.0 * ones,
    )
    return Model(
        muscle_names=("m",),
        dof_names=("d",),
        emg_names=("e",),
        muscles=muscles,
        curves=ceinms_default(),
        emg_to_muscle=np.ones((1, 1)),
        crosses=np.ones((1, 1), dtype=bool),
    )


@pytest.mark.parametrize("run", ["run81_a/out_elastic_offline", "walk36_a/out_stiff_online"])
def test_the_files_are_those_of_ceinms(run: str, shared: Path, tmp_path: Path) -> None:
    folder = shared / "ceinms09" / "s06" / run
    tables = {name: read_storage(folder / f"{name}.sto") for name in FILES}
    signals = {signal: tables[name].data for signal, name in FROM_CEINMS.items()}
    home = shared / "ceinms09" / "s06"
    model = read_model(home / "subject.xml", home / "excitationGenerator.xml")
    time = tables["Torques"].time
    write_ceinms_results(tmp_path, model, time, SimpleNamespace(**signals))
    assert {p.name for p in tmp_path.iterdir()} == {p.name for p in folder.iterdir()}
    for name, theirs in tables.items():
        ours = read_storage(tmp_path / f"{name}.sto")
        assert ours.names == theirs.names
        assert np.array_equal(ours.time, time)
        if name in FROM_CEINMS.values():
            assert np.array_equal(ours.data, theirs.data)
        np.testing.assert_allclose(ours.data, theirs.data, rtol=2e-13, atol=1e-14)  # 15 digits
        lines = (tmp_path / f"{name}.sto").read_text().split("\n")
        assert lines[:5] == (folder / f"{name}.sto").read_text().split("\n")[:5]
        assert all(line.endswith("\t") for line in lines[4:-1])


def test_fast_and_upright_fibers_stay_inside_the_limits(tmp_path: Path) -> None:
    signals = dict.fromkeys(FROM_CEINMS, np.ones((3, 1)))
    signals["fiber_velocity"] = np.array([[-3.0], [0.5], [1.5]])
    signals["fiber_length"] = np.array([[0.02], [0.1], [0.2]])
    write_ceinms_results(tmp_path, one_muscle(), np.arange(3.0), SimpleNamespace(**signals))
    speed = read_storage(tmp_path / "NormFiberVelocities.sto").data
    assert np.array_equal(speed, [[-1.0], [0.5], [1.0]])
    angle = read_storage(tmp_path / "PennationAngles.sto").data
    expected = [[np.pi / 2], [0.5], [np.arcsin(np.sin(0.5) / 2)]]
    np.testing.assert_allclose(angle, expected, rtol=1e-15)


def test_a_result_that_is_not_finite_is_told_by_file_and_muscle(tmp_path: Path) -> None:
    signals = dict.fromkeys(FROM_CEINMS, np.ones((2, 1))) | {
        "activation": np.array([[0], [np.nan]])
    }
    with pytest.raises(InputError) as caught:
        write_ceinms_results(tmp_path, one_muscle(), np.arange(2.0), SimpleNamespace(**signals))
    (problem,) = caught.value.problems
    assert problem.file == tmp_path / "Activations.sto"
    assert problem.column == "m"
