from __future__ import annotations

import inspect

import numpy as np
import pytest

from refnms.jit import COMPILES
from refnms.physics import compiled, engine, reference


@pytest.mark.skipif(not COMPILES, reason="Numba does not compile")
def test_the_compiled_engine_computes_real_numbers():
    assert engine.pick() is compiled
    assert engine.pick(np.ones(3), np.ones((2, 2))) is compiled


def test_the_reference_computes_complex_numbers():
    assert engine.pick(np.ones(3), np.ones((2, 2), complex)) is reference


def test_without_numba_the_reference_computes_everything(monkeypatch):
    monkeypatch.setattr(engine, "COMPILES", False)
    assert engine.pick(np.ones(3)) is reference


@pytest.mark.parametrize("name", reference.__all__)
def test_both_engines_offer_the_same_functions(name):
    ours, theirs = (inspect.signature(getattr(of, name)) for of in (compiled, reference))
    assert ours == theirs


def test_where_python_runs_a_kernel_it_warns_no_more_than_compiled(monkeypatch):
    divide = lambda x: np.float64(1.0) / x
    assert engine.quiet(divide) is divide or not COMPILES
    monkeypatch.setattr(engine, "COMPILES", False)
    assert engine.quiet(divide)(np.float64(0.0)) == np.inf
