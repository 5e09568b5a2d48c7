"""Calibration of persons whose truth is known, and of runs that are cut short or go astray."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from people import PROFILES, person, recording

from refnms import calibration
from refnms.calibration import calibrate
from refnms.errors import InputError
from refnms.model import Model, Trial
from refnms.objective import Objective
from refnms.optimize import AdamW, Budget, ResumeError, Status
from refnms.parameters import Free, Packing
from refnms.physics.profiles import ceinms_0_9
from refnms.simulation import simulate
from refnms.terms import MomentError, Prior

FREE = [
    Free("strength_coefficient", (0.4, 2.5)),
    Free("tendon_slack_length", (0.95, 1.05), relative=True),
]


def true_trials(model: Model, profile: str = "native") -> list[Trial]:
    """Trials whose measured moments are those of the model itself."""
    trials = [recording(seed, model, 60, name=str(seed)) for seed in range(2)]
    return [replace(t, moment=simulate(model, t, PROFILES[profile]).moment) for t in trials]


TRUTH = person(8)
TRIALS = true_trials(TRUTH)
GUESS = TRUTH.with_table(
    Packing(TRUTH, FREE).table(
        Packing(TRUTH, FREE).start * np.array([1.2, 0.8, 1.1, 1.01, 0.99, 1.015])
    )
)
PACKING = Packing(GUESS, FREE)


@pytest.fixture(scope="module")
def done() -> calibration.Calibration:
    return calibrate(GUESS, TRIALS, PACKING, AdamW(steps=300), terms=(MomentError(),))


def test_a_known_truth_is_found(done):
    assert done.final < 1e-4 * done.initial
    for field in ("strength_coefficient", "tendon_slack_length"):
        found, true = (getattr(m.muscles, field) for m in (done.model, TRUTH))
        np.testing.assert_allclose(found, true, rtol=0.01)


def test_moments_of_an_unseen_trial_are_those_of_the_truth(done):
    unseen = recording(99, TRUTH, 60)
    wanted, before, after = (simulate(m, unseen).moment for m in (TRUTH, GUESS, done.model))
    assert np.std(after - wanted) < 0.02 * np.std(before - wanted)


def test_the_summary_numbers_are_those_of_the_models(done):
    objective = Objective(PACKING, TRIALS, terms=(MomentError(),))
    assert done.initial == objective.value(PACKING.start)
    assert done.final == objective.value(done.result.x) == done.result.objective
    np.testing.assert_array_equal(done.model.table(), PACKING.table(done.result.x))
    assert done.result.status is Status.COMPLETED and done.result.evaluations == 301


def test_what_is_not_free_stays_as_it_was(done):
    same = PACKING.index < 0
    np.testing.assert_array_equal(done.model.table()[same], GUESS.table()[same])


def test_the_clock_counts_neither_compiling_nor_the_caller(done):
    assert 0.0 < done.result.seconds < 60.0


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_calibrates(profile):
    trials = true_trials(TRUTH, profile)
    done = calibrate(
        GUESS, trials, PACKING, AdamW(steps=60), PROFILES[profile], terms=(MomentError(),)
    )
    assert done.final < 0.1 * done.initial
    wanted = Objective(PACKING, trials, PROFILES[profile], terms=(MomentError(),))
    assert done.initial == wanted.value(PACKING.start)


def test_the_search_of_ceinms_is_replaced_by_one_to_rounding():
    found = calibrate(GUESS, TRIALS, PACKING, AdamW(steps=1), ceinms_0_9(tolerance=1e-4))
    rounded = Objective(PACKING, TRIALS, PROFILES["offline"])
    assert found.initial == rounded.value(PACKING.start)


def test_the_terms_are_those_asked_for():
    prior = calibrate(GUESS, TRIALS, PACKING, AdamW(steps=5), terms=(Prior(1.0),))
    assert prior.initial == prior.final == 0.0


def test_only_the_chosen_degree_of_freedom_pulls():
    moments = [np.column_stack([t.moment[:, 0], -50.0 * t.moment[:, 1]]) for t in TRIALS]
    trials = [replace(t, moment=m) for t, m in zip(TRIALS, moments, strict=True)]
    done = calibrate(
        GUESS, trials, PACKING, AdamW(steps=100), terms=(MomentError(),), dofs=["knee"]
    )
    assert done.final < 0.01 * done.initial


def test_the_default_is_the_native_profile_and_all_terms():
    done = calibrate(GUESS, TRIALS, PACKING, AdamW(steps=1))
    assert done.initial == Objective(PACKING, TRIALS).value(PACKING.start)


def test_entries_that_end_on_a_bound_are_named():
    narrow = Packing(GUESS, [Free("strength_coefficient", (0.5, 1.0), groups=(("muscle_1",),))])
    strong = [replace(t, moment=4.0 * t.moment) for t in TRIALS]
    done = calibrate(GUESS, strong, narrow, AdamW(steps=40), terms=(MomentError(),))
    assert done.at_bounds == ["strength_coefficient of muscle_1"]
    assert calibrate(GUESS, TRIALS, PACKING, AdamW(steps=1)).at_bounds == []


def test_the_parameters_are_a_table_that_a_person_can_read(done):
    table = done.parameters()
    assert list(table.index) == PACKING.names
    np.testing.assert_array_equal(table["after"], done.result.x)
    np.testing.assert_array_equal(table["before"], PACKING.start)
    row = table.loc["tendon_slack_length of muscle_1"]
    assert (row["field"], row["muscles"]) == ("tendon_slack_length", "muscle_1")
    assert row["before"] == GUESS.muscles.tendon_slack_length[1]
    assert row["after"] == done.model.muscles.tendon_slack_length[1]
    assert (table["on_bound"] == "").all()


def test_moments_and_goodness_are_those_of_the_trials_asked_for(done):
    unseen = replace(
        recording(99, TRUTH, 60, name="unseen"), scored=np.arange(60) >= 10, moment=None
    )
    seen = done.moments()
    assert list(seen.index.unique("trial")) == [trial.name for trial in TRIALS]
    first = seen.loc["0", "ankle"]
    np.testing.assert_array_equal(first["measured"], TRIALS[0].moment[:, 1])
    np.testing.assert_array_equal(first["before"], simulate(GUESS, TRIALS[0]).moment[:, 1])
    np.testing.assert_array_equal(first["after"], simulate(done.model, TRIALS[0]).moment[:, 1])
    other = done.moments([unseen]).loc["unseen"]
    np.testing.assert_array_equal(other.index, unseen.time[10:])
    assert other["knee", "measured"].isna().all() and other["knee", "after"].notna().all()
    goodness = done.goodness([*TRIALS, unseen])
    error = (first["after"] - first["measured"]).to_numpy()
    assert goodness.loc[("0", "ankle"), ("rmse", "after")] == np.sqrt(np.mean(error**2))
    assert list(goodness.index.unique("trial")) == ["0", "1"]  # nothing was measured in the other


def test_the_figure_has_a_column_for_each_trial_and_marks_what_was_held_out(done):
    pytest.importorskip("matplotlib", reason="the extra `report` is not installed")
    unseen = replace(TRIALS[0], name="unseen")
    figure = done.plot_moments([*TRIALS, unseen])
    words = [text.get_text() for text in figure.findobj(lambda a: hasattr(a, "get_text"))]
    assert words.count("held out") == 1 and words.count("calibration") == 2
    curves = {line.get_label(): line.get_ydata() for line in figure.axes[0].get_lines()}
    np.testing.assert_array_equal(
        curves["calibrated"], simulate(done.model, TRIALS[0]).moment[:, 0]
    )
    with pytest.raises(InputError, match="no measured moments to draw"):
        done.plot_moments([replace(unseen, moment=None)])


def test_a_run_can_be_repeated_to_the_bit():
    runs = [calibrate(GUESS, TRIALS, PACKING, AdamW(steps=10)) for _ in range(2)]
    np.testing.assert_array_equal(runs[0].result.x, runs[1].result.x)


def test_the_callback_sees_every_evaluation():
    seen: list[tuple[int, float]] = []
    done = calibrate(
        GUESS,
        TRIALS,
        PACKING,
        AdamW(steps=7),
        callback=lambda count, value, x: seen.append((count, value)),
    )
    assert [count for count, _ in seen] == list(range(1, 9))
    assert min(value for _, value in seen) == done.final


def test_an_interrupted_run_keeps_the_best_so_far():
    seen: list[tuple[float, Any]] = []

    def interrupt(count: int, value: float, x: Any) -> None:
        seen.append((value, x.copy()))
        if count == 12:
            raise KeyboardInterrupt

    done = calibrate(GUESS, TRIALS, PACKING, AdamW(steps=200), callback=interrupt)
    assert done.result.status is Status.INTERRUPTED and len(seen) == 12
    value, x = min(seen, key=lambda pair: pair[0])
    assert done.final == value < done.initial
    np.testing.assert_array_equal(done.result.x, x)
    np.testing.assert_array_equal(done.model.table(), PACKING.table(x))


def test_a_run_that_leaves_the_finite_keeps_the_best_before(monkeypatch):
    calls: Iterator[int] = iter(range(100))

    class Diverging(Objective):
        def gradient(self, x: Any, progress: float = 1.0) -> tuple[float, Any]:
            value, gradient = super().gradient(x, progress)
            return (np.nan if next(calls) == 9 else value), gradient

    monkeypatch.setattr(calibration, "Objective", Diverging)
    done = calibrate(GUESS, TRIALS, PACKING, AdamW(steps=50))
    assert done.result.status is Status.DIVERGED
    assert done.final < done.initial and np.isfinite(done.model.table()).all()


def test_levenberg_and_marquardt_need_few_evaluations():
    done = calibrate(GUESS, TRIALS, PACKING, terms=(MomentError(),))
    assert done.result.status is Status.CONVERGED and done.result.evaluations < 35
    assert done.final < 1e-12 * done.initial


def test_a_run_begins_where_it_is_told_to(rng):
    x = rng.uniform(PACKING.lower, PACKING.upper)
    seen: list[Any] = []
    calibrate(GUESS, TRIALS, PACKING, start=x, callback=lambda n, value, x: seen.append(x))
    np.testing.assert_array_equal(seen[0], x)


def test_equal_filter_coefficients_begin_apart():
    same = GUESS.with_table(np.where(np.arange(12)[:, None] < 2, -0.5, GUESS.table()))
    packing = Packing(same, [Free("c1", (-0.9, -0.1)), Free("c2", (-0.9, -0.1))])
    seen: list[Any] = []
    calibrate(same, TRIALS, packing, callback=lambda n, value, x: seen.append(x))
    np.testing.assert_array_equal(seen[0], packing.apart())
    assert (seen[0][:3] < seen[0][3:]).all()


def test_a_budget_ends_a_run_and_its_history_continues_it_to_the_same_bits():
    whole = calibrate(GUESS, TRIALS, PACKING)
    cut = calibrate(GUESS, TRIALS, PACKING, budget=Budget(evaluations=4))
    assert cut.result.status is Status.BUDGET and cut.result.evaluations == 4
    resumed = calibrate(GUESS, TRIALS, PACKING, past=cut.result.history)
    np.testing.assert_array_equal(resumed.result.x, whole.result.x)
    np.testing.assert_array_equal(resumed.result.history.objective, whole.result.history.objective)


def test_a_history_of_other_recordings_is_refused():
    cut = calibrate(GUESS, TRIALS, PACKING, budget=Budget(evaluations=4))
    with pytest.raises(ResumeError):
        calibrate(GUESS, TRIALS[:1], PACKING, past=cut.result.history)


def test_a_packing_of_another_model_is_a_bug_of_the_caller():
    with pytest.raises(ValueError, match="packed for another model"):
        calibrate(TRUTH, TRIALS, PACKING)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_calibration_has_the_same_bits_on_any_number_of_threads(profile, threads):
    found = []
    for number in (1, 2, 5):
        threads(number)
        trials, free = true_trials(TRUTH, profile), Packing(GUESS, FREE)
        done = calibrate(GUESS, trials, free, profile=PROFILES[profile], budget=Budget(12))
        found.append((done.result.x, done.result.history.objective))
    for x, history in found[1:]:
        np.testing.assert_array_equal(x, found[0][0])
        np.testing.assert_array_equal(history, found[0][1])
