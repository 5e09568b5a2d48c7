"""Each jet: its value is that of the formula, and each next number the derivative of the last.

A jet is analytic in its own numbers. So with p(t) = (p + p' t + p'' t^2 / 2, p' + p'' t, p'') and
an imaginary step t, the imaginary parts of value and slope are the derivatives that slope and
curvature must be.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import CURVES, STEP, seeds, units

from refnms.physics import activation as act
from refnms.physics import jets, muscle
from refnms.physics.curves import value
from refnms.physics.jets import Jet

CLOSE = 1e-11


def drawn(rng: np.random.Generator, lowest: float, highest: float) -> Jet:
    return Jet(np.float64(rng.uniform(lowest, highest)), *rng.uniform(-2.0, 2.0, 2))


def onward(p: Jet) -> Jet:
    """p, a small imaginary step on."""
    step = 1j * STEP
    along = p.value + step * p.slope + 0.5 * step * step * p.curvature
    return Jet(np.complex128(along), np.complex128(p.slope + step * p.curvature), p.curvature)


def hold(function, formula, *given: Jet) -> None:
    """Hold a function of jets against the formula, a function of their values, and its steps."""
    found, stepped = function(*given), function(*map(onward, given))
    scale = 1.0 + max(map(abs, found))
    assert abs(found.value - formula(*(p.value for p in given))) <= CLOSE * scale
    assert abs(found.slope - stepped.value.imag / STEP) <= CLOSE * scale
    assert abs(found.curvature - stepped.slope.imag / STEP) <= CLOSE * scale


@given(seeds)
def test_sums_and_products(seed):
    rng = np.random.default_rng(seed)
    p, q = drawn(rng, -1.0, 1.0), drawn(rng, -1.0, 1.0)
    hold(jets.plus, lambda p, q: p + q, p, q)
    hold(jets.times, lambda p, q: p * q, p, q)
    hold(lambda p: jets.scaled(p, 3.0, 0.5), lambda p: 3.0 * p + 0.5, p)


@pytest.mark.parametrize("name", CURVES._fields)
@given(seed=seeds)
def test_curves(name, seed):
    rng, curve = np.random.default_rng(seed), getattr(CURVES, name)
    lowest, highest = (-0.01, 0.1) if name == "tendon_force_strain" else (-1.2, 1.8)
    hold(lambda p: jets.on_curve(curve, p), lambda x: value(curve, x), drawn(rng, lowest, highest))


@given(seeds, st.sampled_from([-2.9, -1.0, -0.3, -1e-5]))
def test_the_exponential_activation(seed, factor):
    u, shape = drawn(np.random.default_rng(seed), -0.1, 1.1), act.exponential_shape(factor)
    hold(lambda u: jets.exponential_jet(u, shape), lambda u: act.exponential(u, shape), u)


@given(seeds, st.floats(0.01, 0.12), st.sampled_from([(-0.005, 0.2), (0.35, 1.1), (-9.0, -8.0)]))
def test_the_piecewise_activation_on_either_side_of_its_node_and_where_it_is_not_defined(
    seed, factor, between
):
    u = drawn(np.random.default_rng(seed), *between)
    node = act.piecewise_node(factor, act.solve_node(factor, 0.0))
    hold(lambda u: jets.piecewise_jet(u, node), lambda u: act.piecewise(u, node), u)


@given(seeds, units())
def test_the_muscle(seed, unit):
    rng = np.random.default_rng(seed)
    w, a, v = drawn(rng, 0.3, 1.6), drawn(rng, 0.0, 1.0), drawn(rng, -0.99, 0.99)
    lmt = unit.tendon_slack_length * 1.02 + unit.optimal_fiber_length * w.value
    hold(lambda w: jets.projection_jets(unit, w)[0], lambda w: muscle.of_projection(unit, w)[0], w)
    hold(lambda w: jets.projection_jets(unit, w)[1], lambda w: muscle.of_projection(unit, w)[1], w)

    def force(w: Jet, a: Jet, v: Jet) -> Jet:
        return jets.fiber_force_jet(CURVES, unit, *jets.projection_jets(unit, w), a, v)

    def of_muscle(w, a, v):
        return muscle.norm_fiber_force(CURVES, unit, *muscle.of_projection(unit, w), a, v)

    hold(force, of_muscle, w, a, v)

    def tendon(w):
        return value(CURVES.tendon_force_strain, muscle.strain(unit, w, lmt))

    hold(lambda w: jets.tendon_jet(CURVES, unit, w, lmt), tendon, w)


@given(seeds, units(), st.sampled_from([-50.0, 0.0, 50.0]))
def test_the_velocity_and_its_limits(seed, unit, past):
    x = drawn(np.random.default_rng(seed), 0.5, 1.5)

    def of_muscle(x):
        return muscle.norm_velocity(unit, 0.3 * unit.optimal_fiber_length * x + past)

    hold(lambda x: jets.velocity_jet(unit, x, 0.3, past), of_muscle, x)
    moves = abs(past) < 1.0
    assert (jets.velocity_jet(unit, x, 0.3, past).slope != 0.0) == moves
