"""The objective against its definition, its gradient against differences, its terms one by one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from people import PROFILES, person, recording, with_field

from refnms.autodiff import difference_sweep, vjp
from refnms.errors import InputError
from refnms.objective import (
    TERMS,
    CeinmsObjective,
    FiberLengthRange,
    MomentError,
    Objective,
    Prior,
    ceinms_objective,
)
from refnms.parameters import Free, Packing
from refnms.physics.profiles import ceinms_0_9
from refnms.simulation import Signals, simulate, simulate_all
from refnms.task import read_task

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
    assert tame(PACKING.start)[0] == mad(PACKING.start)[0]
    np.testing.assert_array_equal(tame(PACKING.start)[1], mad(PACKING.start)[1])


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
    found, gradient = objective(terms=terms)(PACKING.start)
    effort = sum(np.sum(simulate(START, trial).activation ** 2) for trial in TRIALS)
    assert found == pytest.approx(moment_error(START, TRIALS) + 0.25 * effort, rel=1e-12)
    _, alone = objective(terms=(MomentError(),))(PACKING.start)
    assert abs(gradient - alone)[-1] > 0.0  # c1 moves the activation
    assert not (gradient - alone)[:9].any()  # and lengths and strength do not


def length_term(norm_length: Any, edges: tuple[float, float]) -> Any:
    """Residuals of the fiber length range as a function of the norm fiber length `(T, M)`."""
    problem = objective().problem
    lo = MODEL.muscles.optimal_fiber_length
    signals = Signals(None, None, None, norm_length * lo, None, None, None)
    return FiberLengthRange(*edges).residuals(None, MODEL.table(), signals, problem)


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


def test_the_default_range_lies_just_inside_the_jump_of_ceinms():
    term = FiberLengthRange()
    assert 0.5 < term.lower < 0.51 and 1.49 < term.upper < 1.5


def test_the_prior_is_the_distance_from_the_start_in_shares_of_the_box(rng):
    found = objective(terms=(Prior(weight=3.0),))
    assert found.value(PACKING.start) == 0.0
    x = rng.uniform(PACKING.lower, PACKING.upper)
    share = (x - PACKING.start) / (PACKING.upper - PACKING.lower)
    value, gradient = found(x)
    assert value == pytest.approx(3.0 * np.mean(share**2), rel=1e-13)
    wanted = 3.0 * 2.0 * share / len(x) / (PACKING.upper - PACKING.lower)
    np.testing.assert_allclose(gradient, wanted, rtol=1e-12)


def test_without_a_weight_the_prior_counts_nothing(rng):
    x = rng.uniform(PACKING.lower, PACKING.upper)
    assert objective(terms=TERMS).value(x) == objective(terms=TERMS[:2]).value(x)


# ---- stages ----


def test_the_weight_of_the_range_is_raised_from_soft_to_full():
    weights = [FiberLengthRange().weight_at(p) for p in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert weights[0] == FiberLengthRange().soft and weights[-1] == FiberLengthRange().weight
    assert (np.diff(weights) > 0.0).all()
    assert MomentError().weight_at(0.0) == MomentError().weight_at(1.0) == 1.0


@pytest.fixture(scope="module")
def stretched() -> tuple[Objective, Any]:
    """An objective at a point where fibers leave the range."""
    found = objective(terms=(MomentError(), FiberLengthRange(0.8, 1.1)))
    assert found.parts(PACKING.start)[1] > 0.0
    return found, PACKING.start


def test_values_of_all_stages_compare(stretched):
    found, x = stretched
    assert {found(x, progress)[0] for progress in (0.0, 0.3, 1.0)} == {found.value(x)}


def test_the_gradient_is_that_of_the_softened_sum(stretched):
    found, x = stretched
    _, moment = objective(terms=(MomentError(),))(x)
    full = found(x, 1.0)[1] - moment
    term = FiberLengthRange(0.8, 1.1)
    for progress in (0.0, 0.5):
        share = term.weight_at(progress) / term.weight
        softened = found(x, progress)[1] - moment
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
    _, gradient = found(x)
    for _ in range(3):
        v = near * rng.uniform(-1.0, 1.0, len(x))
        slope = difference_sweep(found.value, x, v)
        assert slope.error < DIFFERENCES * abs(slope.value)
        assert gradient @ v == pytest.approx(slope.value, rel=DIFFERENCES)


def test_a_free_delay_is_differentiated_with_all_else(rng):
    free = [*FREE, Free("electromechanical_delay", (0.0, 0.12), groups=(MODEL.muscle_names,))]
    packing = Packing(with_field(MODEL, electromechanical_delay=np.full(3, 0.0501)), free)
    found = objective(packing=packing, terms=(MomentError(),))
    _, gradient = found(packing.start)
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
    value, gradient = measured(x)
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


# ---- CEINMS's own score ----


def test_the_score_of_ceinms_is_that_of_its_definition():
    profile = ceinms_0_9()
    moment = penalty = 0.0
    for trial in TRIALS:
        run = simulate(MODEL, trial, profile)
        norm = run.fiber_length / MODEL.muscles.optimal_fiber_length
        frames = len(trial.time)
        for d in range(2):
            error = run.moment[:, d] - trial.moment[:, d]
            moment += np.sum(error**2) / np.var(trial.moment[:, d], ddof=1) / frames
            for deviation in (norm - 1.0)[abs(norm - 1.0) > 0.5]:
                penalty += 100.0 * deviation**2 / frames
    found = ceinms_objective(MODEL, TRIALS)
    assert found.moment == pytest.approx(moment, rel=1e-13)
    assert found.penalty == pytest.approx(penalty, rel=1e-13)
    assert found.total == found.moment + found.penalty


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_the_penalty_of_ceinms_jumps_at_half_an_optimal_length(side):
    rigid = person(2, rigid=True, pennation_angle_at_optimal=0.0)
    p = rigid.muscles
    deviation = side * np.array([0.4, 0.499, 0.5 - 1e-9, 0.5 + 1e-9, 0.501, 0.6])
    lmt = p.tendon_slack_length + p.optimal_fiber_length * np.ones((6, 3))
    lmt[:, 1] += p.optimal_fiber_length[1] * deviation
    trial = replace(recording(2, rigid, 6), musculotendon_length=lmt)
    wanted = 2.0 * 100.0 * np.sum(deviation[3:] ** 2) / 6
    assert ceinms_objective(rigid, [trial]).penalty == pytest.approx(wanted, rel=1e-12)


def test_a_search_that_fell_back_costs_a_hundred_a_frame_and_degree_of_freedom():
    lmt = TRIALS[0].musculotendon_length.copy()
    lmt[4:7, 1] += 3.0 * MODEL.muscles.optimal_fiber_length[1]
    overstretched = replace(TRIALS[0], musculotendon_length=lmt)
    run = simulate(MODEL, overstretched, ceinms_0_9())
    fell = np.count_nonzero(run.flags & 4)
    beyond = run.fiber_length / MODEL.muscles.optimal_fiber_length - 1.0
    jump = 100.0 * np.sum(beyond[abs(beyond) > 0.5] ** 2)
    assert fell >= 3
    both, knee = (ceinms_objective(MODEL, [overstretched], d) for d in (None, ["knee"]))
    assert both.penalty == pytest.approx(2.0 * (100.0 * fell + jump) / 30, rel=1e-12)
    assert knee.penalty == pytest.approx(0.5 * both.penalty, rel=1e-12)


def test_the_score_of_one_degree_of_freedom_is_its_share():
    both = ceinms_objective(MODEL, TRIALS)
    parts = [ceinms_objective(MODEL, TRIALS, [dof]) for dof in MODEL.dof_names]
    assert both.moment == pytest.approx(sum(p.moment for p in parts), rel=1e-13)
    assert CeinmsObjective(1.5, 0.25).total == 1.75


# ---- what is refused ----


def test_a_trial_without_moments_is_refused():
    blind = replace(TRIALS[0], moment=None)
    with pytest.raises(InputError, match="trial 'a' has no measured moments to calibrate on"):
        objective(trials=[blind])
    with pytest.raises(InputError, match="trial 'a' has no measured moments"):
        ceinms_objective(MODEL, [blind])


def test_a_moment_that_does_not_vary_is_refused_unless_it_does_not_count():
    moment = TRIALS[0].moment.copy()
    moment[:, 1] = 0.25
    still = replace(TRIALS[0], moment=moment)
    with pytest.raises(InputError, match="trial 'a': the moment of ankle does not vary"):
        objective(trials=[still])
    assert np.isfinite(objective(trials=[still], dofs=["knee"]).value(PACKING.start))


@pytest.mark.parametrize("dofs", [["hip"], ["knee", "hip"], []])
def test_unknown_degrees_of_freedom_are_refused(dofs):
    for score in (lambda: objective(dofs=dofs), lambda: ceinms_objective(MODEL, TRIALS, dofs)):
        with pytest.raises(InputError, match="there are knee, ankle"):
            score()


def test_ceinms_has_no_score_for_a_moment_that_does_not_vary():
    moment = TRIALS[0].moment.copy()
    moment[:, 1] = 0.1
    still = replace(TRIALS[0], moment=moment)
    with pytest.raises(InputError, match="trial 'a': a moment does not vary"):
        ceinms_objective(MODEL, [still])
    assert np.isfinite(ceinms_objective(MODEL, [still], ["knee"]).total)


def test_a_free_delay_is_refused_where_emg_is_taken_row_by_row():
    packing = Packing(MODEL, [Free("electromechanical_delay", (0.0, 0.1))])
    with pytest.raises(InputError, match=r"ceinms-0\.9 takes whole EMG rows.*native profile"):
        objective(packing=packing, profile=ceinms_0_9().for_gradients())


def test_emg_that_does_not_reach_the_longest_free_delay_back_is_refused():
    packing = Packing(MODEL, [Free("electromechanical_delay", (0.0, 0.5))])
    with pytest.raises(InputError, match="does not cover"):
        objective(packing=packing)


def test_a_run_of_several_trials_is_scored_as_their_sum():
    joint = simulate_all(MODEL, TRIALS, ceinms_0_9())
    assert len(joint) == 2
    alone = [ceinms_objective(MODEL, [trial]).total for trial in TRIALS]
    assert ceinms_objective(MODEL, TRIALS).total == pytest.approx(sum(alone), rel=1e-13)
