from __future__ import annotations

import numpy as np
import pytest

from refnms.jit import HAVE_NUMBA
from refnms.physics import engine, kernels, reference


@pytest.mark.skipif(not HAVE_NUMBA, reason="Numba is not installed")
def test_the_kernels_compute_real_numbers():
    assert engine.pick() is kernels
    assert engine.pick(np.ones(3), np.ones((2, 2))) is kernels


def test_the_reference_computes_complex_numbers():
    assert engine.pick(np.ones(3), np.ones((2, 2), complex)) is reference


def test_without_numba_the_reference_computes_everything(monkeypatch):
    monkeypatch.setattr(engine, "HAVE_NUMBA", False)
    assert engine.pick(np.ones(3)) is reference


def test_both_engines_offer_the_same_functions():
    assert kernels.__all__ == reference.__all__
    assert all(callable(getattr(reference, name)) for name in kernels.__all__)
