from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from strategies import ADJOINT, PROFILES, adjoint_errors, draw_case, run, seeds, velocity_of

from refnms.physics import reference


@pytest.mark.parametrize("profile", PROFILES)
@settings(max_examples=15)
@given(seeds)
def test_the_adjoint_is_that_of_complex_steps(profile, seed):
    case = draw_case(seed, PROFILES[profile], rigid=True)
    rng = np.random.default_rng(seed)
    for what, error in adjoint_errors(reference, reference, velocity_of(case), case, rng):
        assert error <= ADJOINT, what


@pytest.mark.parametrize("profile", PROFILES)
def test_a_cubic_in_time_has_its_own_slope_as_velocity(profile):
    """Before, a trailing stencil has fewer points; a backward difference needs a straight line."""
    case = draw_case(8, PROFILES[profile], rigid=True)
    weights = case.system.timeline.spline.steps
    frames = case.system.timeline.frames[1]
    time = np.concatenate([[0.0], np.cumsum(weights[: frames - 1])])[:, None]
    degree = 1 if profile == "native" else 3
    length = 0.1 + time**degree
    padded = np.broadcast_to(np.full((1, 1), 0.1), case.signals["fiber_length"].shape).copy()
    padded[:frames] = length
    found = run(reference, velocity_of(case), case, fiber_length=padded)
    expected = degree * time ** (degree - 1) * np.ones(3)
    start = 0 if profile == "offline" else 4
    np.testing.assert_allclose(found[start:frames], expected[start:], rtol=1e-9, atol=1e-9)
