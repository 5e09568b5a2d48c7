"""Every `_partials` of `muscle` is found by its name and held against complex steps."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import CURVES, STEP, one_muscle, seeds

from refnms.jit import HAVE_NUMBA, kernel
from refnms.physics import muscle
from refnms.physics.curves import piece, sampled_curve
from refnms.physics.types import Curves, Muscles, Unit

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
    muscles = draw(one_muscle())
    unit = muscle.unit(muscles)
    lo, lts, s = muscles.optimal_fiber_length, muscles.tendon_slack_length, unit.pennation_sine
    w = rng.uniform(0.2, 1.7) if draw(st.booleans()) else 10.0 ** rng.uniform(-5.0, -0.7)
    x = np.sqrt(w * w + s * s)
    v = draw(st.floats(-0.999, 0.999) | st.floats(1.001, 1.5) | st.floats(-1.5, -1.001))
    strain = draw(st.floats(-0.001, 0.1) | st.floats(-0.6, 0.15))
    arguments = {
        "w": w,
        "x": x,
        "cosine": w / x,
        "v": max(-1.0, min(v, 1.0)),
        "activation": draw(st.floats(0.0, 1.0)),
        "fiber_length": lo * x,
        "fiber_velocity": v * lo * muscles.max_contraction_velocity,
        "musculotendon_length": lts * (1.0 + strain) + lo * w,
    }
    plain = {key: np.float64(y) for key, y in arguments.items()}
    return {"curves": draw(st.sampled_from([CURVES, SHORT])), "muscles": muscles, **plain}


def balance(curves, unit, w, activation, fiber_velocity, musculotendon_length):
    """`equilibrium` along w, at a velocity in m/s."""
    x, cosine = muscle.of_projection(unit, w)
    v = muscle.norm_velocity(unit, fiber_velocity)
    return muscle.equilibrium(curves, unit, x, cosine, activation, v, musculotendon_length)


def moves(name):
    """The function whose partials `{name}_partials` are."""
    return balance if name == "equilibrium" else getattr(muscle, name)


def call(function, arguments):
    """A function of `muscle` at an instant."""
    arguments = {**arguments, "unit": muscle.unit(arguments["muscles"])}
    return function(*(arguments[name] for name in inspect.signature(function).parameters))


def stepped(function, arguments, field):
    """Derivative of `function` along one of its arguments or one parameter, and that number."""
    arguments = dict(arguments)
    muscles = arguments["muscles"]
    if field == "pennation_sine":
        value = np.sin(muscles.pennation_angle_at_optimal)
        angle = np.arcsin(np.complex128(value + 1j * STEP))
        arguments["muscles"] = muscles._replace(pennation_angle_at_optimal=angle)
    elif field in Muscles._fields:
        value = getattr(muscles, field)
        parameter = np.complex128(value + 1j * STEP)
        arguments["muscles"] = muscles._replace(**{field: parameter})
    else:
        value = arguments[field]
        arguments[field] = np.complex128(value + 1j * STEP)
    return np.imag(call(function, arguments)) / STEP, value


@pytest.mark.parametrize("name", PAIRS)
@given(instants())
def test_every_partial_is_the_derivative_of_its_function(name, arguments):
    function, partials = moves(name), getattr(muscle, f"{name}_partials")
    names = inspect.signature(getattr(muscle, name)).parameters
    assert list(names) == list(inspect.signature(partials).parameters)
    found = call(partials, arguments)._asdict()
    muscles = arguments["muscles"]
    largest = muscles.optimal_fiber_length if name == "rigid_fiber_length" else 1.0
    tolerance = PARTIALS
    if name == "tendon_force":
        largest = muscles.max_isometric_force * muscles.strength_coefficient
        tolerance += 1e-15 / arguments["cosine"] ** 2  # sqrt(1 - sin^2) of a nearly upright fiber
    for field, partial in found.items():
        if field in ("residual", "force"):
            expected = call(function, arguments)
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
            function = moves(name)
            names = [*inspect.signature(function).parameters, *Muscles._fields]
            covered = set(call(getattr(muscle, f"{name}_partials"), arguments)._fields)
            if "pennation_sine" in covered:
                covered.add("pennation_angle_at_optimal")
            for field in set(names) - {"curves", "unit"} - covered:
                assert stepped(function, arguments, field)[0] == 0.0, (name, field)


@given(instants())
def test_the_slopes_of_the_force_are_its_partials_at_what_the_length_and_velocity_give(arguments):
    unit, activation = muscle.unit(arguments["muscles"]), arguments["activation"]
    x, cosine = muscle.of_length(unit, arguments["fiber_length"])
    v = muscle.norm_velocity(unit, arguments["fiber_velocity"])
    found = muscle.force_slopes(arguments["curves"], unit, x, cosine, activation, v)
    assert found == call(muscle.tendon_force_partials, arguments)


def instants_of(rng):
    muscles = Muscles(*rng.uniform(0.3, 0.6, 12))
    arguments = {"x": 0.9, "cosine": 0.8, "w": 0.8, "v": 0.3, "activation": 0.4}
    arguments |= {"fiber_length": 0.9 * muscles.optimal_fiber_length, "fiber_velocity": 0.05}
    arguments |= {"musculotendon_length": 2.0}
    plain = {key: np.float64(y) for key, y in arguments.items()}
    return {"curves": CURVES, "muscles": muscles, **plain}


def some_muscle():
    return instants_of(np.random.default_rng(2))["muscles"]


def some_unit():
    return muscle.unit(some_muscle())


# ---- the numbers of a unit and what the curves are asked ----


@given(one_muscle())
def test_a_unit_is_made_of_the_parameters_that_its_formulas_want(muscles):
    unit = muscle.unit(muscles)
    lo, lts = muscles.optimal_fiber_length, muscles.tendon_slack_length
    vmax, angle = muscles.max_contraction_velocity, muscles.pennation_angle_at_optimal
    wanted = {"per_length": 1.0 / lo, "per_tendon": 1.0 / lts, "per_velocity": 1.0 / vmax}
    wanted |= {"pennation_sine": np.sin(angle), "pennation_cosine": np.cos(angle)}
    wanted |= {"per_speed": 1.0 / (lo * vmax)}
    wanted |= {name: getattr(muscles, name) for name in set(Unit._fields) - set(wanted)}
    for name, number in wanted.items():
        np.testing.assert_allclose(getattr(unit, name), number, rtol=1e-15)


def test_a_tendon_of_no_length_is_never_strained():
    table = np.array([some_muscle()] * 2).T
    table[Muscles._fields.index("tendon_slack_length")] = 0.0, 0.4
    unit = muscle.unit(Muscles(*table))
    np.testing.assert_array_equal(unit.per_tendon, [0.0, 2.5])
    np.testing.assert_array_equal(muscle.strain(unit, 0.8, 7.0) != 0.0, [False, True])
    assert muscle.unit(some_muscle()._replace(tendon_slack_length=0.0)).per_tendon == 0.0


@given(instants())
def test_the_strain_is_that_of_the_tendon(arguments):
    muscles, w, lmt = (arguments[k] for k in ("muscles", "w", "musculotendon_length"))
    tendon, lts = lmt - muscles.optimal_fiber_length * w, muscles.tendon_slack_length
    found = muscle.strain(muscle.unit(muscles), w, lmt)
    np.testing.assert_allclose(found, (tendon - lts) / lts, rtol=1e-12, atol=1e-13)


@given(instants())
def test_the_pieces_at_the_arguments_stand_for_the_curves(arguments):
    """As in compiled loops, which look up first and evaluate later; bit for bit."""
    asked, unit = call(muscle.arguments, arguments), muscle.unit(arguments["muscles"])
    x, cosine, activation = (arguments[name] for name in ("x", "cosine", "activation"))
    strain = muscle.strain(unit, x * cosine, arguments["musculotendon_length"])
    assert asked == (x * muscle.per_optimal_length(unit, activation), x, arguments["v"], strain)
    pieces = Curves(*map(piece, arguments["curves"], asked))
    for name in ("equilibrium", "norm_fiber_force"):
        for function in (getattr(muscle, name), getattr(muscle, f"{name}_partials")):
            whole = call(function, arguments)
            assert call(function, {**arguments, "curves": pieces}) == whole


@given(st.floats(0.0, 1.0))
def test_rest_lengthens_the_optimal_fiber_length_by_the_percentage_change(activation):
    unit = some_unit()
    optimal = unit.percentage_change * (1.0 - activation) + 1.0
    np.testing.assert_allclose(muscle.per_optimal_length(unit, activation) * optimal, 1.0)
    asked = muscle.arguments(unit, 0.9, 0.8, activation, 0.0, 2.0)
    np.testing.assert_allclose(asked.active_force_length * optimal, 0.9)


# ---- the sides taken at kinks ----


@pytest.mark.parametrize("v", [-1.0, 1.0, -1.0001, 1.0001, -1.2, 1.2])
def test_at_a_velocity_limit_and_beyond_it_the_velocity_has_no_slope(v):
    unit = some_unit()
    velocity = v * unit.optimal_fiber_length * some_muscle().max_contraction_velocity
    found = muscle.norm_velocity(unit, velocity)
    assert abs(found) == 1.0
    assert muscle.norm_velocity_slope(found) == 0.0
    of_force = muscle.tendon_force_partials(CURVES, unit, 0.5, 0.4, velocity)
    assert of_force.fiber_velocity == of_force.max_contraction_velocity == 0.0
    of_balance = muscle.equilibrium_partials(CURVES, unit, 0.9, 0.8, 0.5, found, 2.0)
    assert of_balance.fiber_velocity == of_balance.max_contraction_velocity == 0.0


@given(st.floats(-0.999999, 0.999999))
def test_inside_its_limits_the_velocity_is_not_changed(v):
    unit = some_unit()
    scale = unit.optimal_fiber_length * some_muscle().max_contraction_velocity
    np.testing.assert_allclose(muscle.norm_velocity(unit, v * scale), v, rtol=1e-15, atol=1e-300)
    assert muscle.norm_velocity_slope(v) == 1.0


@pytest.mark.parametrize("ratio", [1.0, 0.9, 0.1])
def test_a_fiber_no_longer_than_its_height_stands_upright_and_passes_no_pennation_slope(ratio):
    unit = some_unit()
    height = unit.optimal_fiber_length * unit.pennation_sine
    x, cosine = muscle.of_length(unit, ratio * height)
    assert cosine == np.cos(0.5 * np.pi)
    np.testing.assert_allclose(x, ratio * height / unit.optimal_fiber_length)
    partials = muscle.tendon_force_partials(CURVES, unit, 0.5, ratio * height, 0.0)
    assert partials.pennation_angle_at_optimal == 0.0
    assert abs(muscle.tendon_force(CURVES, unit, 0.5, ratio * height, 0.0)) < 1e-15


@pytest.mark.parametrize("ratio", [0.1, 0.9, 1.1, 3.0])
def test_a_pennation_to_the_other_side_is_the_same(ratio):
    """Bounds keep it from being negative; differences around zero do not."""
    unit = some_unit()
    other = unit._replace(pennation_sine=-unit.pennation_sine)
    length = ratio * unit.optimal_fiber_length * unit.pennation_sine
    assert muscle.of_length(other, length) == muscle.of_length(unit, length)


@given(instants())
def test_the_fibers_keep_their_height(arguments):
    unit, length = muscle.unit(arguments["muscles"]), arguments["fiber_length"]
    x, cosine = muscle.of_length(unit, length)
    height = x * np.sqrt(max(0.0, 1.0 - cosine * cosine))
    np.testing.assert_allclose(height, unit.pennation_sine, atol=1e-7)
    np.testing.assert_allclose(x * cosine, arguments["w"], atol=1e-8)
    found = muscle.of_projection(unit, arguments["w"])
    np.testing.assert_allclose(found, (arguments["x"], arguments["cosine"]), rtol=1e-14)


@given(instants())
def test_a_short_step_leads_along_the_tangent(arguments):
    unit, w = muscle.unit(arguments["muscles"]), arguments["w"]
    x, cosine = muscle.of_projection(unit, w)
    slopes = [part.imag / STEP for part in muscle.of_projection(unit, w + 1j * STEP)]
    after = np.array(muscle.near_projection(unit, x, cosine, 0.5)) - (x, cosine)
    np.testing.assert_allclose(after, 0.5 * np.array(slopes), rtol=1e-9, atol=ROUNDING)


@given(instants())
def test_the_force_is_linear_in_both_strengths(arguments):
    muscles = arguments["muscles"]
    force = call(muscle.tendon_force, arguments)
    for field in ("max_isometric_force", "strength_coefficient"):
        twice = muscles._replace(**{field: 2.0 * getattr(muscles, field)})
        assert call(muscle.tendon_force, {**arguments, "muscles": twice}) == 2.0 * force


def test_a_rigid_fiber_of_no_length_has_no_slopes():
    unit = muscle.unit(some_muscle()._replace(pennation_angle_at_optimal=0.0))
    assert muscle.rigid_fiber_length(unit, unit.tendon_slack_length) == 0.0
    assert set(muscle.rigid_fiber_length_partials(unit, unit.tendon_slack_length)) == {0.0}


def test_a_unit_shorter_than_its_tendon_has_a_rigid_fiber_of_positive_length():
    unit = muscle.unit(some_muscle()._replace(pennation_angle_at_optimal=0.0))
    found = muscle.rigid_fiber_length(unit, unit.tendon_slack_length - 0.1)
    np.testing.assert_allclose(found, 0.1)


def test_at_optimal_length_and_full_activation_the_force_is_the_published_product():
    """CEINMS: FL(1) FV(0) cos(pennation) F_max; no passive force, no velocity."""
    muscles = Muscles(-0.5, -0.5, -1.0, 0.1, 0.3, 0.2, 1000.0, 10.0, 1.3, 0.0, 0.1, 0.15)
    found = muscle.tendon_force(CURVES, muscle.unit(muscles), 1.0, 0.1, 0.0)
    active = muscle.value(CURVES.active_force_length, 1.0)
    passive = muscle.value(CURVES.passive_force_length, 1.0)
    np.testing.assert_allclose(found, 1300.0 * (active + passive) * np.cos(0.3), rtol=1e-14)


@kernel
def forces(curves, muscles, a, l, v):
    return muscle.tendon_force(curves, muscle.unit(muscles), a, l, v)


@pytest.mark.skipif(not HAVE_NUMBA, reason="Numba is not installed")
@given(instants())
def test_compiled_code_gives_the_same_force(arguments):
    muscles = Muscles(*map(float, arguments["muscles"]))
    names = ("activation", "fiber_length", "fiber_velocity")
    found = forces(arguments["curves"], muscles, *(arguments[name] for name in names))
    expected = call(muscle.tendon_force, arguments)
    scale = muscles.max_isometric_force * muscles.strength_coefficient
    assert abs(found - expected) <= 1e-13 * abs(expected) + 1e-14 * scale
