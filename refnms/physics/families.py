"""Named families of curves: what papers print, sampled into the piecewise cubics of `curves`.

Constants are those of OpenSim's muscles of the same names (opensim-core), which repair what the
papers misprint; each departure is told where the number stands. How far each sampled curve is from
its formula, `tests/physics/test_families.py` measures: 1e-6 at most, near kinks too.

A formula with a kink cannot be followed by a C2 curve. Its knots close in on the kink, down to
`CLOSEST`, so that the corner is cut within that distance.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from refnms.physics.curves import ceinms_default, sampled_at, sampled_curve
from refnms.physics.types import Array, Curve, Curves

CLOSEST = 2e-7  # of knots to a kink
WIDENING = 1.25  # of each step to the next, away from a kink
STRAIGHT = (
    12  # knots on the straight line beyond an end: along each the spline's error falls to 1/4
)


def knots(lower: float, upper: float, kinks: tuple[float, ...], segments: int) -> Array:
    """Where a formula on [lower, upper] is sampled: evenly, and closing in on its kinks."""
    widest = (upper - lower) / segments
    near = [0.0]
    while (step := CLOSEST * WIDENING ** (len(near) - 1)) < widest:
        near.append(near[-1] + step)
    ends = [lower, *kinks, upper]
    parts = [np.array([lower, upper])]
    for left, right in pairwise(ends):
        first = left + np.array(near if left in kinks else [0.0])
        last = right - np.array(near if right in kinks else [0.0])
        between = max(1, round((last[-1] - first[-1]) / widest))
        parts += [first, last, np.linspace(first[-1], last[-1], between + 1)]
    return np.unique(np.concatenate(parts))


# ---- De Groote, Kinney, Rao, Fregly 2016, Annals of Biomedical Engineering 44:2922, appendix ----


def de_groote_fregly() -> Curves:
    """De Groote et al. 2016, with the constants of OpenSim's DeGrooteFregly2016Muscle.

    Departures from the paper's supplement, all OpenSim's: the exponent of the active curve has a
    squared denominator (a misprint); its first height is 0.81507 (paper: 0.815), so that it is 1 at
    1; the passive curve is 0 at 0.2, not at 1; force-velocity is exactly 0 at -1 and 1 at 0; the
    tendon's c2 and c3 are 1 and 0.2 (paper: 0.995, 0.25), so that it is 0 at its slack length. A
    tendon shorter than that pushes, up to 0.2.
    """
    return Curves(
        active_force_length=sampled_curve(
            _gaussians(
                (0.8150671134243542, 1.055033428970575, 0.162384573599574, 0.063303448465465),
                (0.433004984392647, 0.716775413397760, -0.029947116970696, 0.200356847296188),
                (0.1, 1.0, 0.353553390593274, 0.0),
            ),
            0.2,
            2.5,
            300,
        ),
        passive_force_length=sampled_curve(_de_groote_passive, 0.2, 1.8, 240),
        force_velocity=sampled_curve(_de_groote_velocity, -1.0, 1.0, 200),
        tendon_force_strain=sampled_curve(_de_groote_tendon, -0.1, 0.1, 200),
    )


def _gaussians(*parts: tuple[float, float, float, float]) -> Callable[[Array], Array]:
    def active(x: Array) -> Array:
        heights = [b1 * np.exp(-0.5 * ((x - b2) / (b3 + b4 * x)) ** 2) for b1, b2, b3, b4 in parts]
        return np.asarray(sum(heights))

    return active


def _de_groote_passive(x: Array) -> Array:
    shape, strain, shortest = 4.0, 0.6, 0.2
    zero = np.exp(shape * (shortest - 1.0) / strain)
    return np.asarray((np.exp(shape * (x - 1.0) / strain) - zero) / (np.exp(shape) - zero))


def _de_groote_velocity(v: Array) -> Array:
    return np.asarray(0.8825327733249912 - 0.3211346127989808 * np.arcsinh(-8.149 * v - 0.374))


def _de_groote_tendon(strain: Array) -> Array:
    c1, c3, strain_at_one = 0.2, 0.2, 0.049
    return np.asarray(c1 * np.exp(np.log((1.0 + c3) / c1) / strain_at_one * strain) - c3)


# ---- Thelen 2003, Journal of Biomechanical Engineering 125:70 ----


def thelen() -> Curves:
    """Thelen 2003 (force-velocity: equations 6 and 7), with OpenSim's constants.

    These are Thelen2003Muscle's: 0.04 strain of the tendon at maximal force and 1.4 largest
    eccentric force (before, OpenSim had 0.033 and 1.8). The paper rounds the tendon's toe to 0.609
    of that strain and its slope to 1.712 over it; the exact values make slope and force meet.
    Force-velocity is the paper's at full activation and optimal length: its maximal velocity
    depends on activation, that of this muscle does not. Beyond 0.95 of the largest force it is a
    straight line, as in OpenSim.
    """
    return Curves(
        active_force_length=sampled_curve(_thelen_active, 0.0, 2.5, 100),
        passive_force_length=sampled_at(_thelen_passive, knots(0.2, 1.8, (1.0,), 320)),
        force_velocity=sampled_at(_thelen_velocity, knots(-1.0, 1.0, (0.0, THELEN_LINE[0]), 400)),
        tendon_force_strain=sampled_at(_thelen_tendon, knots(-0.05, 0.1, (0.0, THELEN_TOE), 120)),
    )


THELEN_STRAIN = 0.04
THELEN_TOE = 99.0 * THELEN_STRAIN * np.exp(3.0) / (166.0 * np.exp(3.0) - 67.0)
THELEN_SHORTENING, THELEN_LONGEST = 0.25, 1.4  # Af and the largest force
THELEN_RISE = (2.0 + 2.0 / THELEN_SHORTENING) / (THELEN_LONGEST - 1.0)
# Where the line takes over: velocity, force, slope.
THELEN_LINE = (
    (0.95 * THELEN_LONGEST - 1.0) / (THELEN_RISE * 0.05 * THELEN_LONGEST),
    0.95 * THELEN_LONGEST,
    THELEN_RISE * (0.05 * THELEN_LONGEST) ** 2 / (THELEN_LONGEST - 1.0),
)


def _thelen_active(x: Array) -> Array:
    return np.asarray(np.exp(-((x - 1.0) ** 2) / 0.45))


def _thelen_passive(x: Array) -> Array:
    shape, strain = 5.0, 0.6
    return np.where(x > 1.0, np.expm1(shape * (x - 1.0) / strain) / np.expm1(shape), 0.0)


def _thelen_velocity(v: Array) -> Array:
    shortening = (1.0 + v) / (1.0 - np.minimum(v, 0.0) / THELEN_SHORTENING)
    stretch = THELEN_RISE * np.maximum(v, 0.0)
    lengthening = (1.0 + THELEN_LONGEST * stretch) / (1.0 + stretch)
    v_line, force, slope = THELEN_LINE
    line = force + slope * (v - v_line)
    return np.where(v <= 0.0, shortening, np.where(v < v_line, lengthening, line))


def _thelen_tendon(strain: Array) -> Array:
    shape, force_at_toe = 3.0, 0.33
    toe = force_at_toe * np.expm1(shape * np.minimum(strain, THELEN_TOE) / THELEN_TOE)
    slope = 0.67 / (THELEN_STRAIN - THELEN_TOE)
    line = slope * (strain - THELEN_TOE) + force_at_toe
    inside = np.where(strain > THELEN_TOE, line, toe / np.expm1(shape))
    return np.where(strain > 0.0, inside, 0.0)


# ---- Millard, Uchida, Seth, Delp 2013, Journal of Biomechanical Engineering 135:021005 ----


def millard() -> Curves:
    """Millard et al. 2013, with the constants of OpenSim's Millard2012EquilibriumMuscle, damped.

    Each curve is a chain of quintic Bezier corners, which end with zero curvature. Damped: the
    active curve falls to 0, and force-velocity is flat at both maximal velocities.
    """
    return Curves(
        active_force_length=_bezier(_millard_active(), 160),
        passive_force_length=_bezier(_millard_passive(), 120),
        force_velocity=_bezier(_millard_velocity(), 240),
        tendon_force_strain=_bezier(_millard_tendon(), 120),
    )


class Corner(NamedTuple):
    """A place, the slope there, and how tightly the way to the next place is bent."""

    x: float
    y: float
    slope: float
    curviness: float = 0.0


def _bezier(corners: list[Corner], segments: int) -> Curve:
    """The curve through the corners and on along straight lines.

    Its knots are evenly spaced in the parameter of each part.
    """
    u = np.linspace(0.0, 1.0, segments // (len(corners) - 1) + 1)
    weights = [u**k * (1.0 - u) ** (5 - k) * (1, 5, 10, 10, 5, 1)[k] for k in range(6)]
    places = []
    for left, right in pairwise(corners):
        x = (right.y - left.y - right.x * right.slope + left.x * left.slope) / (
            left.slope - right.slope
        )
        middle = np.array([x, right.y + (x - right.x) * right.slope])
        start, end = np.array(left[:2]), np.array(right[:2])
        bend = 0.1 + 0.8 * left.curviness
        first, second = start + bend * (middle - start), end + bend * (middle - end)
        controls = [start, first, first, second, second, end]
        products = [np.outer(w, p) for w, p in zip(weights, controls, strict=True)]
        places.append(np.sum(products, axis=0))
    x, y = np.concatenate([places[0], *(part[1:] for part in places[1:])]).T
    away = np.arange(1, STRAIGHT + 1)
    before, after = away[::-1] * (x[0] - x[1]), away * (x[-1] - x[-2])
    y = np.concatenate([y[0] + corners[0].slope * before, y, y[-1] + corners[-1].slope * after])
    return sampled_at(lambda _: y, np.concatenate([x[0] + before, x, x[-1] + after]))


def _millard_active() -> list[Corner]:
    shortest, shoulder, longest, slope, plateau = 0.4441, 0.73, 1.8123, 0.8616, 0.05
    begin, end = 1.0 - plateau, 1.0 + plateau
    at_shoulder = 1.0 - slope * (begin - shoulder)
    return [
        Corner(shortest, 0.0, 0.0, 1.0),
        Corner(
            0.5 * (shortest + shoulder),
            0.5 * at_shoulder,
            1.25 * at_shoulder / (shoulder - shortest),
            1.0,
        ),
        Corner(0.5 * (shoulder + begin), 0.5 * (at_shoulder + 1.0), slope, 1.0),
        Corner(1.0, 1.0, 0.0, 1.0),
        Corner(0.5 * (end + longest), 0.5, -1.0 / (longest - plateau - end), 1.0),
        Corner(longest, 0.0, 0.0),
    ]


def _millard_passive() -> list[Corner]:
    strain, low = 0.7, 0.2
    stiff = 2.0 / strain
    width = 0.1 / stiff  # of the foot: the lesser of this and a tenth of the strain
    return [
        Corner(1.0, 0.0, 0.0, 0.75),
        Corner(1.0 + width, 0.5 * low * width, low, 0.75),
        Corner(1.0 + strain, 1.0, stiff),
    ]


def _millard_velocity() -> list[Corner]:
    near_shortening, isometric, near_lengthening, largest = 0.25, 5.0, 0.15, 1.4
    return [
        Corner(-1.0, 0.0, 0.0, 0.6),
        Corner(-0.9, 0.05 * near_shortening, near_shortening, 0.6),
        Corner(0.0, 1.0, isometric, 0.9),
        Corner(0.9, largest - 0.05 * near_lengthening, near_lengthening, 0.9),
        Corner(1.0, largest, 0.0),
    ]


def _millard_tendon() -> list[Corner]:
    strain, force_at_toe = 0.049, 2.0 / 3.0
    stiff = 1.375 / strain
    toe, half = (strain + (force - 1.0) / stiff for force in (force_at_toe, 0.5 * force_at_toe))
    foot = toe / 10.0
    slope = 0.5 * force_at_toe / (half - foot)
    return [
        Corner(0.0, 0.0, 0.0, 0.5),
        Corner(0.5 * (foot + half), 0.5 * slope * (half - foot), slope, 0.5),
        Corner(toe, force_at_toe, stiff),
    ]


# ---- Meyer, Eskinazi, Jackson, Rao, Patten, Fregly 2016, Frontiers Bioeng Biotechnol 4:77 ----


def meyer_fregly() -> Curves:
    """Meyer et al. 2016, with the constants of OpenSim's MeyerFregly2016Muscle.

    Their tendon is rigid. For an elastic one, `de_groote_fregly`'s stands here.
    """
    return Curves(
        active_force_length=sampled_curve(
            _gaussians(
                (0.8174335195120225, 1.054348561163096, 0.16194288662761705, 0.06381565266097716),
                (
                    0.43130780147182907,
                    0.7163004817144202,
                    -0.029060905806803296,
                    0.19835014521987723,
                ),
                (0.1, 1.0, 0.353553390593274, 0.0),
            ),
            0.2,
            2.5,
            300,
        ),
        passive_force_length=sampled_curve(_meyer_passive, 0.2, 1.8, 120),
        force_velocity=sampled_curve(_meyer_velocity, -1.0, 1.0, 200),
        tendon_force_strain=sampled_curve(_de_groote_tendon, -0.1, 0.1, 200),
    )


def _meyer_passive(x: Array) -> Array:
    e1, e2, e3 = 0.232000797810576, 12.438535493526128, 1.329470475731338
    return np.asarray(e1 * np.log1p(np.exp(e2 * (x - e3))))


def _meyer_velocity(v: Array) -> Array:
    d1, d2, d3 = -32.51401019139919, 22.160392466960214, 18.7932134796918
    d4, d5, d6 = 6.320952269683997, -0.27671677680513945, 8.053304562566995
    return np.asarray(d1 + d2 * np.arctan(d3 + d4 * np.arctan(d5 + d6 * v)))


FAMILIES: dict[str, Callable[[], Curves]] = {
    "ceinms-default": ceinms_default,
    "de-groote-fregly-2016": de_groote_fregly,
    "thelen-2003": thelen,
    "millard-2012": millard,
    "meyer-fregly-2016": meyer_fregly,
}
