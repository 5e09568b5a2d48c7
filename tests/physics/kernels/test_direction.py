"""Directional derivatives of whole trials against those by each parameter, and against differences.

The kernel is run as plain Python, in a process of its own: nobody calls it but C, and compiling it
here would take longer than all of its numbers.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from refnms.jit import HAVE_NUMBA

TESTS = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
from dataclasses import replace
import numpy as np
from people import person, recording
from refnms.physics.kernels import entry
from refnms.physics.profiles import NATIVE, ceinms_0_9
from refnms.stream import packed

name, rigid = sys.argv[1], sys.argv[2] == "rigid"
profile = NATIVE if name == "native" else ceinms_0_9(online=True, tolerance=0.0)
model = person(5, rigid=rigid)
trial = recording(5, model, FRAMES := 7)
t, m, d = FRAMES, 3, trial.moment_arm.shape[2]
own, rng = packed(model, profile, None, 500.0, 0.1), np.random.default_rng(3)
time, lengths = np.ascontiguousarray(trial.time), np.ascontiguousarray(trial.musculotendon_length)
excitation, arms = rng.uniform(0.2, 0.8, (t, m)), np.ascontiguousarray(trial.moment_arm)
memory = np.zeros(entry.trial_size(own.address, t))
at = lambda *arrays: [array.ctypes.data for array in arrays]


def forward(table, excitation, lengths, arms):
    own.arrays["parameters"][:] = table
    found = np.zeros((t, d)), np.zeros((5, t, m)), np.zeros((t, m), np.int64)
    given = [np.ascontiguousarray(x) for x in (excitation, lengths, arms)]
    entry.trial_forward(own.address, t, *at(time, *given, *found, memory))
    return found


inputs = model.table(), excitation, lengths, arms
moments, signals, flags = forward(*inputs)
dots = [rng.normal(size=x.shape) * np.maximum(np.abs(x), 1e-3) for x in inputs]
dots[0][9] = 0.0
jvp = lambda dots: (
    (found := (np.zeros((t, d)), np.zeros((5, t, m)))),
    entry.trial_jvp(
        own.address, t, *at(time, *inputs[1:], signals, flags, *dots, *found, memory)
    ),
)[0]
moments_dot, signals_dot = jvp(dots)

# the transpose: <bar, J dot> = <J' bar, dot>
bars = [rng.normal(size=moments.shape), rng.normal(size=signals.shape)]
pulled = [np.zeros(x.shape) for x in inputs]
used = bars[1].copy()
entry.trial_vjp(
    own.address, t, *at(time, *inputs[1:], signals, flags, bars[0], used, *pulled, memory)
)
one = np.sum(bars[0] * moments_dot) + np.sum(bars[1] * signals_dot)
other = sum(np.sum(p * x) for p, x in zip(pulled, dots))
size = np.sum(np.abs(bars[0] * moments_dot)) + np.sum(np.abs(bars[1] * signals_dot))
print("transpose", abs(one - other) / size)

h, worst = 1e-6, 0.0
sides = [forward(*(x + s * h * y for x, y in zip(inputs, dots))) for s in (1.0, -1.0)]
for ours, a, b in zip((moments_dot, signals_dot), *sides):
    rise = (a - b) / (2.0 * h)
    axes = (0,) if rise.ndim == 2 else (1, 2)
    scale = np.maximum(np.abs(rise).max(axis=axes, keepdims=True), 1e-9)  # a joint not crossed
    worst = max(worst, np.max(np.abs(ours - rise) / scale))
print("differences", worst)
"""


@pytest.mark.skipif(not HAVE_NUMBA, reason="Numba is not installed")
@pytest.mark.parametrize(
    "kind", [("native", "elastic"), ("native", "rigid"), ("online", "elastic")]
)
def test_a_directional_derivative_is_that_of_differences_and_the_transpose_of_the_adjoint(kind):
    environment = os.environ | {
        "NUMBA_DISABLE_JIT": "1",
        "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)]),
    }
    command = [sys.executable, "-c", PROGRAM, *kind]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr[-3000:]
    found = dict(line.split() for line in ended.stdout.splitlines())
    assert float(found["transpose"]) < 1e-12
    assert float(found["differences"]) < 1e-6
