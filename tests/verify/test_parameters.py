"""Derivatives by parameters over trials: a wrong one is found, forward and reverse, and named."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from people import PROFILES
from verified import draw_case, sole

from refnms.physics import activation, implicit, muscle, reference
from refnms.verify.lanes import DELAY
from refnms.verify.parameters import derivative_checks, derivatives

FRAMES = (0, 1, 10, 23, 30, 47)


def checks(case):
    delay = case.lanes.table[DELAY]
    by_delay = None if case.joined.rows is not None else case.joined.excitation_by_delay(delay)
    d = derivatives(case.run, by_delay, np.random.default_rng(0))
    return list(derivative_checks(d, FRAMES, "here"))


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("kind", [{}, {"rigid": True}, {"piecewise": True}])
def test_they_are_right(profile, kind):
    found = checks(draw_case(PROFILES[profile], **kind))
    assert {c.name: c.passed for c in found} == {c.name: True for c in found}
    assert len(found) == 4 and found[0].error < 1e-11 and found[0].compared > 3000


def test_the_places_are_samples_with_a_sure_gradient(case, spoil):
    spoil(implicit, "length_slopes", "activation")
    check = sole(checks(case), "forward, here")
    for place in check.wrong:
        m = case.model.muscle_names.index(place.muscle)
        t = {"walk": 0, "jump": 24}[place.trial] + place.frame
        assert case.run.determinate[t, m]


@pytest.mark.parametrize(
    ("module", "name", "field", "parameter"),
    [
        (implicit, "length_slopes", "tendon_slack_length", "tendon_slack_length"),
        (implicit, "length_slopes", "past_velocity", "optimal_fiber_length"),
        (muscle, "tendon_force_partials", "fiber_damping", "fiber_damping"),
        (muscle, "tendon_force_partials", "max_contraction_velocity", "max_contraction_velocity"),
        (activation, "filter_partials", 0, "c1"),
        (activation, "exponential_partials", 1, "shape_factor"),
    ],
)
def test_a_wrong_slope_is_found_both_ways(case, spoil, module, name, field, parameter):
    spoil(module, name, field)
    found = checks(case)
    for mode in ("forward, here", "reverse"):
        check = sole(found, mode)
        assert not check.passed
        assert f"tendon_force by {parameter}" in {place.quantity for place in check.wrong}
    assert sole(found, "inner product").passed  # both are wrong alike


def test_a_mode_that_is_wrong_alone_breaks_the_inner_product(case):
    def adjoint(*args):
        table_bar, *others = reference.adjoint(*args)
        return 1.001 * table_bar, *others

    engine = SimpleNamespace(adjoint=adjoint, tangents=reference.tangents)
    found = checks(case._replace(run=replace(case.run, engine=engine)))
    assert sole(found, "forward, here").passed
    assert not sole(found, "reverse").passed
    assert not sole(found, "inner product").passed
