"""The problem that CEINMS 0.9's own code was run on: three muscles, two degrees of freedom.

Its printed numbers stand in the tests that use it. They come from the original model, tendon,
evaluator and annealing code of the public C++ program, compiled without a change.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from refnms.model import ElasticTendon, Model, PiecewiseActivation, RigidTendon, Trial
from refnms.parameters import Free, Packing
from refnms.physics.curves import ceinms_default
from refnms.physics.types import Muscles

MUSCLES = ("m1", "m2", "m3")


def person(rigid: bool = False) -> Model:
    return Model(
        muscle_names=MUSCLES,
        dof_names=("d0", "d1"),
        emg_names=("e1", "e2", "e3"),
        muscles=Muscles(
            c1=[-0.5, -0.6, -0.2],
            c2=[-0.4, -0.3, -0.7],
            shape_factor=[-1.5, -0.5, -2.0],
            optimal_fiber_length=[0.09, 0.11, 0.05],
            pennation_angle_at_optimal=[0.30, 0.05, 0.44],
            tendon_slack_length=[0.25, 0.31, 0.26],
            max_isometric_force=[1500.0, 900.0, 3000.0],
            max_contraction_velocity=[10.0, 10.0, 8.0],
            strength_coefficient=[1.1, 0.9, 1.2],
            electromechanical_delay=[0.015, 0.05, 0.02],
            fiber_damping=[0.1, 0.1, 0.05],
            percentage_change=[0.15, 0.15, 0.15],
        ),
        curves=ceinms_default(),
        emg_to_muscle=np.eye(3),
        crosses=np.array([[True, False], [True, True], [False, True]]),
        tendon=RigidTendon() if rigid else ElasticTendon(),
    )


def piecewise_person() -> Model:
    """With the piecewise activation, A = 0.05."""
    model = person()
    muscles = model.muscles._replace(shape_factor=np.full(3, 0.05))
    return replace(model, muscles=muscles, activation=PiecewiseActivation())


def trial(phase: float = 0.0, name: str = "first") -> Trial:
    """The first trial; the second one is `phase` 0.7 later, but for the cosines of the arms."""
    emg_time = np.round(-0.05 + 0.001 * np.arange(700), 9)
    time = np.round(0.005 * np.arange(100), 9)
    s, t = emg_time, time
    emg = [
        0.4 + 0.38 * np.sin(9 * s + phase),
        0.3 + 0.35 * np.sin(14 * s + 1 + phase),
        0.5 + 0.55 * np.sin(7 * s + 2 + phase),
    ]
    lmt = [
        0.338 + 0.02 * np.sin(8 * t + phase),
        0.42 + 0.025 * np.sin(6 * t + 2 + phase),
        0.307 + 0.012 * np.sin(10 * t + 1 + phase),
    ]
    forth, back = 0.005 * np.sin(8 * t + phase), 0.004 * np.cos(6 * t + 2)
    arm = np.zeros((100, 3, 2))
    arm[:, 0, 0], arm[:, 1, 0] = 0.04 + forth, -0.03 + back
    arm[:, 1, 1], arm[:, 2, 1] = 0.02 + forth, -0.045 + back
    moment = [20 + 15 * np.sin(8 * t + phase), -40 + 25 * np.cos(6 * t + 2 + phase)]
    return Trial(
        name=name,
        time=time,
        musculotendon_length=np.round(lmt, 9).T,
        moment_arm=np.round(arm, 9),
        emg_time=emg_time,
        emg=np.round(emg, 9).T,
        moment=np.round(moment, 9).T,
    )


def trials() -> list[Trial]:
    return [trial(), trial(0.7, "second")]


def free(model: Model) -> Packing:
    """What its calibration sets free: x is c1, A1, A2, A3, lts1, lts3, d12, d3."""
    return Packing(
        model,
        [
            Free("c1", (-0.95, -0.05), groups=(MUSCLES,)),
            Free("shape_factor", (-2.999, -0.001)),
            Free("tendon_slack_length", (0.85, 1.15), True, (("m1",), ("m3",))),
            Free("strength_coefficient", (0.5, 2.5), groups=(("m1", "m2"), ("m3",))),
        ],
    )
