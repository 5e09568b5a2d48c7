"""The NumPy engine: the functions of `kernels`, vectorised over the muscles of a trial.

This is the engine to study, and it takes complex numbers: a complex step through its forward
functions differentiates the whole chain. It solves an elastic trial at once (see `trajectory`);
a `_vjp` leaves `output_bar` as it was.
"""

from refnms.physics.reference.activation import (
    exponential_activation,
    exponential_activation_vjp,
    neural_activation,
    neural_activation_vjp,
    piecewise_activation,
    piecewise_activation_vjp,
)
from refnms.physics.reference.fiber import (
    elastic_fiber_length,
    elastic_fiber_length_vjp,
    rigid_fiber_length,
    rigid_fiber_length_vjp,
)
from refnms.physics.reference.force import tendon_force, tendon_force_vjp
from refnms.physics.reference.velocity import (
    trailing_velocity,
    trailing_velocity_vjp,
    whole_trial_velocity,
    whole_trial_velocity_vjp,
)

__all__ = [
    "elastic_fiber_length",
    "elastic_fiber_length_vjp",
    "exponential_activation",
    "exponential_activation_vjp",
    "neural_activation",
    "neural_activation_vjp",
    "piecewise_activation",
    "piecewise_activation_vjp",
    "rigid_fiber_length",
    "rigid_fiber_length_vjp",
    "tendon_force",
    "tendon_force_vjp",
    "trailing_velocity",
    "trailing_velocity_vjp",
    "whole_trial_velocity",
    "whole_trial_velocity_vjp",
]
