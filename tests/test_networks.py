"""Networks on the tape: gradients through the muscles, and corrections that are there."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from refnms import networks
from refnms.autodiff import check_vjp, complex_step
from refnms.errors import InputError
from refnms.networks import (
    HybridObjective,
    Inputs,
    Network,
    choose_training,
    hybrid,
    train,
)
from refnms.objective import Objective
from refnms.optimize import AdamW, Constant
from refnms.parameters import Free, Packing
from refnms.simulation import simulate_all
from refnms.synthetic import Participant, participant
from refnms.terms import FiberLengthRange, MomentError

BRIEF = AdamW(steps=40, learning_rate=0.01, schedule=Constant())


@cache
def person() -> Participant:
    """The invented one, its recordings cut to a second and a half."""
    whole = participant(3)

    def cut(trial):
        return replace(
            trial,
            time=trial.time[:150],
            musculotendon_length=trial.musculotendon_length[:150],
            moment_arm=trial.moment_arm[:150],
            moment=trial.moment[:150],
        )

    return replace(whole, calibration=tuple(cut(trial) for trial in whole.calibration[:2]))


def packing() -> Packing:
    return Packing(person().true, [Free("strength_coefficient", (0.5, 2.0))])


def inputs() -> Inputs:
    return Inputs.of(person().calibration, (0.03, 0.08), (0.0,))


def untrained(**options):
    return hybrid(person().true, inputs(), **options)


def test_a_network_is_its_formula(rng):
    network = Network((3, 4, 2))
    weights, x = rng.standard_normal(network.count), rng.standard_normal((5, 3))
    a, b = weights[:12].reshape(4, 3), weights[12:16]
    c, d = weights[16:24].reshape(2, 4), weights[24:]
    np.testing.assert_allclose(network(weights, x), np.tanh(x @ a.T + b) @ c.T + d, rtol=1e-13)
    assert network.count == 26


def test_a_network_has_exact_gradients(rng):
    network = Network((3, 5, 4, 2))
    weights, x = rng.standard_normal(network.count), rng.standard_normal((6, 3))
    check_vjp(network, weights, x, oracle=complex_step).require()


def test_it_starts_at_zero_and_is_the_same_for_a_seed():
    network = Network((3, 5, 2))
    assert not network(network.start(1), np.ones((2, 3))).any()
    assert np.array_equal(network.start(1), network.start(1))
    assert not np.array_equal(network.start(1), network.start(2))


def test_weights_start_with_the_variance_of_glorot_and_bengio():
    start = Network((30, 50, 2)).start(4)
    drawn = np.random.default_rng(4).standard_normal(1500) * np.sqrt(2.0 / 80.0)
    np.testing.assert_allclose(start[:1500], drawn, rtol=1e-12)
    assert not start[1500:].any()


def test_an_input_that_does_not_vary_is_not_scaled():
    trials = [replace(trial, emg=np.full_like(trial.emg, 0.5)) for trial in person().calibration]
    constant = Inputs.of(trials, (0.03,))
    assert (constant.scale == 1.0).all() and (constant.mean == 0.5).all()


def test_inputs_are_scaled_over_the_trials_that_they_were_made_for():
    values = inputs()(person().calibration)
    assert values.shape == (300, 2 * 10 + 16)
    assert np.abs(values.mean(axis=0)).max() < 1e-12
    assert np.abs(values.std(axis=0) - 1.0).max() < 1e-12
    alone = inputs()(person().calibration[1:])
    assert np.array_equal(alone, values[150:])


def test_a_delay_of_the_inputs_looks_back():
    trial = person().calibration[0]
    now, then = (Inputs.of([trial], (), (delay,)) for delay in (0.0, 0.05))
    plain = [one([trial]) * one.scale + one.mean for one in (now, then)]
    np.testing.assert_allclose(plain[1][5:], plain[0][:-5], atol=1e-12)


def test_untrained_it_is_the_physics_to_the_bit():
    trials = person().calibration
    with_network, alone = untrained().simulate(trials), simulate_all(person().true, trials)
    for one, other in zip(with_network, alone, strict=True):
        assert np.array_equal(one.moment, other.moment)


def test_its_gradients_through_the_muscles_are_right(rng):
    free = packing()
    own = untrained(muscles=("BRA", "DELT1"), hidden=(3,))
    objective = HybridObjective(Objective(free, person().calibration[:1]), own, 0.3)
    weights = own.weights + 0.05 * rng.standard_normal(own.network.count)
    z = np.append(1.02 * free.start, weights)
    check_vjp(objective.parts, z).require()
    value, slope = objective.gradient(z)
    assert value == objective.value(z)
    step = 1e-6 * rng.standard_normal(z.size)
    difference = objective.value(z + step) - objective.value(z - step)
    assert difference == pytest.approx(2.0 * slope @ step, rel=1e-4)


def test_its_value_is_that_of_the_full_objective():
    """With a term whose weight rises over a run, and that matters here."""
    free = Packing(person().true, [Free("tendon_slack_length", (0.9, 1.1), relative=True)])
    own = untrained(muscles=("BRA",), hidden=(3,))
    terms = (MomentError(), FiberLengthRange(0.95, 1.05))
    alone = Objective(free, person().calibration[:1], terms=terms)
    objective, z = HybridObjective(alone, own, 0.3), np.append(free.start, own.weights)
    value = alone.value(free.start)
    assert value > 10.0 * (alone.weights(0.0) @ alone.parts(free.start))
    assert objective.value(z) == pytest.approx(value, rel=1e-13)
    assert objective.gradient(z)[0] == objective.value(z)
    slope = objective.gradient(z)[1][: len(free.start)]
    np.testing.assert_allclose(slope, alone.gradient(free.start, 1.0)[1], rtol=1e-12)


def test_only_the_muscles_that_are_named_are_corrected(rng):
    own = untrained(muscles=("TRIlat",), hidden=())
    own = replace(own, weights=rng.uniform(0.1, 0.2, own.network.count))
    trials = person().calibration
    changed = [
        (one.excitation != other.excitation).any(axis=0)
        for one, other in zip(own.simulate(trials), simulate_all(own.model, trials), strict=True)
    ]
    names = np.array(own.model.muscle_names)
    assert list(names[np.any(changed, axis=0)]) == ["TRIlat"]
    at, other = own.simulate(trials)[0], simulate_all(own.model, trials)[0]
    wanted = other.excitation[:, names == "TRIlat"] + own.network(own.weights, inputs()(trials[:1]))
    assert 0.0 < np.mean((wanted > 0.0) & (wanted < 1.0)) < 1.0
    np.testing.assert_allclose(at.excitation[:, names == "TRIlat"], np.clip(wanted, 0.0, 1.0))


def test_training_finds_what_a_silent_muscle_would_have_done():
    """A muscle whose channel is lost: the network brings most of its moments back."""
    truth = person()
    weights = truth.true.emg_to_muscle.copy()
    weights[truth.true.muscle_names.index("BRD")] = 0.0
    model = replace(truth.true, emg_to_muscle=weights)
    free = Packing(model, [Free("strength_coefficient", (0.98, 1.02), relative=True)])
    own = hybrid(model, inputs(), ("BRD",), (4,))
    start = train(own, truth.calibration, free, BRIEF, 0.0, steps=0)
    found = train(own, truth.calibration, free, BRIEF, 0.0)
    assert found.result.objective < 0.5 * start.result.objective
    assert found.hybrid.simulate(truth.calibration)[0].excitation[:, -1].max() > 0.05


def test_no_steps_leave_the_calibrated_physics():
    free = packing()
    done = train(untrained(), person().calibration, free, BRIEF, steps=0)
    assert np.array_equal(done.hybrid.weights, untrained().weights)
    assert done.result.evaluations == 1


def test_training_is_chosen_by_trials_that_are_left_out(monkeypatch):
    seen = []
    original = networks.train

    def watched(own, trials, *rest, **options):
        seen.append([trial.name for trial in trials])
        return original(own, trials, *rest, **options)

    monkeypatch.setattr(networks, "train", watched)
    choice = choose_training(
        untrained(hidden=(2,)), person().calibration, packing(), replace(BRIEF, steps=4),
        restraints=(0.1, 1.0), every=2,
    )  # fmt: skip
    first, second = (trial.name for trial in person().calibration)
    assert seen == [[second], [second], [first], [first]]
    assert choice.steps == (0, 2, 4) and choice.errors.shape == (2, 3, 2)
    assert (choice.errors > 0.0).all()
    assert np.array_equal(choice.errors[0, 0], choice.errors[1, 0])  # no step taken yet
    assert choice.best[0] in (0.1, 1.0) and choice.best[1] in (0, 2, 4)


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match="no muscle is called 'BRAX'"):
        untrained(muscles=("BRAX",))
    with pytest.raises(InputError, match="a network of layers"):
        replace(untrained(), weights=np.zeros(3))
    with pytest.raises(InputError, match="it takes two"):
        choose_training(untrained(), person().calibration[:1], packing())
    with pytest.raises(InputError, match="constant schedule"):
        choose_training(untrained(), person().calibration, packing(), AdamW())
