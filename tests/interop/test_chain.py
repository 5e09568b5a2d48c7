from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from streams import PROFILES, person, short

from refnms.autodiff import vjp
from refnms.errors import InputError
from refnms.interop.chain import ChainOperation, ChainOutputs
from refnms.jit import COMPILES
from refnms.physics.kernels.adjoint import adjoint
from refnms.physics.kernels.forward import forward
from refnms.physics.kernels.moments import moments
from refnms.physics.profiles import ceinms_0_9, ceinms_0_21
from refnms.simulation import chain, join, simulate

FRAMES = 25


def trial():
    return short(person().held_out[0], FRAMES)


def recorded(model, one, profile=PROFILES["native"]):
    """The operation of a recording, and its inputs."""
    operation = ChainOperation(model, one.time, one.emg_time, profile)
    return operation, [model.table(), one.emg, one.musculotendon_length, one.moment_arm]


def excited(model, one):
    """The same of its excitations."""
    e = simulate(model, one).excitation
    return ChainOperation(model, one.time), [
        model.table(), e, one.musculotendon_length, one.moment_arm
    ]  # fmt: skip


def consecutive(one):
    """With EMG at the rate of the frames, as CEINMS's offline velocity wants it."""
    return replace(one, emg_time=one.emg_time[::2], emg=one.emg[::2])


@pytest.mark.parametrize("name", ["native", "online", "offline", "0.21"])
def test_its_numbers_are_those_of_a_simulation(name):
    profiles = {**PROFILES, "offline": ceinms_0_9(), "0.21": ceinms_0_21()}
    model, one = person().true, consecutive(trial())
    operation, inputs = recorded(model, one, profiles[name])
    found, want = ChainOutputs(*operation.forward(inputs)), simulate(model, one, profiles[name])
    for field in ChainOutputs._fields[:-1]:
        assert np.array_equal(getattr(found, field)[-FRAMES:], getattr(want, field)), field
    shapes = [array.shape for array in found]
    assert shapes == list(operation.outputs.values())


@pytest.mark.skipif(not COMPILES, reason="Numba does not compile here")
def test_it_compiles_nothing_that_a_simulation_does_not():
    """Not even for arrays that may not be written, as JAX has them."""
    model, one = person().true, trial()
    operation, inputs = excited(model, one)
    bars = bars_of(np.random.default_rng(0), operation.forward(inputs))
    joined, bits = join(model, [one], PROFILES["native"]), np.zeros((FRAMES, 16), np.int64)
    vjp(lambda *x: chain(joined, x[0], bits, x[1], x[2]).tendon_force, *inputs[:3])[1](bars[6])
    kernels = (forward, adjoint, moments)
    before = [len(kernel.signatures) for kernel in kernels]
    for array in inputs:
        array.flags.writeable = False
    operation.pullback(inputs, operation.forward(inputs), bars)
    assert [len(kernel.signatures) for kernel in kernels] == before


def test_excitations_are_taken_as_they_are():
    model, one = person().true, trial()
    operation, inputs = excited(model, one)
    assert np.array_equal(operation.forward(inputs)[0], simulate(model, one).moment)


@pytest.mark.parametrize("driven", [recorded, excited])
def test_a_batch_has_the_bits_of_each_alone(driven):
    (_, inputs), model = driven(person().generic, trial()), person().true
    operation, others = driven(model, replace(trial(), emg=0.9 * trial().emg))
    both = [np.stack([a, b])[:, None] for a, b in zip(inputs, others, strict=True)]
    both[3] = both[3][0]  # one for all
    found = operation.forward(both)
    for i, alone in enumerate((inputs, others)):
        for whole, own in zip(found, operation.forward([*alone[:3], inputs[3]]), strict=True):
            assert np.array_equal(whole[i, 0], own)


def bars_of(rng, outputs):
    """Cotangents of all outputs, about as large as each is small."""
    return [rng.normal(size=x.shape) / np.abs(x).max() for x in outputs[:-1]]


def test_the_pullback_is_that_of_the_tape(rng):
    model, one = person().true, trial()
    operation, inputs = excited(model, one)
    joined, outputs = join(model, [one], PROFILES["native"]), operation.forward(inputs)
    bars = bars_of(rng, outputs)

    def weighed(table, e, lmt, arm):
        found = chain(joined, table, np.zeros(lmt.shape, np.int64), e, lmt, arm)
        signals = [found.moment, *found[:-1]]
        return sum(np.sum(bar * signal) for bar, signal in zip(bars, signals, strict=True))

    _, pull = vjp(weighed, *inputs)
    for ours, theirs in zip(operation.pullback(inputs, outputs, bars), pull(1.0), strict=True):
        scale = np.abs(theirs).max(axis=-1, keepdims=True)
        assert (np.abs(ours - theirs) <= 1e-11 * scale).all()


