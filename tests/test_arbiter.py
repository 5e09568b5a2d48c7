"""The arbiter of the golden files against numbers that CEINMS itself printed, and by itself."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
from arbiter import activation
from arbiter.curves import PointCurve, last_slope
from arbiter.muscle import Curves, Muscle, fiber_length, force
from arbiter.precise import exact, root, slope
from arbiter.trial import PROFILES, excitations, moments
from arbiter.trial import Recording as Trial
from ceinms_points import POINTS as CEINMS_POINTS
from mpmath import exp, mpf

ARBITER = Path(__file__).resolve().parent / "arbiter"
CEINMS = Curves(
    *(
        PointCurve(*(exact([float(v) for v in row.split()]) for row in rows), (mpf(0), mpf(0)))
        for rows in CEINMS_POINTS.values()
    )
)


@pytest.mark.parametrize("file", sorted(ARBITER.glob("*.py")), ids=lambda file: file.name)
def test_the_arbiter_knows_no_refnms(file):
    """Only where the named families are sampled is asked of it, and that on the first writing."""
    tree = ast.parse(file.read_text("utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom | ast.Import)]
    text = [ast.unparse(node) for node in imports if "refnms" in ast.unparse(node)]
    allowed = ["from refnms.physics.families import FAMILIES as OURS"]
    assert text == (allowed if file.name == "write.py" else [])


@pytest.mark.parametrize(
    ("name", "x", "y", "dy"),
    [
        ("active_force_length", 0.6, 0.524953235441, 4.13568003176),
        ("active_force_length", 1.3, 0.583579811792, -2.42237209501),
        ("passive_force_length", 1.25, 0.17774055968, 1.34219737081),
        ("force_velocity", -0.45, 0.125068043059, 0.371289624558),
        ("force_velocity", 0.5, 1.66285813961, 0.389720086402),
        ("tendon_force_strain", 0.009, 0.127462393028, 23.7953211725),
        ("tendon_force_strain", 0.05, 1.69318778292, 39.0336304999),
    ],
)
def test_its_splines_are_those_of_ceinms(name, x, y, dy):
    curve = getattr(CEINMS, name)
    found = [float(curve(mpf(x))), float(curve.slope(mpf(x)))]
    np.testing.assert_allclose(found, [y, dy], rtol=2e-11)


@pytest.mark.parametrize("name", CEINMS_POINTS)
def test_a_difference_quotient_has_fifty_digits(name):
    curve = getattr(CEINMS, name)
    for x in exact([0.0071, 0.45, 1.0417]):
        assert abs(slope(curve, x) - curve.slope(x)) <= mpf(10) ** -48


def test_its_last_slopes_are_those_of_ceinms():
    known = {3: [0.5, -2.0, 1.5], 4: [-1 / 3, 1.5, -3.0, 11 / 6]}
    known[5] = [1 / 36, -4 / 9, 5 / 3, -28 / 9, 67 / 36]
    for points, weights in known.items():
        found = [float(w) for w in last_slope(tuple(map(mpf, range(points))))]
        np.testing.assert_allclose(found, weights, rtol=1e-15)
    found = [float(w) for w in last_slope(tuple(map(mpf, range(15))))[-4:]]
    np.testing.assert_allclose(
        found, [-0.5007748692, 1.702250588, -3.120834875, 1.861645497], rtol=1e-9
    )


@pytest.mark.parametrize(
    ("shape", "p", "b"),
    [(0.02, 1.18859714, 1.059466038), (0.05, 0.486664146, 3.759894102),
     (0.12, 0.2047312628, 26.06726802)],
)  # fmt: skip
def test_its_node_of_the_piecewise_activation_is_that_of_ceinms(shape, p, b):
    """CEINMS stops at a step of 1e-4."""
    _, found_p, found_b, _ = activation.node(mpf(shape))
    np.testing.assert_allclose([float(found_p), float(found_b)], [p, b], rtol=2e-3)


def test_the_piecewise_activation_is_smooth_and_reaches_1():
    shape = mpf("0.05")
    x0 = activation.node(shape)[0]
    little = mpf(10) ** -40

    def curve(u):
        return activation.piecewise(u, shape)

    assert abs(slope(curve, x0 - little) - slope(curve, x0 + little)) < mpf(10) ** -30
    assert abs(curve(mpf(1)) - 1) < mpf(10) ** -100


# The example of CEINMS 0.9's original code, first row of its output.
M1 = Muscle(-0.5, -0.4, -1.5, 0.09, 0.30, 0.25, 1500.0, 10.0, 1.1, 0.015, 0.1, 0.15)
M2 = Muscle(-0.6, -0.3, -0.5, 0.11, 0.05, 0.31, 900.0, 10.0, 0.9, 0.05, 0.1, 0.15)
M3 = Muscle(-0.2, -0.7, -2.0, 0.05, 0.44, 0.26, 3000.0, 8.0, 1.2, 0.02, 0.05, 0.15)


@pytest.mark.parametrize(
    ("given", "a", "lmt", "length", "pull"),
    [
        (M1, 0.5179745016, 0.338, 0.08744667904, 789.3989179),
        (M2, 0.6030965415, 0.42 + 0.025 * np.sin(2.0), 0.1256371309, 528.7430708),
        (M3, 1.0, 0.307 + 0.012 * np.sin(1.0), 0.05369490263, 3294.195009),
    ],
)
def test_its_equilibrium_is_that_of_ceinms(given, a, lmt, length, pull):
    """To the 1e-6 m that CEINMS's search leaves."""
    muscle = Muscle(*exact(list(given)))
    found = fiber_length(CEINMS, muscle, mpf(a), mpf(round(lmt, 9)), lambda l: mpf(0))
    assert abs(float(found) - length) <= 1e-6
    np.testing.assert_allclose(
        float(force(CEINMS, muscle, mpf(a), mpf(length), mpf(0))), pull, rtol=1e-8
    )


def test_its_recursion_has_unit_gain_and_starts_as_told():
    c1, c2, e = mpf("-0.5"), mpf("-0.3"), exact([0.25, 0.5, 1.0, 1.0])
    assert activation.recursion(c1, c2, [mpf(1)] * 9, True, False) == pytest.approx([1] * 9)
    u = activation.recursion(c1, c2, e, False, True)
    gain = (1 + c1) * (1 + c2)
    assert u[0] == gain * e[0]
    mean = (e[0] + e[1]) / 2
    assert abs(u[2] - (gain * e[2] - (c1 + c2 + c1 * c2) * mean)) < mpf(10) ** -100


def test_a_root_is_found_to_the_last_digits():
    assert abs(exp(root(lambda x: exp(x) - 3, 0, 5)) - 3) < mpf(10) ** -110
    with pytest.raises(ValueError, match="sign"):
        root(lambda x: exp(x), 0, 5)


def test_excitations_and_moments():
    trial = Trial(
        *exact(
            [
                [0.0, 0.02],
                [[0.3], [0.3]],
                [[[0.5, 2.0]], [[0.5, 1.0]]],
                [-0.02, -0.01, 0.0, 0.01, 0.02],
                [[0.1], [0.2], [0.4], [0.8], [0.9]],
                [[0.0, 0.0]] * 2,
            ]
        )
    )
    native, ceinms, *_ = PROFILES
    assert [float(e) for e in excitations(native, trial, 0, mpf("0.005"))] == pytest.approx(
        [0.3, 0.85]
    )
    assert [float(e) for e in excitations(ceinms, trial, 0, mpf("0.005"))] == [0.1, 0.2, 0.4, 0.9]
    assert moments(trial, [exact([10.0, 20.0])]) == [[5, 20], [10, 20]]
