from __future__ import annotations

import numpy as np
import pytest
from strategies import CURVES, EVERY_PROFILE, NATIVE, draw_case, run

from refnms.physics import muscle, reference
from refnms.physics.reference.trials import trials
from refnms.physics.reference.velocity import velocity
from refnms.physics.types import MuscleSignals, Unit


def test_each_sample_has_the_force_of_its_muscle():
    case = draw_case(7, NATIVE)
    (_, a, length, v, force), _ = run(reference, case)
    t, m = 5, 2
    unit = Unit(*(p[m] for p in muscle.unit(case.muscles)))
    expected = muscle.tendon_force(CURVES, unit, a[t, m], length[t, m], v[t, m])
    np.testing.assert_allclose(force[t, m], expected, rtol=1e-14)


@pytest.mark.parametrize("profile", EVERY_PROFILE)
def test_each_trial_has_the_velocity_of_its_own_lengths(profile):
    case = draw_case(7, EVERY_PROFILE[profile])
    signals, _ = run(reference, case)
    for trial in trials(case.system):
        wanted = velocity(trial, signals.fiber_length[trial.frames])
        np.testing.assert_array_equal(signals.fiber_velocity[trial.frames], wanted)


@pytest.mark.parametrize("profile", EVERY_PROFILE)
def test_a_trial_alone_runs_as_it_does_beside_others(profile):
    case = draw_case(7, EVERY_PROFILE[profile], corners=True)
    together, flags = run(reference, case)
    for i, trial in enumerate(trials(case.system)):
        line = case.system.timeline
        alone = case.system._replace(
            timeline=line._replace(
                frames=np.array([0, trial.size]),
                rows=np.array([0, trial.rows.stop - trial.rows.start]),
                solver_weights=trial.solver_weights,
                force_weights=trial.force_weights,
                spline=trial.spline,
            )
        )
        inputs = case.excitation[trial.rows], case.musculotendon_length[trial.frames]
        found, own = run(
            reference,
            case._replace(system=alone)._replace(
                excitation=inputs[0], musculotendon_length=inputs[1]
            ),
        )
        parts = MuscleSignals(together[0][trial.rows], *(s[trial.frames] for s in together[1:]))
        for x, y in zip(found, parts, strict=True):
            np.testing.assert_array_equal(x, y, err_msg=f"trial {i}")
        np.testing.assert_array_equal(own, flags[trial.frames])


def test_complex_steps_leave_the_real_signals_as_they_were():
    case = draw_case(7, NATIVE, corners=True)
    plain, flags = run(reference, case)
    stepped, same = run(reference, case._replace(table=case.table * (1.0 + 1e-30j)))
    np.testing.assert_array_equal(same, flags)
    for x, y in zip(stepped, plain, strict=True):
        assert np.iscomplexobj(x)
        np.testing.assert_allclose(x.real, y, rtol=1e-9, atol=1e-12)
