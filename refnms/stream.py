"""The model in real time: a sample of EMG and a pose in, moments and muscle states out.

A stream has the numbers of the whole-trajectory run of the same profile, bit for bit on one machine
and version, if it is given the same EMG and frames; the profile's velocities must trail. Where a
live signal is not a recording, these rules hold, and `status` tells what they met:

- A channel of EMG that is not finite keeps its last value (`EMG_HELD`); before any it is 0.
- EMG that has not arrived, later than a frame less the electromechanical delay, is the newest
  sample (`EMG_AHEAD`). What was dropped, because EMG came faster than `emg_rate`, or before the
  first sample, is the oldest (`EMG_LOST`, if any was dropped).
- A frame with a length, arm or angle that is not finite never was (`SKIPPED`): the moments stay,
  and the next velocity spans the longer step. So it is with a frame not later than the last
  (`LATE`), and before any EMG (`NO_EMG`).
- After a gap longer than `longest_gap` the muscles begin anew (`RESTARTED`): in static equilibrium,
  the filter at rest. After a shorter one they go on, with the step that it was.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from refnms.display import count
from refnms.errors import InputError
from refnms.geometry import Geometry
from refnms.model import Model, PiecewiseActivation, RigidTendon
from refnms.physics.engine import only_as_called, quiet
from refnms.physics.kernels import entry, stream
from refnms.physics.kernels.partials import FIRST_PAST, SIGNALS
from refnms.physics.kernels.struct import stream_at, window
from refnms.physics.packed import Packed, pack
from refnms.physics.profiles import NATIVE, Profile
from refnms.physics.types import Array, Integers, Muscles

_begin, _step_with = quiet(entry.stream_begin), quiet(entry.step_with)
_partials = quiet(entry.stream_partials)

# Inputs for `step_with` where its call tells of others; by themselves, of the shapes of no model.
NONE = np.zeros(0), np.zeros(0), np.zeros((0, 0))


class Status(enum.IntFlag):
    """What a step met; 0 is an ordinary one."""

    EMG_HELD = stream.EMG_HELD
    EMG_AHEAD = stream.EMG_AHEAD
    EMG_LOST = stream.EMG_LOST
    SKIPPED = stream.SKIPPED
    LATE = stream.LATE
    RESTARTED = stream.RESTARTED
    NO_EMG = stream.NO_EMG


class Stepper:
    """A stream of one participant, or side by side of several with equal sizes.

    Everything it returns is a view of its own memory, with the newest numbers: copy what is to be
    kept. For several participants all arrays have one more axis in front. A step allocates nothing.
    """

    moment: Array  # (D,) [N.m]
    excitation: Array  # (M,), as the others
    neural_activation: Array
    activation: Array
    fiber_length: Array  # [m]
    fiber_velocity: Array  # [m/s]
    tendon_force: Array  # [N]
    flags: Integers  # `Flag` bits of the solver
    status: Integers  # () `Status` bits of the last call

    def __init__(
        self,
        model: Model | Sequence[Model],
        profile: Profile = NATIVE,
        geometry: Geometry | None = None,
        emg_rate: float = 2000.0,
        longest_gap: float = 0.1,
    ) -> None:
        """`emg_rate` [Hz]: no EMG comes faster; `longest_gap` [s] between frames.

        Raises InputError for a profile that looks ahead, for participants that differ in size, and
        for a geometry that lacks a muscle or degree of freedom.
        """
        models = [model] if isinstance(model, Model) else list(model)
        check_streamable(profile)
        _check(models)
        self._single = isinstance(model, Model)
        self._packed = [packed(one, profile, geometry, emg_rate, longest_gap) for one in models]
        size = entry.stream_size(self._packed[0].address)
        self._state = np.zeros((len(models), size))
        self._make_buffers(models[0])
        self._make_views(len(models[0].muscle_names))
        self.reset()

    def __repr__(self) -> str:
        muscles = count(self.excitation.shape[-1], "muscle")
        return f"<Stepper of {count(len(self._packed), 'participant')}, {muscles}>"

    def _make_buffers(self, model: Model) -> None:
        people = len(self._packed)
        e, m, d = (len(n) for n in (model.emg_names, model.muscle_names, model.dof_names))
        buffers: dict[str, Any] = {
            "models": np.array([one.address for one in self._packed]),
            "states": self._state.ctypes.data + self._state.strides[0] * np.arange(people),
            "emg": np.zeros((people, e)),
            "lengths": np.zeros((people, m)),
            "arms": np.zeros((people, m, d)),
            "angles": np.zeros((people, d)),
            "moments": np.zeros((people, d)),
            "statuses": np.zeros(people, np.int64),
        }
        self._buffers = buffers
        self._emg, self._length, self._arm, self._angle, self.moment, self.status = (
            self._cut(array) for array in list(buffers.values())[2:]
        )
        self._time = np.zeros(1)
        self._push = _Call(buffers, "emg")
        self._poses = _Call(buffers, "lengths", "arms")
        self._both = _Call(buffers, "emg", "lengths", "arms")
        self._given = _Call(buffers)
        self._angles = _Call(buffers, "angles")
        self._emg_and_angles = _Call(buffers, "emg", "angles")
        _step_with(self._given.address, 0.0, *NONE)  # it compiles, and does nothing
        self._read_in_place = only_as_called(_step_with) and self._single

    def _cut(self, array: Any) -> Any:
        """A view without the axis of participants, where there is one alone."""
        return array[0, ...] if self._single else array

    def _make_views(self, muscles: int) -> None:
        """The newest signals, where they stand in the state."""
        words, base = self._packed[0].words, int(self._state.ctypes.data)
        layout = stream_at(words, base)

        def newest(array: Any, state: Any) -> Any:
            begin = (array[-1].ctypes.data - base) // 8
            return self._cut(state[:, begin : begin + muscles])

        self.excitation = newest(layout.excitation, self._state)
        for name, array in layout.signals._asdict().items():
            setattr(self, name, newest(array, self._state))
        self.flags = newest(layout.flags, self._state.view(np.int64))

    def reset(self) -> None:
        """Forget everything: the next frame is the first."""
        for one, state in zip(self._packed, self._state, strict=True):
            _begin(one.address, state.ctypes.data)
        self.moment[...] = 0.0
        self.status[...] = 0

    def push(self, time: float, emg: Any) -> None:
        """Take EMG `(E,)` of a time [s] without a frame: before the first, or between two."""
        self._emg[...] = emg
        self._push(time)

    def step(self, time: float, emg: Any, musculotendon_length: Any, moment_arm: Any) -> Array:
        """Moments `(D,)` [N.m] at a time [s], of EMG `(E,)` of the same time, or None: no sample;
        lengths `(M,)` [m] and moment arms `(M, D)` [m].

        Contiguous arrays of float64 are read where they lie. Raises ValueError for other shapes.
        """
        if self._read_in_place and emg is not None:
            try:
                if _step_with(self._given.address, time, emg, musculotendon_length, moment_arm):
                    return self.moment
            except TypeError:  # another kind of array, as those to come will be
                self._read_in_place = False
        self._length[...] = musculotendon_length
        self._arm[...] = moment_arm
        if emg is None:
            self._poses(time)
        else:
            self._emg[...] = emg
            self._both(time)
        return self.moment

    def step_angles(self, time: float, emg: Any, angle: Any) -> Array:
        """The same at joint angles `(D,)` [rad], through the geometry."""
        if not self._packed[0].arrays["bases"].size:
            raise InputError("joint angles need a geometry; give the stepper one, or call step")
        self._angle[...] = angle
        if emg is None:
            self._angles(time)
        else:
            self._emg[...] = emg
            self._emg_and_angles(time)
        return self.moment

    def save(self) -> Array:
        """A copy of all that the next steps depend on besides the model."""
        return self._state.copy()

    def restore(self, saved: Array) -> None:
        """Go on from a saved state, of the same model and version of refnms."""
        if saved.shape != self._state.shape:
            raise InputError(f"a state of shape {saved.shape}, expected {self._state.shape}")
        self._state[...] = saved

    @property
    def partial_inputs(self) -> tuple[str, ...]:
        """What `partials` are by, in their order; fiber lengths: of one frame ago, and before."""
        past = [f"fiber_length_{k + 1}" for k in range(self._past())]
        return (*INPUTS, *Muscles._fields, *past)

    def partials(self) -> Array:
        """Derivatives `(5, I, M)` of the last frame: of neural activation, activation, fiber
        length, fiber velocity and tendon force of each muscle, by its own `partial_inputs`.

        Earlier values are held, so a chain over steps multiplies them itself. Of a moment they are
        sums over muscles of moment arm times those of the force.
        """
        muscles = self._buffers["lengths"].shape[1]
        found = np.zeros((len(self._packed), SIGNALS, FIRST_PAST + self._past(), muscles))
        for one, state, own in zip(self._packed, self._state, found, strict=True):
            _partials(one.address, state.ctypes.data, own.ctypes.data)
        cut: Array = self._cut(found)
        return cut

    def _past(self) -> int:
        return window(self._packed[0].words) - 1


#: What the first partials are by; the neural activations are those of one and two rows ago.
INPUTS = ("excitation", "musculotendon_length", "neural_activation_1", "neural_activation_2")


class _Call:
    """A call of the step kernel with some of the buffers; all of it is made beforehand."""

    def __init__(self, buffers: dict[str, Any], *inputs: str) -> None:
        self._words = np.zeros(len(entry.CALL), np.int64)
        for name in ("models", "states", *inputs, "moments", "statuses"):
            self._words[entry.CALL.index(name)] = buffers[name].ctypes.data
        self._words[entry.CALL.index("count")] = len(buffers["models"])
        self.numbers = self._words.view(np.float64)  # of them the time, for `stream_step`
        self.address = int(self._words.ctypes.data)

    def __call__(self, time: float) -> None:
        _step_with(self.address, time, *NONE)


def packed(
    model: Model,
    profile: Profile,
    geometry: Geometry | None,
    emg_rate: float,
    longest_gap: float,
) -> Packed:
    """A model as plain memory. Raises InputError where its geometry lacks a muscle or joint."""
    longest = float(model.muscles.electromechanical_delay.max())
    return pack(
        model.table(),
        model.emg_to_muscle,
        len(model.dof_names),
        model.curves,
        profile,
        rigid=isinstance(model.tendon, RigidTendon),
        piecewise=isinstance(model.activation, PiecewiseActivation),
        emg_samples=math.ceil(max(longest, 0.0) * emg_rate) + 4,
        longest_gap=longest_gap,
        paths=None if geometry is None else geometry.of(model.muscle_names, model.dof_names),
    )


def check_streamable(profile: Profile) -> None:
    """Raise InputError for a profile that cannot be followed frame by frame."""
    if profile.force_points is None or profile.prepares_by_row:
        raise InputError(f"{profile.name} takes velocities from the whole trial: not in real time")
    if profile.least_force > -math.inf:
        raise InputError(
            f"{profile.name} holds forces above {profile.least_force:g} N: no stream does"
        )


def _check(models: list[Model]) -> None:
    if not models:
        raise InputError("no participant given")
    for one in models[1:]:
        for name in ("muscle_names", "dof_names", "emg_names"):
            if getattr(one, name) != getattr(models[0], name):
                raise InputError(f"participants stepped together must have the same {name}")
