from __future__ import annotations

import numpy as np
import people
import pytest
from streams import PROFILES, Player, person, short

from refnms.jit import COMPILES, HAVE_NUMBA
from refnms.physics import compiled
from refnms.physics.frame import beginning, frame_forward, frame_vjp
from refnms.physics.kernels.adjoint import adjoint
from refnms.physics.kernels.forward import forward
from refnms.physics.types import MuscleSignals
from refnms.simulation import join, simulate
from refnms.stream import Stepper

FRAMES = 30


@pytest.fixture(scope="module")
def run():
    """Frames from explicit pasts: `(past, excitation, signals, flags)` of each."""
    model, trial = person().true, short(person().held_out[0], FRAMES)
    system = join(model, [trial], PROFILES["native"]).system
    excitation, past, found = simulate(model, trial).excitation, beginning(2, 16), []
    for t in range(FRAMES):
        given = past, excitation[t], trial.musculotendon_length[t]
        signals, flags, following = frame_forward(system, model.table(), trial.time[t], *given)
        found.append((past, excitation[t], signals, flags))
        past = following
    return model, trial, system, found


def test_frames_from_their_past_have_the_bits_of_the_whole_run(run):
    model, trial, _, found = run
    whole = simulate(model, trial)
    names = ("neural_activation", "activation", "fiber_length", "fiber_velocity", "tendon_force")
    for i, name in enumerate(names):
        ours = np.array([signals[i] for _, _, signals, _ in found])
        if COMPILES:
            assert np.array_equal(ours, getattr(whole, name)), name
        else:
            assert np.abs(ours - getattr(whole, name)).max() < 1e-9


@pytest.mark.skipif(not COMPILES, reason="Numba does not compile here")
def test_so_have_frames_that_need_a_search():
    """Which begins where the last two lengths point."""
    model = people.person(3)
    trial = people.recording(3, model, 120, ("slack", "fast", "short"))
    whole, system = simulate(model, trial), join(model, [trial], PROFILES["native"]).system
    past, helped = beginning(2, 3), 0
    for t, time in enumerate(trial.time):
        given = past, whole.excitation[t], trial.musculotendon_length[t]
        signals, flags, past = frame_forward(system, model.table(), time, *given)
        assert np.array_equal(signals[2], whole.fiber_length[t])
        helped += np.count_nonzero(flags)
    assert helped > 0


@pytest.mark.skipif(not HAVE_NUMBA, reason="Numba is not installed")
@pytest.mark.parametrize("t", [0, 1, 2, FRAMES - 1])
def test_the_pullback_of_a_frame_has_the_partials_of_a_stream(run, rng, t):
    model, trial, system, found = run
    player = Player(Stepper(model), trial)
    for i in range(t + 1):
        player.frame(i)
    by, names = player.stepper.partials(), list(player.stepper.partial_inputs)
    past, excitation, signals, flags = found[t]
    signals_bar, neural_bar = rng.normal(size=(5, 16)), rng.normal(size=(2, 16))
    length_bar = rng.normal(size=(2, 16))
    given = trial.time[t], past, excitation, trial.musculotendon_length[t]
    bars = frame_vjp(
        system, model.table(), *given, signals, flags, signals_bar, neural_bar, length_bar
    )
    whole = signals_bar.copy()
    whole[0] += neural_bar[0]
    whole[2] += length_bar[0]
    want = np.einsum("sm,sim->im", whole, by)
    by_e = want[0] + (neural_bar[1] if t == 0 else 0.0)
    parameters = want[4:16].copy()
    parameters[9] = 0.0  # the delay is in the excitations
    pairs = [
        (bars.excitation, by_e),
        (bars.musculotendon_length, want[1]),
        (bars.parameters, parameters),
        (bars.neural_activation[1], want[3] if t > 0 else np.zeros(16)),
        (bars.neural_activation[0], want[2] + neural_bar[1] if t > 0 else np.zeros(16)),
        (bars.fiber_length[0], want[names.index("fiber_length_1")] + length_bar[1]),
        (bars.fiber_length[1], np.zeros(16)),
    ]
    for ours, theirs in pairs:
        scale = np.abs(theirs).max(axis=-1, keepdims=True)
        assert (np.abs(ours - theirs) <= 1e-12 * scale).all()


@pytest.mark.skipif(not COMPILES, reason="Numba does not compile here")
def test_a_frame_compiles_nothing_that_a_whole_run_does_not(run):
    model, trial, system, found = run
    table, lmt = model.table(), trial.musculotendon_length
    signals, bars = (MuscleSignals(*(np.ones(lmt.shape) for _ in range(5))) for _ in range(2))
    flags = np.zeros(lmt.shape, np.int64)
    compiled.forward(system, table, lmt, lmt, signals, flags)
    compiled.adjoint(system, table, lmt, lmt, signals, flags, bars)
    before = len(forward.signatures), len(adjoint.signatures)
    past, excitation, own, bits = found[5]
    given = trial.time[5], past, excitation, lmt[5]
    frame_forward(system, table, *given)
    frame_vjp(
        system, table, *given, own, bits, np.zeros((5, 16)), np.zeros((2, 16)), np.zeros((2, 16))
    )
    assert (len(forward.signatures), len(adjoint.signatures)) == before
