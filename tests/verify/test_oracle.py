"""The complex step at known roots: right by itself, and blind to hand-written slopes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from people import PROFILES
from verified import draw_case, rerun, sole

from refnms.autodiff import difference_sweep
from refnms.physics import muscle, reference
from refnms.physics.families import thelen
from refnms.physics.profiles import NATIVE
from refnms.physics.types import MuscleSignals
from refnms.verify.lanes import run
from refnms.verify.oracle import stepped
from refnms.verify.parameters import derivatives, forward_checks
from refnms.verify.probes import probes


@pytest.mark.parametrize("profile", PROFILES)
def test_it_is_the_derivative_that_differences_see(profile):
    case = draw_case(PROFILES[profile], seed=3)
    rng = np.random.default_rng(0)
    lanes, sure = case.lanes, case.run.determinate
    direction = 0.05 * rng.uniform(-1.0, 1.0, lanes.table.shape) * np.abs(lanes.table)

    def force(share):
        signals = MuscleSignals(*(np.zeros_like(s) for s in case.run.signals))
        table = lanes.table + share * direction
        inputs = lanes.excitation, lanes.musculotendon_length
        reference.forward(lanes.system, table, *inputs, signals, np.zeros_like(case.run.flags))
        return np.sum(signals.tendon_force[:24] * sure[:24], axis=0)

    found = np.sum(stepped(case.run, table=direction).tendon_force[:24] * sure[:24], axis=0)
    estimate = difference_sweep(force, 0.0, 1.0)
    settled = estimate.error < 1e-6 * np.abs(found)
    assert settled.any()
    np.testing.assert_allclose(found[settled], estimate.value[settled], rtol=1e-5)


def test_a_wrong_slope_does_not_move_it(case, spoil):
    right = stepped(case.run, excitation=np.ones_like(case.lanes.excitation))
    spoil(muscle, "norm_fiber_force_partials", "v", 1.2)
    again = stepped(case.run, excitation=np.ones_like(case.lanes.excitation))
    for x, y in zip(right, again, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-9 * np.max(np.abs(x)))
    assert rerun(case).run.signals.tendon_force == pytest.approx(case.run.signals.tendon_force)


def test_what_a_rule_holds_follows_the_rule(case):
    """A rigid tendon: the length moves with the muscle's own, and no equilibrium is asked."""
    rigid = draw_case(rigid=True)
    ones = np.ones_like(rigid.lanes.musculotendon_length)
    slopes = stepped(rigid.run, length=ones).fiber_length
    unit = muscle.unit(rigid.model.muscles)
    wanted = muscle.rigid_fiber_length_partials(unit, rigid.lanes.musculotendon_length)
    np.testing.assert_allclose(slopes, wanted.musculotendon_length, rtol=1e-13)


def test_in_a_narrow_corner_it_stands_where_the_run_stands():
    """No activation, a tendon just taut: its slope doubles within a strain of 1e-7."""
    case, rng = draw_case(), np.random.default_rng(1)
    system = case.lanes.system._replace(curves=thelen())
    lanes = probes(system, NATIVE, case.model.table(), case.model.muscle_names, 300, rng)
    at_rest = run(reference, replace(lanes, excitation=np.zeros_like(lanes.excitation)))
    checks = forward_checks(derivatives(at_rest, None, rng), "here")
    assert sole(checks, "forward, here").error < 1e-10
