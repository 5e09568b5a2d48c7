"""Does a geometry without OpenSim give OpenSim's lengths and moment arms between its poses?

Lengths of 24 muscles of an upper limb (MoBL-ARMS 4.1) over three joint angles, fitted on a grid of
9 x 7 x 9 poses; errors are those of poses that were held out. Beside them stands how far OpenSim's
own moment arms are from the slopes of its lengths: where a path wraps around an ellipsoid they are
not the same, and no function of the angles has both. To pass, every muscle whose given arms are
consistent is reproduced with median errors below 0.5 mm of length and 2 mm of moment arm.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from common import figure, folder, options, table, verdict

from refnms.geometry import GeometryFit, Poses, fit_geometry
from refnms.geometry.fit import INCONSISTENT
from refnms.io import read_poses

DOFS = ("shoulder_elv", "shoulder_rot", "elbow_flexion")
LENGTH, ARM = 0.5e-3, 2e-3  # [m] the bars


def grid(data: Path) -> Poses:
    arms = {dof: data / f"ma_{dof}.sto" for dof in DOFS}
    return read_poses(data / "q.sto", data / "mtu_length.sto", arms)


def show(fit: GeometryFit) -> None:
    names, rows = fit.geometry.muscle_names, []
    for m, name in enumerate(names):
        crossed = fit.geometry.paths.basis_of[m] >= 0
        arms = [
            f"{1e3 * e:.2f}" if c else "" for e, c in zip(fit.arm_error[m], crossed, strict=True)
        ]
        given = [
            f"{1e3 * e:.2f}" if c else "" for e, c in zip(fit.consistency[m], crossed, strict=True)
        ]
        rows.append([name, fit.kinds[m], f"{1e3 * fit.length_error[m]:.3f}", *arms,
                     f"{1e3 * fit.worst_arm_error[m]:.2f}", *given])  # fmt: skip
    head = ["muscle", "basis", "length", "arm elv", "rot", "elbow", "95 %", "given elv", "rot",
            "elbow"]  # fmt: skip
    table(head, rows)


def main() -> int:
    chosen = options(__doc__)
    poses = grid(folder(chosen, "upper_limb") / "grid")
    began = time.perf_counter()
    fit = fit_geometry(poses)
    took = time.perf_counter() - began
    print("median errors at poses held out [mm]; 'given': OpenSim's arms against its lengths")
    show(fit)
    outcasts = fit.inconsistent()
    consistent = np.array([name not in outcasts for name in poses.muscle_names])
    worst_length = fit.length_error[consistent].max()
    worst_arm = fit.arm_error[consistent].max()
    print(f"\nfitted in {took:.1f} s; given arms further than {1e3 * INCONSISTENT:g} mm from "
          f"the slopes of their lengths: {', '.join(outcasts)}")  # fmt: skip

    def draw(page) -> None:
        axes = page.subplots()
        largest = fit.arm_error.max(axis=1), fit.consistency.max(axis=1)
        for part, label, marker in zip(
            largest, ("of the fit, at poses held out", "of the given arms"), "ox", strict=True
        ):
            axes.plot(1e3 * np.maximum(part, 1e-6), marker, ms=4, label=label)
        axes.axhline(1e3 * ARM, color="#d55e00", lw=1, label="at most")
        axes.set_yscale("log")
        axes.set_xticks(range(len(poses.muscle_names)), poses.muscle_names, rotation=90)
        axes.set_ylabel("median arm error [mm]")
        axes.legend(frameon=False, loc="lower left", ncols=3)

    figure(chosen, "11_geometry.png", draw, figsize=(7.5, 3.2))
    return verdict(
        worst_length < LENGTH and worst_arm < ARM,
        f"{consistent.sum()} muscles with consistent arms: median errors up to "
        f"{1e3 * worst_length:.2f} mm of length, {1e3 * worst_arm:.2f} mm of arm; "
        f"inconsistent: {', '.join(outcasts)}",
    )


if __name__ == "__main__":
    sys.exit(main())
