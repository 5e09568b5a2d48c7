from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from strategies import ADJOINT, NATIVE, adjoint_errors, draw_case, run, seeds

from refnms.physics import muscle, reference
from refnms.physics.types import Muscles


def test_each_sample_has_the_force_of_its_muscle():
    case = draw_case(7, NATIVE)
    names = ("activation", "fiber_length", "fiber_velocity")
    t, m = 5, 2
    unit = Muscles(*(p[m] for p in case.muscles))
    sample = [case.signals[name][t, m] for name in names]
    expected = muscle.tendon_force(case.system.curves, unit, *sample)
    np.testing.assert_allclose(run(reference, "tendon_force", case)[t, m], expected, rtol=1e-14)


@settings(max_examples=15)
@given(seeds)
def test_the_adjoint_is_that_of_complex_steps(seed):
    case = draw_case(seed, NATIVE)
    rng = np.random.default_rng(seed)
    for what, error in adjoint_errors(reference, reference, "tendon_force", case, rng):
        assert error <= ADJOINT, what
