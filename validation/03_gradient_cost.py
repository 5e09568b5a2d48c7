"""What does one exact gradient cost, against one forward pass and against differences?

On the calibration problem of 02 (72 parameters, 1,070 frames of 12 muscles, profile ceinms-0.9):
the loss alone, and the loss with its gradient, timed in turns in one process, so that whatever else
the machine does falls on both. To pass, a gradient costs at most 2.5 forward passes, and agrees
with central differences along random directions to 1e-6. The NumPy engine is timed for comparison.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from common import S06_CALIBRATION, folder, options, s06_parameters, s06_windows, table, verdict

import refnms
from refnms import primitives
from refnms.autodiff import difference_sweep
from refnms.jit import HAVE_NUMBA
from refnms.objective import Objective
from refnms.physics import reference
from refnms.physics.profiles import ceinms_0_9

ROUNDS, NUMPY_ROUNDS = 40, 3
BAR_COST, BAR_ERROR = 2.5, 1e-6


def problem(data: Path) -> Objective:
    model = refnms.io.read_model(data / "subject.xml", data / "excitationGenerator.xml")
    profile = ceinms_0_9().for_gradients()
    windows = s06_windows(data, S06_CALIBRATION, model, profile)
    return Objective(s06_parameters(model), windows, profile)


def in_turns(functions: list[Callable[[], object]], rounds: int) -> np.ndarray:
    """Seconds `(rounds, functions)`, one call of each in every round."""
    for function in functions:
        function()  # compiles, and warms what caches there are
    seconds = np.empty((rounds, len(functions)))
    for row in seconds:
        for k, function in enumerate(functions):
            started = time.perf_counter()
            function()
            row[k] = time.perf_counter() - started
    return seconds


@contextmanager
def numpy_engine():
    """The NumPy engine in the place of the compiled one."""
    picked, primitives.pick = primitives.pick, lambda *arrays: reference
    try:
        yield
    finally:
        primitives.pick = picked


def error_of_gradient(objective: Objective, x: np.ndarray) -> float:
    """Worst relative disagreement with central differences along three random directions."""
    rng = np.random.default_rng(0)
    packing = objective.problem.packing
    room = packing.upper - packing.lower
    _, gradient = objective(x)
    errors = []
    for _ in range(3):
        step = 1e-3 * rng.uniform(-1.0, 1.0, x.shape) * room
        slope = difference_sweep(objective.value, x, step)
        errors.append(abs(float(slope.value) - gradient @ step) / np.sum(np.abs(gradient * step)))
    return max(errors)


def main() -> int:
    chosen = options(__doc__)
    objective = problem(folder(chosen, "s06_calibration"))
    packing = objective.problem.packing
    x = packing.start + 0.1 * (0.5 * (packing.lower + packing.upper) - packing.start)
    count = len(x)
    functions = [lambda: objective.value(x), lambda: objective(x)]
    seconds = in_turns(functions, ROUNDS)
    ratio = np.quantile(seconds[:, 1] / seconds[:, 0], (0.25, 0.5, 0.75))
    forward, gradient = np.median(seconds, axis=0)
    spread = f"{ratio[1]:.2f}  ({ratio[0]:.2f}-{ratio[2]:.2f})"
    rows = [
        ["forward pass", f"{1e3 * forward:.2f}", "1"],
        ["exact gradient", f"{1e3 * gradient:.2f}", spread],
        ["central differences", f"{2e3 * count * forward:.0f}", f"{2 * count}"],
    ]
    if HAVE_NUMBA:
        with numpy_engine():
            slow = np.median(in_turns(functions, NUMPY_ROUNDS), axis=0)
        rows += [
            ["forward pass, NumPy engine", f"{1e3 * slow[0]:.0f}", f"{slow[0] / forward:.0f}"],
            ["exact gradient, NumPy engine", f"{1e3 * slow[1]:.0f}", f"{slow[1] / forward:.0f}"],
        ]
    table(
        [f"{count} parameters, {ROUNDS} rounds in turns", "ms", "forward passes (quartiles)"], rows
    )
    error = error_of_gradient(objective, x)
    print(f"largest disagreement with central differences along 3 directions: {error:.1e}")
    return verdict(
        ratio[1] <= BAR_COST and error <= BAR_ERROR,
        f"a gradient of {count} parameters costs {ratio[1]:.2f} forward passes",
    )


if __name__ == "__main__":
    sys.exit(main())
