from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from strategies import ADJOINT, NATIVE, PROFILES, adjoint_errors, draw_case, run, seeds

from refnms.physics import activation as act
from refnms.physics import reference
from refnms.physics.reference.activation import filter_pieces
from refnms.physics.types import FilterStart

SHAPES = ["exponential_activation", "piecewise_activation"]


def plain_recursion(e, c1, c2, u1, u2):
    """Lloyd and Besier's equation, written out."""
    u = []
    for sample in e:
        u.append((1 + c1 + c2 + c1 * c2) * sample - (c1 + c2) * u1 - c1 * c2 * u2)
        u1, u2 = u[-1], u1
    return u


def test_the_native_recursion_starts_at_rest_for_the_first_excitation():
    case = draw_case(5, NATIVE)
    e, u = case.signals["excitation"], case.signals["neural_activation"]
    for first, last in zip(
        case.system.timeline.rows[:-1], case.system.timeline.rows[1:], strict=True
    ):
        for m in range(3):
            c = case.muscles.c1[m], case.muscles.c2[m]
            expected = plain_recursion(e[first:last, m], *c, e[first, m], e[first, m])
            np.testing.assert_allclose(u[first:last, m], expected, rtol=1e-12)


def test_ceinms_recursion_takes_the_mean_of_two_excitations_before_the_third_sample():
    """u0 = al e0; u1 = al e1 - b1 u0; u2 = al e2 - (b1 + b2) (e0 + e1) / 2; then plain."""
    case = draw_case(5, PROFILES["online"])
    e, u = case.signals["excitation"], case.signals["neural_activation"]
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
    e = np.zeros((6, 1))
    assert filter_pieces(FilterStart(1.0, -1), e) == [(0, 6, [(0, 1.0)])]
    restarted = [(0, 2, [(0, 0.0)]), (2, 6, [(1, 0.5), (0, 0.5)])]
    assert filter_pieces(FilterStart(0.0, 2), e) == restarted
    assert filter_pieces(FilterStart(0.0, 2), e[:2]) == [(0, 2, [(0, 0.0)])]


def last_frames(case):
    """The last excitation row and frame of each trial: one belongs to the other."""
    timeline = case.system.timeline
    return timeline.rows[1:] - 1, timeline.frames[1:] - 1


def test_every_frame_has_the_exponential_activation_of_its_row():
    case = draw_case(6, NATIVE)
    rows, frames = last_frames(case)
    u = case.signals["neural_activation"][rows]
    found = run(reference, "exponential_activation", case)[frames]
    np.testing.assert_allclose(found, act.exponential(u, case.muscles.shape_factor), rtol=1e-14)


def test_every_frame_has_the_piecewise_activation_of_its_row():
    case = draw_case(6, NATIVE, shape="piecewise_activation")
    rows, frames = last_frames(case)
    found = run(reference, "piecewise_activation", case)[frames]
    for m, shape in enumerate(case.muscles.shape_factor):
        node = act.piecewise_node(shape, act.solve_node(shape, 0.0))
        u = case.signals["neural_activation"][rows, m]
        np.testing.assert_allclose(found[:, m], act.piecewise(u, node), rtol=1e-14)


@pytest.mark.parametrize("profile", ["native", "online"])
@pytest.mark.parametrize("name", ["neural_activation", *SHAPES])
@settings(max_examples=8)
@given(seeds)
def test_the_adjoint_is_that_of_complex_steps(name, profile, seed):
    shape = name if name in SHAPES else SHAPES[0]
    case = draw_case(seed, PROFILES[profile], rigid=True, shape=shape)
    rng = np.random.default_rng(seed)
    for what, error in adjoint_errors(reference, reference, name, case, rng):
        assert error <= ADJOINT, what
