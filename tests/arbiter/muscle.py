"""One musculotendon unit: Zajac 1989, Lloyd and Besier 2003, as CEINMS computes it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from mpmath import mpf, sin, sqrt

from arbiter.curves import PointCurve
from arbiter.precise import root


class Muscle(NamedTuple):
    """Parameters by the names of `refnms.physics.types.Muscles`."""

    c1: Any
    c2: Any
    shape_factor: Any
    optimal_fiber_length: Any
    pennation_angle_at_optimal: Any
    tendon_slack_length: Any
    max_isometric_force: Any
    max_contraction_velocity: Any
    strength_coefficient: Any
    electromechanical_delay: Any
    fiber_damping: Any
    percentage_change: Any


class Curves(NamedTuple):
    active_force_length: PointCurve
    passive_force_length: PointCurve
    force_velocity: PointCurve
    tendon_force_strain: PointCurve


sine = cache(sin)


def cosine(m: Muscle, l: Any) -> Any:
    """Of the pennation angle, whose sine is the fibers' height, which they keep, over a length."""
    s = m.optimal_fiber_length * sine(m.pennation_angle_at_optimal) / l
    return sqrt(1 - s**2) if s < 1 else mpf(0)


def norm_force(curves: Curves, m: Muscle, a: Any, l: Any, v: Any) -> Any:
    """Force of the fibers along the tendon, over their strongest."""
    lo, vmax = m.optimal_fiber_length, m.max_contraction_velocity
    la = lo * (m.percentage_change * (1 - a) + 1)
    vn = max(min(v / lo, vmax), -vmax) / vmax
    active = curves.active_force_length(l / la) * curves.force_velocity(vn) * a
    along = active + curves.passive_force_length(l / lo) + m.fiber_damping * vn
    return along * cosine(m, l)


def force(curves: Curves, m: Muscle, a: Any, l: Any, v: Any) -> Any:
    return m.max_isometric_force * m.strength_coefficient * norm_force(curves, m, a, l, v)


def stiff_length(m: Muscle, lmt: Any) -> Any:
    """Fiber length under a tendon that stays at its slack length."""
    height = m.optimal_fiber_length * sine(m.pennation_angle_at_optimal)
    return sqrt(height**2 + (lmt - m.tendon_slack_length) ** 2)


def residual(
    curves: Curves, m: Muscle, a: Any, lmt: Any, velocity: Callable[[Any], Any], l: Any
) -> Any:
    """Tendon force minus fiber force, over the strongest, of a fiber length l."""
    strain = (lmt - l * cosine(m, l) - m.tendon_slack_length) / m.tendon_slack_length
    return curves.tendon_force_strain(strain) - norm_force(curves, m, a, l, velocity(l))


PLACES = 90  # where the residual is looked at for changes of sign


def fiber_length(
    curves: Curves, m: Muscle, a: Any, lmt: Any, velocity: Callable[[Any], Any]
) -> Any:
    """The one fiber length between 0.2 and 2 optimal lengths that is in equilibrium."""

    def g(l: Any) -> Any:
        return residual(curves, m, a, lmt, velocity, l)

    lo = m.optimal_fiber_length
    tried = [lo * (2 + mpf(k) * 18 / PLACES) / 10 for k in range(PLACES + 1)]
    signs = [g(l) > 0 for l in tried]
    changes = [k for k in range(PLACES) if signs[k] != signs[k + 1]]
    if len(changes) != 1:
        raise ValueError(f"the equilibrium has {len(changes)} roots")
    return root(g, tried[changes[0]], tried[changes[0] + 1])
