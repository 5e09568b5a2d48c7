"""A bridge whose package is missing says which extra to install."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(("extra", "package"), [("torch", "PyTorch"), ("jax", "JAX")])
def test_without_its_package_a_bridge_names_its_extra(extra, package):
    program = f"import sys; sys.modules[{extra!r}] = None; import refnms.interop.{extra}"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    told = ended.stderr.strip().splitlines()[-1]
    assert told.endswith(f'InputError: {package} is not installed; pip install "refnms[{extra}]"')
