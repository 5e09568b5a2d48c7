"""What the golden entries are asked for: short decimals, drawn once and for all by their names."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

from mpmath import mpf

from arbiter.muscle import Muscle
from arbiter.precise import exact
from arbiter.trial import Recording

# Where muscles work; the entries of a curve lie here.
RANGES = {
    "active_force_length": (0.3, 1.9),
    "passive_force_length": (0.6, 1.75),
    "force_velocity": (-1.0, 1.0),
    "tendon_force_strain": (-0.02, 0.09),
}
INSIDE, KNOTS = 10, 3  # entries of a curve between knots, and on them
FORCES, LENGTHS = 16, 14  # entries of a family
AWAY = "away from seams"


def draw(seed: str, ranges: dict[str, tuple[float, float]], digits: int = 4) -> dict[str, float]:
    rng = random.Random(seed)
    return {name: round(rng.uniform(*ends), digits) for name, ends in ranges.items()}


MUSCLE = {
    "optimal_fiber_length": (0.04, 0.15),
    "pennation_angle_at_optimal": (0.02, 0.5),
    "tendon_slack_length": (0.05, 0.4),
    "max_isometric_force": (300.0, 3000.0),
    "max_contraction_velocity": (6.0, 14.0),
    "strength_coefficient": (0.6, 1.8),
    "fiber_damping": (0.01, 0.2),
    "percentage_change": (0.05, 0.25),
}


def muscle(values: dict[str, float]) -> Muscle:
    """A muscle whose other parameters play no part."""
    return Muscle(**{name: mpf(values.get(name, 0.0)) for name in Muscle._fields})


def places(curve: str, knots: list[float]) -> list[tuple[float, str]]:
    """Where a curve is asked, and why it may be hard there."""
    low, high = RANGES[curve]
    low, high = max(low, knots[0]), min(high, knots[-1])
    step = (high - low) / INSIDE
    inside = [round(low + (k + 0.37) * step, 5) for k in range(INSIDE)]
    near = [x for x in knots[1:-1] if low <= x <= high]
    on = [near[(k + 1) * len(near) // (KNOTS + 1)] for k in range(KNOTS)]
    steps = [(b - a, a, b) for a, b in pairwise(knots)]
    narrow, left, right = min(steps)
    found = [(x, AWAY) for x in inside]
    found += [(x, "on a knot where two pieces meet") for x in on]
    found += [(x, "on an end knot where the inner slope holds") for x in (knots[0], knots[-1])]
    beyond = ((low, knots[0] - 0.0125), (high, knots[-1] + 0.0125))
    found += [(x, "beyond the knots: a straight line") for _, x in beyond]
    if narrow < 1e-6:
        found += [(0.5 * (left + right), "between knots 2e-7 apart that follow a kink")]
    return found


def force_samples(family: str) -> list[tuple[dict[str, float], str]]:
    """Activation, fiber length and velocity, and the muscle."""
    found = []
    for k in range(FORCES):
        values = draw(
            f"force {family} {k}",
            {"activation": (0.02, 0.98), "x": (0.6, 1.5), "v": (-0.9, 0.9)} | MUSCLE,
        )
        reason = AWAY
        if k == 1:
            values["activation"], reason = 0.0, "no activation"
        if k == 2:
            values["activation"], reason = 1.0, "full activation"
        if k == 3:
            values["pennation_angle_at_optimal"], reason = 0.0, "no pennation"
        if k == 4:
            values["v"], reason = 1.3, "faster than the maximal velocity: slopes through it are 0"
        if k == 5:
            values["v"], reason = -1.3, "faster than the maximal velocity: slopes through it are 0"
        if k == 6:
            values["fiber_damping"], reason = 0.0, "no damping"
        if k == 7:
            values["percentage_change"], reason = (
                0.0,
                "optimal length does not depend on activation",
            )
        x, v = values.pop("x"), values.pop("v")
        lo, vmax = values["optimal_fiber_length"], values["max_contraction_velocity"]
        values["fiber_length"] = round(x * lo, 5)
        values["fiber_velocity"] = round(v * lo * vmax, 4)
        del values["tendon_slack_length"]
        found.append((values, reason))
    return found


def length_samples(family: str) -> list[tuple[dict[str, float], str]]:
    """Activation, musculotendon length, the law of the velocity, and the muscle."""
    found = []
    for k in range(LENGTHS):
        values = draw(
            f"length {family} {k}",
            {
                "activation": (0.05, 0.95),
                "x": (0.7, 1.35),
                "strain": (0.012, 0.05),
                "v": (-0.2, 0.2),
            }
            | MUSCLE,
        )
        newest, reason = (0.0, "static")
        if k % 2:
            newest, reason = (round(random.Random(f"rate {family} {k}").uniform(80, 250), 1), AWAY)
        if k == 2:
            values["activation"], reason = 0.0, "passive"
            values["x"] = 1.45
        if k == 3:
            values["pennation_angle_at_optimal"], reason = 0.0, "no pennation"
        x, strain, v = values.pop("x"), values.pop("strain"), values.pop("v")
        lo, lts = values["optimal_fiber_length"], values["tendon_slack_length"]
        along = (x**2 - values["pennation_angle_at_optimal"] ** 2) ** 0.5
        values["musculotendon_length"] = round(lts * (1 + strain) + lo * along, 4)
        values["newest"] = newest
        values["past"] = round((v * 10 - newest * x) * lo, 4) if newest else 0.0
        found.append((values, reason))
    return found


# u, then the shape factor
EXPONENTIALS = [
    *[(u, shape) for shape in (-2.9, -1.3, -0.4, 1.5) for u in (-0.05, 0.2, 0.65, 1.1)],
    *[(u, shape) for shape in (-0.002, -1e-6, 0.0, 1e-9, 0.03) for u in (0.3, 0.9)],
]
PIECEWISE = [
    (u, shape) for shape in (0.005, 0.02, 0.05, 0.12, 0.3) for u in (0.01, 0.09, 0.5, 0.95)
]

FILTERS = [
    # name, c1, c2, starts at rest, third sample restarts
    ("rest", -0.5, -0.3, True, False),
    ("rest-oscillating", 0.4, -0.6, True, False),
    ("rest-nearly-unstable", -0.95, -0.9, True, False),
    ("ceinms", -0.5, -0.3, False, True),
    ("ceinms-equal-coefficients", -0.7, -0.7, False, True),
]
EXCITATION = [0.05, 0.12, 0.4, 0.9, 1.0, 0.85, 0.6, 0.3, 0.1, 0.0, 0.0, 0.2]

PERSON = [
    {
        "c1": -0.5, "c2": -0.3, "shape_factor": -1.5, "optimal_fiber_length": 0.09,
        "pennation_angle_at_optimal": 0.3, "tendon_slack_length": 0.25,
        "max_isometric_force": 1500.0, "max_contraction_velocity": 10.0,
        "strength_coefficient": 1.1, "electromechanical_delay": 0.0137,
        "fiber_damping": 0.1, "percentage_change": 0.15,
    },
    {
        "c1": -0.6, "c2": -0.1, "shape_factor": -0.5, "optimal_fiber_length": 0.11,
        "pennation_angle_at_optimal": 0.05, "tendon_slack_length": 0.31,
        "max_isometric_force": 900.0, "max_contraction_velocity": 9.0,
        "strength_coefficient": 0.9, "electromechanical_delay": 0.0211,
        "fiber_damping": 0.05, "percentage_change": 0.1,
    },
]  # fmt: skip
PIECEWISE_FACTORS = (0.05, 0.12)
FRAMES, STEPS = 16, (0.008, 0.0095, 0.012, 0.0105)  # uneven time steps, above those of the EMG


def person(shape: str) -> list[dict[str, float]]:
    if shape == "exponential":
        return PERSON
    factors = zip(PERSON, PIECEWISE_FACTORS, strict=True)
    return [values | {"shape_factor": factor} for values, factor in factors]


def wave(mean: float, size: float, turns: float, t: float) -> float:
    """A parabola in place of each half of a sine: no machine's sine decides on a digit."""
    phase = (turns * t) % 2.0
    half = phase % 1.0
    return round(mean + size * 4.0 * half * (1.0 - half) * (1.0 if phase < 1.0 else -1.0), 5)


def recording() -> dict[str, Any]:
    """Two muscles over two degrees of freedom, as nested lists."""
    time = [0.1]
    for k in range(FRAMES - 1):
        time.append(round(time[-1] + STEPS[k % len(STEPS)], 4))
    emg_time = [round(0.07 + 0.004 * k, 4) for k in range(55)]
    return {
        "time": time,
        "musculotendon_length": [
            [wave(0.341, 0.012, 9.0, t), wave(0.425, -0.01, 7.0, t)] for t in time
        ],
        "moment_arm": [
            [[wave(0.04, 0.005, 5.0, t), 0.01], [wave(-0.03, 0.004, 6.0, t), 0.02]] for t in time
        ],
        "emg_time": emg_time,
        "emg": [[wave(0.5, 0.38, 8.0, t), wave(0.4, 0.28, 11.0, t)] for t in emg_time],
        "target_moment": [[wave(20.0, 5.0, 6.0, t), wave(25.0, 6.0, 4.0, t)] for t in time],
    }


def precise_recording(lists: dict[str, Any]) -> Recording:
    return Recording(*(exact(values) for values in lists.values()))
