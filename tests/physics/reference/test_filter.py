from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from strategies import NATIVE, PROFILES, STEP, draw_case, run, seeds

from refnms.physics import reference
from refnms.physics.reference.filter import filtered, filtered_slopes, filtered_vjp, pieces
from refnms.physics.types import FilterStart

STARTS = [NATIVE.start, PROFILES["online"].start, FilterStart(0.7, 4)]
EXACT = 1e-12  # against complex steps: sums of a few terms


def plain_recursion(e, c1, c2, u1, u2):
    """Lloyd and Besier's equation, written out."""
    u = []
    for sample in e:
        u.append((1 + c1 + c2 + c1 * c2) * sample - (c1 + c2) * u1 - c1 * c2 * u2)
        u1, u2 = u[-1], u1
    return u


def test_the_native_recursion_starts_at_rest_for_the_first_excitation():
    case = draw_case(5, NATIVE)
    e, u = case.excitation, run(reference, case)[0].neural_activation
    for first, last in pairwise(case.system.timeline.rows):
        for m in range(3):
            c = case.muscles.c1[m], case.muscles.c2[m]
            expected = plain_recursion(e[first:last, m], *c, e[first, m], e[first, m])
            np.testing.assert_allclose(u[first:last, m], expected, rtol=1e-12)


def test_ceinms_recursion_takes_the_mean_of_two_excitations_before_the_third_sample():
    """u0 = al e0; u1 = al e1 - b1 u0; u2 = al e2 - (b1 + b2) (e0 + e1) / 2; then plain."""
    case = draw_case(5, PROFILES["online"])
    e, u = case.excitation, run(reference, case)[0].neural_activation
    for m in range(3):
        c1, c2 = case.muscles.c1[m], case.muscles.c2[m]
        al, b1, b2 = 1 + c1 + c2 + c1 * c2, c1 + c2, c1 * c2
        mean = 0.5 * (e[0, m] + e[1, m])
        first = [al * e[0, m], al * e[1, m] - b1 * al * e[0, m]]
        third = al * e[2, m] - (b1 + b2) * mean
        fourth = al * e[3, m] - b1 * third - b2 * mean
        fifth = al * e[4, m] - b1 * fourth - b2 * third
        np.testing.assert_allclose(u[:5, m], [*first, third, fourth, fifth], rtol=1e-12)


def test_pieces_of_the_recursion():
    assert pieces(FilterStart(1.0, -1), 6) == [(0, 6, ((0, 1.0),))]
    restarted = [(0, 2, ((0, 0.0),)), (2, 6, ((1, 0.5), (0, 0.5)))]
    assert pieces(FilterStart(0.0, 2), 6) == restarted
    assert pieces(FilterStart(0.0, 2), 2) == [(0, 2, ((0, 0.0),))]


def draw(seed):
    """Coefficients, excitation and its direction, of one to eight rows."""
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(1, 9))
    c1, c2 = rng.uniform(-0.95, 0.95, (2, 3))
    return rng, c1, c2, *rng.uniform(size=(2, rows, 3))


def by_steps(start, c1, c2, e, direction):
    """Slopes of u by c1, by c2 and along the direction of e."""
    stepped = (
        filtered(start, c1 + 1j * STEP, c2, e),
        filtered(start, c1, c2 + 1j * STEP, e),
        filtered(start, c1, c2, e + 1j * STEP * direction),
    )
    return [u.imag / STEP for u in stepped]


@pytest.mark.parametrize("start", STARTS)
@given(seeds)
def test_the_slopes_are_those_of_complex_steps(start, seed):
    _, c1, c2, e, direction = draw(seed)
    found = filtered_slopes(start, c1, c2, e, filtered(start, c1, c2, e))
    for slope, wanted in zip(found, by_steps(start, c1, c2, e, direction)[:2], strict=True):
        np.testing.assert_allclose(slope, wanted, rtol=EXACT, atol=EXACT)


@pytest.mark.parametrize("start", STARTS)
@given(seeds)
def test_the_adjoint_is_that_of_complex_steps(start, seed):
    rng, c1, c2, e, direction = draw(seed)
    u_bar = rng.normal(size=e.shape)
    bars = filtered_vjp(start, c1, c2, e, filtered(start, c1, c2, e), u_bar)
    found = *bars[:2], np.sum(bars[2] * direction, axis=0)
    for bar, slope in zip(found, by_steps(start, c1, c2, e, direction), strict=True):
        np.testing.assert_allclose(bar, np.sum(u_bar * slope, axis=0), rtol=EXACT, atol=EXACT)
