"""The NumPy engine: whole trials at once, vectorised over time and muscles.

This is the engine to study. It takes complex numbers: a complex step through `forward`
differentiates the whole chain. Its functions are those of `compiled`:

- `forward`: from excitation to tendon force;
- `adjoint`: cotangents of parameters and inputs from those of the signals;
- `tangents`: derivatives of each muscle's signals by its own parameters;
- `add_gradient` and `add_products`: what Gauss-Newton methods make of them;
- `moments`: of tendon forces with their moment arms;
- `path_lengths`: musculotendon lengths and moment arms at joint angles.

Shapes: rows `(K, M)` for excitation and neural activation, frames `(T, M)` for everything else; a
`table` of parameters is `(12, M)`, in the order of `Muscles`.
"""

from refnms.physics.reference.adjoint import adjoint
from refnms.physics.reference.forward import forward
from refnms.physics.reference.moments import moments
from refnms.physics.reference.paths import path_lengths
from refnms.physics.reference.products import add_gradient, add_products
from refnms.physics.reference.tangents import tangents

__all__ = [
    "add_gradient",
    "add_products",
    "adjoint",
    "forward",
    "moments",
    "path_lengths",
    "tangents",
]
