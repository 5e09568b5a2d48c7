"""Slopes of a length that solves its equilibrium, and the cotangents of a sample."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from samples import BRACKET, balance, rigid, samples, units_of
from strategies import CURVES, STEP

from refnms.autodiff.check import difference_sweep
from refnms.physics import implicit, muscle, solve
from refnms.physics.curves import spline_curve
from refnms.physics.implicit import Cotangents, LengthSlopes, Sums
from refnms.physics.profiles import NATIVE
from refnms.physics.solve import Sample, solve_sample
from refnms.physics.types import SLOPE_FLOOR, Curves, Flag, Muscles

SLOPES = 1e-9  # against complex steps, relative
COTANGENTS = 1e-10  # of the terms that make them up


def slopes_at(sample, length, on_rigid=0, at_floor=0, curves=CURVES):
    x, cosine = muscle.of_length(sample.unit, length)
    v = muscle.norm_velocity(sample.unit, sample.newest * length + sample.past)
    return implicit.length_slopes(curves, sample, x, cosine, v, on_rigid, at_floor)


def moved(sample, field, by):
    """The sample with one of its numbers or parameters moved, and that number."""
    u = sample.unit
    parameters = {
        "optimal_fiber_length": u.optimal_fiber_length,
        "pennation_angle_at_optimal": np.arcsin(u.pennation_sine),
        "tendon_slack_length": u.tendon_slack_length,
        "max_isometric_force": u.max_isometric_force,
        "max_contraction_velocity": 1.0 / u.per_velocity,
        "strength_coefficient": u.strength_coefficient,
        "fiber_damping": u.fiber_damping,
        "percentage_change": u.percentage_change,
    }
    if field in parameters:
        value = parameters[field]
        parameters[field] = value + by
        muscles = Muscles(*(parameters.get(name, 0.0) for name in Muscles._fields))
        return sample._replace(unit=muscle.unit(muscles)), value
    name = "past" if field == "past_velocity" else field
    return sample._replace(**{name: getattr(sample, name) + by}), getattr(sample, name)


def length_by_complex_step(sample, w, field):
    """Newton's method on the complex equilibrium, with the slope of the real one."""
    slope = balance(CURVES, sample, np.complex128(w + 1j * STEP)).imag / STEP
    sample, value = moved(sample, field, np.complex128(1j * STEP))
    for _ in range(3):
        w = w - balance(CURVES, sample, w) / slope
    length = sample.unit.optimal_fiber_length * muscle.of_projection(sample.unit, w)[0]
    return length.imag / STEP, value


@given(samples())
def test_the_slopes_of_a_length_are_those_of_its_equilibrium(drawn):
    sample, previous = drawn
    length, flag = solve_sample(CURVES, NATIVE.root, sample, previous, previous)
    x, cosine = muscle.of_length(sample.unit, length)
    slope = solve.partials_at(CURVES, sample, x * cosine)[1]
    if flag & Flag.FLOOR or slope > -1e-2:
        return
    for field, found in slopes_at(sample, length)._asdict().items():
        wanted, value = length_by_complex_step(sample, x * cosine, field)
        rounding = 1e-13 * sample.unit.optimal_fiber_length / max(abs(value), 0.01) / -slope
        assert abs(found - wanted) <= SLOPES * abs(wanted) + rounding, field


REGULAR = {  # stretched, pennate, and a fiber that shortens; CEINMS's bracket too
    "taut": (0.3, 0.5, 0.1, 0.105, NATIVE.root),
    "pennate": (0.305, 0.3, 0.5, 0.11, NATIVE.root),
    "shortening": (0.29, 0.9, 0.2, 0.1, BRACKET),
}


@pytest.mark.parametrize("field", LengthSlopes._fields)
@pytest.mark.parametrize("name", REGULAR)
def test_the_slopes_of_a_length_are_the_differences_of_what_is_found(name, field):
    lmt, activation, angle, previous, root = REGULAR[name]
    sample = Sample(units_of(0.1, angle, 0.2), activation, lmt, 100.0, -100.0 * previous)

    def found(by):
        return solve_sample(CURVES, root, moved(sample, field, by)[0], previous, previous)[0]

    scale = 0.01 * max(abs(moved(sample, field, 0.0)[1]), 0.1)
    wanted, error = difference_sweep(found, 0.0, scale)
    slope = getattr(slopes_at(sample, found(0.0)), field) * scale
    assert abs(slope - wanted) <= 1e-6 * abs(wanted) + error
    assert error <= 1e-5 * abs(wanted) + 1e-13
    assert wanted != 0.0


@given(samples())
def test_a_length_under_a_rigid_tendon_has_no_slopes_of_an_equilibrium(drawn):
    sample, _ = drawn
    assert set(slopes_at(sample, rigid(sample), on_rigid=1)) == {0.0}


def check_only_the_size_of_the_fiber_counts(found, sample, w):
    """A projection that stands still: l = l_o sqrt(w^2 + sin^2(pennation))."""
    for field, slope in found._asdict().items():
        stepped, _ = moved(sample, field, np.complex128(1j * STEP))
        length = stepped.unit.optimal_fiber_length * muscle.of_projection(stepped.unit, w)[0]
        np.testing.assert_allclose(slope, np.imag(length) / STEP, rtol=1e-12, atol=1e-15)


