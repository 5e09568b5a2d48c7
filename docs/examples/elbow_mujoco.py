"""An elbow in MuJoCo, moved by EMG through the muscles of refnms, and the same forces offline.

    pip install "refnms[mujoco]"
    python docs/examples/elbow_mujoco.py

MuJoCo has the bones and the paths of the muscles (elbow.xml), refnms the muscles. What comes out of
the simulation is a recording like any other: `simulate` makes the same moments of it, to the bit.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import mujoco
import numpy as np

import refnms
from refnms.interop.mujoco import attach
from refnms.synthetic import FRAME_RATE, generic_model

ELBOW = Path(__file__).with_name("elbow.xml")
MUSCLES = ("BIClong", "BICshort", "BRA", "BRD", "TRIlong", "TRIlat")
CHANNELS = ("biceps", "brachioradialis", "triceps_long", "triceps_lateral")
RATE = 500.0  # [Hz] of MuJoCo's steps: the timestep in elbow.xml
LEAD = 0.1  # [s] of EMG before the first step: more than the electromechanical delay


def person() -> refnms.Model:
    """Six muscles of an upper limb about the elbow, their filter at the rate of MuJoCo's steps."""
    whole = generic_model()
    muscles = [whole.muscle_names.index(name) for name in MUSCLES]
    channels = [whole.emg_names.index(name) for name in CHANNELS]
    elbow = [whole.dof_names.index("elbow_flexion")]
    model = replace(
        whole,
        muscle_names=MUSCLES,
        dof_names=("elbow_flexion",),
        emg_names=CHANNELS,
        muscles=type(whole.muscles)(*(values[muscles] for values in whole.muscles)),
        emg_to_muscle=whole.emg_to_muscle[np.ix_(muscles, channels)],
        crosses=whole.crosses[np.ix_(muscles, elbow)],
    )
    return model.at_frame_rate(FRAME_RATE, RATE)


def emg(time: Any) -> np.ndarray:
    """Envelopes `(N, 4)` at times `(N,)` [s]: flexors and extensors in turn."""
    t = np.atleast_1d(time)
    flexors = 0.05 + 0.03 * np.sin(2.0 * np.pi * 0.5 * t) + 0.01 * np.sin(2.0 * np.pi * 1.7 * t)
    extensors = 0.03 + 0.02 * np.sin(2.0 * np.pi * 0.5 * t + 2.6)
    return np.column_stack([flexors, 0.8 * flexors, extensors, extensors])


class Run(NamedTuple):
    """A simulation, as a recording."""

    trial: refnms.Trial
    moment: np.ndarray  # (T, 1) of our muscles [N.m]
    applied: np.ndarray  # (T, 1) what MuJoCo moved the joint with [N.m]
    angle: np.ndarray  # (T,) [rad]


def scene() -> tuple[Any, Any]:
    """The elbow at 50 degrees, at rest."""
    mj_model = mujoco.MjModel.from_xml_path(str(ELBOW))
    mj_data = mujoco.MjData(mj_model)
    mj_data.qpos[0] = np.radians(50.0)
    return mj_model, mj_data


def simulated(model: refnms.Model, seconds: float, profile: refnms.Profile = refnms.NATIVE) -> Run:
    """So many seconds, with the muscles of `model` in place of MuJoCo's."""
    mj_model, mj_data = scene()
    before = np.arange(-round(LEAD * RATE), 0) / RATE
    rows: list[tuple[Any, ...]] = []
    with attach(mj_model, mj_data, model, frame_rate=RATE, profile=profile) as muscles:
        for time in before:
            muscles.push(time, emg(time)[0])
        for _ in range(round(seconds * RATE)):
            time, angle, sample = mj_data.time, mj_data.qpos[0], emg(mj_data.time)[0]
            moment = muscles.step(sample).copy()
            pose = muscles.musculotendon_length.copy(), muscles.moment_arm.copy()
            rows.append((time, sample, *pose, moment, mj_data.qfrc_actuator.copy(), angle))
    time, samples, length, arm, moment, applied, angle = map(np.array, zip(*rows, strict=True))
    stamps, signal = np.concatenate([before, time]), np.concatenate([emg(before), samples])
    return Run(refnms.Trial("elbow", time, length, arm, stamps, signal), moment, applied, angle)


def main() -> None:
    model = person()
    run = simulated(model, seconds=4.0)
    other = np.count_nonzero(refnms.simulate(model, run.trial).moment != run.moment)
    moved = f"{np.degrees(run.angle.min()):.0f} to {np.degrees(run.angle.max()):.0f} degrees"
    moments = f"{run.moment.min():.1f} to {run.moment.max():.1f} N.m"
    print(f"{len(run.moment)} steps, elbow from {moved}, moments from {moments}")
    print(f"with other bits than those of the whole run: {other}")


if __name__ == "__main__":
    main()
