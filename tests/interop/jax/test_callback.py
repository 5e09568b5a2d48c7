"""JAX's own checks of the chain and of a step, by callback, on the participant of the streams."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from streams import few, person, short

from refnms.errors import InputError
from refnms.simulation import simulate

jax = pytest.importorskip("jax", reason='JAX is not installed: pip install "refnms[jax]"')
import jax.numpy as jnp  # noqa: E402
from jax.test_util import check_grads  # noqa: E402

FRAMES = 5


@pytest.fixture(scope="module")
def case(bridge):
    """A chain of three muscles and five frames, and its inputs: EMG, lengths, arms, parameters."""
    model, trial = few(person().true), short(person().held_out[0], FRAMES)
    chain = bridge.Chain(model, trial.time, trial.emg_time)
    lengths, arms = trial.musculotendon_length[:, :3], trial.moment_arm[:, :3]
    return chain, (0.9 * trial.emg + 0.01, lengths, arms, model.table())


def scaled(chain):
    """Signals of about one."""

    def signals(*inputs):
        found = chain(*inputs)
        return found.moment, found.activation, found.fiber_length, found.tendon_force / 1e3

    return signals


def test_moments_have_the_bits_of_a_simulation(bridge):
    model, trial = person().true, short(person().held_out[0])
    chain = bridge.Chain(model, trial.time, trial.emg_time)
    given = (trial.emg, trial.musculotendon_length, trial.moment_arm)
    want = simulate(model, trial).moment
    assert np.array_equal(chain(*given).moment, want)
    assert np.array_equal(jax.jit(chain)(*given).moment, want)


def test_reverse_checks_pass_with_and_without_jit(case):
    chain, inputs = case
    for signals in (scaled(chain), jax.jit(scaled(chain))):
        check_grads(signals, inputs, order=1, modes=["rev"], atol=1e-5, rtol=1e-5, eps=1e-6)


def test_a_wrong_derivative_would_be_found(case, monkeypatch):
    chain, inputs = case
    whole = chain.operation.pullback
    monkeypatch.setattr(
        chain.operation, "pullback", lambda *given: [1.001 * bar for bar in whole(*given)]
    )
    with pytest.raises(AssertionError):
        check_grads(scaled(chain), inputs, order=1, modes=["rev"], atol=1e-5, rtol=1e-5, eps=1e-6)


def test_vmap_has_the_bits_of_each_alone_and_the_gradients(case):
    chain, (emg, lengths, arms, table) = case
    emgs = jnp.stack([emg, 0.7 * emg])
    tables = jnp.stack([table, jnp.asarray(table).at[3].multiply(1.02)])

    def loss(e, t):
        return jnp.sum(chain(e, lengths, arms, t).moment ** 2)

    for mapped in (
        jax.vmap(chain, (0, None, None, 0)),
        jax.jit(jax.vmap(chain, (0, None, None, 0))),
    ):
        found = mapped(emgs, lengths, arms, tables)
        for i in range(2):
            alone = chain(emgs[i], lengths, arms, tables[i])
            assert np.array_equal(found.moment[i], alone.moment)
            assert np.array_equal(found.tendon_force[i], alone.tendon_force)
    slope = jax.grad(loss, (0, 1))
    together = jax.jit(jax.vmap(slope, (0, None)))(emgs, table)
    for i in range(2):
        for ours, theirs in zip(together, slope(emgs[i], table), strict=True):
            assert np.allclose(ours[i], theirs, rtol=1e-12, atol=1e-12)
    batch = chain(emgs[:, None], lengths, arms, tables)  # one axis each, and both of vmap below
    crossed = jax.vmap(lambda e: chain(e, lengths, arms, tables))(emgs)
    assert batch.moment.shape == crossed.moment.shape == (2, 2, FRAMES, 3)
    assert np.array_equal(batch.moment, crossed.moment)


def test_a_jacobian_by_rows(case):
    chain, (emg, lengths, arms, table) = case
    rows = jax.jacrev(lambda t: chain(emg, lengths, arms, t).moment)(table)
    own = jax.grad(lambda t: chain(emg, lengths, arms, t).moment[4, 2])(table)
    assert np.allclose(rows[4, 2], own, rtol=1e-12, atol=1e-14)


def test_steps_have_the_bits_of_the_whole_run_and_reverse_checks_pass(bridge):
    model, trial = few(person().true), short(person().held_out[0], FRAMES)
    lengths, arms = jnp.asarray(trial.musculotendon_length[:, :3]), trial.moment_arm[:, :3]
    step, whole = bridge.Step(model), bridge.Chain(model, trial.time)
    e = 0.3 + 0.1 * trial.emg[:FRAMES, :3]

    def scan(e, lengths, table):
        def frame(state, now):
            found, state = step(state, *now, table)
            return state, found.moment

        given = jnp.asarray(trial.time), e, lengths, jnp.asarray(arms)
        return jax.lax.scan(frame, step.beginning(), given)[1]

    inputs = e, lengths, model.table()
    assert np.array_equal(scan(*inputs), whole(e, lengths, arms).moment)
    check_grads(scan, inputs, order=1, modes=["rev"], atol=1e-5, rtol=1e-5, eps=1e-6)


def test_32_bits_are_refused(case):
    chain, (emg, lengths, arms, _) = case
    with pytest.raises(InputError, match="emg is float32, float64 is wanted"):
        chain(emg.astype(np.float32), lengths, arms)
    with pytest.raises(InputError, match="musculotendon_length has shape"):
        chain(emg, lengths[1:], arms)
    jax.config.update("jax_enable_x64", False)
    try:
        with pytest.raises(InputError, match="jax_enable_x64"):
            chain(emg, lengths, arms)
    finally:
        jax.config.update("jax_enable_x64", True)


def test_the_program_of_the_page_runs(capsys):
    page = (Path(__file__).resolve().parents[3] / "docs" / "embedding.md").read_text("utf-8")
    (program,) = [p for p in re.findall(r"^```python\n(.*?)^```", page, re.M | re.S) if "jax" in p]
    exec(compile(program, "embedding.md", "exec"), {})
    assert "(12, 16)" in capsys.readouterr().out
