"""The terms of the objective one by one: residuals against their definition, and weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from people import person, recording

from refnms.autodiff import vjp
from refnms.objective import Objective
from refnms.parameters import Free, Packing
from refnms.simulation import Signals
from refnms.terms import FiberLengthRange, MomentError, Prior

MODEL = person(2)
TRIALS = [recording(2, MODEL, 30, name="a"), recording(3, MODEL, 12, name="b")]
PACKING = Packing(MODEL, [Free("strength_coefficient", (0.5, 2.5))])
PROBLEM = Objective(PACKING, TRIALS).problem


def length_term(norm_length: Any, edges: tuple[float, float]) -> Any:
    """Residuals of the fiber length range as a function of the norm fiber length `(T, M)`."""
    lo = MODEL.muscles.optimal_fiber_length
    signals = Signals(None, None, None, norm_length * lo, None, None, None)
    return FiberLengthRange(*edges).residuals(None, MODEL.table(), signals, PROBLEM)


@pytest.mark.parametrize("edges", [(0.503, 1.497), (0.6, 1.2)])
def test_inside_the_range_a_fiber_length_costs_nothing(edges, rng):
    inside = rng.uniform(*edges, (42, 3))
    assert not np.any(length_term(inside, edges))
    assert not np.any(length_term(np.full((42, 3), 0.5 * sum(edges)), edges))


@pytest.mark.parametrize("edges", [(0.503, 1.497), (0.6, 1.2)])
def test_outside_the_cost_is_the_square_of_the_way_out(edges):
    outside = np.full((42, 3), 1.0)
    outside[3, 0], outside[5, 1] = edges[0] - 0.03, edges[1] + 0.05
    cost = np.sum(length_term(outside, edges) ** 2)
    assert cost == pytest.approx((0.03**2 + 0.05**2) / 42, rel=1e-12)


@pytest.mark.parametrize("edge", [0.503, 1.497])
def test_at_the_edge_of_the_range_the_slope_is_continuous(edge):
    def slope(x: float) -> float:
        cost = lambda n: np.sum(length_term(n, (0.503, 1.497)) ** 2)
        _, pullback = vjp(cost, np.full((42, 3), x))
        return float(np.sum(pullback(1.0)[0]))

    out = -1.0 if edge < 1.0 else 1.0
    assert slope(edge - out * 1e-9) == 0.0
    for way in (1e-6, 1e-3):
        assert slope(edge + out * way) == pytest.approx(3 * 2.0 * out * way, rel=1e-6)


def test_the_default_range_lies_just_inside_the_jump_of_ceinms():
    term = FiberLengthRange()
    assert 0.5 < term.lower < 0.51 and 1.49 < term.upper < 1.5


def test_the_weight_of_the_range_is_raised_from_soft_to_full():
    weights = [FiberLengthRange().weight_at(p) for p in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert weights[0] == FiberLengthRange().soft and weights[-1] == FiberLengthRange().weight
    assert (np.diff(weights) > 0.0).all()
    assert MomentError().weight_at(0.0) == MomentError().weight_at(1.0) == 1.0


def test_one_sided_residuals_are_the_share_of_the_excess(rng):
    """What a quadratic model is built from says the same as the residuals."""
    term, lo = FiberLengthRange(0.8, 1.2), MODEL.muscles.optimal_fiber_length
    norm = rng.uniform(0.5, 1.5, (42, 3))
    signals = Signals(None, None, None, norm * lo, None, None, None)
    excess = term.excess(None, MODEL.table(), signals, PROBLEM)
    np.testing.assert_allclose(excess, np.abs(norm - 1.0) - 0.2, rtol=0.0, atol=1e-15)
    residuals = term.residuals(None, MODEL.table(), signals, PROBLEM)
    np.testing.assert_array_equal(residuals, np.maximum(excess, 0.0) * term.share(PROBLEM))


def test_only_the_prior_is_off_unless_asked_for():
    assert Prior().weight_at(1.0) == 0.0 and Prior(0.3).weight_at(0.0) == 0.3
    assert FiberLengthRange().weight_at(1.0) > 0.0
