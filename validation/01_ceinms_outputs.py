"""Do the profiles of CEINMS compute what CEINMS computes?

Runs every setup file of the reference outputs (single muscles, and a walking and a running window
with 12 muscles) in all four modes, and takes the largest difference of each column relative to the
column's peak, or to a floor where the peak is smaller. The bar is 1e-10: rounding in another order.
The five-point solver of 0.21 has outputs of the same program, with forces that 0.21 holds at zero.
Then, what each profile changes in the moments of a walking and a running window.
"""

from __future__ import annotations

import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
from common import figure, folder, options, table, verdict

from refnms.comparison import FLOORS, SYNONYMS
from refnms.io import read_storage
from refnms.job import run

BAR = 1e-10
FILES = (
    "Activations",
    "FiberLenghts",
    "NormFiberLengths",
    "FiberVelocities",
    "NormFiberVelocities",
    "PennationAngles",
    "MuscleForces",
    "Torques",
)
MODES = ("stiff_online", "stiff_offline", "elastic_online", "elastic_offline")
FIVE_POINTS = "elastic_online_5point"
OTHERS = {  # profile, velocity
    "native": ("native", "offline"),
    "ceinms-0.9, online": ("ceinms-0.9", "online"),
    "ceinms-0.21": ("ceinms-0.21", "online"),
}


def difference(ours: Path, theirs: Path, floor: float, held: bool) -> float:
    """Largest difference of any column, relative to the column's peak or the floor.

    `held`: forces at zero where CEINMS's push, and moments only where none does.
    """
    found, expected = read_storage(ours), read_storage(theirs)
    columns, wanted = found.columns(expected.names), expected.data
    if columns.shape != wanted.shape:
        return float("inf")
    rows = np.ones(len(wanted), bool)
    if held and ours.stem == "MuscleForces":
        wanted = np.maximum(wanted, 0.0)
    if held and ours.stem == "Torques":
        rows = (read_storage(theirs.with_name("MuscleForces.sto")).data >= 0.0).all(axis=1)
    peak = np.maximum(np.max(np.abs(expected.data), axis=0), floor)
    return float(np.max(np.abs(columns - wanted)[rows] / peak))


def differences(data: Path) -> dict[tuple[str, str], dict[str, float]]:
    """(case, mode) -> result file -> difference."""
    found = {}
    for setup in sorted(data.glob("units/*/setup_*.xml")) + sorted(data.glob("s06/setup_*.xml")):
        name = setup.stem.removeprefix("setup_")
        mode = next(mode for mode in MODES if name.endswith(mode))
        window = name.removesuffix(mode).rstrip("_")
        case, home = (
            (window, setup.parent / window) if window else (setup.parent.name, setup.parent)
        )
        with tempfile.TemporaryDirectory() as scratch:
            versions = {mode: "ceinms-0.9"}
            if mode == "elastic_online":
                versions[FIVE_POINTS] = "ceinms-0.21"
            for part, profile in versions.items():
                written = run(setup, profile, Path(scratch) / part).folder.glob("*.sto")
                ours = {SYNONYMS.get(path.stem, path.stem): path for path in written}
                theirs, held = home / f"out_{part}", part == FIVE_POINTS
                found[case, part] = {
                    file: difference(ours[file], theirs / f"{file}.sto", FLOORS[file], held)
                    for file in FILES
                }
    return found


def moments(data: Path, window: str, profile: str, velocity: str) -> np.ndarray:
    setup = data / "s06" / f"setup_{window}_elastic_{velocity}.xml"
    with tempfile.TemporaryDirectory() as scratch:
        done = run(setup, profile, Path(scratch) / "out")
        return read_storage(done.folder / "Torques.sto").data


def changes(data: Path) -> list[list[str]]:
    """What each profile changes, against ceinms-0.9 offline [N.m]."""
    rows = []
    for window in ("walk36_a", "run81_a"):
        base = moments(data, window, "ceinms-0.9", "offline")
        for name, (profile, velocity) in OTHERS.items():
            apart = np.abs(moments(data, window, profile, velocity) - base)
            numbers = (np.max(apart), np.sqrt(np.mean(apart**2)), np.max(np.abs(base)))
            rows.append([f"{window}, {name}", *(f"{x:.2f}" for x in numbers)])
    return rows


def main() -> int:
    chosen = options(__doc__)
    found = differences(folder(chosen, "ceinms09"))
    worst: dict[str, dict[str, float]] = defaultdict(lambda: dict.fromkeys(FILES, 0.0))
    for (_, mode), files in found.items():
        for file, value in files.items():
            worst[mode][file] = max(worst[mode][file], value)
    every = (*MODES, FIVE_POINTS)
    rows = [[file, *(f"{worst[mode][file]:.1e}" for mode in every)] for file in FILES]
    table(["largest difference / peak", *every], rows)
    print()
    heads = ["largest", "RMS", "peak of ceinms-0.9"]
    table(
        ["against ceinms-0.9 offline, moments [N.m]", *heads], changes(folder(chosen, "ceinms09"))
    )

    def draw(page) -> None:
        axes = page.subplots()
        for offset, mode in enumerate(every):
            height = np.arange(len(FILES)) + 0.15 * (offset - 2.0)
            values = np.maximum([worst[mode][file] for file in FILES], 1e-16)
            axes.plot(values, height, "o", ms=4, label=mode.replace("_", ", "))
        axes.axvline(BAR, color="#333333", lw=0.8, ls="--")
        axes.annotate("bar", (BAR, -0.6), (3, 0), textcoords="offset points")
        axes.set(xscale="log", xlim=(5e-17, 1e-9), xlabel="largest difference / peak of the column")
        axes.set_yticks(range(len(FILES)), FILES)
        axes.invert_yaxis()
        axes.grid(axis="x", lw=0.3)
        page.legend(loc="outside upper center", ncols=3, frameon=False)

    figure(chosen, "01_ceinms_outputs.png", draw, figsize=(6.5, 3.6))
    largest = max(value for files in worst.values() for value in files.values())
    return verdict(
        largest <= BAR, f"{len(found)} runs of CEINMS: largest difference {largest:.1e} of peak"
    )


if __name__ == "__main__":
    sys.exit(main())
