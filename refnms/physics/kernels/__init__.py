"""The Numba engine: loops over trials, frames and muscles; indices and buffers, no formula.

Every signal has a pair of functions of one form, `reference` offers the same in NumPy:

    signal(system, muscles, lanes, begin, end, *inputs, output)
    signal_vjp(system, muscles, lanes, *inputs, output, output_bar, muscles_bar, *inputs_bar)

They work on a subset of `lanes` (lane = trial * M + muscle), allocate nothing and write into the
arrays they are given. The past of a sample is read from the output, so the frames [begin, end) of
each trial can be computed one after the other in as many calls as one likes. A `_vjp` adds to
cotangents that the caller has zeroed, and uses `output_bar` up. `elastic_fiber_length` has flags
beside its output. Shapes: rows `(K, M)` for excitation and neural activation, frames `(T, M)`
for everything else.
"""

from refnms.physics.kernels.activation import (
    exponential_activation,
    exponential_activation_vjp,
    neural_activation,
    neural_activation_vjp,
    piecewise_activation,
    piecewise_activation_vjp,
)
from refnms.physics.kernels.fiber import (
    elastic_fiber_length,
    elastic_fiber_length_vjp,
    rigid_fiber_length,
    rigid_fiber_length_vjp,
)
from refnms.physics.kernels.force import tendon_force, tendon_force_vjp
from refnms.physics.kernels.velocity import (
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
