from __future__ import annotations

import ast
import inspect
import types

import numpy as np
import ours
import pytest
from arbiter.families import CURVES, FORMULAS
from arbiter.precise import exact

from refnms.physics import families
from refnms.physics.curves import value, value_and_slope
from refnms.physics.families import CLOSEST, FAMILIES, knots

FROM_FORMULA = 1e-6  # of a sampled curve
ROUNDING = 1e-15  # of a formula, relative to the largest height of its curve
GOLDEN = ours.golden_curves()
EACH = [(family, curve) for family in FORMULAS for curve in CURVES]


def formula(family, curve, places):
    """A paper's formula in many digits."""
    of = getattr(FORMULAS[family], curve)
    return np.array([float(of(x)) for x in exact(places.tolist())])


@pytest.mark.parametrize(("family", "name"), EACH)
def test_a_sampled_curve_is_its_papers_formula(family, name):
    """Looked at in the middle between knots, where a spline is furthest off."""
    curve = getattr(FAMILIES[family](), name)
    places = 0.5 * (curve.knots[:-1] + curve.knots[1:])
    off = np.abs(value(curve, places) - formula(family, name, places))
    assert off.max() <= FROM_FORMULA, places[off.argmax()]


def off_the_golden_points(of, family):
    """How far the heights at the golden knots are, relative to the largest of a curve."""
    found = {}
    for name, mine, golden in zip(CURVES, of[family](), GOLDEN[family], strict=True):
        if mine.knots.shape != golden.knots.shape:
            found[name] = np.inf
            continue
        heights = (value(mine, golden.knots), value(golden, golden.knots))
        moved = np.max(np.abs(mine.knots - golden.knots)) / np.ptp(golden.knots)
        off = np.max(np.abs(heights[0] - heights[1])) / np.max(np.abs(heights[1]))
        found[name] = max(off, moved)
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_the_families_are_the_golden_ones(family):
    off = off_the_golden_points(FAMILIES, family)
    assert max(off.values()) <= 20 * ROUNDING, off


def formulas_of(module):
    """Where constants of the formulas stand: the functions with an underscore, and the names."""
    tree = ast.parse(inspect.getsource(module))
    parts = [
        part
        for part in tree.body
        if (isinstance(part, ast.FunctionDef) and part.name not in ("knots", "_bezier"))
        or (isinstance(part, ast.Assign) and "THELEN" in ast.unparse(part.targets[0]))
    ]
    return tree, [
        node
        for part in parts
        for node in ast.walk(part)
        if isinstance(node, ast.Constant) and isinstance(node.value, float) and node.value != 0.0
    ]


def test_a_constant_that_is_off_by_a_thousandth_is_found():
    """Every number of every formula in turn, but those that say where it is sampled."""
    tree, constants = formulas_of(families)
    unseen = []
    for node in constants:
        before = node.value
        node.value *= 1.001
        copy = types.ModuleType("copy")
        exec(compile(tree, "families", "exec"), copy.__dict__)
        node.value = before
        changed = [
            max(off_the_golden_points(copy.FAMILIES, family).values()) for family in FORMULAS
        ]
        if max(changed) <= 20 * ROUNDING:
            unseen.append((node.lineno, before))
    assert unseen == []


