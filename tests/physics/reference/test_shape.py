from __future__ import annotations

import numpy as np
import pytest
from strategies import NATIVE, PROFILES, STEP, draw_case, run

from refnms.physics import activation as act
from refnms.physics import reference
from refnms.physics.profiles import ceinms_0_9
from refnms.physics.reference.shape import shaped, shaped_partials


def last_frames(case):
    """The last excitation row and frame of each trial: one belongs to the other."""
    timeline = case.system.timeline
    return timeline.rows[1:] - 1, timeline.frames[1:] - 1


def test_every_frame_has_the_exponential_activation_of_its_row():
    case = draw_case(6, NATIVE)
    rows, frames = last_frames(case)
    signals, _ = run(reference, case)
    u = signals.neural_activation[rows]
    wanted = act.exponential(u, act.exponential_shape(case.muscles.shape_factor))
    np.testing.assert_allclose(signals.activation[frames], wanted, rtol=1e-14)


def test_every_frame_has_the_piecewise_activation_of_its_row():
    case = draw_case(6, NATIVE, piecewise=True)
    rows, frames = last_frames(case)
    signals, _ = run(reference, case)
    for m, factor in enumerate(case.muscles.shape_factor):
        node = act.piecewise_node(factor, act.solve_node(factor, 0.0))
        wanted = act.piecewise(signals.neural_activation[rows, m], node)
        np.testing.assert_allclose(signals.activation[frames, m], wanted, rtol=1e-14)


def test_the_node_is_found_to_the_tolerance_of_the_system():
    exact = draw_case(6, PROFILES["online"], piecewise=True)
    coarse = draw_case(6, ceinms_0_9(online=True), piecewise=True)
    u = np.full((1, 3), 0.1)
    for case, tolerance in ((exact, 0.0), (coarse, 1e-4)):
        for m, factor in enumerate(case.muscles.shape_factor):
            node = act.piecewise_node(factor, act.solve_node(factor, tolerance))
            assert shaped(case.system, case.muscles, u)[0, m] == act.piecewise(0.1, node)


@pytest.mark.parametrize("piecewise", [False, True])
def test_the_partials_are_those_of_complex_steps(piecewise, rng):
    case = draw_case(6, NATIVE, piecewise=piecewise)
    u, muscles = rng.uniform(0.0, 1.0, (40, 3)), case.muscles
    by_u, by_shape = shaped_partials(case.system, muscles, u, shaped(case.system, muscles, u))
    moved = muscles._replace(shape_factor=muscles.shape_factor + 1j * STEP)
    for found, stepped in (
        (by_u, shaped(case.system, muscles, u + 1j * STEP)),
        (by_shape, shaped(case.system, moved, u)),
    ):
        np.testing.assert_allclose(found, stepped.imag / STEP, rtol=1e-9, atol=1e-12)
