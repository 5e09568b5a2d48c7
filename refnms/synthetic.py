"""A participant whose true parameters are known: an upper limb of 16 muscles over 3 joint angles.

What is published: the muscle parameters (Saul et al. 2015, Comput Methods Biomech Biomed Eng
18:1445, after Holzbaur et al. 2005, Ann Biomed Eng 33:829) and CEINMS's default curves. What is
invented: everything else. The choice of muscles, the geometry, the movements, the excitations and
the ten EMG channels are made for this purpose and belong to nobody.

Geometry. With joint angles q = (abduction, internal rotation, elbow flexion), each muscle has

    L(q) = L0 - sum_d (mean_d q_d + swing_d sin(q_d - peak_d)) - twist sin(q_0) sin(q_1)
    r_d  = -dL/dq_d = mean_d + swing_d cos(q_d - peak_d) + the slope of the twist

so lengths and moment arms agree by construction. L0 puts the fiber at a stated length in a neutral
pose. The arms lie within the published ones; the test states the bands and their sources.

Recordings. Excitations follow the movements, plus co-contraction. The measured moments are those
of the true model under the true excitations, plus noise: they agree with an inverse dynamics by
construction, and no body was moved by them. Muscles without an electrode borrow their neighbors'
EMG in the truth as well, so the model can be exact; a real person is not so kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from refnms.model import Model, Trial
from refnms.physics.curves import ceinms_default
from refnms.physics.types import Array, Muscles
from refnms.simulation import simulate

DOFS = ("shoulder_abduction", "shoulder_rotation", "elbow_flexion")  # rotation: internal positive
NEUTRAL = np.radians([45.0, 0.0, 60.0])
FRAME_RATE, EMG_RATE = 100.0, 200.0  # [Hz]
EMG_LEAD = 0.2  # [s] of EMG before the first frame: more than any delay
MOMENT_NOISE = 0.03  # of each moment's standard deviation
EMG_GAIN_NOISE, EMG_BASELINE_NOISE = 0.01, 0.002  # relative; of maximal excitation
ENVELOPE_WIDTH = 0.03  # [s] width of the noise's kernel, about that of a 6 Hz envelope


class Arm(NamedTuple):
    """A moment arm over one joint angle: mean + swing cos(angle - peak)."""

    mean: float = 0.0  # [mm]
    swing: float = 0.0  # [mm]
    peak: float = 0.0  # [deg]


class Unit(NamedTuple):
    """One musculotendon unit: published parameters, then invented geometry."""

    name: str
    max_isometric_force: float  # [N]
    optimal_fiber_length: float  # [m]
    tendon_slack_length: float  # [m]
    pennation: float  # [deg]
    neutral: float  # fiber length in the neutral pose [optimal fiber lengths]
    abduction: Arm
    rotation: Arm
    elbow: Arm = Arm()
    twist: float = 0.0  # [mm]


BICEPS = Arm(21, 23, 95)  # both heads share the tendon at the elbow
UNITS = (
    Unit("DELT1", 1218.9, 0.0976, 0.0930, 22, 1.05, Arm(12, 16, 120), Arm(4, 5, -30), twist=-3),
    Unit("DELT2", 1103.5, 0.1078, 0.1095, 15, 1.00, Arm(14, 18, 80), Arm(1, 2, -30), twist=-1),
    Unit("DELT3", 201.6, 0.1367, 0.0380, 18, 0.95, Arm(-5, 14, 130), Arm(-5, -4, 30), twist=2),
    Unit("SUPSP", 499.2, 0.0682, 0.0395, 7, 1.00, Arm(10, 12, 20), Arm(-2, -4, 40), twist=2),
    Unit("INFSP", 1075.8, 0.0755, 0.0308, 19, 0.95, Arm(5, 4, 60), Arm(-14, -9, -10), twist=4),
    Unit("SUBSC", 1306.9, 0.0873, 0.0330, 20, 0.95, Arm(4, 5, 20), Arm(14, 8, 0), twist=-4),
    Unit("TMIN", 269.5, 0.0741, 0.0713, 24, 0.95, Arm(-4, -4, 60), Arm(-13, -9, -10), twist=3),
    Unit("TMAJ", 144.0, 0.1624, 0.0200, 16, 0.90, Arm(-22, -14, 70), Arm(7, 5, 20), twist=-2),
    Unit("PECM1", 444.3, 0.1442, 0.0028, 17, 0.95, Arm(-8, 12, 130), Arm(9, 6, -20), twist=-2),
    Unit("LAT1", 290.5, 0.2540, 0.1200, 25, 0.90, Arm(-18, -12, 70), Arm(7, 5, 10), twist=-1),
    Unit("TRIlong", 771.8, 0.134, 0.143, 12, 0.95, Arm(-16, -6, 40), Arm(-2, -2), Arm(-19, -6, 25)),
    Unit("TRIlat", 717.5, 0.1138, 0.0980, 9, 0.90, Arm(), Arm(), Arm(-17, -6, 25)),
    Unit("BIClong", 525.1, 0.1157, 0.2723, 0, 1.03, Arm(8, 4, 40), Arm(2, 3, -30), BICEPS),
    Unit("BICshort", 316.8, 0.1321, 0.1923, 0, 1.02, Arm(-14, -8, 40), Arm(3, 3, -20), BICEPS),
    Unit("BRA", 1177.4, 0.0858, 0.0535, 0, 1.00, Arm(), Arm(), Arm(16, 10, 100)),
    Unit("BRD", 276.0, 0.1726, 0.1330, 0, 1.00, Arm(), Arm(), Arm(32, 34, 110)),
)  # fmt: skip
MUSCLES = tuple(unit.name for unit in UNITS)

# Electrode -> the muscles that take its envelope, with weights. SUPSP, SUBSC, TMIN, TMAJ and BRA
# have none of their own.
ELECTRODES: dict[str, dict[str, float]] = {
    "deltoid_anterior": {"DELT1": 1.0},
    "deltoid_middle": {"DELT2": 1.0, "SUPSP": 0.6},
    "deltoid_posterior": {"DELT3": 1.0},
    "infraspinatus": {"INFSP": 1.0, "TMIN": 1.0, "SUPSP": 0.3},
    "pectoralis_major": {"PECM1": 1.0, "SUBSC": 0.6},
    "latissimus_dorsi": {"LAT1": 1.0, "TMAJ": 1.0, "SUBSC": 0.3},
    "triceps_long": {"TRIlong": 1.0},
    "triceps_lateral": {"TRIlat": 1.0},
    "biceps": {"BIClong": 1.0, "BICshort": 1.0, "BRA": 0.5},
    "brachioradialis": {"BRD": 1.0, "BRA": 0.5},
}

# How each electrode's muscles answer a demand for abduction, internal rotation and elbow flexion.
RESPONSE = np.array(
    [
        [0.8, 0.3, 0.1],
        [1.0, 0.0, 0.0],
        [0.4, -0.4, -0.2],
        [0.4, -1.0, 0.0],
        [-0.3, 1.0, 0.1],
        [-1.0, 0.5, 0.0],
        [-0.5, 0.0, -0.8],
        [0.0, 0.0, -1.0],
        [0.1, 0.1, 1.0],
        [0.0, 0.0, 0.9],
    ]
)


class Movement(NamedTuple):
    """Poses to pass through, and how hard the person works."""

    name: str
    effort: float
    time: tuple[float, ...]  # [s] of each pose
    abduction: tuple[float, ...]  # [deg], as the others
    rotation: tuple[float, ...]
    elbow: tuple[float, ...]


CALIBRATION = (
    Movement(
        "abduction",
        effort=1.4,
        time=(0.0, 1.2, 2.0, 3.1, 4.1, 5.0),
        abduction=(10, 95, 85, 10, 75, 15),
        rotation=(0, 10, -20, 20, 30, 0),
        elbow=(25, 50, 20, 60, 90, 30),
    ),
    Movement(
        "rotation",
        effort=1.6,
        time=(0.0, 1.0, 2.0, 3.0, 4.0, 5.0),
        abduction=(30, 40, 50, 70, 25, 35),
        rotation=(0, 50, -40, 40, -35, 10),
        elbow=(90, 115, 85, 60, 100, 90),
    ),
    Movement(
        "elbow",
        effort=1.5,
        time=(0.0, 1.0, 2.0, 2.8, 3.8, 5.0),
        abduction=(15, 30, 10, 50, 35, 15),
        rotation=(0, 20, 0, 40, -15, 30),
        elbow=(20, 115, 25, 115, 20, 90),
    ),
)
HELD_OUT = (
    Movement(
        "reach",
        effort=1.5,
        time=(0.0, 1.2, 2.0, 3.1, 4.0),
        abduction=(15, 85, 85, 20, 45),
        rotation=(20, 0, 0, 25, 10),
        elbow=(80, 20, 25, 85, 50),
    ),
    Movement(
        "hand_to_mouth",
        effort=1.5,
        time=(0.0, 1.1, 1.7, 2.8, 4.0),
        abduction=(15, 45, 50, 15, 40),
        rotation=(10, 35, 35, 0, 25),
        elbow=(25, 105, 110, 30, 100),
    ),
    Movement(
        "fast_lift",
        effort=1.3,
        time=(0.0, 0.6, 1.3, 1.9, 2.7, 3.3, 4.0),
        abduction=(20, 60, 25, 80, 20, 70, 25),
        rotation=(0, 10, -20, 0, 30, -10, 0),
        elbow=(30, 110, 25, 90, 20, 100, 40),
    ),
)


@dataclass(frozen=True, eq=False)
class Participant:
    """A person whose truth is known, and what a laboratory would have of them."""

    true: Model
    generic: Model  # as published: what a calibration starts from
    calibration: tuple[Trial, ...]  # with noise in EMG and moments
    held_out: tuple[Trial, ...]
    moment: Mapping[str, Array]  # trial -> (T, D) without noise [N.m]
    angle: Mapping[str, Array]  # trial -> (T, D) [rad]

    @property
    def trials(self) -> tuple[Trial, ...]:
        return self.calibration + self.held_out


def participant(seed: int = 0) -> Participant:
    """The participant of this seed, which draws the true parameters, co-contraction and noise."""
    rng = np.random.default_rng(seed)
    generic = generic_model()
    true = _true_model(generic, rng)
    recordings = [_record(true, movement, rng) for movement in CALIBRATION + HELD_OUT]
    trials = tuple(trial for trial, _, _ in recordings)
    return Participant(
        true=true,
        generic=generic,
        calibration=trials[: len(CALIBRATION)],
        held_out=trials[len(CALIBRATION) :],
        moment={trial.name: moment for trial, moment, _ in recordings},
        angle={trial.name: angle for trial, _, angle in recordings},
    )


def generic_model() -> Model:
    """The published parameters, and the values that a calibration commonly starts from.

    c1 and c2 start apart: where they are equal they stay equal under any gradient.
    """
    one = np.ones(len(UNITS))
    muscles = Muscles(
        c1=-0.6 * one,
        c2=-0.4 * one,
        shape_factor=-1.0 * one,
        optimal_fiber_length=_column("optimal_fiber_length"),
        pennation_angle_at_optimal=np.radians(_column("pennation")),
        tendon_slack_length=_column("tendon_slack_length"),
        max_isometric_force=_column("max_isometric_force"),
        max_contraction_velocity=10.0 * one,
        strength_coefficient=one,
        electromechanical_delay=0.03 * one,
        fiber_damping=0.1 * one,
        percentage_change=0.15 * one,
    )
    weights = [[of.get(muscle, 0.0) for of in ELECTRODES.values()] for muscle in MUSCLES]
    return Model(
        muscle_names=MUSCLES,
        dof_names=DOFS,
        emg_names=tuple(ELECTRODES),
        muscles=muscles,
        curves=ceinms_default(),
        emg_to_muscle=np.array(weights),
        crosses=(_MEAN != 0.0) | (_SWING != 0.0),
    )


def _true_model(generic: Model, rng: np.random.Generator) -> Model:
    """A person within the bounds that calibrations use, but not at the published values."""
    count, published = len(UNITS), generic.muscles
    fiber, tendon = published.optimal_fiber_length, published.tendon_slack_length
    stretch = 0.05 * np.minimum(fiber, tendon)  # 5 % of a long tendon would take half the fiber
    muscles = published._replace(
        c1=rng.uniform(-0.85, -0.5, count),
        c2=rng.uniform(-0.5, -0.15, count),
        shape_factor=rng.uniform(-2.5, -0.3, count),
        optimal_fiber_length=fiber * rng.uniform(0.88, 1.12, count),
        tendon_slack_length=tendon + stretch * rng.uniform(-1.0, 1.0, count),
        strength_coefficient=rng.uniform(0.7, 1.5, count),
        electromechanical_delay=np.full(count, rng.uniform(0.03, 0.07)),
    )
    return replace(generic, muscles=muscles)


def _column(field: str) -> Array:
    return np.array([getattr(unit, field) for unit in UNITS], dtype=float)


def _arms(part: int) -> Array:
    """One number of every arm, `(M, D)`."""
    return np.array(
        [[unit.abduction[part], unit.rotation[part], unit.elbow[part]] for unit in UNITS]
    )


_MEAN, _SWING, _PEAK = 1e-3 * _arms(0), 1e-3 * _arms(1), np.radians(_arms(2))
_TWIST = 1e-3 * _column("twist")


def _shortening(angle: Any) -> Any:
    """What a pose `(..., D)` takes from the length of each muscle, `(..., M)` [m]."""
    q = angle[..., None, :]
    single = _MEAN * q + _SWING * np.sin(q - _PEAK)
    return single.sum(-1) + _TWIST * np.sin(q[..., 0]) * np.sin(q[..., 1])


def musculotendon_length(angle: Any) -> Any:
    """Length `(..., M)` [m] at joint angles `(..., D)` [rad]."""
    fiber = _column("neutral") * _column("optimal_fiber_length")
    along = fiber * np.cos(np.radians(_column("pennation")))
    at_neutral = _column("tendon_slack_length") + along
    return at_neutral + _shortening(NEUTRAL) - _shortening(angle)


def moment_arm(angle: Any) -> Any:
    """Moment arms `(..., M, D)` [m] at joint angles `(..., D)` [rad]: -dL/dq."""
    q = angle[..., None, :]
    arm = _MEAN + _SWING * np.cos(q - _PEAK)
    arm[..., 0] += _TWIST * np.cos(q[..., 0]) * np.sin(q[..., 1])
    arm[..., 1] += _TWIST * np.sin(q[..., 0]) * np.cos(q[..., 1])
    return arm


def joint_angle(movement: Movement, time: Array) -> Array:
    """Joint angles `(T, D)` [rad] at times `(T,)`: minimum jerk between poses, at rest outside.

    The progress between two poses is that of Flash and Hogan (1985, J Neurosci 5:1688).
    """
    at = np.array(movement.time)
    leg = np.clip(np.searchsorted(at, time, side="right") - 1, 0, len(at) - 2)
    x = np.clip((time - at[leg]) / np.diff(at)[leg], 0.0, 1.0)
    progress = leg + x**3 * (10.0 - 15.0 * x + 6.0 * x**2)
    poses = (movement.abduction, movement.rotation, movement.elbow)
    return np.radians([np.interp(progress, range(len(at)), pose) for pose in poses]).T


def _excitation(movement: Movement, time: Array, rng: np.random.Generator) -> Array:
    """True envelope `(N, E)` of every electrode: what the movement asks for, and co-contraction."""
    angle = joint_angle(movement, time)
    acceleration = np.gradient(np.gradient(angle, time, axis=0), time, axis=0)
    abduction, rotation, elbow = angle.T
    weight = np.column_stack(
        [np.sin(abduction), 0.4 * np.sin(rotation), np.sin(elbow) * np.cos(abduction)]
    )
    demand = movement.effort * (0.25 * weight + np.array([0.012, 0.012, 0.006]) * acceleration)
    wanted = demand @ RESPONSE.T
    agonist = 0.5 * (wanted + np.sqrt(wanted**2 + 0.05**2))  # a muscle only pulls
    return np.asarray(np.tanh(0.01 + agonist + _co_contraction(time, rng)))


def _co_contraction(time: Array, rng: np.random.Generator, bursts: int = 8) -> Array:
    """Bursts `(N, E)` at times of their own."""
    shape = (bursts, 1, len(ELECTRODES))
    center = rng.uniform(time[0], time[-1], shape)
    width = rng.uniform(0.1, 0.3, shape)
    height = rng.uniform(0.0, 0.3, shape)
    return np.asarray((height * np.exp(-0.5 * ((time[:, None] - center) / width) ** 2)).sum(0))


def _record(
    true: Model, movement: Movement, rng: np.random.Generator
) -> tuple[Trial, Array, Array]:
    """The trial as recorded, its moments without noise, its joint angles."""
    end = movement.time[-1]
    time = np.arange(round(end * FRAME_RATE) + 1) / FRAME_RATE
    emg_time = np.arange(round((end + EMG_LEAD) * EMG_RATE) + 1) / EMG_RATE - EMG_LEAD
    angle = joint_angle(movement, time)
    clean = Trial(
        name=movement.name,
        time=time,
        musculotendon_length=musculotendon_length(angle),
        moment_arm=moment_arm(angle),
        emg_time=emg_time,
        emg=_excitation(movement, emg_time, rng),
    )
    moment = simulate(true, clean).moment
    gain = 1.0 + EMG_GAIN_NOISE * _smooth_noise(clean.emg.shape, EMG_RATE, rng)
    baseline = EMG_BASELINE_NOISE * _smooth_noise(clean.emg.shape, EMG_RATE, rng)
    error = MOMENT_NOISE * moment.std(0) * _smooth_noise(moment.shape, FRAME_RATE, rng)
    emg = np.clip(clean.emg * gain + baseline, 0.0, 1.0)
    return replace(clean, emg=emg, moment=moment + error), moment, angle


def _smooth_noise(shape: tuple[int, ...], rate: float, rng: np.random.Generator) -> Array:
    """Noise `(N, C)` of unit variance in each column, as smooth as an envelope."""
    half = round(3.0 * ENVELOPE_WIDTH * rate)
    kernel = np.exp(-0.5 * (np.arange(-half, half + 1) / (ENVELOPE_WIDTH * rate)) ** 2)
    kernel /= np.linalg.norm(kernel)
    white = rng.standard_normal((shape[0] + 2 * half, *shape[1:]))
    columns = [np.convolve(column, kernel, mode="valid") for column in white.T]
    return np.column_stack(columns)