@given(samples())
def test_on_the_floor_only_the_size_of_the_fiber_counts(drawn):
    sample, _ = drawn
    length = sample.unit.optimal_fiber_length * muscle.of_projection(sample.unit, solve.FLOOR)[0]
    found = slopes_at(sample, length, at_floor=1)
    check_only_the_size_of_the_fiber_counts(found, sample, solve.FLOOR)


@pytest.mark.parametrize(("damping", "moves"), [(0.9, False), (1.1, True)])
def test_where_no_force_decides_the_projection_stands_still(damping, moves):
    """Where no curve answers to the length, damping alone gives the residual a slope."""
    flat = Curves(*[spline_curve([-9.0, 9.0], [0.5, 0.5])] * 4)
    unit = units_of(0.1, 0.0, 0.2)._replace(fiber_damping=damping * SLOPE_FLOOR * 10.0 * 0.01)
    sample = Sample(unit, 0.5, 0.3, 100.0, -10.0)
    found = slopes_at(sample, 0.1, curves=flat)
    if moves:
        np.testing.assert_allclose(found.past_velocity, -1.0 / sample.newest, rtol=1e-9)
    else:
        check_only_the_size_of_the_fiber_counts(found, sample, 1.0)
    check_pull(sample, 0.1, found._asdict(), held=0, curves=flat)


# ---- their transpose ----


def owed(sample, length, slopes, bars, curves):
    """The terms of each cotangent: by the force, at its own length, and by what moves lengths."""
    unit = sample.unit
    x, cosine = muscle.of_length(unit, length)
    v = muscle.norm_velocity(unit, sample.newest * length + sample.past)
    force = muscle.force_slopes(curves, unit, x, cosine, sample.activation, v)._asdict()
    length_bar, velocity_bar, force_bar = bars
    to_velocity = [velocity_bar, force_bar * force["fiber_velocity"]]
    to_length = [length_bar, force_bar * force["fiber_length"]]
    to_length += [sample.newest * bar for bar in to_velocity]
    terms = {
        name: [
            force_bar * force.get(name, 0.0),
            *(bar * slopes.get(name, 0.0) for bar in to_length),
        ]
        for name in (*Cotangents._fields, *Muscles._fields)
    }
    terms["past_velocity"] += to_velocity
    return terms


def check_pull(sample, length, slopes, held, on_rigid=False, curves=CURVES, tolerance=COTANGENTS):
    unit, bars = sample.unit, np.random.default_rng(0).normal(size=3)
    x, cosine = muscle.of_length(unit, length)
    v = muscle.norm_velocity(unit, sample.newest * length + sample.past)
    pulled = implicit.pull(curves, sample, x, cosine, v, held, *bars)
    sums = Sums(*(getattr(pulled, name) for name in Sums._fields))
    found = implicit.parameters_owed(unit, sums)._asdict()
    for name in {*Cotangents._fields} - {*Sums._fields, "w"}:
        found[name] = found.get(name, 0.0) + getattr(pulled, name)
    if on_rigid:
        by_w = muscle.rigid_projection_partials(unit, sample.musculotendon_length)
        for name, slope in by_w._asdict().items():
            found[name] += pulled.w * slope
    terms = owed(sample, length, slopes, bars, curves)
    for name, bar in found.items():
        size = np.abs(terms[name]).sum() + 1e-4  # a slope itself may be rounding of nothing
        assert abs(bar - sum(terms[name])) <= tolerance * size, name


@given(samples())
def test_the_cotangents_of_a_sample_are_the_transpose_of_its_slopes(drawn):
    sample, previous = drawn
    length, flag = solve_sample(CURVES, NATIVE.root, sample, previous, previous)
    if not flag & Flag.FLOOR:
        check_pull(sample, length, slopes_at(sample, length)._asdict(), held=0)


@given(samples())
def test_so_are_those_on_the_floor_and_under_a_rigid_tendon(drawn):
    sample, _ = drawn
    length = sample.unit.optimal_fiber_length * muscle.of_projection(sample.unit, solve.FLOOR)[0]
    check_pull(sample, length, slopes_at(sample, length, at_floor=1)._asdict(), held=1)
    slopes = muscle.rigid_fiber_length_partials(sample.unit, sample.musculotendon_length)
    check_pull(sample, rigid(sample), slopes._asdict(), held=1, on_rigid=True)


@pytest.mark.parametrize("lts", [0.3, 1e-4, 1e-6])
def test_a_stiff_tendon_costs_the_cotangents_no_digits(lts):
    sample = Sample(units_of(0.1, 0.3, lts), 0.5, 0.1 + lts, 100.0, -10.0)
    length, _ = solve_sample(CURVES, NATIVE.root, sample, 0.1, 0.1)
    slopes = slopes_at(sample, length)._asdict()
    check_pull(sample, length, slopes, held=0, tolerance=1e-14)


def test_an_upright_fiber_passes_nothing_on_through_its_pennation():
    sample = Sample(units_of(0.1, 0.5, 0.2), 0.5, 0.3, 100.0, -5.0)
    length = 0.1 * sample.unit.pennation_sine
    x, cosine = muscle.of_length(sample.unit, length)
    assert cosine == muscle.UPRIGHT
    assert implicit.pull(CURVES, sample, x, cosine, 0.0, 1, 1.0, 1.0, 1.0).w == 0.0
