"""One frame of a model as a function of its state: what the bridges hand to frameworks.

A `Stepper` has its state for itself. Here it comes in and goes out as arrays, so a framework can
differentiate by it and keep as many as it likes; the numbers are the same, to the bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from refnms.errors import InputError
from refnms.interop.batch import Shape, apart, batch_of, fitted, side_by_side
from refnms.interop.chain import PARAMETERS, ChainOperation
from refnms.model import Model
from refnms.physics.engine import pick
from refnms.physics.frame import GUESS, FrameBars, Past, beginning, frame_forward, frame_vjp
from refnms.physics.profiles import NATIVE, Profile
from refnms.physics.types import Array, Integers
from refnms.stream import check_streamable


class StepOutputs(NamedTuple):
    """What a step computes, and the state that it leaves."""

    moment: Any  # (D,) [N.m]
    activation: Any  # (M,), as the next three
    fiber_length: Any  # [m]
    fiber_velocity: Any  # [m/s]
    tendon_force: Any  # [N]
    time: Any  # the state: see `Past`
    neural_activation: Any
    fiber_lengths: Any
    guess: Any
    flags: Any  # (M,) `Flag` bits, int64


class StepOperation:
    """From parameters, time, excitations, lengths, arms and a state to moments and the next state
    (an `Operation`). Derivatives by times and by the solver's guess are zero.
    """

    def __init__(self, model: Model, profile: Profile = NATIVE) -> None:
        """Raises InputError for a profile that looks ahead, or whose filter starts anew."""
        check_streamable(profile)
        if profile.start.restart >= 0:
            raise InputError(
                f"the filter of {profile.name} starts anew at its third row, which no state tells; "
                "take the native profile, or refnms.Stepper"
            )
        self.model = model
        self.system = ChainOperation(model, (0.0, 1.0), profile=profile).system
        self.points = max(profile.solver_points, profile.force_points or 0)
        m, d = len(model.muscle_names), len(model.dof_names)
        state: dict[str, Shape] = {
            "past_time": (self.points,),
            "neural_activation": (2, m),
            "fiber_lengths": (self.points, m),
            "guess": (len(GUESS), m),
        }
        self.inputs: dict[str, Shape] = {
            "parameters": (PARAMETERS, m),
            "time": (),
            "excitation": (m,),
            "musculotendon_length": (m,),
            "moment_arm": (m, d),
            **state,
        }
        shapes = ((d,), (m,), (m,), (m,), (m,), *state.values(), (m,))
        self.outputs: dict[str, Shape] = dict(zip(StepOutputs._fields, shapes, strict=True))

    def beginning(self, batch: Shape = ()) -> list[Array]:
        """The state before a first frame."""
        one = beginning(self.points, len(self.model.muscle_names))
        return [np.broadcast_to(part, (*batch, *part.shape)).copy() for part in one]

    def forward(self, inputs: Sequence[Array]) -> list[Any]:
        """See `Operation`. Raises InputError for a time not after that of the last frame."""
        batch = batch_of(self, [x.shape for x in inputs])
        kinds = [float] * (len(self.outputs) - 1) + [np.int64]
        sizes = [(prod(batch), *own) for own in self.outputs.values()]
        found = [np.zeros(size, kind) for size, kind in zip(sizes, kinds, strict=True)]
        for at, parts in self._together(inputs, batch):
            front, (table, time, e, lmt, past) = (len(at),), _frame(parts)
            if not time > past.time[0]:
                raise InputError(f"a frame at {time:g} s does not follow one at {past.time[0]:g} s")
            signals, flags, following = frame_forward(self.system, table, time, past, e, lmt)
            own = [apart(signal, front) for signal in signals[1:]]
            state = [following.time, *(apart(part, front) for part in following[1:])]
            values = [pick().moments(own[-1], parts[4]), *own, *state, apart(flags, front)]
            for whole, value in zip(found, values, strict=True):
                whole[at] = value
        return [f.reshape((*batch, *f.shape[1:])) for f in found]

    def pullback(
        self, inputs: Sequence[Array], outputs: Sequence[Any], bars: Sequence[Any]
    ) -> list[Array]:
        """See `Operation`."""
        batch = batch_of(self, [x.shape for x in inputs])
        count, shapes = prod(batch), list(self.outputs.values())
        given = [
            np.zeros((count, *own)) if bar is None else bar.reshape(count, *own)
            for bar, own in zip(bars, shapes, strict=False)
        ]
        found = [y.reshape(count, *own) for y, own in zip(outputs, shapes, strict=True)]
        whole = [np.zeros((count, *own)) for own in self.inputs.values()]
        for at, parts in self._together(inputs, batch):
            bar = StepOutputs(*[*(b[at] for b in given), None])
            pulled = self._pull(parts, StepOutputs(*(y[at] for y in found)), bar)
            for own, value in zip(whole, pulled, strict=False):
                own[at] = value
        shaped = [bar.reshape((*batch, *bar.shape[1:])) for bar in whole]
        return [fitted(bar, x.shape) for bar, x in zip(shaped, inputs, strict=True)]

    def _pull(self, parts: list[Array], found: StepOutputs, bar: StepOutputs) -> list[Any]:
        """Cotangents of the inputs of a group, but of the guess; those of its times are zero."""
        front, (table, time, e, lmt, past) = parts[0].shape[:1], _frame(parts)
        force_bar = bar.tendon_force + np.einsum("nd,nmd->nm", bar.moment, parts[4])
        signals = (found.neural_activation[:, 0], *found[1:5])
        signals_bar = (np.zeros(force_bar.shape), *bar[1:4], force_bar)
        pulled = frame_vjp(
            self.system,
            table,
            time,
            past,
            e,
            lmt,
            np.array([side_by_side(signal, front, 1) for signal in signals]),
            found.flags.reshape(-1),
            np.array([side_by_side(signal, front, 1) for signal in signals_bar]),
            side_by_side(bar.neural_activation, front, 2),
            side_by_side(bar.fiber_lengths, front, 2),
        )
        own = FrameBars(*(apart(part, front) for part in pulled))
        arm_bar = np.einsum("nd,nm->nmd", bar.moment, found.tendon_force)
        of_inputs = [own.parameters, 0.0, own.excitation, own.musculotendon_length, arm_bar]
        return [*of_inputs, 0.0, own.neural_activation, own.fiber_length]

    def _together(
        self, inputs: Sequence[Array], batch: Shape
    ) -> Iterator[tuple[Integers, list[Array]]]:
        """Those of a batch that share all times: their numbers, and their inputs."""
        flat = [
            np.broadcast_to(x, (*batch, *own)).reshape(prod(batch), *own)
            for x, own in zip(inputs, self.inputs.values(), strict=True)
        ]
        stamps = np.column_stack([flat[1], flat[5]])  # (B, 1 + K)
        _, group = np.unique(stamps, axis=0, return_inverse=True)
        for g in range(group.max(initial=-1) + 1):
            at = np.flatnonzero(group.reshape(-1) == g)
            yield at, [x[at] for x in flat]


def _frame(parts: list[Array]) -> tuple[Array, float, Array, Array, Past]:
    """Table, time, excitations, lengths and past of a group, its muscles side by side."""
    front = parts[0].shape[:1]
    table, neural, lengths, guess = (side_by_side(parts[i], front, 2) for i in (0, 6, 7, 8))
    e, lmt = (side_by_side(parts[i], front, 1) for i in (2, 3))
    return table, float(parts[1][0]), e, lmt, Past(parts[5][0], neural, lengths, guess)
