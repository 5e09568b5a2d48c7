"""What the tests of both ways into JAX share; where JAX is missing they are skipped."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module", autouse=True)
def wide():
    import jax

    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", False)


@pytest.fixture(scope="module")
def bridge():
    import refnms.interop.jax

    return refnms.interop.jax
