from __future__ import annotations

import os
import subprocess
import sys

import pytest

from refnms import jit

SAY = """
import sys
{prelude}
from refnms.jit import COMPILES, HAVE_NUMBA
print(HAVE_NUMBA, COMPILES)
"""


@pytest.mark.skipif(not jit.HAVE_NUMBA, reason="Numba is not installed")
@pytest.mark.parametrize(
    ("prelude", "disabled", "said"),
    [
        ("", "0", "True True"),
        ("", "1", "True False"),
        ("sys.modules['numba'] = None", "0", "False False"),
    ],
)
def test_it_is_known_whether_this_machine_compiles(prelude, disabled, said):
    environment = os.environ | {"NUMBA_DISABLE_JIT": disabled}
    command = [sys.executable, "-c", SAY.format(prelude=prelude)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == said, done.stderr


@pytest.mark.skipif(not jit.HAVE_NUMBA, reason="Numba is not installed")
def test_the_processor_is_one_that_llvm_makes_code_for(capfd):
    llvm = pytest.importorskip("llvmlite.binding")
    llvm.initialize_native_target()
    target = llvm.Target.from_default_triple()
    target.create_target_machine(cpu=jit.host_processor())
    assert "not a recognized processor" not in capfd.readouterr().err
    target.create_target_machine(cpu="abacus")
    assert "not a recognized processor" in capfd.readouterr().err
