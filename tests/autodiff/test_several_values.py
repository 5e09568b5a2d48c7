"""Primitives whose value is a tuple of arrays."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from refnms.autodiff import Var, grad, primitive, vjp

X = np.array([0.5, -1.0, 2.0])


def captured(x):
    """The Var that `vjp` makes of x."""
    caught = []
    vjp(lambda v: caught.append(v) or v, x)
    return caught[0]


class Polar(NamedTuple):
    radius: Any
    angle: Any


def polar(**options):
    """Of a point, with the cotangents that each call of the pullback was given."""
    given = []

    def pullback(g, y, a, b):
        given.append(g)
        r_bar, angle_bar = (0.0 if bar is None else bar for bar in g)
        radial, tangential = r_bar / y[0], angle_bar / y[0] ** 2
        return a * radial - b * tangential, b * radial + a * tangential

    forward = lambda a, b: Polar(np.sqrt(a * a + b * b), np.arctan2(b, a))
    return primitive(forward, pullback, **options), given


def test_several_values_come_as_the_tuple_they_are_in():
    p, _ = polar()
    assert type(p(X, X)) is Polar and type(p(X, X).angle) is np.ndarray
    found = p(captured(X), X)
    assert type(found) is Polar and all(type(part) is Var for part in found)
    assert found.radius.shape == (3,)
    plain = primitive(lambda x: (x, 2.0 * x), lambda g, y, x: (g[0] + 2.0 * g[1],))
    assert type(plain(captured(X))) is tuple


def test_the_pullback_gets_all_cotangents_in_one_call():
    p, given = polar()

    def f(a, b):
        r, angle = p(a, b)
        return np.sum(r * angle + r)

    a_bar, b_bar = grad(f, (0, 1))(X, 2.0 * X + 0.3)
    whole = lambda a, b: np.sum(np.hypot(a, b) * (np.arctan2(b, a) + 1.0))
    expected = grad(whole, (0, 1))(X, 2.0 * X + 0.3)
    np.testing.assert_allclose((a_bar, b_bar), expected, rtol=1e-12)
    assert len(given) == 1


def test_a_value_that_nothing_depends_on_has_no_cotangent():
    p, given = polar()
    assert grad(lambda a: np.sum(p(a, X).radius))(X) == pytest.approx(np.sign(X) / np.sqrt(2.0))
    assert [part is None for part in given[0]] == [False, True]


def test_several_values_are_differentiated_twice_if_they_may_be():
    p, _ = polar(transparent=True)
    angle = lambda a: p(a, np.array(1.0)).angle  # its second derivative: 2 a / (1 + a^2)^2
    assert grad(grad(angle))(2.0) == pytest.approx(2.0 * 2.0 / 25.0)
    kernel, _ = polar()
    with pytest.raises(TypeError, match="second derivative through"):
        grad(grad(lambda a: kernel(a, np.array(1.0)).angle))(2.0)
