"""Each flag on the samples that deserve it, at the limit included, and on no other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from people import PROFILES

from refnms.physics.curves import ceinms_default, spline_curve
from refnms.physics.flags import sample_flags
from refnms.physics.stencils import timeline
from refnms.physics.types import SLOPE_FLOOR, Array, Curves, Flag, Muscles, System

T = 8
TIME = 0.01 * np.arange(T)
LO, LTS, VMAX, ANGLE = 0.1, 0.2, 10.0, 0.3
HEIGHT = LO * np.sin(ANGLE)
UNIT = Muscles(-0.5, -0.5, -1.0, LO, ANGLE, LTS, 1000.0, VMAX, 1.0, 0.0, 0.1, 0.15)


def system(profile: str = "native", curves: Curves | None = None) -> System:
    p = PROFILES[profile]
    return System(
        curves=curves or ceinms_default(),
        timeline=timeline([TIME], [0], p),
        start=p.start,
        root=p.root,
        node_tolerance=0.0,
        rigid=False,
        plain=False,
        piecewise=False,
    )


def along(length: Any) -> Any:
    return np.sqrt(np.maximum(length**2 - HEIGHT**2, 0.0))


def flags(
    length: Any = LO, of: System | None = None, muscles: Muscles = UNIT, **signals: Any
) -> Array:
    """Bits `(T,)` of one muscle whose signals are constant unless they are given as `(T,)`."""
    lengths = np.broadcast_to(length, T)
    given = {
        "musculotendon_length": 1.01 * LTS + along(lengths),
        "activation": 0.5,
        "fiber_length": lengths,
        "fiber_velocity": 0.0,
        "tendon_force": 100.0,
        **signals,
    }
    columns = {k: np.broadcast_to(v, T)[:, None].copy() for k, v in given.items()}
    muscles = Muscles(*(np.array([p]) for p in muscles))
    return sample_flags(of or system(), muscles, **columns)[:, 0]


def at(*frames: int) -> Array:
    return np.isin(np.arange(T), frames)


def test_an_ordinary_sample_carries_no_flag():
    assert not flags().any()


@pytest.mark.parametrize("stretch", [0.9, 0.999, 1.0 - 2e-12])
def test_a_tendon_below_its_slack_length_is_flagged(stretch):
    found = flags(musculotendon_length=stretch * LTS + along(LO))
    assert (found & Flag.SLACK).all()


@pytest.mark.parametrize("stretch", [1.0, 1.0 - 1e-13, 1.001])
def test_a_tendon_at_its_slack_length_but_for_rounding_is_not(stretch):
    found = flags(musculotendon_length=stretch * LTS + along(LO))
    assert not (found & Flag.SLACK).any()


@pytest.mark.parametrize("sign", [-1.0, 1.0])
@pytest.mark.parametrize(("speed", "flagged"), [(0.999, False), (1.0, True), (1.7, True)])
def test_a_velocity_at_or_beyond_the_limit_is_flagged_in_the_force(sign, speed, flagged):
    found = flags(fiber_velocity=sign * speed * LO * VMAX)
    assert (found == (Flag.VELOCITY_LIMIT if flagged else 0)).all()


@pytest.mark.parametrize("sign", [-1.0, 1.0])
@pytest.mark.parametrize(("speed", "flagged"), [(0.999, False), (1.001, True)])
def test_a_velocity_beyond_the_limit_is_flagged_in_the_equilibrium(sign, speed, flagged):
    step = sign * speed * LO * VMAX * 0.01
    length = np.where(np.arange(T) < 4, LO, LO + step)
    np.testing.assert_array_equal(
        flags(length) & Flag.VELOCITY_LIMIT != 0, at(4) if flagged else at()
    )


def test_the_velocity_of_the_equilibrium_is_that_of_the_profile():
    length = np.where(np.arange(T) < 4, LO, 1.06 * LO)  # 6 l_o/s by two points, 11 by four
    assert not (flags(length) & Flag.VELOCITY_LIMIT).any()
    found = flags(length, system("offline")) & Flag.VELOCITY_LIMIT
    np.testing.assert_array_equal(found != 0, at(4))


@pytest.mark.parametrize(("share", "flagged"), [(0.9, True), (1.0, True), (1.0 + 1e-9, False)])
def test_a_fiber_no_longer_than_its_height_is_flagged(share, flagged):
    found = flags(share * HEIGHT, musculotendon_length=1.01 * LTS)
    assert ((found & Flag.UPRIGHT != 0) == flagged).all()


def ending(**curves: tuple[float, float]) -> System:
    """A system some of whose curves are straight lines between two points, constant beyond."""
    lines = {
        name: spline_curve(np.linspace(*ends, 9), np.linspace(0.5, 1.5, 9))
        for name, ends in curves.items()
    }
    return system(curves=ceinms_default()._replace(**lines))


@pytest.mark.parametrize(
    ("curve", "inside", "beyond"),
    [
        ({"active_force_length": (0.5, 1.2)}, {"length": 1.2 * LO}, {"length": 1.3 * LO}),
        ({"active_force_length": (0.5, 1.5)}, {"length": 0.54 * LO}, {"length": 0.52 * LO}),
        ({"passive_force_length": (0.5, 1.2)}, {"length": 1.199 * LO}, {"length": 1.201 * LO}),
        ({"passive_force_length": (0.5, 1.2)}, {"length": 0.501 * LO}, {"length": 0.499 * LO}),
        ({"force_velocity": (-0.8, 0.8)}, {"fiber_velocity": 0.79}, {"fiber_velocity": 0.81}),
        ({"force_velocity": (-0.8, 0.8)}, {"fiber_velocity": -0.79}, {"fiber_velocity": -0.81}),
    ],
)
def test_a_sample_beyond_the_last_point_of_a_curve_is_flagged(curve, inside, beyond):
    short = ending(**curve)
    assert not flags(of=short, **inside).any()
    assert (flags(of=short, **beyond) == Flag.CURVE_END).all()


def test_a_tendon_stretched_beyond_its_curve_is_flagged():
    short = ending(tendon_force_strain=(0.0, 0.1))
    for strain, flagged in ((0.099, False), (0.101, True)):
        found = flags(of=short, musculotendon_length=(1.0 + strain) * LTS + along(LO))
        assert ((found & Flag.CURVE_END != 0) == flagged).all()


def test_the_active_curve_is_entered_by_the_optimal_length_of_the_activation():
    short = ending(active_force_length=(0.5, 1.2))
    activation = np.where(np.arange(T) < 3, 1.0, 0.0)  # rest lengthens the optimum by 15 %
    found = flags(1.25 * LO, short, activation=activation)
    np.testing.assert_array_equal(found & Flag.CURVE_END != 0, at(0, 1, 2))


def test_fibers_that_push_are_flagged():
    strongest = UNIT.max_isometric_force * UNIT.strength_coefficient
    force = np.where(np.arange(T) == 2, -1.0005e-9, -0.9995e-9) * strongest
    np.testing.assert_array_equal(flags(tendon_force=force) == Flag.NEGATIVE_FORCE, at(2))


def test_an_equilibrium_that_no_force_decides_is_flagged():
    """Where no curve answers to the length, damping alone gives the residual a slope."""
    flat = ending(tendon_force_strain=(0.0, 0.1), passive_force_length=(1.0, 2.0))
    loose = UNIT._replace(fiber_damping=0.0, pennation_angle_at_optimal=0.0)
    slack = {"musculotendon_length": 0.9 * LTS + 0.3 * LO, "activation": 0.0}
    assert (flags(0.5 * LO, flat, loose, **slack)[1:] & Flag.ILL_POSED).all()
    for damping, flagged in ((0.9, True), (1.1, False)):  # slope: damping / (VMAX * time step)
        damped = loose._replace(fiber_damping=damping * SLOPE_FLOOR * VMAX * 0.01)
        found = flags(0.5 * LO, flat, damped, **slack)[1:] & Flag.ILL_POSED
        assert ((found != 0) == flagged).all()


def test_a_muscle_without_a_tendon_length_is_neither_slack_nor_undefined():
    straight = UNIT._replace(pennation_angle_at_optimal=0.0, fiber_damping=0.0)
    flat = ending(tendon_force_strain=(0.0, 0.1), passive_force_length=(1.0, 2.0))
    signals = {"musculotendon_length": 0.5 * LO, "activation": 0.0}
    without = flags(0.5 * LO, flat, straight._replace(tendon_slack_length=0.0), **signals)
    assert not (without & (Flag.SLACK | Flag.ILL_POSED)).any()
    slack = flags(0.5 * LO, flat, straight, **signals)[1:]
    assert (slack & Flag.SLACK).all() and (slack & Flag.ILL_POSED).all()


def test_flags_add_up():
    force = {"tendon_force": -1.0, "fiber_velocity": 2.0 * LO * VMAX}
    assert (flags(**force) == Flag.NEGATIVE_FORCE | Flag.VELOCITY_LIMIT).all()
