"""Persons and recordings for the tests of the upper rooms, at the edges of physiology too.

Hypothesis draws a seed and, muscle by muscle, a regime; everything else follows from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from refnms.model import (
    ElasticTendon,
    ExponentialActivation,
    Model,
    PiecewiseActivation,
    RigidTendon,
    Trial,
)
from refnms.physics.curves import ceinms_default
from refnms.physics.profiles import NATIVE, ceinms_0_9, ceinms_0_21
from refnms.physics.types import Array, Muscles

# Regime -> middle and reach of the fiber length under a rigid tendon [l_o], its frequency [1/s].
REGIMES = {
    "ordinary": (0.95, 0.3, 4.0),
    "slack": (0.6, 0.7, 6.0),  # the tendon slackens and becomes taut again
    "short": (0.27, 0.03, 5.0),  # about a quarter of the optimal length
    "fast": (1.0, 0.35, 35.0),  # up to and past the maximal velocity
}
EDGES = (-2.999, -0.001)  # of the shape factor, as calibration files bound it
DEGREES_OF_FREEDOM = ("knee", "ankle")

# With every root found to rounding, as gradients need.
PROFILES = {
    "native": NATIVE,
    "online": ceinms_0_9(online=True).for_gradients(),
    "offline": ceinms_0_9().for_gradients(),
    "0.21": ceinms_0_21().for_gradients(),
}

seeds = st.integers(0, 2**32 - 1)
regimes = st.lists(st.sampled_from(sorted(REGIMES)), min_size=3, max_size=3)


def person(
    seed: int,
    muscles: int = 3,
    rigid: bool = False,
    piecewise: bool = False,
    **fixed: float | Array,
) -> Model:
    """Somebody with so many muscles; `fixed` sets fields of `Muscles`."""
    rng = np.random.default_rng([seed, 1])
    drawn = Muscles(
        c1=rng.uniform(-0.95, -0.05, muscles),
        c2=rng.uniform(-0.95, -0.05, muscles),
        shape_factor=rng.uniform(*EDGES, muscles),
        optimal_fiber_length=rng.uniform(0.03, 0.15, muscles),
        pennation_angle_at_optimal=rng.uniform(0.0, 0.5, muscles),
        tendon_slack_length=rng.uniform(0.05, 0.4, muscles),
        max_isometric_force=rng.uniform(200.0, 3000.0, muscles),
        max_contraction_velocity=rng.uniform(7.0, 13.0, muscles),
        strength_coefficient=rng.uniform(0.6, 2.0, muscles),
        electromechanical_delay=np.full(muscles, rng.uniform(0.0, 0.08)),
        fiber_damping=np.full(muscles, rng.uniform(0.05, 0.15)),
        percentage_change=np.full(muscles, rng.uniform(0.0, 0.2)),
    )
    drawn.pennation_angle_at_optimal[0] = 0.0
    drawn.shape_factor[: min(2, muscles)] = EDGES[:muscles]
    if piecewise:
        drawn.shape_factor[:] = rng.uniform(0.01, 0.12, muscles)
    table = drawn._replace(**{k: np.broadcast_to(v, (muscles,)) for k, v in fixed.items()})
    crosses = np.ones((muscles, 2), bool)
    crosses[0, 1] = False
    return Model(
        muscle_names=tuple(f"muscle_{m}" for m in range(muscles)),
        dof_names=DEGREES_OF_FREEDOM,
        emg_names=tuple(f"channel_{m}" for m in range(muscles)),
        muscles=table,
        curves=ceinms_default(),
        emg_to_muscle=np.eye(muscles),
        crosses=crosses,
        tendon=RigidTendon() if rigid else ElasticTendon(),
        activation=PiecewiseActivation() if piecewise else ExponentialActivation(),
    )


def recording(
    seed: int,
    model: Model,
    frames: int = 20,
    of: Sequence[str] = ("ordinary",),
    name: str = "trial",
) -> Trial:
    """Somebody moving: about 100 frames a second, not quite uniform, and EMG twice as fast."""
    rng = np.random.default_rng([seed, 2, frames])
    muscles = len(model.muscle_names)
    time = np.cumsum(rng.uniform(0.008, 0.012, frames))
    emg_time = np.arange(-0.2, time[-1] + 0.02, 0.005)
    middle, reach, rate = np.array([REGIMES[of[m % len(of)]] for m in range(muscles)]).T
    p, phase = model.muscles, rng.uniform(0.0, 6.0, muscles)
    fiber = middle + reach * np.sin(rate * time[:, None] + phase)
    lmt = 1.02 * p.tendon_slack_length + p.optimal_fiber_length * fiber
    wave = np.sin(emg_time[:, None] * rng.uniform(4.0, 15.0, muscles) + phase)
    arm = 0.04 * np.cos(phase[:, None]) + 0.005 * np.sin(time)[:, None, None]
    return Trial(
        name=name,
        time=time,
        musculotendon_length=lmt,
        moment_arm=np.where(model.crosses, arm, 0.0),
        emg_time=emg_time,
        emg=np.clip(0.4 + 0.35 * wave + rng.normal(0.0, 0.05, wave.shape), 0.0, 1.0),
        moment=rng.normal(0.0, 20.0, (frames, 2)),
    )


def with_field(model: Model, **fields: Array) -> Model:
    """The same person with other values of some fields of `Muscles`."""
    return replace(model, muscles=model.muscles._replace(**fields))


def bare(x: Any) -> Any:
    """The array in a Var, whatever the depth."""
    while hasattr(x, "value"):
        x = x.value
    return x
