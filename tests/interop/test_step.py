from __future__ import annotations

import numpy as np
import pytest
from streams import PROFILES, person, short

from refnms.errors import InputError
from refnms.interop.step import StepOperation, StepOutputs
from refnms.jit import COMPILES
from refnms.physics.profiles import ceinms_0_9
from refnms.simulation import simulate

FRAMES = 12


def rollout(operation, table, trial, excitation, state):
    """The outputs of all frames."""
    found = []
    for t in range(FRAMES):
        given = [np.array(trial.time[t]), excitation[t], trial.musculotendon_length[t]]
        outputs = StepOutputs(*operation.forward([table, *given, trial.moment_arm[t], *state]))
        state = list(outputs[5:9])
        found.append(outputs)
    return found


@pytest.fixture(scope="module")
def case():
    model, trial = person().true, short(person().held_out[0], FRAMES)
    return model, trial, StepOperation(model), simulate(model, trial)


def test_steps_have_the_bits_of_the_whole_run(case):
    model, trial, operation, whole = case
    found = rollout(operation, model.table(), trial, whole.excitation, operation.beginning())
    for name in ("moment", "activation", "fiber_length", "fiber_velocity", "tendon_force"):
        ours = np.array([getattr(one, name) for one in found])
        if COMPILES:
            assert np.array_equal(ours, getattr(whole, name)), name
        else:
            assert np.allclose(ours, getattr(whole, name), rtol=1e-8)


def test_those_of_a_batch_have_their_own_past_and_time(case):
    """One begins anew while the other goes on."""
    model, trial, operation, whole = case
    found = rollout(operation, model.table(), trial, whole.excitation, operation.beginning())
    state = [
        np.stack([past, new])
        for past, new in zip(found[6][5:9], operation.beginning(), strict=True)
    ]
    given = [trial.time[7], whole.excitation[7], trial.musculotendon_length[7], trial.moment_arm[7]]
    both = operation.forward([model.table(), *map(np.asarray, given), *state])
    anew = operation.forward([model.table(), *map(np.asarray, given), *operation.beginning()])
    for one, going_on, starting in zip(both, found[7], anew, strict=True):
        assert np.array_equal(one, np.stack([going_on, starting]))


def test_the_pullback_through_steps_is_that_of_the_whole_run(case, rng):
    """Backwards from step to step, against the pullback of the chain."""
    from refnms.interop.chain import ChainOperation

    model, trial, operation, whole = case
    table, bars = model.table(), rng.normal(size=whole.moment.shape)
    found = rollout(operation, table, trial, whole.excitation, operation.beginning())
    total, by_e, by_lmt, by_arm, state_bar = np.zeros_like(table), [], [], [], [None] * 4
    for t in reversed(range(FRAMES)):
        state = list(found[t - 1][5:9]) if t > 0 else operation.beginning()
        given = [np.array(trial.time[t]), whole.excitation[t], trial.musculotendon_length[t]]
        inputs = [table, *given, trial.moment_arm[t], *state]
        pulled = operation.pullback(inputs, found[t], [bars[t], *[None] * 4, *state_bar])
        total += pulled[0]
        by_e.insert(0, pulled[2]), by_lmt.insert(0, pulled[3]), by_arm.insert(0, pulled[4])
        state_bar = pulled[5:]
    chain = ChainOperation(model, trial.time)
    inputs = [table, whole.excitation, trial.musculotendon_length, trial.moment_arm]
    want = chain.pullback(inputs, chain.forward(inputs), [bars, *[None] * 6])
    for ours, theirs in zip((total, by_e, by_lmt, by_arm), want, strict=True):
        scale = np.abs(theirs).max(axis=-1, keepdims=True)
        assert (np.abs(np.array(ours) - theirs) <= 1e-11 * scale).all()


def test_cotangents_of_shared_inputs_are_summed(case, rng):
    model, trial, operation, whole = case
    given = [np.array(trial.time[0]), np.stack(whole.excitation[:2]), trial.musculotendon_length[0]]
    inputs = [model.table(), *given, trial.moment_arm[0], *operation.beginning()]
    outputs = operation.forward(inputs)
    bars = [rng.normal(size=outputs[0].shape), *[None] * 8]
    found = operation.pullback(inputs, outputs, bars)
    assert [bar.shape for bar in found] == [x.shape for x in inputs]
    alone = [
        operation.pullback(
            [*inputs[:2], given[1][i], *inputs[3:]],
            [y[i] for y in outputs],
            [bars[0][i], *[None] * 8],
        )
        for i in range(2)
    ]
    assert np.allclose(found[0], alone[0][0] + alone[1][0], rtol=1e-12)


def test_what_cannot_be_is_refused(case):
    model, trial, operation, whole = case
    with pytest.raises(InputError, match="starts anew at its third row"):
        StepOperation(model, ceinms_0_9(online=True))
    with pytest.raises(InputError, match="whole trial"):
        StepOperation(model, ceinms_0_9())
    given = [np.array(0.5), whole.excitation[0], trial.musculotendon_length[0], trial.moment_arm[0]]
    state = operation.forward([model.table(), *given, *operation.beginning()])[5:9]
    with pytest.raises(InputError, match=r"a frame at 0\.5 s does not follow one at 0\.5 s"):
        operation.forward([model.table(), *given, *state])
    assert PROFILES["native"].start.restart < 0
