"""The terms of CEINMS's own objectives by their definitions, and their derivatives.

That those of 0.9 make up its objective is shown in tests/test_incremental.py, against its rules.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from people import PROFILES, person, recording

from refnms.autodiff import difference_sweep
from refnms.ceinms_terms import FiberLengthPower, LengthJump, MomentErrorPower, SummedMomentError
from refnms.objective import Objective
from refnms.parameters import Free, Packing
from refnms.physics.types import Flag
from refnms.simulation import simulate_all
from refnms.terms import FiberLengthRange, MomentError

MODEL = person(2)
TRIALS = [recording(2, MODEL, 30, name="a"), recording(3, MODEL, 12, name="b")]
PACKING = Packing(
    MODEL,
    [
        Free("tendon_slack_length", (0.95, 1.05), relative=True),
        Free("optimal_fiber_length", (0.9, 1.1), relative=True),
        Free("c1", (-0.95, -0.05)),
    ],
)
X = PACKING.start
POWERS = (MomentErrorPower(1.7, 1.5), FiberLengthPower(0.95, 1.0, 40.0, 3.0, ("muscle_1",)))


def value(*terms, dofs=None) -> float:
    return Objective(PACKING, TRIALS, terms=terms, dofs=dofs).value(X)


@pytest.mark.parametrize(("dofs", "count"), [(None, 2), (["ankle"], 1)])
def test_the_summed_error_is_the_mean_times_trials_and_degrees_of_freedom(dofs, count):
    mean = value(MomentError(), dofs=dofs)
    assert value(SummedMomentError(), dofs=dofs) == pytest.approx(2 * count * mean, rel=1e-13)


def test_powers_of_one_and_two_are_the_plain_terms():
    assert value(MomentErrorPower(2.5, 1.0)) == pytest.approx(2.5 * value(MomentError()))
    plain = FiberLengthRange(0.95, 1.0, weight=30.0, soft=30.0)
    assert value(FiberLengthPower(0.95, 1.0, 30.0, 2.0)) == pytest.approx(value(plain), rel=1e-13)


def test_powers_are_those_of_their_definition():
    """By frame: (error / deviation)^(2 exponent); the way out of the range^exponent."""
    errors, ways = [], []
    for trial, run in zip(TRIALS, simulate_all(MODEL, TRIALS), strict=True):
        deviation = np.std(trial.moment, axis=0, ddof=1)
        errors.append(np.mean(np.abs((run.moment - trial.moment) / deviation) ** 3.0))
        norm = run.fiber_length[:, 1] / MODEL.muscles.optimal_fiber_length[1]
        ways.append(np.maximum(np.maximum(norm - 1.0, 0.95 - norm), 0.0) ** 3.0)
    assert value(POWERS[0]) == pytest.approx(1.7 * np.mean(errors), rel=1e-12)
    assert value(POWERS[1]) == pytest.approx(40.0 * np.mean(np.concatenate(ways)), rel=1e-12)


@pytest.mark.parametrize("profile", ["native", "0.21"])
def test_their_gradients_are_differences(profile, rng):
    objective = Objective(PACKING, TRIALS, PROFILES[profile], POWERS)
    direction = rng.normal(size=len(X)) * (PACKING.upper - PACKING.lower)
    _, gradient = objective.gradient(X)
    slope = difference_sweep(objective.value, X, 0.01 * direction)
    assert gradient @ (0.01 * direction) == pytest.approx(slope.value, rel=1e-6)


def test_their_quadratic_models_have_the_gradient_of_the_adjoint():
    objective = Objective(PACKING, TRIALS, terms=POWERS)
    _, gradient = objective.gradient(X)
    np.testing.assert_allclose(
        objective.model(X).gradient, gradient, rtol=1e-9, atol=1e-9 * np.max(np.abs(gradient))
    )


def test_the_jump_of_ceinms_counts_lengths_beyond_a_half_and_searches_that_fell_back():
    norm, flags = np.ones((42, 3)), np.zeros((42, 3), np.int64)
    norm[1, 0], norm[2, 1], norm[3, 2], norm[35, 1] = 1.5001, 1.4999, 0.4999, 1.6
    flags[4, 0] = flags[36, 0] = Flag.FELL_BACK
    objective = Objective(PACKING, TRIALS, terms=(LengthJump(),))
    problem = replace(objective.problem, flags=flags)
    signals = SimpleNamespace(fiber_length=norm * MODEL.muscles.optimal_fiber_length)
    residuals = LengthJump().residuals(X, MODEL.table(), signals, problem)
    a, b = 2.0 * 0.5001**2 + 1.0, 0.6**2 + 1.0
    wanted = 2 * 100.0 * (a / 30 + b / 12)  # two degrees of freedom, 30 and 12 frames
    assert objective.weights() @ [np.sum(residuals**2)] == pytest.approx(wanted, rel=1e-12)


def test_the_jump_of_ceinms_has_no_kind():
    with pytest.raises(TypeError, match="LengthJump does not say its `kind`"):
        Objective(PACKING, TRIALS, terms=(MomentError(), LengthJump())).model(X)