@pytest.mark.parametrize(
    ("family", "curve", "x", "y"),
    [
        # What the papers say of their curves, and OpenSim's documentation.
        ("de-groote-fregly-2016", "force_velocity", -1.0, 0.0),
        ("de-groote-fregly-2016", "force_velocity", 0.0, 1.0),
        ("de-groote-fregly-2016", "force_velocity", 1.0, 1.794),
        ("de-groote-fregly-2016", "active_force_length", 1.0, 1.0),
        ("de-groote-fregly-2016", "passive_force_length", 0.2, 0.0),
        ("de-groote-fregly-2016", "passive_force_length", 1.6, 1.0),
        ("de-groote-fregly-2016", "tendon_force_strain", 0.0, 0.0),
        ("de-groote-fregly-2016", "tendon_force_strain", 0.049, 1.0),
        ("thelen-2003", "active_force_length", 1.0, 1.0),
        ("thelen-2003", "passive_force_length", 0.9, 0.0),
        ("thelen-2003", "passive_force_length", 1.6, 1.0),
        ("thelen-2003", "force_velocity", -1.0, 0.0),
        ("thelen-2003", "force_velocity", 0.0, 1.0),
        ("thelen-2003", "tendon_force_strain", 0.6086 * 0.04, 0.33),
        ("thelen-2003", "tendon_force_strain", 0.04, 1.0),
        ("millard-2012", "active_force_length", 0.4441, 0.0),
        ("millard-2012", "active_force_length", 1.0, 1.0),
        ("millard-2012", "active_force_length", 1.8123, 0.0),
        ("millard-2012", "passive_force_length", 1.0, 0.0),
        ("millard-2012", "passive_force_length", 1.7, 1.0),
        ("millard-2012", "force_velocity", -1.0, 0.0),
        ("millard-2012", "force_velocity", 0.0, 1.0),
        ("millard-2012", "force_velocity", 1.0, 1.4),
        ("millard-2012", "tendon_force_strain", 0.0, 0.0),
        ("millard-2012", "tendon_force_strain", 0.049, 1.0),
        ("meyer-fregly-2016", "active_force_length", 1.0, 1.0),
        ("meyer-fregly-2016", "force_velocity", -1.0, 0.0),
        ("meyer-fregly-2016", "force_velocity", 0.0, 1.0),
    ],
)
def test_the_families_pass_their_reference_points(family, curve, x, y):
    np.testing.assert_allclose(value(getattr(FAMILIES[family](), curve), x), y, atol=5e-4)


@pytest.mark.parametrize(
    ("family", "curve", "x", "slope"),
    [
        ("thelen-2003", "force_velocity", -1e-4, 5.0),  # 1 + 1 / Af
        ("thelen-2003", "force_velocity", 1e-4, 10.0),  # 2 + 2 / Af
        ("thelen-2003", "tendon_force_strain", 0.05, 1.712 / 0.04),
        ("millard-2012", "force_velocity", 0.0, 5.0),
        ("millard-2012", "force_velocity", -0.9, 0.25),
        ("millard-2012", "force_velocity", 0.9, 0.15),
        ("millard-2012", "passive_force_length", 1.7, 2.0 / 0.7),
        ("millard-2012", "tendon_force_strain", 0.049, 1.375 / 0.049),
    ],
)
def test_the_families_have_their_published_slopes(family, curve, x, slope):
    found = value_and_slope(getattr(FAMILIES[family](), curve), x)[1]
    np.testing.assert_allclose(found, slope, rtol=6e-3)


@pytest.mark.parametrize("family", FORMULAS)
def test_passive_forces_never_fall(family):
    curve = FAMILIES[family]().passive_force_length
    heights = value(curve, np.linspace(0.3, 2.0, 20_001))
    assert np.diff(heights).min() >= -FROM_FORMULA


@pytest.mark.parametrize("family", ["thelen-2003", "millard-2012"])
def test_a_slack_tendon_carries_nothing(family):
    pull = value(FAMILIES[family]().tendon_force_strain, np.linspace(-0.5, 0.0, 1001))
    assert np.abs(pull).max() <= FROM_FORMULA


def test_knots_close_in_on_a_kink():
    x = knots(-1.0, 1.0, (0.25,), 50)
    steps = np.diff(x)
    assert x[0] == -1.0
    assert x[-1] == 1.0
    assert 0.25 in x
    assert steps.min() == pytest.approx(CLOSEST)
    assert steps.max() <= 0.05
    assert (np.abs(np.diff(np.log(steps))) <= np.log(2.0)).all()


def test_knots_without_a_kink_are_even():
    np.testing.assert_allclose(np.diff(knots(0.0, 1.0, (), 10)), 0.1)
