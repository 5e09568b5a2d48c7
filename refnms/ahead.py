"""What a calibration needs compiled, by a second process while the first compiles the rest.

Only the first run ever compiles, and Numba compiles one function at a time in a process: the
forward pass, and then, about as long, the tangents. Here the second does not wait for the first.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from refnms.gauss_newton import GaussNewton
from refnms.jit import cache_directory
from refnms.model import Trial
from refnms.objective import Objective
from refnms.optimize.subproblem import best_step, change
from refnms.parameters import Free, Packing
from refnms.sensitivity import At
from refnms.simulation import Signals
from refnms.synthetic import NEUTRAL, generic_model, moment_arm, musculotendon_length
from refnms.terms import TERMS


@contextmanager
def compiling() -> Iterator[Callable[[], object]]:
    """Let another process compile the tangents; the function that is given waits for it.

    There is none where compiled code is kept already, or cannot be, or one processor is all.
    Neither looks for garbage, a twentieth of the work: what compiling makes stays, most of it.
    """
    directory = cache_directory()
    if directory is None or any(directory.iterdir()) or (os.cpu_count() or 1) < 2:
        yield lambda: None
        return
    other = subprocess.Popen(
        python("from refnms import ahead; ahead.main()"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # what it fails in, the first process compiles and tells
    )
    collects = gc.isenabled()
    gc.disable()
    try:
        yield other.wait
    finally:
        if collects:
            gc.enable()
        other.kill()
        other.wait()


def compile_tangents() -> None:
    """Call, with arguments of the very types of a calibration, what only a calibration calls."""
    model, frames = generic_model(), 4
    angle, time = np.tile(NEUTRAL, (frames, 1)), np.arange(frames) / 100.0
    trial = Trial(
        name="any",
        time=time,
        musculotendon_length=musculotendon_length(angle),
        moment_arm=moment_arm(angle),
        emg_time=np.array([-1.0, 1.0]),
        emg=np.zeros((2, len(model.emg_names))),
        moment=np.linspace([0.0], [1.0], frames) * np.ones(len(model.dof_names)),
    )
    free = Packing(model, [Free("strength_coefficient", (0.5, 2.0))])
    problem = Objective(free, [trial]).problem
    any_number = np.ones_like(trial.musculotendon_length)  # of a signal: none of a muscle is needed
    signals = Signals(*(any_number,) * 6, trial.moment)
    at = At(free.start, model.table(), signals, np.zeros(any_number.shape, np.int64))
    with np.errstate(all="ignore"):
        quadratic = GaussNewton(problem, TERMS).model(0.0, at)
    one, matrix = np.ones_like(free.start), np.eye(len(free.start))
    best_step(one, matrix, quadratic.hinges, -one, one)
    change(one, matrix, quadratic.hinges, one)


def python(statement: str) -> list[str]:
    """A command that finds every module where this process does, whatever folder it is run in.

    Compiled code is kept by the place of its source: that of another copy would be of no use.
    """
    return [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {statement}"]


def main() -> None:
    """What the second process does."""
    gc.disable()
    compile_tangents()
    # Not by the end of the statement: to clear up what compiling made takes half a second.
    os._exit(0)
