"""Every `_partials` of `muscle` is found by its name and held against complex steps."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import CURVES, STEP, seeds, units

from refnms.jit import HAVE_NUMBA, kernel
from refnms.physics import muscle
from refnms.physics.curves import sampled_curve
from refnms.physics.types import Curves, Muscles

PAIRS = [name.removesuffix("_partials") for name in vars(muscle) if name.endswith("_partials")]
PARTIALS = 1e-9  # against the complex step, relative
ROUNDING = 1e-13  # of a force in units of the strongest

# Curves that end within reach of the instants below, each with a slope beyond its ends.
SHORT = Curves(
    sampled_curve(lambda x: np.exp(-(((x - 1.0) / 0.45) ** 2)), 0.6, 1.4, 40),
    sampled_curve(lambda x: np.exp(4.0 * (x - 1.6)), 0.7, 1.3, 40),
    sampled_curve(lambda v: 1.2 + 0.6 * np.tanh(4.0 * v - 0.3), -0.8, 0.8, 40),
    sampled_curve(lambda s: 30.0 * s * s + 10.0 * s, -0.01, 0.05, 40),
)


@st.composite
def instants(draw):
    """All arguments that functions of `muscle` take, by name; corners included."""
    rng = np.random.default_rng(draw(seeds))
    unit = draw(units())
    lo, lts = unit.optimal_fiber_length, unit.tendon_slack_length
    s = np.sin(unit.pennation_angle_at_optimal)
    w = rng.uniform(0.2, 1.7) if draw(st.booleans()) else 10.0 ** rng.uniform(-5.0, -0.7)
    x = np.sqrt(w * w + s * s)
    v = draw(st.floats(-0.999, 0.999) | st.floats(1.001, 1.5) | st.floats(-1.5, -1.001))
    strain = draw(st.floats(-0.001, 0.1) | st.floats(-0.6, 0.15))
    arguments = {
        "curves": draw(st.sampled_from([CURVES, SHORT])),
        "unit": unit,
        "w": w,
        "x": x,
        "cosine": w / x,
        "v": v,
        "activation": draw(st.floats(0.0, 1.0)),
        "fiber_length": lo * x,
        "fiber_velocity": v * lo * unit.max_contraction_velocity,
        "musculotendon_length": lts * (1.0 + strain) + lo * w,
    }
    plain = {key: np.float64(y) for key, y in arguments.items() if key not in ("curves", "unit")}
    return {**arguments, **plain}


def stepped(function, arguments, field):
    """Derivative of `function` along one of its arguments or one parameter, and that number."""
    arguments = dict(arguments)
    if field == "pennation_sine":
        value = np.sin(arguments["unit"].pennation_angle_at_optimal)
        angle = np.arcsin(np.complex128(value + 1j * STEP))
        arguments["unit"] = arguments["unit"]._replace(pennation_angle_at_optimal=angle)
    elif field in Muscles._fields:
        value = getattr(arguments["unit"], field)
        parameter = np.complex128(value + 1j * STEP)
        arguments["unit"] = arguments["unit"]._replace(**{field: parameter})
    else:
        value = arguments[field]
        arguments[field] = np.complex128(value + 1j * STEP)
    names = inspect.signature(function).parameters
    return np.imag(function(*(arguments[name] for name in names))) / STEP, value


@pytest.mark.parametrize("name", PAIRS)
@given(instants())
def test_every_partial_is_the_derivative_of_its_function(name, arguments):
    function, partials = getattr(muscle, name), getattr(muscle, f"{name}_partials")
    names = inspect.signature(function).parameters
    assert list(names) == list(inspect.signature(partials).parameters)
    found = partials(*(arguments[key] for key in names))._asdict()
    unit = arguments["unit"]
    largest = unit.optimal_fiber_length if name == "rigid_fiber_length" else 1.0
    tolerance = PARTIALS
    if name == "tendon_force":
        largest = unit.max_isometric_force * unit.strength_coefficient
        tolerance += 1e-15 / arguments["cosine"] ** 2  # sqrt(1 - sin^2) of a nearly upright fiber
    for field, partial in found.items():
        if field in ("residual", "force"):
            expected = function(*(arguments[key] for key in names))
            np.testing.assert_allclose(partial, expected, rtol=1e-13, atol=1e-13)
            continue
        derivative, value = stepped(function, arguments, field)
        rounding = ROUNDING * largest / max(abs(value), 0.01)
        assert abs(partial - derivative) <= tolerance * abs(derivative) + rounding, field


def test_every_parameter_that_moves_a_function_has_its_partial():
    """No field forgotten: the partials cover all arguments and all parameters that matter."""
    rng = np.random.default_rng(1)
    for _ in range(20):
        arguments = instants_of(rng)
        for name in PAIRS:
            function, partials = getattr(muscle, name), getattr(muscle, f"{name}_partials")
            names = [key for key in inspect.signature(function).parameters if key != "curves"]
            fields = partials(*(arguments[key] for key in inspect.signature(partials).parameters))
            covered = set(fields._fields) | (
                {"pennation_angle_at_optimal"} if "pennation_sine" in fields._fields else set()
            )
            for field in [*(key for key in names if key != "unit"), *Muscles._fields]:
                if field not in covered and not (name == "equilibrium" and field == "w"):
                    assert stepped(function, arguments, field)[0] == 0.0, (name, field)


def instants_of(rng):
    unit = Muscles(*rng.uniform(0.3, 0.6, 12))
    arguments = {"curves": CURVES, "unit": unit, "x": 0.9, "cosine": 0.8, "w": 0.8, "v": 0.3}
    arguments |= {"activation": 0.4, "fiber_length": 0.9 * unit.optimal_fiber_length}
    arguments |= {"fiber_velocity": 0.05, "musculotendon_length": 2.0}
    return {k: v if k in ("curves", "unit") else np.float64(v) for k, v in arguments.items()}


# ---- the sides taken at kinks ----


@pytest.mark.parametrize("v", [-1.0, 1.0, -1.2, 1.2])
def test_at_a_velocity_limit_and_beyond_it_the_velocity_has_no_slope(v):
    unit = instants_of(np.random.default_rng(2))["unit"]
    velocity = v * unit.optimal_fiber_length * unit.max_contraction_velocity
    found = muscle.norm_velocity(unit, velocity)
    assert abs(found) == 1.0
    assert muscle.norm_velocity_slope(found) == 0.0
    of_force = muscle.tendon_force_partials(CURVES, unit, 0.5, 0.4, velocity)
    assert of_force.fiber_velocity == of_force.max_contraction_velocity == 0.0
    of_balance = muscle.equilibrium_partials(CURVES, unit, 0.9, 0.5, velocity, 2.0)
    assert of_balance.fiber_velocity == of_balance.max_contraction_velocity == 0.0


@given(st.floats(-0.999999, 0.999999))
def test_inside_its_limits_the_velocity_is_not_changed(v):
    unit = instants_of(np.random.default_rng(2))["unit"]
    scale = unit.optimal_fiber_length * unit.max_contraction_velocity
    np.testing.assert_allclose(muscle.norm_velocity(unit, v * scale), v, rtol=1e-15, atol=1e-300)
    assert muscle.norm_velocity_slope(v) == 1.0


@pytest.mark.parametrize("ratio", [1.0, 0.9, 0.1])
def test_a_fiber_no_longer_than_its_height_stands_upright_and_passes_no_pennation_slope(ratio):
    unit = instants_of(np.random.default_rng(2))["unit"]
    height = unit.optimal_fiber_length * np.sin(unit.pennation_angle_at_optimal)
    x, cosine = muscle.projection(unit, ratio * height)
    assert cosine == np.cos(0.5 * np.pi)
    np.testing.assert_allclose(x, ratio * height / unit.optimal_fiber_length)
    partials = muscle.tendon_force_partials(CURVES, unit, 0.5, ratio * height, 0.0)
    assert partials.pennation_angle_at_optimal == 0.0
    assert abs(muscle.tendon_force(CURVES, unit, 0.5, ratio * height, 0.0)) < 1e-15


@given(instants())
def test_the_fibers_keep_their_height(arguments):
    unit, length = arguments["unit"], arguments["fiber_length"]
    x, cosine = muscle.projection(unit, length)
    height = x * np.sqrt(max(0.0, 1.0 - cosine * cosine))
    np.testing.assert_allclose(height, np.sin(unit.pennation_angle_at_optimal), atol=1e-7)
    np.testing.assert_allclose(x * cosine, arguments["w"], atol=1e-8)


@given(instants())
def test_the_equilibrium_of_a_length_is_that_of_its_projection(arguments):
    rest = [arguments[k] for k in ("activation", "fiber_velocity", "musculotendon_length")]
    curves, unit = arguments["curves"], arguments["unit"]
    by_w = muscle.equilibrium(curves, unit, arguments["w"], *rest)
    by_length = muscle.equilibrium_of_length(curves, unit, arguments["fiber_length"], *rest)
    if arguments["w"] > 1e-2:  # a shorter one has lost its digits in the length
        np.testing.assert_allclose(by_length, by_w, rtol=1e-9, atol=1e-9)


@given(instants())
def test_the_force_is_linear_in_both_strengths(arguments):
    keys = ("activation", "fiber_length", "fiber_velocity")
    rest = [arguments[k] for k in keys]
    unit, curves = arguments["unit"], arguments["curves"]
    force = muscle.tendon_force(curves, unit, *rest)
    for field in ("max_isometric_force", "strength_coefficient"):
        twice = unit._replace(**{field: 2.0 * getattr(unit, field)})
        assert muscle.tendon_force(curves, twice, *rest) == 2.0 * force


def test_a_rigid_fiber_of_no_length_has_no_slopes():
    unit = instants_of(np.random.default_rng(2))["unit"]._replace(pennation_angle_at_optimal=0.0)
    assert muscle.rigid_fiber_length(unit, unit.tendon_slack_length) == 0.0
    assert set(muscle.rigid_fiber_length_partials(unit, unit.tendon_slack_length)) == {0.0}


def test_a_unit_shorter_than_its_tendon_has_a_rigid_fiber_of_positive_length():
    unit = instants_of(np.random.default_rng(2))["unit"]._replace(pennation_angle_at_optimal=0.0)
    found = muscle.rigid_fiber_length(unit, unit.tendon_slack_length - 0.1)
    np.testing.assert_allclose(found, 0.1)


def test_at_optimal_length_and_full_activation_the_force_is_the_published_product():
    """CEINMS: FL(1) FV(0) cos(pennation) F_max; no passive force, no velocity."""
    unit = Muscles(-0.5, -0.5, -1.0, 0.1, 0.3, 0.2, 1000.0, 10.0, 1.3, 0.0, 0.1, 0.15)
    found = muscle.tendon_force(CURVES, unit, 1.0, 0.1, 0.0)
    active = muscle.value(CURVES.active_force_length, 1.0)
    passive = muscle.value(CURVES.passive_force_length, 1.0)
    np.testing.assert_allclose(found, 1300.0 * (active + passive) * np.cos(0.3), rtol=1e-14)


@kernel
def forces(curves, unit, a, l, v):
    return muscle.tendon_force(curves, unit, a, l, v)


@pytest.mark.skipif(not HAVE_NUMBA, reason="Numba is not installed")
@given(instants())
def test_compiled_code_gives_the_same_force(arguments):
    names = ("curves", "unit", "activation", "fiber_length", "fiber_velocity")
    given_ = [arguments[k] for k in names]
    given_[1] = Muscles(*map(float, given_[1]))
    found, expected = forces(*given_), muscle.tendon_force(*given_)
    scale = given_[1].max_isometric_force * given_[1].strength_coefficient
    assert abs(found - expected) <= 1e-13 * abs(expected) + 1e-14 * scale