@pytest.mark.parametrize("name", ["native", "online"])
def test_the_pullback_to_emg_and_delay_is_that_of_differences(rng, name):
    profile = {**PROFILES, "online": ceinms_0_9(online=True, tolerance=0.0)}[name]
    delays = np.full(16, 0.0517) if name == "native" else person().true.muscles[9]
    model = person().true
    model = replace(model, muscles=model.muscles._replace(electromechanical_delay=delays))
    operation, inputs = recorded(model, trial(), profile)
    outputs, h = operation.forward(inputs), 1e-6
    bars = [np.abs(bar) for bar in bars_of(rng, outputs)]  # a rise of EMG shows in every signal
    bars[5] *= 0.0  # but the velocity, up and down
    found = operation.pullback(inputs, outputs, bars)
    emg_dot = rng.uniform(0.5, 1.0, inputs[1].shape) * inputs[1]  # nothing leaves [0, 1]
    delay_dot = np.zeros((12, 16))
    delay_dot[9] = rng.normal(size=16) * (name == "native")  # CEINMS takes whole rows
    dots = [delay_dot, emg_dot, 0.0 * inputs[2], 0.0 * inputs[3]]
    sides = [
        operation.forward([x + sign * h * d for x, d in zip(inputs, dots, strict=True)])
        for sign in (1.0, -1.0)
    ]
    rise = [bar * (a - b) / (2.0 * h) for bar, a, b in zip(bars, *sides, strict=False)]
    ours = sum(np.sum(bar * d) for bar, d in zip(found, dots, strict=True))
    size = sum(np.sum(np.abs(part)) for part in rise)
    assert abs(ours - sum(map(np.sum, rise))) <= 1e-6 * size


def test_a_force_that_is_held_passes_nothing_on(rng):
    """CEINMS 0.21 holds forces above zero."""
    model, one = person().true, consecutive(trial())
    shorter = 0.4 * (one.time - one.time[0])[:, None]  # so fast that fibers would push
    one = replace(one, musculotendon_length=one.musculotendon_length - shorter)
    operation, inputs = recorded(model, one, ceinms_0_21(tolerance=0.0))
    outputs = ChainOutputs(*operation.forward(inputs))
    held = outputs.tendon_force == 0.0
    assert held.any() and (outputs.tendon_force >= 0.0).all()
    bars = [None] * 6 + [np.where(held, 1.0, 0.0)]
    assert not any(bar.any() for bar in operation.pullback(inputs, outputs, bars))


def test_cotangents_of_a_batch_are_summed_where_an_input_is_shared(rng):
    operation, inputs = recorded(person().true, trial())
    emg = np.stack([inputs[1], 0.8 * inputs[1]])
    whole = [inputs[0], emg, *inputs[2:]]
    outputs = operation.forward(whole)
    bars = bars_of(rng, outputs)
    found = operation.pullback(whole, outputs, bars)
    alone = [
        operation.pullback(
            [inputs[0], emg[i], *inputs[2:]], [y[i] for y in outputs], [b[i] for b in bars]
        )
        for i in range(2)
    ]
    assert np.array_equal(found[1], [alone[0][1], alone[1][1]])
    for k in (0, 2, 3):
        total = alone[0][k] + alone[1][k]
        assert np.abs(found[k] - total).max() <= 1e-13 * np.abs(total).max()


def test_what_cannot_be_is_refused():
    model, one = person().true, trial()
    with pytest.raises(InputError, match="skips rows"):
        ChainOperation(model, one.time, one.emg_time, ceinms_0_9())
    with pytest.raises(InputError, match="does not cover"):
        ChainOperation(model, one.time, one.emg_time + 1.0)
    operation, inputs = recorded(model, one)
    inputs[0][9] = 5.0  # a delay of which there is no EMG
    with pytest.raises(InputError, match="does not cover"):
        operation.forward(inputs)
    with pytest.raises(InputError, match="emg has shape"):
        operation.forward([inputs[0], inputs[1][:-1], *inputs[2:]])
