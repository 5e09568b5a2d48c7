"""The partials of filter and activation curve."""

from __future__ import annotations

import numpy as np
import pytest
from people import person

from refnms.physics import activation
from refnms.verify.activations import activation_checks

U = np.linspace(-0.02, 1.1, 60)


def only(model, piecewise=False):
    (check,) = activation_checks(model.table(), model.muscle_names, piecewise, U)
    return check


@pytest.mark.parametrize("piecewise", [False, True])
def test_the_partials_are_right(piecewise):
    check = only(person(2, piecewise=piecewise), piecewise)
    assert check.passed and check.error < 1e-12
    assert check.compared == 4 * 3 * len(U)


@pytest.mark.parametrize(
    ("name", "field", "piecewise", "quantity"),
    [
        ("filter_partials", 0, False, "neural_activation by c1"),
        ("filter_partials", 1, False, "neural_activation by c2"),
        ("exponential_partials", 0, False, "activation by neural_activation"),
        ("exponential_partials", 1, False, "activation by shape_factor"),
        ("piecewise_partials", 0, True, "activation by neural_activation"),
        ("piecewise_partials", 1, True, "activation by shape_factor"),
    ],
)
def test_a_wrong_one_is_named(spoil, name, field, piecewise, quantity):
    spoil(activation, name, field)
    check = only(person(2, piecewise=piecewise), piecewise)
    assert [place.quantity for place in check.wrong] == [quantity]
    assert check.worst.muscle in ("muscle_0", "muscle_1", "muscle_2")
