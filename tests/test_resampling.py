"""Priors chosen by leaving trials out, and the bootstrap over trials."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from people import person, recording

from refnms.calibration import calibrate
from refnms.errors import InputError
from refnms.objective import Objective
from refnms.parameters import Free, Packing
from refnms.resampling import PriorChoice, bootstrap, choose_prior, with_prior
from refnms.simulation import simulate
from refnms.terms import TERMS, MomentError, Prior

MODEL = person(8)
PACKING = Packing(
    MODEL,
    [
        Free("strength_coefficient", (0.3, 3.0)),
        Free("tendon_slack_length", (0.9, 1.1), relative=True),
        Free("shape_factor", (-2.999, -0.001)),
    ],
)


def trials(noise: float, frames: int = 25, count: int = 3) -> list:
    rng = np.random.default_rng(0)
    found = []
    for i in range(count):
        trial = recording(i, MODEL, frames, name=str(i))
        moment = simulate(MODEL, trial).moment
        error = noise * moment.std() * rng.standard_normal(moment.shape)
        found.append(replace(trial, moment=moment + error))
    return found


def test_the_errors_are_those_of_the_trials_left_out():
    recordings = trials(0.1)
    choice = choose_prior(MODEL, recordings, PACKING, weights=(0.0, 0.5))
    for w, weight in enumerate(choice.weights):
        fit = calibrate(MODEL, recordings[1:], PACKING, terms=with_prior(TERMS, weight))
        judge = Objective(PACKING, recordings[:1], terms=(MomentError(),))
        assert choice.errors[w, 0] == judge.value(fit.result.x)
    assert choice.errors.shape == (2, 3)


def test_much_noise_asks_for_a_prior_when_the_start_is_true():
    """The start is the truth here: the nearer to it, the better what was left out is predicted."""
    assert choose_prior(MODEL, trials(2.0), PACKING, weights=(0.0, 1.0, 1e4)).best == 1e4


def test_without_noise_a_wrong_start_asks_for_none():
    x = PACKING.start + 0.2 * (PACKING.upper - PACKING.start)
    wrong = PACKING.unpack(x)
    free = Packing(wrong, [Free("strength_coefficient", (0.3, 3.0))])
    truth = [replace(t, moment=simulate(MODEL, t).moment) for t in trials(0.0)]
    shape = replace(
        wrong,
        muscles=MODEL.muscles._replace(strength_coefficient=wrong.muscles.strength_coefficient),
    )
    free = Packing(shape, [Free("strength_coefficient", (0.3, 3.0))])
    assert choose_prior(shape, truth, free, weights=(0.0, 1.0)).best == 0.0


def test_of_equal_errors_the_largest_weight_is_taken():
    assert PriorChoice(np.array([0.0, 0.1, 1.0]), np.array([[1.0], [0.5], [0.5]])).best == 1.0


def test_a_prior_replaces_the_one_that_is_there():
    terms = with_prior(TERMS, 0.7)
    assert [t for t in terms if isinstance(t, Prior)] == [Prior(0.7)]
    assert len(terms) == len(TERMS)


def test_the_bootstrap_refits_the_trials_it_draws():
    recordings = trials(0.2)
    fit = calibrate(MODEL, recordings, PACKING)
    draws = bootstrap(fit, count=6, seed=3)
    assert draws.shape == (6, len(PACKING.start))
    np.testing.assert_array_equal(draws, bootstrap(fit, count=6, seed=3))
    random = np.random.default_rng(3)
    drawn = sorted(random.integers(3, size=3).tolist())
    chosen = [replace(recordings[i], name=str(k)) for k, i in enumerate(drawn)]
    wanted = calibrate(MODEL, chosen, PACKING, start=fit.result.x).result.x
    np.testing.assert_array_equal(draws[0], wanted)
    assert (draws.std(axis=0) > 0.0).any()


def test_one_trial_can_neither_be_left_out_nor_drawn_from():
    alone = trials(0.1, count=1)
    with pytest.raises(InputError, match="takes two"):
        choose_prior(MODEL, alone, PACKING)
    with pytest.raises(InputError, match="takes two trials"):
        bootstrap(calibrate(MODEL, alone, PACKING))
