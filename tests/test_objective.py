"""The objective against its definition, its gradient against differences, its terms one by one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from people import PROFILES, person, recording, with_field

from refnms.autodiff import difference_sweep
from refnms.errors import InputError
from refnms.objective import Objective
from refnms.parameters import Free, Packing
from refnms.physics.profiles import ceinms_0_9
from refnms.score import ceinms_objective
from refnms.simulation import Signals, simulate, simulate_all
from refnms.task import read_task
from refnms.terms import TERMS, FiberLengthRange, MomentError, Prior

DIFFERENCES = 1e-6

MODEL = person(2)
TRIALS = [recording(2, MODEL, 30, name="a"), recording(3, MODEL, 12, name="b")]
FREE = [
    Free("tendon_slack_length", (0.95, 1.05), relative=True),
    Free("optimal_fiber_length", (0.9, 1.1), relative=True),
    Free("strength_coefficient", (0.5, 2.5)),
    Free("c1", (-0.95, -0.05), groups=(MODEL.muscle_names,)),
]
PACKING = Packing(MODEL, FREE)
START = PACKING.unpack(PACKING.start)  # one c1 for all


def objective(**changed: Any) -> Objective:
    return Objective(**{"packing": PACKING, "trials": TRIALS, **changed})


# ---- the moment error ----


def moment_error(model: Any, trials: Any, dofs: Any = (0, 1), counts: Any = None) -> float:
    """By its definition: per trial and DOF the mean squared error over the variance (n - 1)."""
    terms = []
    for trial in trials:
        rows = slice(None) if counts is None else counts[trial.name]
        run = simulate(model, trial)
        for d in dofs:
            error = (run.moment - trial.moment)[rows, d]
            terms.append(np.mean(error**2) / np.var(trial.moment[rows, d], ddof=1))
    return float(np.mean(terms))


def test_the_moment_error_is_that_of_its_definition():
    found = objective(terms=(MomentError(),)).value(PACKING.start)
    assert found == pytest.approx(moment_error(START, TRIALS), rel=1e-13)


@pytest.mark.parametrize(("dofs", "columns"), [(["knee"], (0,)), (["ankle"], (1,))])
def test_only_the_chosen_degrees_of_freedom_count(dofs, columns):
    found = objective(terms=(MomentError(),), dofs=dofs).value(PACKING.start)
    assert found == pytest.approx(moment_error(START, TRIALS, columns), rel=1e-13)


def test_only_scored_frames_count_but_all_are_run():
    counts = {"a": np.arange(30) >= 12, "b": np.arange(12) % 2 == 0}
    windows = [replace(trial, scored=counts[trial.name]) for trial in TRIALS]
    found = objective(trials=windows, terms=(MomentError(),)).value(PACKING.start)
    assert found == pytest.approx(moment_error(START, TRIALS, counts=counts), rel=1e-13)


def test_a_measured_moment_outside_the_window_does_not_matter():
    scored = np.arange(30) >= 12
    wild = TRIALS[0].moment.copy()
    wild[:12] = 1e6
    windows = [replace(TRIALS[0], scored=scored, moment=m) for m in (TRIALS[0].moment, wild)]
    tame, mad = (objective(trials=[w], terms=(MomentError(),)) for w in windows)
    assert tame.gradient(PACKING.start)[0] == mad.gradient(PACKING.start)[0]
    np.testing.assert_array_equal(tame.gradient(PACKING.start)[1], mad.gradient(PACKING.start)[1])


def test_the_value_at_x_is_that_of_the_model_x_stands_for(rng):
    x = rng.uniform(PACKING.lower, PACKING.upper)
    found = objective(terms=(MomentError(),)).value(x)
    assert found == pytest.approx(moment_error(PACKING.unpack(x), TRIALS), rel=1e-13)


# ---- terms: any class with residuals and a weight ----


@dataclass(frozen=True)
class MeanActivation:
    """What a user might add: effort."""

    def residuals(self, x: Any, table: Any, signals: Signals, problem: Any) -> Any:
        return signals.activation

    def weight_at(self, progress: float) -> float:
        return 0.25


def test_a_new_term_is_one_class(rng):
    terms = (MomentError(), MeanActivation())
    found, gradient = objective(terms=terms).gradient(PACKING.start)
    effort = sum(np.sum(simulate(START, trial).activation ** 2) for trial in TRIALS)
    assert found == pytest.approx(moment_error(START, TRIALS) + 0.25 * effort, rel=1e-12)
    _, alone = objective(terms=(MomentError(),)).gradient(PACKING.start)
    assert abs(gradient - alone)[-1] > 0.0  # c1 moves the activation
    assert not (gradient - alone)[:9].any()  # and lengths and strength do not


def test_only_muscles_that_span_what_counts_are_held_in_the_range():
    """muscle_0 crosses the knee alone."""
    term = FiberLengthRange(0.99, 1.01)
    both, ankle = (objective(terms=(term,), dofs=dofs) for dofs in (None, ["ankle"]))
    lengths = np.concatenate([run.fiber_length for run in simulate_all(START, TRIALS)])
    norm = lengths / START.muscles.optimal_fiber_length
    way_out = np.maximum(np.maximum(norm - term.upper, term.lower - norm), 0.0)
    costs = np.sum(way_out**2, axis=0) / len(norm)
    assert both.parts(PACKING.start)[0] == pytest.approx(np.sum(costs), rel=1e-9)
    assert ankle.parts(PACKING.start)[0] == pytest.approx(np.sum(costs[1:]), rel=1e-9)
    assert costs[0] > 0.0


def test_the_prior_is_the_distance_from_the_start_in_shares_of_the_box(rng):
    found = objective(terms=(Prior(weight=3.0),))
    assert found.value(PACKING.start) == 0.0
    x = rng.uniform(PACKING.lower, PACKING.upper)
    share = (x - PACKING.start) / (PACKING.upper - PACKING.lower)
    value, gradient = found.gradient(x)
    assert value == pytest.approx(3.0 * np.mean(share**2), rel=1e-13)
    wanted = 3.0 * 2.0 * share / len(x) / (PACKING.upper - PACKING.lower)
    np.testing.assert_allclose(gradient, wanted, rtol=1e-12)


def test_without_a_weight_the_prior_counts_nothing(rng):
    x = rng.uniform(PACKING.lower, PACKING.upper)
    assert objective(terms=TERMS).value(x) == objective(terms=TERMS[:2]).value(x)


# ---- stages ----


@pytest.fixture(scope="module")
def stretched() -> tuple[Objective, Any]:
    """An objective at a point where fibers leave the range."""
    found = objective(terms=(MomentError(), FiberLengthRange(0.8, 1.1)))
    assert found.parts(PACKING.start)[1] > 0.0
    return found, PACKING.start


def test_values_of_all_stages_compare(stretched):
    found, x = stretched
    assert {found.gradient(x, progress)[0] for progress in (0.0, 0.3, 1.0)} == {found.value(x)}


def test_the_gradient_is_that_of_the_softened_sum(stretched):
    found, x = stretched
    _, moment = objective(terms=(MomentError(),)).gradient(x)
    full = found.gradient(x, 1.0)[1] - moment
    term = FiberLengthRange(0.8, 1.1)
    for progress in (0.0, 0.5):
        share = term.weight_at(progress) / term.weight
        softened = found.gradient(x, progress)[1] - moment
        noise = 1e-9 * np.max(np.abs(full))
        np.testing.assert_allclose(softened, share * full, rtol=1e-6, atol=noise)


# ---- gradients ----


@pytest.mark.parametrize("profile", PROFILES)
def test_the_gradient_is_that_of_differences(profile, rng):
    found = objective(
        profile=PROFILES[profile],
        terms=(MomentError(), FiberLengthRange(0.8, 1.1, weight=10.0), Prior(2.0)),
    )
    near = 0.05 * (PACKING.upper - PACKING.lower)
    x = PACKING.start + near * rng.uniform(-1.0, 1.0, len(near))
    _, gradient = found.gradient(x)
    for _ in range(3):
        v = near * rng.uniform(-1.0, 1.0, len(x))
        slope = difference_sweep(found.value, x, v)
        assert slope.error < DIFFERENCES * abs(slope.value)
        assert gradient @ v == pytest.approx(slope.value, rel=DIFFERENCES)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_hessian_times_a_vector_is_the_difference_of_gradients(profile, rng):
    found = objective(
        profile=PROFILES[profile],
        terms=(MomentError(), FiberLengthRange(0.8, 1.1, weight=10.0), Prior(2.0)),
    )
    near = 0.05 * (PACKING.upper - PACKING.lower)
    x, v = (near * rng.uniform(-1.0, 1.0, (2, len(near)))) + [PACKING.start, 0.0 * near]
    curved = found.hessian_vector(x, v)
    up, down = (found.gradient(x + step * v)[1] for step in (1e-4, -1e-4))
    noise = 1e-6 * np.max(np.abs(curved))
    np.testing.assert_allclose(curved, (up - down) / 2e-4, rtol=0.0, atol=noise)


def test_a_hessian_is_symmetric_to_rounding(rng):
    found = objective(terms=(MomentError(), FiberLengthRange(0.8, 1.1, weight=10.0)))
    u, v = rng.uniform(-1.0, 1.0, (2, len(PACKING.start))) * (PACKING.upper - PACKING.lower)
    times = lambda v: found.hessian_vector(PACKING.start, v)
    assert u @ times(v) == pytest.approx(v @ times(u), rel=1e-11)


def test_a_free_delay_is_differentiated_with_all_else(rng):
    free = [*FREE, Free("electromechanical_delay", (0.0, 0.12), groups=(MODEL.muscle_names,))]
    packing = Packing(with_field(MODEL, electromechanical_delay=np.full(3, 0.0501)), free)
    found = objective(packing=packing, terms=(MomentError(),))
    _, gradient = found.gradient(packing.start)
    v = np.zeros(len(packing.start))
    v[-1] = 1e-3
    slope = difference_sweep(found.value, packing.start, v)
    assert gradient[-1] != 0.0
    # the envelopes are straight between samples: differences smaller than a sample are exact
    assert gradient @ v == pytest.approx(slope.value, rel=1e-4)
    steps = [found.value(packing.start + h * v) for h in (1e-3, -1e-3)]
    assert gradient @ v == pytest.approx((steps[0] - steps[1]) / 2e-3, rel=DIFFERENCES)


@pytest.fixture(scope="module")
def task(shared):
    return read_task(shared / "s06_calibration" / "calibrationSetup.xml", "ceinms-0.9")


@pytest.fixture(scope="module")
def measured(task) -> Objective:
    return Objective(task.packing, task.recordings("calibration"), task.profile.for_gradients())


@pytest.mark.parametrize("seed", range(3))
def test_on_measured_data_the_gradient_is_that_of_differences(measured, seed):
    """From random points of the box, where fibers leave the range and tendons go slack."""
    packing, rng = measured.problem.packing, np.random.default_rng(seed)
    x = rng.uniform(packing.lower, packing.upper)
    value, gradient = measured.gradient(x)
    assert np.isfinite(value)
    for _ in range(2):
        v = (packing.upper - packing.lower) * rng.uniform(-1.0, 1.0, len(x))
        h = 1e-7
        slope = (measured.value(x + h * v) - measured.value(x - h * v)) / (2.0 * h)
        assert gradient @ v == pytest.approx(slope, rel=DIFFERENCES)


def test_on_measured_data_the_objective_is_ceinms_s_own(task):
    """Up to its coarse search (1e-6 m), and to a mean where CEINMS has a sum."""
    trials = task.recordings("calibration")
    ours = Objective(task.packing, trials, task.profile.for_gradients(), terms=(MomentError(),))
    theirs = ceinms_objective(task.model, trials).moment
    assert ours.value(task.packing.start) * 6 == pytest.approx(theirs, rel=1e-4)


# ---- what is refused ----


def test_a_trial_without_moments_is_refused():
    blind = replace(TRIALS[0], moment=None)
    with pytest.raises(InputError, match="trial 'a' has no measured moments to calibrate on"):
        objective(trials=[blind])


def test_a_moment_that_does_not_vary_is_refused_unless_it_does_not_count():
    moment = TRIALS[0].moment.copy()
    moment[:, 1] = 0.25
    still = replace(TRIALS[0], moment=moment)
    with pytest.raises(InputError, match="trial 'a': the moment of ankle does not vary"):
        objective(trials=[still])
    assert np.isfinite(objective(trials=[still], dofs=["knee"]).value(PACKING.start))


@pytest.mark.parametrize("dofs", [["hip"], ["knee", "hip"], []])
def test_unknown_degrees_of_freedom_are_refused(dofs):
    with pytest.raises(InputError, match="there are knee, ankle"):
        objective(dofs=dofs)


def test_a_free_delay_is_refused_where_emg_is_taken_row_by_row():
    packing = Packing(MODEL, [Free("electromechanical_delay", (0.0, 0.1))])
    with pytest.raises(InputError, match=r"ceinms-0\.9 takes whole EMG rows.*native profile"):
        objective(packing=packing, profile=ceinms_0_9().for_gradients())


def test_emg_that_does_not_reach_the_longest_free_delay_back_is_refused():
    packing = Packing(MODEL, [Free("electromechanical_delay", (0.0, 0.5))])
    with pytest.raises(InputError, match="does not cover"):
        objective(packing=packing)
