"""Derivatives of whole trials along a direction, against differences and the adjoint.

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
PROGRAM = '''
import numpy as np
from people import person, recording
from refnms.physics.kernels import entry
from refnms.physics.profiles import NATIVE, ceinms_0_9
from refnms.stream import packed

T = 7
at = lambda *arrays: [array.ctypes.data for array in arrays]


def check(profile, rigid):
    """How far the derivative is from the transpose of the adjoint, and from differences."""
    model = person(5, rigid=rigid)
    trial = recording(5, model, T)
    own, rng = packed(model, profile, None, 500.0, 0.1), np.random.default_rng(3)
    m, d = trial.moment_arm.shape[1:]
    memory = np.zeros(entry.trial_size(own.address, T))

    def forward(table, *inputs):
        own.arrays["parameters"][:] = table
        found = np.zeros((T, d)), np.zeros((5, T, m)), np.zeros((T, m), np.int64)
        entry.trial_forward(own.address, T, *at(trial.time, *inputs, *found, memory))
        return found

    excitation = rng.uniform(0.2, 0.8, (T, m))
    inputs = model.table(), excitation, trial.musculotendon_length, trial.moment_arm
    dots = [rng.normal(size=x.shape) * np.maximum(np.abs(x), 1e-3) for x in inputs]
    sides = [
        forward(*(x + h * y for x, y in zip(inputs, dots, strict=True))) for h in (1e-6, -1e-6)
    ]
    moments, signals, flags = forward(*inputs)
    given = own.address, T, *at(trial.time, *inputs[1:], signals, flags)
    found = np.zeros((T, d)), np.zeros((5, T, m))
    entry.trial_jvp(*given, *at(*dots, *found, memory))

    bars, pulled = [rng.normal(size=x.shape) for x in found], [np.zeros(x.shape) for x in inputs]
    used = bars[1].copy()
    entry.trial_vjp(*given, *at(bars[0], used, *pulled, memory))
    one = [bar * x for bar, x in zip(bars, found, strict=True)]
    other = [bar * x for bar, x in zip(pulled, dots, strict=True)]
    size = sum(np.abs(part).sum() for part in one)
    transposed = abs(sum(map(np.sum, one)) - sum(map(np.sum, other))) / size

    worst = 0.0
    for ours, after, before in zip(found, *sides, strict=False):
        rise = (after - before) / 2e-6
        scale = np.abs(rise).max(axis=(-2, -1), keepdims=True)
        worst = max(worst, np.max(np.abs(ours - rise) / scale))
    print(transposed, worst)


for profile in (NATIVE, ceinms_0_9(online=True, tolerance=0.0)):
    for rigid in (False, True):
        check(profile, rigid)
'''


@pytest.mark.skipif(not HAVE_NUMBA, reason="Numba is not installed")
def test_a_directional_derivative_is_that_of_differences_and_the_transpose_of_the_adjoint():
    environment = os.environ | {
        "NUMBA_DISABLE_JIT": "1",
        "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)]),
    }
    command = [sys.executable, "-c", PROGRAM]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr[-3000:]
    found = [tuple(map(float, line.split())) for line in ended.stdout.splitlines()]
    assert len(found) == 4  # the native profile and the online one, elastic and rigid
    for transposed, differences in found:
        assert transposed < 1e-12 and differences < 1e-6
