"""Do the bridges have the model's numbers, and what does its gradient cost beside other ways?

Every S06 window, native profile: moments in Python, C, PyTorch and JAX, and in C the derivatives of
steps and of whole trajectories. Built for this processor and for the oldest x86-64. Then loss and
gradient of one window by all bridges, and by the same model written in PyTorch and in JAX
(`native.py`, elastic tendon, implicit derivative), in turns in one process; where a tendon is
slack, those two halve some intervals, which takes them longest. To pass, no bit differs
between Python, C and PyTorch; JAX differs by 1e-14 at most; loss and gradient of the two others
agree to 1e-9. Needs `pip install "refnms[bridges]"` and compilers; takes some minutes.
"""

from __future__ import annotations

import ctypes
import importlib.util
import math
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import native
import numpy as np
from common import NO_DATA, folder, options, s06_windows, table, verdict
from timing import Seconds, in_turns, told

import refnms
from refnms.autodiff import vjp
from refnms.interop.c import export_c
from refnms.jit import host_processor
from refnms.physics.kernels import entry
from refnms.physics.profiles import NATIVE
from refnms.simulation import chain, join
from refnms.stream import Stepper, packed

WINDOWS = tuple(f"{gait}_{n}" for gait in ("walk36", "walk45", "run81") for n in "abc")
TIMED = "run81_a"
ROUNDS, SLOW_ROUNDS = 15, 3
WRITTEN_IN_JAX, WRITTEN_IN_TORCH = "the model written in JAX", "the model written in PyTorch"
SAME = 1e-9  # of two ways to write the model
JAX_BAR = 1e-14


def missing() -> list[str]:
    return [name for name in ("torch", "jax") if importlib.util.find_spec(name) is None]


def off(found: Any, want: np.ndarray) -> tuple[int, float]:
    """How many numbers have other bits, and the largest difference over the largest number."""
    found = np.asarray(found)
    return int(np.sum(found != want)), float(np.abs(found - want).max() / np.abs(want).max())


class Library:
    """The shared library, called by addresses as C calls it."""

    def __init__(self, folder: Path, processor: str) -> None:
        export_c(folder, processor)
        self._code = ctypes.CDLL(str(folder / "librefnms.so"))

    def __call__(self, name: str, *arguments: Any) -> int:
        function = getattr(self._code, f"refnms_{name}")
        function.restype = ctypes.c_int64
        return int(function(*(ctypes.c_int64(at(a)) for a in arguments)))


class Kernels:
    """The same calls in Python."""

    NAMES = {  # noqa: RUF012
        "trial_size": entry.trial_size,
        "forward": entry.trial_forward,
        "vjp": entry.trial_vjp,
        "jvp": entry.trial_jvp,
        "step": entry.stream_step,
        "partials": entry.stream_partials,
    }

    def __call__(self, name: str, *arguments: Any) -> int:
        return int(self.NAMES[name](*map(at, arguments)) or 0)


def at(argument: Any) -> int:
    return int(argument.ctypes.data) if isinstance(argument, np.ndarray) else int(argument)


def trajectory(
    call: Any, model: refnms.Model, trial: refnms.Trial, e: np.ndarray
) -> dict[str, Any]:
    """Moments, their pullback and their derivative along a direction."""
    own = packed(model, NATIVE, None, 2000.0, math.inf)
    t, (m, d) = len(trial.time), trial.moment_arm.shape[1:]
    memory = np.zeros(call("trial_size", own.address, t))
    given = (own.address, t, trial.time, e, trial.musculotendon_length, trial.moment_arm)
    moments, signals, flags = np.zeros((t, d)), np.zeros((5, t, m)), np.zeros((t, m), np.int64)
    call("forward", *given, moments, signals, flags, memory)
    rng = np.random.default_rng(1)
    bars = [np.zeros((12, m)), np.zeros((t, m)), np.zeros((t, m)), np.zeros((t, m, d))]
    call("vjp", *given, signals, flags, rng.normal(size=(t, d)), rng.normal(size=(5, t, m)), *bars,
         memory)  # fmt: skip
    dots = [rng.normal(size=bar.shape) for bar in bars]
    moments_dot, signals_dot = np.zeros((t, d)), np.zeros((5, t, m))
    call("jvp", *given, signals, flags, *dots, moments_dot, signals_dot, memory)
    return {
        "whole trajectory": moments,
        "its vjp": flat(bars),
        "its jvp": flat([moments_dot, signals_dot]),
    }


