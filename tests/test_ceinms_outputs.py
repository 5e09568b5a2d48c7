"""`refnms run --profile ceinms-0.9` against the outputs of CEINMS 0.9 itself, column by column.

Left out: the elastic offline run of `sine_emg1000_lmt100`. There EMG is faster than the lengths,
and in the pass that prepares its offline velocity CEINMS moves the past of the activation filter on
at every EMG row, the present only at those it uses. Our velocity is that of the run itself.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from refnms.errors import InputWarning
from refnms.io.storage import read_storage
from refnms.job import run

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
LEFT_OUT = ()

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
