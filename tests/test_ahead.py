"""What is compiled ahead is what a calibration calls, and nothing of it is left running."""

from __future__ import annotations

import gc
import subprocess

import pytest
from people import person, recording

from refnms import ahead, calibrate, jit
from refnms.optimize import Budget
from refnms.optimize.subproblem import _best_step, change
from refnms.parameters import Free, Packing
from refnms.physics import compiled

pytestmark = pytest.mark.skipif(not jit.COMPILES, reason="nothing is compiled")

AHEAD = (compiled.tangents_kernel, compiled.add_gradient, compiled.add_products, _best_step, change)


def test_a_calibration_has_compiled_all_of_it():
    model = person(4)
    delay = Free("electromechanical_delay", (0.0, 0.1), groups=(model.muscle_names,))
    free = Packing(model, [Free("strength_coefficient", (0.5, 2.0)), delay])
    calibrate(model, [recording(0, model, 60)], free, budget=Budget(4))
    known = [len(kernel.signatures) for kernel in AHEAD]
    ahead.compile_tangents()
    assert [len(kernel.signatures) for kernel in AHEAD] == known
    assert all(known)


class Process:
    """A process that is never done."""

    killed = 0

    def kill(self) -> None:
        self.killed += 1

    def wait(self) -> int:
        return 0


@pytest.fixture
def other(monkeypatch) -> Process:
    process = Process()
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: process)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    return process


def test_an_empty_cache_is_filled_by_another_process(other, tmp_path, monkeypatch):
    monkeypatch.setattr(ahead, "cache_directory", lambda: tmp_path)
    with ahead.compiling() as wait:
        assert wait == other.wait and other.killed == 0 and not gc.isenabled()
    assert other.killed == 1 and gc.isenabled()


def test_an_error_meanwhile_leaves_no_process_behind(other, tmp_path, monkeypatch):
    monkeypatch.setattr(ahead, "cache_directory", lambda: tmp_path)
    with pytest.raises(ZeroDivisionError), ahead.compiling():
        raise ZeroDivisionError
    assert other.killed == 1


def test_the_other_process_takes_our_modules_and_not_those_of_the_folder_it_is_in(tmp_path):
    (tmp_path / "refnms").mkdir()
    (tmp_path / "refnms" / "__init__.py").write_text("raise RuntimeError('another copy')")
    command = ahead.python("from refnms import ahead; print(ahead.__file__)")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.strip() == ahead.__file__, done.stderr


@pytest.mark.parametrize("why", ["compiled before", "kept nowhere", "one processor"])
def test_there_is_no_other_process_where_it_would_not_help(why, other, tmp_path, monkeypatch):
    if why == "compiled before":
        (tmp_path / "kernel").touch()
    if why == "one processor":
        monkeypatch.setattr("os.cpu_count", lambda: 1)
    kept = None if why == "kept nowhere" else tmp_path
    monkeypatch.setattr(ahead, "cache_directory", lambda: kept)
    with ahead.compiling() as wait:
        wait()
    assert other.killed == 0