def flat(arrays: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([array.ravel() / np.abs(array).max() for array in arrays])


def steps(call: Any, model: refnms.Model, trial: refnms.Trial) -> dict[str, Any]:
    """Moments and partials of every step of a stream."""
    stepper, sample, moments, partials = Stepper(model, emg_rate=2000.0), 0, [], []
    own, state = stepper._packed[0].address, stepper._state
    for i, now in enumerate(trial.time):
        while sample < len(trial.emg_time) and trial.emg_time[sample] <= now + 1e-9:
            stepper.push(trial.emg_time[sample], trial.emg[sample])
            sample += 1
        stepper._length[...], stepper._arm[...] = trial.musculotendon_length[i], trial.moment_arm[i]
        stepper._poses.numbers[3] = now
        call("step", stepper._poses.address)
        moments.append(stepper.moment.copy())
        found = np.zeros(stepper.partials().shape)
        call("partials", own, state, found)
        partials.append(found)
    return {"steps": np.array(moments), "their partials": np.array(partials)}


def in_python(model: refnms.Model, trial: refnms.Trial) -> tuple[Callable[..., Any], np.ndarray]:
    """`(table) -> (loss, gradient)` of our own tape, and the excitations."""
    joined = join(model, [trial], NATIVE)
    flags, e = (
        np.zeros(trial.musculotendon_length.shape, np.int64),
        joined.excitation(model.table()),
    )

    def loss(table: Any) -> Any:
        moments = chain(joined, table, flags, e).moment
        return np.sum((moments - trial.moment) ** 2) * (1.0 / trial.moment.size)

    def both(table: np.ndarray) -> Any:
        value, pull = vjp(loss, table)
        return value, pull(1.0)[0]

    return both, e


def ways(model: refnms.Model, trial: refnms.Trial) -> dict[str, Callable[[], Any]]:
    """Loss and gradient of a window, by name."""
    import jax
    import jax.numpy as jnp
    import torch

    import refnms.interop.jax as in_jax
    import refnms.interop.torch as in_torch

    ours, e = in_python(model, trial)
    numbers, target = model.table(), trial.moment
    given = e, trial.musculotendon_length, trial.moment_arm
    tensors, leaf = [torch.tensor(x) for x in given], torch.tensor(numbers, requires_grad=True)
    bridge, wanted = in_torch.Chain(model, trial.time), torch.tensor(target)

    def by_torch() -> Any:
        value = torch.mean((bridge(*tensors, leaf).moment - wanted) ** 2)
        return value.detach(), torch.autograd.grad(value, leaf)[0]

    def by_jax(own: Any) -> Any:
        return jax.jit(
            jax.value_and_grad(lambda p: jnp.mean((own(*given, p).moment - target) ** 2))
        )

    called, compiled = (
        by_jax(kind(model, trial.time)) for kind in (in_jax.Chain, in_jax.CompiledChain)
    )
    alone = native.in_jax(native.problem(model, trial, e, jnp.asarray))
    loop = native.in_torch(native.problem(model, trial, e, torch.tensor))
    constant = jnp.asarray(numbers)

    def waited(function: Any) -> Any:
        return lambda: jax.block_until_ready(function(constant))

    return {
        "refnms": lambda: ours(numbers),
        "refnms in PyTorch": by_torch,
        "refnms in JAX, compiled in": waited(compiled),
        "refnms in JAX, by callback": waited(called),
        WRITTEN_IN_JAX: waited(alone),
        WRITTEN_IN_TORCH: lambda: loop(torch.tensor(numbers)),
    }


def taken(functions: dict[str, Callable[[], Any]]) -> dict[str, Seconds]:
    """Processor time of each way, and that of ours in turns with it; the slow one in fewer turns.

    All threads count: XLA's are not the caller's.
    """
    quick = {name: function for name, function in functions.items() if name != WRITTEN_IN_TORCH}
    slow = {name: functions[name] for name in ("refnms", WRITTEN_IN_TORCH)}
    seconds = in_turns(quick, ROUNDS, time.process_time)
    return dict.fromkeys(quick, seconds) | {
        WRITTEN_IN_TORCH: in_turns(slow, SLOW_ROUNDS, time.process_time)
    }


def agreement(found: dict[str, Any]) -> dict[str, float]:
    """The largest difference of loss and gradient from ours, over the largest of each parameter."""
    value, gradient = found["refnms"]
    scale = np.maximum(np.abs(gradient).max(axis=1, keepdims=True), 1e-300)
    return {
        name: max(
            abs(float(v) - value) / value, float(np.max(np.abs(np.asarray(g) - gradient) / scale))
        )
        for name, (v, g) in found.items()
    }


def bits(model: refnms.Model, trials: list[refnms.Trial]) -> tuple[list[list[str]], bool]:
    """A row for each way to compute, over all windows."""
    import jax
    import torch

    import refnms.interop.jax as in_jax
    import refnms.interop.torch as in_torch

    rows, good, python = [], True, Kernels()

    def row(name: str, pairs: list[tuple[Any, np.ndarray]], bar: float | None = None) -> None:
        nonlocal good
        others, worst = zip(*(off(*pair) for pair in pairs), strict=True)
        rows.append(
            [name, str(sum(p[1].size for p in pairs)), str(sum(others)), f"{max(worst):.1e}"]
        )
        good &= sum(others) == 0 if bar is None else max(worst) <= bar

    want = [refnms.simulate(model, trial) for trial in trials]
    given = [(t.emg, t.musculotendon_length, t.moment_arm) for t in trials]
    excited = [(w.excitation, *g[1:]) for w, g in zip(want, given, strict=True)]
    moments = [w.moment for w in want]
    runs = [in_torch.Chain(model, t.time, t.emg_time)(*map(torch.tensor, g)).moment
            for t, g in zip(trials, given, strict=True)]  # fmt: skip
    row("PyTorch: chain", list(zip(runs, moments, strict=True)))
    row("PyTorch: step by step", [(stepped(in_torch.Step(model), t, x), m)
        for t, x, m in zip(trials[:1], excited, moments, strict=False)])  # fmt: skip
    for name, kind, inputs in (
        ("by callback", lambda t: in_jax.Chain(model, t.time, t.emg_time), given),
        ("compiled in", lambda t: in_jax.CompiledChain(model, t.time), excited),
    ):
        runs = [jax.jit(kind(t))(*x).moment for t, x in zip(trials, inputs, strict=True)]
        row(f"JAX: chain, {name}", list(zip(runs, moments, strict=True)), JAX_BAR)
    with tempfile.TemporaryDirectory() as scratch:
        for processor in dict.fromkeys((host_processor(), "x86-64")):
            library = Library(Path(scratch) / processor, processor)
            own = [
                {**trajectory(call, model, t, w.excitation), **steps(call, model, t)}
                for call in (python, library)
                for t, w in zip(trials, want, strict=True)
            ]
            pairs = list(zip(own[len(trials) :], own[: len(trials)], strict=True))
            for name in own[0]:
                row(f"C for {processor}: {name}", [(a[name], b[name]) for a, b in pairs])
    return rows, good


def stepped(step: Any, trial: refnms.Trial, inputs: tuple[np.ndarray, ...]) -> np.ndarray:
    import torch

    state, moments = step.beginning(), []
    for now, *frame in zip(trial.time, *inputs, strict=True):
        found, state = step(state, torch.tensor(now), *map(torch.tensor, frame))
        moments.append(found.moment.numpy())
    return np.array(moments)


def main() -> int:
    chosen = options(__doc__)
    data = folder(chosen, "s06_calibration")
    if missing():
        print(f'no {" and no ".join(missing())}: pip install "refnms[bridges]"')
        return NO_DATA
    import jax
    import torch

    jax.config.update("jax_enable_x64", True)
    torch.set_num_threads(1)
    model = refnms.io.read_model(data / "subject.xml", data / "excitationGenerator.xml")
    trials = s06_windows(data, WINDOWS, model, NATIVE)
    rows, same = bits(model, trials)
    table(["moments of S06, against Python", "numbers", "other bits", "largest difference"], rows)
    trial = trials[WINDOWS.index(TIMED)]
    functions = ways(model, trial)
    differences = agreement({name: function() for name, function in functions.items()})
    seconds = taken(functions)
    print(
        f"\nloss and gradient of {TIMED}, {len(trial.time)} frames and "
        f"{len(model.muscle_names)} muscles:"
    )
    rows_of_time = [
        [
            name,
            f"{1e3 * np.median(own[name]):.2f}",
            told(own, name, "refnms"),
            f"{differences[name]:.1e}",
        ]
        for name, own in seconds.items()
    ]
    table(["", "ms, all threads", "times ours (quartiles)", "largest difference"], rows_of_time)
    print()
    written = [
        told(seconds[name], name, "refnms").split()[0]
        for name in (WRITTEN_IN_JAX, WRITTEN_IN_TORCH)
    ]
    return verdict(
        same and max(differences.values()) <= SAME,
        f"{sum(int(r[2]) for r in rows)} other bits in Python, C, PyTorch and JAX; loss and "
        f"gradient of the model written in JAX take {written[0]} times as long as ours, in PyTorch "
        f"{written[1]} times, and differ by {max(differences.values()):.1e}",
    )


if __name__ == "__main__":
    sys.exit(main())
