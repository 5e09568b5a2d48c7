"""Are the forces of our muscles in MuJoCo's steps those of the whole run, and what do they cost?

The elbow of `docs/examples`: one hinge, six muscles, 500 steps a second, moved by invented EMG for
ten seconds. The lengths, moment arms and EMG that came out are run again as a recording: how many
moments have other bits, for an elastic and a rigid tendon, in the native profile and in CEINMS
0.9's. MuJoCo's own sum over its tendons must be our moment to 1e-12 at every step. Then the steps
per second with MuJoCo's own muscles (rigid tendons, `mj_step`), with ours, and with neither,
alternated. The figure has the motions. To pass, no bit differs. Needs the extra `mujoco`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from common import NO_DATA, figure, options, table, verdict

from refnms import NATIVE, ceinms_0_9, simulate
from refnms.model import RigidTendon

SECONDS = 10.0
STEPS, ROUNDS = 20, 1000  # so short that few rounds are interrupted
THEIRS = "MuJoCo's muscles"
SAME = 1e-12  # of the largest moment


def agreements(elbow: Any) -> tuple[list[list[str]], bool, dict[str, np.ndarray]]:
    rows, good, angles = [], True, {}
    for tendon in ("elastic", "rigid"):
        for profile in (NATIVE, ceinms_0_9(online=True)):
            model = elbow.person()
            model = model if tendon == "elastic" else replace(model, tendon=RigidTendon())
            done = elbow.simulated(model, SECONDS, profile)
            trial, moment = done.trial, done.moment
            apart = np.abs(done.applied - moment).max() / np.abs(moment).max()
            offline = simulate(model, trial, profile).moment
            others = np.count_nonzero(offline != moment)
            worst = np.abs(offline - moment).max() / np.abs(moment).max()
            rows.append([f"{tendon}, {profile.name}", str(moment.size), str(others),
                         f"{worst:.1e}", f"{apart:.1e}"])  # fmt: skip
            good &= others == 0 and apart < SAME
            if profile is NATIVE:
                angles[f"ours, {tendon} tendon"] = done.angle
    return rows, good, angles


def of_mujoco(elbow: Any) -> np.ndarray:
    """The elbow angle `(T,)` with MuJoCo's own muscles under the excitations of ours."""
    mujoco, (model, data) = elbow.mujoco, elbow.scene()
    excitations = np.clip(elbow.emg(np.arange(round(SECONDS * elbow.RATE)) / elbow.RATE)
                          @ elbow.person().emg_to_muscle.T, 0.0, 1.0)  # fmt: skip
    angle = []
    for row in excitations:
        angle.append(data.qpos[0])
        data.ctrl[:] = row
        mujoco.mj_step(model, data)
    return np.array(angle)


def stepping(elbow: Any) -> dict[str, Callable[[], Any]]:
    """One step of each kind."""
    mujoco = elbow.mujoco
    own_model, own = elbow.scene()
    bare_model, bare = elbow.scene()
    bare_model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_ACTUATION
    model, data = elbow.scene()
    muscles = elbow.attach(model, data, elbow.person(), frame_rate=elbow.RATE)
    sample = elbow.emg(0.0)[0]
    own.ctrl[:] = 0.1
    return {
        "MuJoCo, no muscles": lambda: mujoco.mj_step(bare_model, bare),
        THEIRS: lambda: mujoco.mj_step(own_model, own),
        "ours": lambda: muscles.step(sample),
    }


def speeds(elbow: Any) -> dict[str, np.ndarray]:
    """Microseconds a step `(ROUNDS,)` of each kind, in turns."""
    calls = stepping(elbow)
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            began = time.perf_counter()
            for _ in range(STEPS):
                call()
            taken[name].append(1e6 * (time.perf_counter() - began) / STEPS)
    return {name: np.array(values[1:]) for name, values in taken.items()}


def main() -> int:
    chosen = options(__doc__, needs_data=False)
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "docs" / "examples"))
    try:
        import elbow_mujoco as elbow
    except ImportError:
        print('no MuJoCo: pip install "refnms[mujoco]"')
        return NO_DATA
    rows, good, angles = agreements(elbow)
    head = ["tendon, profile", "moments", "other bits", "largest difference", "MuJoCo's sum"]
    table(head, rows)
    taken = speeds(elbow)
    middle = {name: float(np.median(values)) for name, values in taken.items()}
    print()
    table(
        ["one step", "us (median)", "least", "steps a second"],
        [[name, f"{middle[name]:.1f}", f"{values.min():.1f}", f"{1e6 / middle[name]:,.0f}"]
         for name, values in taken.items()],
    )  # fmt: skip
    angles["MuJoCo's muscles, rigid tendon"] = of_mujoco(elbow)
    print()

    def draw(page: Any) -> None:
        axes = page.subplots()
        for (name, angle), style in zip(angles.items(), ("-", "--", ":"), strict=True):
            axes.plot(np.arange(len(angle)) / elbow.RATE, np.degrees(angle), style, label=name)
        axes.set_xlabel("time [s]")
        axes.set_ylabel("elbow flexion [deg]")
        axes.legend(frameon=False, ncols=3, loc="upper center")
        axes.set_ylim(0.0, 1.25 * axes.get_ylim()[1])

    figure(chosen, "16_mujoco.png", draw, figsize=(7.5, 3.0))
    others = sum(int(row[2]) for row in rows)
    return verdict(
        good,
        f"{others} of {sum(int(row[1]) for row in rows):,} moments have other bits than the whole "
        f"run's; {1e6 / middle['ours']:,.0f} steps a second with our six muscles, "
        f"{1e6 / middle[THEIRS]:,.0f} with MuJoCo's",
    )


if __name__ == "__main__":
    sys.exit(main())
