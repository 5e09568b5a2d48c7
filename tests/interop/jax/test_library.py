"""JAX's own checks of the chain that is compiled into its programs."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
from streams import few, person, short

from refnms.errors import InputError
from refnms.jit import HAVE_NUMBA
from refnms.physics.profiles import ceinms_0_9
from refnms.simulation import simulate

jax = pytest.importorskip("jax", reason='JAX is not installed: pip install "refnms[jax]"')
import jax.numpy as jnp  # noqa: E402
from jax.test_util import check_grads  # noqa: E402

needs_compiler = pytest.mark.skipif(
    not (HAVE_NUMBA and shutil.which("cc") and shutil.which("c++")),
    reason="compiles with Numba and a C++ compiler",
)
FRAMES = 6


def case(bridge, name):
    model, trial = few(person().true), short(person().held_out[0], FRAMES)
    profile = () if name == "native" else (ceinms_0_9(online=True, tolerance=0.0),)
    lengths, arms = trial.musculotendon_length[:, :3], trial.moment_arm[:, :3]
    inputs = (0.3 + 0.1 * trial.emg[:FRAMES, :3], lengths, arms, model.table())
    chain = bridge.CompiledChain(model, trial.time, *profile)
    other = bridge.Chain(model, trial.time, None, *profile)
    return chain, other, inputs


@needs_compiler
def test_moments_have_the_bits_of_a_simulation(bridge):
    model, trial = person().true, short(person().held_out[0])
    want = simulate(model, trial)
    chain = bridge.CompiledChain(model, trial.time)
    given = want.excitation, trial.musculotendon_length, trial.moment_arm
    found = jax.jit(chain)(*given)
    for name in ("moment", "neural_activation", "activation", "fiber_length", "fiber_velocity",
                 "tendon_force"):  # fmt: skip
        assert np.array_equal(getattr(found, name), getattr(want, name)), name


@needs_compiler
@pytest.mark.parametrize("name", ["native", "online"])
def test_forward_and_reverse_checks_pass(bridge, name):
    chain, _, inputs = case(bridge, name)

    def signals(*inputs):
        found = chain(*inputs)
        return found.moment, found.activation, found.fiber_length, found.tendon_force / 1e3

    for function in (signals, jax.jit(signals)):
        check_grads(function, inputs, order=1, modes=["fwd", "rev"], atol=1e-5, rtol=1e-5, eps=1e-6)


@needs_compiler
def test_both_jacobians_are_one_and_that_of_the_callback(bridge):
    chain, other, (e, lengths, arms, table) = case(bridge, "native")
    by_columns = jax.jacfwd(lambda t: chain(e, lengths, arms, t).moment)(table)
    by_rows = jax.jit(jax.jacrev(lambda t: chain(e, lengths, arms, t).moment))(table)
    told = jax.jacrev(lambda t: other(e, lengths, arms, t).moment)(table)
    scale = np.abs(told).max(axis=(0, 1, 3), keepdims=True)
    assert np.max(np.abs(by_columns - told) / np.maximum(scale, 1e-300)) < 1e-12
    assert np.max(np.abs(by_rows - told) / np.maximum(scale, 1e-300)) < 1e-12


@needs_compiler
def test_vmap_has_the_bits_of_each_alone(bridge):
    chain, _, (e, lengths, arms, _) = case(bridge, "native")
    several = jnp.stack([e, 0.8 * e])
    found = jax.jit(jax.vmap(chain, (0, None, None)))(several, lengths, arms)
    batch = chain(several, lengths, arms)
    for i in range(2):
        alone = chain(several[i], lengths, arms).moment
        assert np.array_equal(found.moment[i], alone)
        assert np.array_equal(batch.moment[i], alone)


@needs_compiler
def test_what_cannot_be_is_refused(bridge):
    with pytest.raises(InputError, match="whole trial"):
        bridge.CompiledChain(person().true, [0.0, 0.1], ceinms_0_9())


def test_without_a_compiler_it_says_so(bridge, tmp_path, monkeypatch):
    from refnms.interop.jax import library

    monkeypatch.setattr(library, "cache_directory", lambda: tmp_path)
    monkeypatch.setattr(library, "export_c", lambda folder: None)
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(InputError, match="no-such-compiler is not on the path"):
        library._built()
    assert os.listdir(tmp_path) == []
