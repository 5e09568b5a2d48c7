"""The model in JAX: by a callback to Python, or compiled into XLA's programs."""

from refnms.errors import InputError

try:
    import jax as _jax  # noqa: F401
except ImportError as error:
    raise InputError('JAX is not installed; pip install "refnms[jax]"') from error

from refnms.interop.jax.callback import Chain, State, Step, Stepped
from refnms.interop.jax.library import CompiledChain

__all__ = ["Chain", "CompiledChain", "State", "Step", "Stepped"]
