"""Result files have CEINMS's names, layout and quantities, and lose no digit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from refnms.errors import InputError, InputWarning
from refnms.io.results import COST_COLUMNS, V0_21, Steered, write_ceinms_results
from refnms.io.storage import read_storage
from refnms.io.subject import read_model
from refnms.model import Model, Trial
from refnms.physics.curves import ceinms_default, spline_curve
from refnms.physics.types import Array, Muscles

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


def at(time: Array) -> Trial:
    """A recording of one muscle."""
    shape = (len(time), 1)
    return Trial("t", time, np.full(shape, 0.3), np.full((*shape, 1), -0.04), time, np.zeros(shape))


@pytest.mark.parametrize("run", ["run81_a/out_elastic_offline", "walk36_a/out_stiff_online"])
def test_the_files_are_those_of_ceinms(run: str, shared: Path, tmp_path: Path) -> None:
    folder = shared / "ceinms09" / "s06" / run
    tables = {name: read_storage(folder / f"{name}.sto") for name in FILES}
    signals = {signal: tables[name].data for signal, name in FROM_CEINMS.items()}
    home = shared / "ceinms09" / "s06"
    model = read_model(home / "subject.xml", home / "excitationGenerator.xml")
    time = tables["Torques"].time
    recording = SimpleNamespace(time=time)
    write_ceinms_results(tmp_path, model, recording, SimpleNamespace(**signals))
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
    write_ceinms_results(tmp_path, one_muscle(), at(np.arange(3.0)), SimpleNamespace(**signals))
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
        write_ceinms_results(tmp_path, one_muscle(), at(np.arange(2.0)), SimpleNamespace(**signals))
    (problem,) = caught.value.problems
    assert problem.file == tmp_path / "Activations.sto"
    assert problem.column == "m"


TIME = np.array([0.0, 0.5, 1.0])


def three_frames() -> SimpleNamespace:
    signals = dict.fromkeys(FROM_CEINMS, np.array([[0.1], [0.2], [0.3]]))
    return SimpleNamespace(**signals | {"tendon_force": np.array([[0.1], [0.2], [0.3]]) / 3.0})


def test_six_digits_look_as_ceinms_writes_them(tmp_path: Path) -> None:
    """`%g` of C: no trailing zeros, an exponent where it is shorter, a tab after the last."""
    signals = three_frames()
    signals.moment = np.array([[1234567.8], [1.0 / 3.0], [-1.5e-7]])
    write_ceinms_results(tmp_path, one_muscle(), at(TIME), signals, digits=6)
    rows = (tmp_path / "Torques.sto").read_text().splitlines()[4:]
    assert rows == ["time\td\t", "0\t1.23457e+06\t", "0.5\t0.333333\t", "1\t-1.5e-07\t"]


def test_a_steered_run_has_the_delayed_time_of_its_emg(tmp_path: Path) -> None:
    steered = Steered(np.full((3, 1), 0.4), np.zeros((3, 6)), TIME - 0.1, TIME - 0.02)
    write_ceinms_results(tmp_path, one_muscle(), at(TIME), three_frames(), steered=steered)
    assert {p.stem for p in tmp_path.iterdir()} == FILES | {"AdjustedEmgs"}
    for path in tmp_path.iterdir():
        assert np.array_equal(read_storage(path).time, TIME - 0.02)
    assert np.array_equal(read_storage(tmp_path / "AdjustedEmgs.sto").data, steered.excitation)


RISING = spline_curve([0.0, 0.02, 0.05, 0.1], [0.0, 0.3, 1.0, 2.5])


def test_the_files_of_0_21_are_more_and_have_times_of_their_own(tmp_path: Path) -> None:
    steered = Steered(np.full((3, 1), 0.4), np.ones((3, 6)), TIME - 0.1, TIME - 0.02)
    model = one_muscle()
    model = replace(model, curves=model.curves._replace(tendon_force_strain=RISING))
    signals = three_frames()
    write_ceinms_results(tmp_path, model, at(TIME), signals, V0_21, steered=steered)
    tables = {p.stem: read_storage(p) for p in tmp_path.iterdir()}
    expected = {"frames": 0.0, "delayed": -0.02, "raw": -0.1}
    of_frames = {"TendonLengths", "NormTendonLengths"}
    for name, found in tables.items():
        clock = "raw" if name == "AdjustedEmgs" else "frames" if name in of_frames else "delayed"
        np.testing.assert_allclose(found.time, TIME + expected[clock])
    same = FILES - {"FiberLenghts", "FiberVelocities", "NormFiberLengths", "NormFiberVelocities"}
    fibre = {"FibreLengths", "FibreVelocities", "NormFibreLengths", "NormFibreVelocities"}
    cost = "ObjectiveFunctionComponentsAndWeightings"
    assert set(tables) == same | fibre | of_frames | {"AdjustedEmgs", "MusclesContribution", cost}
    cosine = np.sqrt(1.0 - (0.1 * np.sin(0.5) / signals.fiber_length) ** 2)
    np.testing.assert_allclose(
        tables["TendonLengths"].data, 0.3 - signals.fiber_length * cosine, rtol=1e-12
    )
    assert tables["MusclesContribution"].names == ("m_d",)
    np.testing.assert_allclose(
        tables["MusclesContribution"].data[:, 0], [0.0, -0.04 * 0.1 / 3.0, -0.04 * 0.2 / 3.0]
    )
    assert (tmp_path / "MusclesContribution.sto").read_text().splitlines()[5].split()[1] == "-0.0"
    assert tables[cost].names == COST_COLUMNS


def test_norm_tendon_lengths_are_those_of_the_inverse_curve(tmp_path: Path) -> None:
    model = one_muscle()
    model = replace(model, curves=model.curves._replace(tendon_force_strain=RISING))
    signals = three_frames()
    signals.tendon_force = np.array([[0.0], [0.3], [1.0]])  # at points of the curve
    write_ceinms_results(tmp_path, model, at(TIME), signals, V0_21)
    found = read_storage(tmp_path / "NormTendonLengths.sto").data[:, 0]
    np.testing.assert_allclose(found, [0.0, 0.02, 0.05], atol=1e-12)


def test_a_tendon_s_curve_with_flat_parts_has_no_inverse(tmp_path: Path) -> None:
    with pytest.warns(InputWarning, match="NormTendonLengths are not written"):
        write_ceinms_results(tmp_path, one_muscle(), at(TIME), three_frames(), V0_21)
    assert not (tmp_path / "NormTendonLengths.sto").exists()
