"""`refnms run` with CEINMS's profiles against the outputs of CEINMS itself, column by column.

Those of 0.9 in all its modes; and those of the same program with the five-point solver that 0.21
has, whose forces 0.21 holds at zero. And the numbers that its code prints for three muscles.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from three_muscles import person, piecewise_person, trial

from refnms.errors import InputWarning
from refnms.io.storage import read_storage
from refnms.job import run
from refnms.physics.profiles import ceinms_0_9
from refnms.simulation import simulate

AGREEMENT = 1e-10  # of a column's peak, or of a floor
FLOORS = {
    "Activations": 1e-3,
    "FiberLenghts": 1e-3,  # [m]
    "NormFiberLengths": 1e-3,
    "FiberVelocities": 1e-2,  # [m/s]
    "NormFiberVelocities": 1e-2,
    "PennationAngles": 1e-3,
    "MuscleForces": 1.0,  # [N]
    "Torques": 0.1,  # [N.m]
}
UNITS = (
    "emdelay_50ms",
    "emg_out_of_range",
    "fast_shorten_a10",
    "isometric_emg_step",
    "overstretch",
    "passive_stretch",
    "ramp_stretch_a05",
    "sine_emg1000_lmt100",
    "slack_to_taut",
)
MODES = ("elastic_offline", "elastic_online", "stiff_offline", "stiff_online")

# Setup file -> folder of CEINMS's outputs.
CASES = {
    f"units/{case}/setup_{mode}.xml": f"units/{case}/out_{mode}" for case in UNITS for mode in MODES
} | {
    f"s06/setup_{trial}_{mode}.xml": f"s06/{trial}/out_{mode}"
    for trial in ("walk36_a", "run81_a")
    for mode in MODES
}


def worst_difference(ours: Path, theirs: Path) -> dict[str, float]:
    """File -> largest difference of a column over its peak, or over the floor."""
    worst = {}
    for name, floor in FLOORS.items():
        a, b = (read_storage(folder / f"{name}.sto") for folder in (ours, theirs))
        assert a.names == b.names
        np.testing.assert_allclose(a.time, b.time, rtol=0.0, atol=1e-9)
        peak = np.maximum(np.max(np.abs(b.data), axis=0), floor)
        worst[name] = float(np.max(np.max(np.abs(a.data - b.data), axis=0) / peak))
    return worst


@pytest.mark.parametrize("setup", CASES)
def test_a_run_gives_the_numbers_of_ceinms(setup, shared, tmp_path):
    data = shared / "ceinms09"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InputWarning)  # EMG outside [0, 1] is part of the data
        run(data / setup, "ceinms-0.9", tmp_path / "out")
    worst = worst_difference(tmp_path / "out", data / CASES[setup])
    assert max(worst.values()) < AGREEMENT, worst


def test_no_setup_of_the_data_is_forgotten(shared):
    data = shared / "ceinms09"
    found = {path.relative_to(data).as_posix() for path in data.glob("*/**/setup_*.xml")}

    assert found == set(CASES)


FIVE_POINTS = sorted([f"units/{case}" for case in UNITS] + ["s06/walk36_a", "s06/run81_a"])


@pytest.mark.parametrize("case", FIVE_POINTS)
def test_0_21_is_its_solver_with_forces_held_at_zero(case, shared, tmp_path):
    folder = shared / "ceinms09" / case
    setup = folder / "setup_elastic_online.xml"
    if not setup.is_file():
        setup = folder.parent / f"setup_{folder.name}_elastic_online.xml"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InputWarning)
        run(setup, "ceinms-0.21", tmp_path / "out")
    theirs = folder / "out_elastic_online_5point"
    pushes = (read_storage(theirs / "MuscleForces.sto").data < 0.0).any(axis=1)
    for name, floor in FLOORS.items():
        ours = name.replace("FiberLenghts", "FibreLengths").replace("Fiber", "Fibre")
        a = read_storage(tmp_path / "out" / f"{ours}.sto")
        b = read_storage(theirs / f"{name}.sto")
        wanted = np.maximum(b.data, 0.0) if name == "MuscleForces" else b.data
        rows = ~pushes if name == "Torques" else slice(None)
        peak = np.maximum(np.max(np.abs(b.data), axis=0), floor)
        apart = np.max(np.abs(a.columns(b.names) - wanted)[rows] / peak)
        assert apart < AGREEMENT, (name, apart)


# ---- three muscles, as CEINMS's own code prints them ----

ON, OFF = ceinms_0_9(online=True), ceinms_0_9()
FIRST = [[0.5179745016, 0.6030965415, 1.0], [0.526538101, 0.610073172, 1.0]]  # activations
RIGID = [[0.09193144598, 0.1328462433, 0.06094015863], [0.0926973189, 0.1325242281, 0.06123204571]]
ELASTIC = [
    [0.08744667904, 0.1256371309, 0.05369490263],
    [0.08761766756, 0.1255665428, 0.05371526772],
]
PRINTED = {
    ("rigid", "off"): {
        "activation": FIRST,
        "fiber_length": RIGID,
        "fiber_velocity": [[0.1531577077, -0.06236758891, 0.06075123959],
                           [0.1531500749, -0.06642820114, 0.05597978657]],
        "tendon_force": [[1276.016419, 422.0361533, 4416.669239],
                         [1304.203849, 416.3108261, 4326.103334]],
        "moment": [[37.67705625, -197.6613229], [39.20150756, -193.9351064]],
    },
    ("rigid", "on"): {
        "fiber_length": RIGID,
        "fiber_velocity": [[0.0, 0.0, 0.0], [0.153174584, -0.06440304525, 0.05837741557]],
        "tendon_force": [[812.3570421, 545.4140688, 3060.253878],
                         [1304.235438, 420.1979942, 4354.213846]],
    },
    ("elastic", "off"): {
        "activation": FIRST,
        "fiber_length": ELASTIC,
        "fiber_velocity": [[0.02549852348, -0.01010460649, 0.002985967501],
                           [0.04368890652, -0.018068194, 0.005212790856]],
        "tendon_force": [[896.6943829, 507.2365696, 3408.695494],
                         [985.6748487, 494.6445532, 3492.953768]],
    },
    ("elastic", "on"): {
        "fiber_length": ELASTIC,
        "fiber_velocity": [[0.0, 0.0, 0.0], [0.03419770467, -0.01411761642, 0.004073017767]],
        "tendon_force": [[789.3989179, 528.7430708, 3294.195009],
                         [948.3260678, 503.2098906, 3449.890985]],
        "moment": [[14.83352575, -143.1473882], [22.13420101, -151.196724]],
    },
    ("piecewise", "on"): {
        "activation": [[0.4071139081, 0.5863575324, 1.0], [0.4138511569, 0.5928673323, 1.0]],
        "moment": [[8.383696641, -143.38552], [15.25241625, -151.4370095]],
    },
}  # fmt: skip


@pytest.mark.parametrize("case", PRINTED, ids=lambda case: "-".join(case))
@pytest.mark.filterwarnings("ignore::refnms.errors.InputWarning")
def test_three_muscles_have_the_printed_numbers(case):
    kind, mode = case
    model = piecewise_person() if kind == "piecewise" else person(rigid=kind == "rigid")
    found = simulate(model, trial(), ON if mode == "on" else OFF)
    for name, wanted in PRINTED[case].items():
        printed = np.array([[float(f"{x:.10g}") for x in row] for row in getattr(found, name)[:2]])
        np.testing.assert_allclose(printed, wanted, rtol=2e-10, err_msg=name)
