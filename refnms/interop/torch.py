"""The model in PyTorch: its chain, and one step of it, as custom operators with first derivatives.

Tensors are of float64 and on the CPU. Axes in front are a batch, and broadcast. `torch.compile` and
`torch.vmap` see operators like any other; a second derivative is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from refnms.errors import InputError, Problem
from refnms.interop.batch import Operation, batch_of
from refnms.interop.chain import ChainOperation, ChainOutputs
from refnms.interop.step import StepOperation
from refnms.model import Model
from refnms.physics.profiles import NATIVE, Profile

try:
    import torch
    from torch import Tensor
except ImportError as error:
    raise InputError('PyTorch is not installed; pip install "refnms[torch]"') from error

_numbers = count()
_operations: WeakValueDictionary[int, Operation] = WeakValueDictionary()


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
        self.parameters = torch.from_numpy(model.table())
        self._number = _registered(self.operation)

    def __call__(
        self,
        driven: Tensor,
        musculotendon_length: Tensor,
        moment_arm: Tensor,
        parameters: Tensor | None = None,
    ) -> ChainOutputs:
        """Moments `(..., T, D)` and all signals, of EMG `(..., N, E)` or excitations `(..., K, M)`,
        lengths `(..., T, M)`, arms `(..., T, M, D)` and parameters `(..., 12, M)`; None: the
        model's. SI units.

        Raises InputError for tensors of other shapes, types or devices, and for a delay beyond the
        EMG.
        """
        table = self.parameters if parameters is None else parameters
        inputs = [table, driven, musculotendon_length, moment_arm]
        return ChainOutputs(*_run(self.operation, self._number, inputs))


class State(NamedTuple):
    """What a step leaves to the next one: see `refnms.physics.frame.Past`."""

    time: Tensor
    neural_activation: Tensor
    fiber_lengths: Tensor
    guess: Tensor


class Stepped(NamedTuple):
    """What a step computes, `(..., M)` each but the moments `(..., D)`. SI units."""

    moment: Tensor
    activation: Tensor
    fiber_length: Tensor
    fiber_velocity: Tensor
    tendon_force: Tensor
    flags: Tensor


class Step:
    """One frame after the other: `(state, time, excitation, lengths, arms) -> Stepped, State`."""

    def __init__(self, model: Model, profile: Profile = NATIVE) -> None:
        """Raises InputError for a profile that looks ahead, or whose filter starts anew."""
        self.operation = StepOperation(model, profile)
        self.parameters = torch.from_numpy(model.table())
        self._number = _registered(self.operation)

    def beginning(self, *batch: int) -> State:
        """The state before a first frame."""
        return State(*map(torch.from_numpy, self.operation.beginning(batch)))

    def __call__(
        self,
        state: State,
        time: Tensor,
        excitation: Tensor,
        musculotendon_length: Tensor,
        moment_arm: Tensor,
        parameters: Tensor | None = None,
    ) -> tuple[Stepped, State]:
        """A frame at `time (...)` [s], of excitations and lengths `(..., M)`, arms `(..., M, D)`
        and parameters `(..., 12, M)`; None: the model's. The electromechanical delay is yours.

        Raises InputError for tensors of other shapes, types or devices, and for a time that does
        not follow the state's.
        """
        table = self.parameters if parameters is None else parameters
        inputs = [table, time, excitation, musculotendon_length, moment_arm, *state]
        found = _run(self.operation, self._number, inputs)
        return Stepped(*[*found[:5], found[-1]]), State(*found[5:9])


def _registered(operation: Operation) -> int:
    """The number by which the operators know an operation, as long as it lives."""
    number = next(_numbers)
    _operations[number] = operation
    return number


def _run(operation: Operation, number: int, inputs: list[Tensor]) -> list[Tensor]:
    problems = [
        Problem(
            f"{name} is {x.dtype} on {x.device}; float64 on the CPU is wanted: x.double().cpu()"
        )
        for name, x in zip(operation.inputs, inputs, strict=True)
        if x.dtype != torch.float64 or x.device.type != "cpu"
    ]
    if problems:
        raise InputError(problems)
    batch_of(operation, [x.shape for x in inputs], torch.broadcast_shapes)
    own = [len(shape) for shape in operation.inputs.values()]
    rank = max(x.ndim - n for x, n in zip(inputs, own, strict=True))
    aligned = [x[(None,) * (rank - x.ndim + n)] for x, n in zip(inputs, own, strict=True)]
    found: list[Tensor] = torch.ops.refnms.run(number, aligned)
    return found


# ---- the operators ----


@torch.library.custom_op(
    "refnms::run", mutates_args=(), schema="(int operation, Tensor[] inputs) -> Tensor[]"
)
def run(operation: int, inputs: Sequence[Tensor]) -> list[Tensor]:
    """The outputs of an operation."""
    found = _operations[operation].forward([x.numpy() for x in inputs])
    return [torch.from_numpy(x) for x in found]


@torch.library.custom_op(
    "refnms::pull",
    mutates_args=(),
    schema="(int operation, Tensor[] inputs, Tensor[] outputs, Tensor[] bars) -> Tensor[]",
)
def pull(
    operation: int, inputs: Sequence[Tensor], outputs: Sequence[Tensor], bars: Sequence[Tensor]
) -> list[Tensor]:
    """Cotangents of the inputs from those of the outputs but the last."""
    own = ([x.numpy() for x in group] for group in (inputs, outputs, bars))
    return [torch.from_numpy(x) for x in _operations[operation].pullback(*own)]


@run.register_fake
def _(operation: int, inputs: Sequence[Tensor]) -> list[Tensor]:
    own = _operations[operation]
    batch = batch_of(own, [x.shape for x in inputs], torch.broadcast_shapes)
    found = [inputs[0].new_empty((*batch, *shape)) for shape in own.outputs.values()]
    return [*found[:-1], found[-1].to(torch.int64)]


@pull.register_fake
def _(
    operation: int, inputs: Sequence[Tensor], outputs: Sequence[Tensor], bars: Sequence[Tensor]
) -> list[Tensor]:
    return [torch.empty_like(x, memory_format=torch.contiguous_format) for x in inputs]


def _keep(ctx: Any, inputs: Any, output: Sequence[Tensor]) -> None:
    ctx.operation, own = inputs
    ctx.count, ctx.owner = len(own), _operations[ctx.operation]  # which lives as long as the graph
    ctx.save_for_backward(*own, *output)


def _backward(ctx: Any, bars: Sequence[Tensor | None]) -> tuple[None, list[Tensor]]:
    inputs, outputs = ctx.saved_tensors[: ctx.count], ctx.saved_tensors[ctx.count :]
    given = [
        torch.zeros_like(y) if bar is None else bar
        for bar, y in zip(bars[:-1], outputs[:-1], strict=True)
    ]
    return None, torch.ops.refnms.pull(ctx.operation, list(inputs), list(outputs), given)


run.register_autograd(_backward, setup_context=_keep)


def _in_front(tensors: Sequence[Tensor], dims: Sequence[int | None], size: int) -> list[Tensor]:
    """Tensors with the axis of a vmap as their first; those without it get one so long."""
    pairs = zip(tensors, dims, strict=True)
    return [x.expand(size, *x.shape) if d is None else x.movedim(d, 0) for x, d in pairs]


@run.register_vmap
def _(info: Any, in_dims: Any, operation: int, inputs: Sequence[Tensor]) -> Any:
    found = torch.ops.refnms.run(operation, _in_front(inputs, in_dims[1], 1))
    return found, [0] * len(found)


@pull.register_vmap
def _(info: Any, in_dims: Any, operation: int, *groups: Sequence[Tensor]) -> Any:
    pairs = zip(groups, in_dims[1:], strict=True)
    own = [_in_front(group, dims, info.batch_size) for group, dims in pairs]
    found = torch.ops.refnms.pull(operation, *own)
    return found, [0] * len(found)
