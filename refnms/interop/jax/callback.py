"""The chain, and one step of it, as JAX functions that call back to Python.

They work under `jit`, `grad` and `vmap`. Reverse derivatives alone, and first ones: forward mode is
`CompiledChain`'s. JAX must be set to 64 bits. Axes in front are a batch, and broadcast.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from refnms.errors import InputError, Problem
from refnms.interop.batch import Operation, batch_of
from refnms.interop.chain import ChainOperation, ChainOutputs
from refnms.interop.step import StepOperation
from refnms.model import Model
from refnms.physics.profiles import NATIVE, Profile


class Chain:
    """A model's chain at given times: `(emg or excitation, lengths, arms) -> ChainOutputs`."""

    def __init__(
        self, model: Model, time: Any, emg_time: Any = None, profile: Profile = NATIVE
    ) -> None:
        """`time (T,)` of the frames; `emg_time (N,)` of the EMG, None: excitations are given [s].

        Raises InputError where they do not go together, and for a profile whose preparing pass
        skips rows of the EMG.
        """
        self.operation = ChainOperation(model, time, emg_time, profile)
        self.parameters = model.table()
        self._run = differentiable(self.operation)

    def __call__(
        self, driven: Any, musculotendon_length: Any, moment_arm: Any, parameters: Any = None
    ) -> ChainOutputs:
        """Moments `(..., T, D)` and all signals, of EMG `(..., N, E)` or excitations `(..., K, M)`,
        lengths `(..., T, M)`, arms `(..., T, M, D)` and parameters `(..., 12, M)`; None: the
        model's. SI units.

        Raises InputError for arrays of other shapes or types, and while JAX is set to 32 bits.
        """
        table = self.parameters if parameters is None else parameters
        inputs = aligned(self.operation, [table, driven, musculotendon_length, moment_arm])
        return ChainOutputs(*self._run(*inputs))


class State(NamedTuple):
    """What a step leaves to the next one: see `refnms.physics.frame.Past`."""

    time: Any
    neural_activation: Any
    fiber_lengths: Any
    guess: Any


class Stepped(NamedTuple):
    """What a step computes, `(..., M)` each but the moments `(..., D)`. SI units."""

    moment: Any
    activation: Any
    fiber_length: Any
    fiber_velocity: Any
    tendon_force: Any
    flags: Any


class Step:
    """One frame after the other: `(state, time, excitation, lengths, arms) -> Stepped, State`."""

    def __init__(self, model: Model, profile: Profile = NATIVE) -> None:
        """Raises InputError for a profile that looks ahead, or whose filter starts anew."""
        self.operation = StepOperation(model, profile)
        self.parameters = model.table()
        self._run = differentiable(self.operation)

    def beginning(self, *batch: int) -> State:
        """The state before a first frame."""
        return State(*map(jnp.asarray, self.operation.beginning(batch)))

    def __call__(
        self,
        state: State,
        time: Any,
        excitation: Any,
        musculotendon_length: Any,
        moment_arm: Any,
        parameters: Any = None,
    ) -> tuple[Stepped, State]:
        """A frame at `time (...)` [s], of excitations and lengths `(..., M)`, arms `(..., M, D)`
        and parameters `(..., 12, M)`; None: the model's. The electromechanical delay is yours.

        Raises InputError for arrays of other shapes or types, and while JAX is set to 32 bits; a
        time that does not follow the state's is an error of the callback.
        """
        table = self.parameters if parameters is None else parameters
        inputs = [table, time, excitation, musculotendon_length, moment_arm, *state]
        found = self._run(*aligned(self.operation, inputs))
        return Stepped(*[*found[:5], found[-1]]), State(*found[5:9])


def aligned(operation: Operation, inputs: Sequence[Any]) -> list[jax.Array]:
    """Arrays of 64 bits that all have as many axes of a batch.

    Raises InputError naming every input that is not of float64, or has another shape.
    """
    if not jax.config.jax_enable_x64:
        raise InputError(
            "JAX computes in 32 bits, which is too few for a fiber equilibrium; begin with "
            'jax.config.update("jax_enable_x64", True)'
        )
    arrays = [jnp.asarray(x) for x in inputs]
    problems = [
        Problem(f"{name} is {x.dtype}, float64 is wanted")
        for name, x in zip(operation.inputs, arrays, strict=True)
        if x.dtype != jnp.float64
    ]
    if problems:
        raise InputError(problems)
    rank = len(batch_of(operation, [x.shape for x in arrays]))
    own = [len(shape) for shape in operation.inputs.values()]
    pairs = zip(arrays, own, strict=True)
    return [x.reshape(*[1] * (rank - x.ndim + n), *x.shape) for x, n in pairs]


def differentiable(operation: Operation) -> Any:
    """An operation as a JAX function of aligned arrays, with its pullback."""

    def forward(*inputs: Any) -> tuple[Any, ...]:
        return tuple(operation.forward(_wide(inputs)))

    def pullback(inputs: Any, outputs: Any, bars: Any) -> tuple[Any, ...]:
        return tuple(operation.pullback(*map(_wide, (inputs, outputs, bars))))

    @jax.custom_vjp
    def run(*inputs: Any) -> tuple[Any, ...]:
        batch = batch_of(operation, [x.shape for x in inputs])
        kinds = [jnp.float64] * (len(operation.outputs) - 1) + [jnp.int64]
        shapes = [(*batch, *own) for own in operation.outputs.values()]
        told = tuple(map(jax.ShapeDtypeStruct, shapes, kinds))
        found = jax.pure_callback(forward, told, *inputs, vmap_method="expand_dims")
        return tuple(found)

    def run_forward(*inputs: Any) -> tuple[Any, Any]:
        outputs = run(*inputs)
        return outputs, (inputs, outputs)

    def run_backward(kept: Any, bars: Any) -> tuple[Any, ...]:
        inputs, outputs = kept
        told = tuple(jax.ShapeDtypeStruct(x.shape, x.dtype) for x in inputs)
        # Each of a batch has cotangents of its own, of what all of them share too.
        found = jax.pure_callback(
            pullback, told, inputs, outputs, tuple(bars[:-1]), vmap_method="broadcast_all"
        )
        return tuple(found)

    run.defvjp(run_forward, run_backward)
    return run


def _wide(arrays: Any) -> list[Any]:
    """NumPy's arrays. JAX runs callbacks later, and may meanwhile have been set to 32 bits."""
    found = [np.asarray(x) for x in arrays]
    if any(x.dtype not in (np.float64, np.int64) for x in found):
        raise InputError("JAX was set to 32 bits before it had computed; wait for the result first")
    return found
