"""PyTorch's own checks of the operators, on the participant of the streams."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from streams import few, person, short

from refnms.errors import InputError
from refnms.simulation import simulate

torch = pytest.importorskip("torch", reason='PyTorch is not installed: pip install "refnms[torch]"')

FRAMES = 5
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def bridge():
    import refnms.interop.torch

    return refnms.interop.torch


@pytest.fixture(scope="module")
def case(bridge):
    """A chain of three muscles and five frames, and its inputs: EMG, lengths, arms, parameters."""
    model, trial = few(person().true), short(person().held_out[0], FRAMES)
    chain = bridge.Chain(model, trial.time, trial.emg_time)
    arrays = (
        0.9 * trial.emg + 0.01,  # away from where it is held inside [0, 1]
        trial.musculotendon_length[:, :3],
        trial.moment_arm[:, :3],
        model.table(),
    )
    return chain, [torch.tensor(x, requires_grad=True) for x in arrays]


@pytest.fixture(scope="module")
def stepping(bridge):
    """A step of three muscles, and a state in motion."""
    model, trial = few(person().true), short(person().held_out[0], FRAMES)
    step, state = bridge.Step(model), None
    state = step.beginning()
    for t in range(4):
        inputs = [
            torch.tensor(x, dtype=torch.float64, requires_grad=True)
            for x in (0.3 + 0.1 * trial.emg[t, :3], trial.musculotendon_length[t, :3],
                      trial.moment_arm[t, :3], model.table())
        ]  # fmt: skip
        time = torch.tensor(trial.time[t])
        if t < 3:
            with torch.no_grad():
                _, state = step(state, time, *inputs)
    return step, state, time, inputs


def test_moments_have_the_bits_of_a_simulation(bridge):
    model, trial = person().true, short(person().held_out[0])
    chain = bridge.Chain(model, trial.time, trial.emg_time)
    given = (trial.emg, trial.musculotendon_length, trial.moment_arm)
    found = chain(*map(torch.from_numpy, given))
    want = simulate(model, trial)
    for name in ("moment", "excitation", "activation", "fiber_length", "tendon_force", "flags"):
        ours = getattr(found, name).numpy()
        assert np.array_equal(ours, getattr(want, name)) or name == "flags"
    assert found.flags.dtype == torch.int64


def test_gradcheck_passes_for_the_chain(case):
    chain, inputs = case

    def signals(*inputs):
        found = chain(*inputs)
        return found.moment, found.activation, 10.0 * found.fiber_length, found.tendon_force / 1e3

    assert torch.autograd.gradcheck(signals, inputs, eps=1e-6, atol=1e-4, rtol=1e-5)


def test_gradcheck_passes_for_a_step(stepping):
    step, state, time, inputs = stepping
    moving = [x.clone().requires_grad_() for x in (state.neural_activation, state.fiber_lengths)]

    def signals(neural, lengths, *inputs):
        found, following = step(
            state._replace(neural_activation=neural, fiber_lengths=lengths), time, *inputs
        )
        return (found.moment, found.tendon_force / 1e3, following.neural_activation,
                following.fiber_lengths)  # fmt: skip

    assert torch.autograd.gradcheck(signals, (*moving, *inputs), eps=1e-6, atol=1e-4, rtol=1e-5)


def test_a_wrong_derivative_would_be_found(case, monkeypatch):
    chain, inputs = case
    whole = chain.operation.pullback
    wrong = lambda *given: [1.001 * bar for bar in whole(*given)]
    monkeypatch.setattr(chain.operation, "pullback", wrong)
    with pytest.raises(torch.autograd.gradcheck.__globals__["GradcheckError"]):
        torch.autograd.gradcheck(lambda *x: chain(*x).moment, inputs, eps=1e-6, rtol=1e-5)


@pytest.mark.parametrize("which", ["case", "stepping"])
def test_opcheck_passes(which, request):
    if which == "case":
        chain, (emg, lengths, arms, table) = request.getfixturevalue("case")
        number, inputs = chain._number, [table, emg, lengths, arms]
    else:
        step, state, time, (e, lengths, arms, table) = request.getfixturevalue("stepping")
        number, inputs = step._number, [table, time, e, lengths, arms, *state]
    results = torch.library.opcheck(torch.ops.refnms.run.default, (number, inputs))
    assert set(results.values()) == {"SUCCESS"} and len(results) == 4
    outputs = [y.detach() for y in torch.ops.refnms.run(number, inputs)]
    bars = [torch.ones_like(y) for y in outputs[:-1]]
    own = [x.detach() for x in inputs]
    results = torch.library.opcheck(torch.ops.refnms.pull.default, (number, own, outputs, bars))
    assert set(results.values()) == {"SUCCESS"}


def test_it_compiles_as_one_graph(case, stepping):
    chain, inputs = case

    def loss(*inputs):
        return torch.sum(chain(*inputs).moment ** 2)

    compiled = torch.compile(loss, fullgraph=True)
    want = torch.autograd.grad(loss(*inputs), inputs)
    got = torch.autograd.grad(compiled(*inputs), inputs)
    assert all(torch.allclose(a, b, rtol=1e-12) for a, b in zip(got, want, strict=True))

    step, state, time, given = stepping

    def force(*given):
        found, following = step(state, time, *given)
        return torch.sum(found.moment**2) + torch.sum(following.fiber_lengths)

    compiled = torch.compile(force, fullgraph=True)
    want = torch.autograd.grad(force(*given), given)
    got = torch.autograd.grad(compiled(*given), given)
    assert all(torch.allclose(a, b, rtol=1e-12) for a, b in zip(got, want, strict=True))


def test_a_batch_and_vmap_have_the_bits_of_each_alone(case):
    chain, (emg, lengths, arms, table) = [case[0], [x.detach() for x in case[1]]]
    emgs, tables = torch.stack([emg, 0.7 * emg]), torch.stack([table, table])
    tables[1, 3] *= 1.02
    alone = [chain(e, lengths, arms, t) for e, t in zip(emgs, tables, strict=True)]
    batch = chain(emgs, lengths, arms, tables)
    mapped = torch.vmap(chain, in_dims=(0, None, None, 0))(emgs, lengths, arms, tables)
    crossed = torch.vmap(lambda e: chain(e, lengths, arms, tables))(emgs)
    for i in range(2):
        for name in ("moment", "tendon_force"):
            own = getattr(alone[i], name)
            assert torch.equal(getattr(batch, name)[i], own)
            assert torch.equal(getattr(mapped, name)[i], own)
            assert torch.equal(getattr(crossed, name)[i, i], own)


def test_all_rows_of_a_jacobian_at_once_have_those_of_backward(case):
    chain, (emg, lengths, arms, table) = case
    moment = chain(emg, lengths, arms, table).moment
    every = torch.eye(moment.numel(), dtype=torch.float64).reshape(-1, *moment.shape)

    def row(bar):
        return torch.autograd.grad(moment, table, bar, retain_graph=True)[0]

    for ours, bar in zip(torch.vmap(row)(every), every, strict=True):
        assert torch.allclose(ours, row(bar), rtol=1e-12, atol=1e-14)


def test_gradients_go_through_steps(stepping):
    """Back through time, against differences."""
    step, state, time, (e, lengths, arms, table) = stepping

    def last(table):
        own, now = state, time
        for _ in range(3):
            found, own = step(own, now, e, lengths, arms, table)
            now = now + 0.01
        return torch.sum(found.moment)

    assert torch.autograd.gradcheck(last, (table,), eps=1e-6, atol=1e-4, rtol=1e-5)


def test_a_second_derivative_is_refused(case):
    chain, inputs = case
    moment = chain(*inputs).moment
    (first,) = torch.autograd.grad(torch.sum(moment**2), inputs[3], create_graph=True)
    with pytest.raises(RuntimeError, match=r"no autograd formula|does not require grad"):
        torch.autograd.grad(first.sum(), inputs[3])


def test_tensors_of_32_bits_are_refused(case):
    chain, inputs = case
    with pytest.raises(InputError) as error:
        chain(inputs[0].float(), inputs[1], inputs[2].float())
    told = [str(problem) for problem in error.value.problems]
    assert told[0].startswith("emg is torch.float32 on cpu; float64 on the CPU is wanted")
    assert told[1].startswith("moment_arm is") and len(told) == 2
    with pytest.raises(InputError, match="musculotendon_length has shape"):
        chain(inputs[0], inputs[1][:-1], inputs[2])


def test_a_graph_outlives_its_chain(bridge):
    model, trial = few(person().true), short(person().held_out[0], FRAMES)
    given = (0.3 + 0.0 * trial.musculotendon_length[:, :3], trial.musculotendon_length[:, :3])
    e, lengths = (torch.tensor(x, requires_grad=True) for x in given)
    found = bridge.Chain(model, trial.time)(e, lengths, torch.tensor(trial.moment_arm[:, :3]))
    found.moment.sum().backward()
    assert e.grad.any() and lengths.grad.any()


def test_the_program_of_the_page_runs(capsys):
    page = (Path(__file__).resolve().parents[2] / "docs" / "embedding.md").read_text("utf-8")
    (program,) = [
        p for p in re.findall(r"^```python\n(.*?)^```", page, re.M | re.S) if "torch" in p
    ]
    exec(compile(program, "embedding.md", "exec"), {})
    assert "torch.Size([12, 16])" in capsys.readouterr().out


def test_nothing_else_imports_it():
    program = "import sys, refnms.interop, refnms.stream; print('torch' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.stdout == "False\n"
