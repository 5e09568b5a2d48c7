"""A model's chain at given times as a function of arrays: what the bridges hand to frameworks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from refnms.errors import InputError
from refnms.interop.batch import Shape, apart, batch_of, fitted, side_by_side
from refnms.model import Model, Trial
from refnms.physics import excitation as emg
from refnms.physics.engine import pick
from refnms.physics.profiles import NATIVE, Profile
from refnms.physics.types import Array, Integers, Muscles, MuscleSignals
from refnms.simulation import check_emg_covers, join

DELAY = Muscles._fields.index("electromechanical_delay")
PARAMETERS = len(Muscles._fields)


class ChainOutputs(NamedTuple):
    """What a chain computes: rows `(K, M)` of the first two signals, frames `(T, M)` of the others.

    The last T rows are those of the frames; the native profile has no others.
    """

    moment: Any  # (T, D) [N.m]
    excitation: Any
    neural_activation: Any
    activation: Any
    fiber_length: Any  # [m]
    fiber_velocity: Any  # [m/s]
    tendon_force: Any  # [N]
    flags: Any  # `Flag` bits, int64


class ChainOperation:
    """From parameters, EMG or excitations, lengths and moment arms to moments (an `Operation`)."""

    def __init__(
        self,
        model: Model,
        time: Any,
        emg_time: Any = None,
        profile: Profile = NATIVE,
    ) -> None:
        """`time (T,)` of the frames [s]; `emg_time (N,)` of the EMG, None: excitations are given.

        Raises InputError where they do not go together, and for a profile whose preparing pass
        skips rows of the EMG.
        """
        self.model, self.profile = model, profile
        self.emg_time = None if emg_time is None else np.array(emg_time, dtype=float)
        own = model if emg_time is not None else _without_delay(model)
        trial = _empty(own, time, time if emg_time is None else emg_time)
        joined = join(own, [trial], profile)
        if joined.held is not None:
            raise InputError(
                f"{profile.name} skips rows of this EMG, which its preparing pass must know; give "
                "it EMG at the rate of the frames, or take the native or an online profile"
            )
        self.system, self.least_force, self.time = joined.system, joined.least_force, trial.time
        self._trial, self._taken = trial, self._rows(own)
        t, k = len(trial.time), int(self.system.timeline.rows[-1])
        m, d, e = len(model.muscle_names), len(model.dof_names), len(model.emg_names)
        driven: dict[str, Shape] = {"excitation": (k, m)}
        if self.emg_time is not None:
            driven = {"emg": (len(self.emg_time), e)}
        self.inputs: dict[str, Shape] = {
            "parameters": (PARAMETERS, m),
            **driven,
            "musculotendon_length": (t, m),
            "moment_arm": (t, m, d),
        }
        shapes = ((t, d), (k, m), (k, m), (t, m), (t, m), (t, m), (t, m), (t, m))
        self.outputs: dict[str, Shape] = dict(zip(ChainOutputs._fields, shapes, strict=True))

    def _rows(self, model: Model) -> Integers | None:
        """The EMG rows that are taken, where the profile does not interpolate."""
        if self.emg_time is None or self.profile.interpolates_emg:
            return None
        delay = float(model.muscles.electromechanical_delay[0])
        return emg.matching_rows(self.emg_time, self.time, delay)[0]

    def forward(self, inputs: Sequence[Array]) -> list[Any]:
        """See `Operation`. Raises InputError where a delay asks for EMG that was not recorded."""
        batch = batch_of(self, [x.shape for x in inputs])
        table, e, lmt = self._side_by_side(inputs, batch)
        frames = MuscleSignals(
            np.zeros(e.shape), *(np.zeros(lmt.shape) for _ in MuscleSignals._fields[1:])
        )
        flags = np.zeros(lmt.shape, np.int64)
        pick().forward(self.system, table, e, lmt, frames, flags)
        force = np.maximum(apart(frames.tendon_force, batch), self.least_force)
        arm = np.array(np.broadcast_to(inputs[3], (*batch, *self.inputs["moment_arm"])))
        moment = pick().moments(force.reshape(-1, arm.shape[-2]), arm.reshape(-1, *arm.shape[-2:]))
        signals = [apart(signal, batch) for signal in (e.copy(), *frames[:4])]
        shape = (*batch, *self.outputs["moment"])
        return [moment.reshape(shape), *signals, force, apart(flags, batch)]

    def _side_by_side(self, inputs: Sequence[Array], batch: Shape) -> tuple[Array, Array, Array]:
        """The table, excitation rows and lengths of the whole batch."""
        table = side_by_side(inputs[0], batch, 2)
        lmt = side_by_side(inputs[2], batch, 2)
        if self.emg_time is None:
            return table, side_by_side(inputs[1], batch, 2), lmt
        envelopes = inputs[1].reshape(-1, inputs[1].shape[-1])
        mapped = emg.mapped(envelopes, self.model.emg_to_muscle)
        samples = side_by_side(mapped.reshape(*inputs[1].shape[:-1], mapped.shape[1]), batch, 2)
        if self._taken is not None:
            return table, samples[self._taken], lmt
        delays = table[DELAY].reshape(-1, mapped.shape[1])
        for extreme in (delays.min(axis=0), delays.max(axis=0)):
            check_emg_covers(self.model, [self._trial], extreme)
        return table, emg.interpolate(self.emg_time, samples, self.time, table[DELAY]), lmt

    def pullback(
        self, inputs: Sequence[Array], outputs: Sequence[Any], bars: Sequence[Any]
    ) -> list[Array]:
        """See `Operation`."""
        batch = batch_of(self, [x.shape for x in inputs])
        bar = ChainOutputs(*[*bars, None])
        found = ChainOutputs(*outputs)
        arm, force = inputs[3], found.tendon_force
        force_bar = np.zeros(force.shape) if bar.tendon_force is None else bar.tendon_force
        arm_bar = np.zeros((*batch, *self.inputs["moment_arm"]))
        if bar.moment is not None:
            force_bar = force_bar + np.einsum("...td,...tmd->...tm", bar.moment, arm)
            arm_bar = np.einsum("...td,...tm->...tmd", bar.moment, force)
        force_bar = np.where(force > self.least_force, force_bar, 0.0)

        def flat(signal: Any) -> Any:
            return None if signal is None else side_by_side(signal, batch, 2)

        table, e, lmt = self._side_by_side(inputs, batch)
        signals = MuscleSignals(*map(flat, found[2:7]))
        given = MuscleSignals(*map(flat, (*bar[2:6], force_bar)))
        table_bar, e_bar, lmt_bar = pick().adjoint(
            self.system, table, e, lmt, signals, flat(found.flags), given
        )
        if bar.excitation is not None:
            e_bar = e_bar + flat(bar.excitation)
        driven_bar = self._pull_excitation(inputs, table, table_bar, e_bar, batch)
        whole = (apart(table_bar, batch), driven_bar, apart(lmt_bar, batch), arm_bar)
        return [fitted(b, x.shape) for b, x in zip(whole, inputs, strict=True)]

    def _pull_excitation(
        self, inputs: Sequence[Array], table: Array, table_bar: Array, e_bar: Array, batch: Shape
    ) -> Array:
        """The cotangent of EMG or excitation; that of the delay is added to the table's."""
        if self.emg_time is None:
            return np.asarray(apart(e_bar, batch))
        weights, envelopes = self.model.emg_to_muscle, inputs[1]
        if self._taken is None:
            samples_bar = emg.interpolate_vjp(self.emg_time, self.time, table[DELAY], e_bar)
            flat = envelopes.reshape(-1, envelopes.shape[-1])
            mapped = emg.mapped(flat, weights).reshape(*envelopes.shape[:-1], len(weights))
            samples = side_by_side(mapped, batch, 2)
            slope = emg.interpolate_slope(self.emg_time, samples, self.time, table[DELAY])
            table_bar[DELAY] += np.sum(slope * e_bar, axis=0)
        else:
            samples_bar = np.zeros((len(self.emg_time), e_bar.shape[1]))
            samples_bar[self._taken] = e_bar  # no row is taken twice
        envelopes = np.broadcast_to(envelopes, (*batch, *self.inputs["emg"]))
        bar = apart(samples_bar, batch).reshape(-1, len(weights))
        own = emg.mapped_vjp(envelopes.reshape(-1, envelopes.shape[-1]), weights, bar)
        return own.reshape(envelopes.shape)


def _empty(model: Model, time: Any, emg_time: Any) -> Trial:
    """A recording of nothing at these times."""
    t, n = len(time), len(emg_time)
    m, d, e = len(model.muscle_names), len(model.dof_names), len(model.emg_names)
    arms = np.zeros((t, m, d))
    return Trial("of these times", time, np.zeros((t, m)), arms, emg_time, np.zeros((n, e)))


def _without_delay(model: Model) -> Model:
    """Excitations that are given are those of their frames."""
    none = np.zeros(len(model.muscle_names))
    return replace(model, muscles=model.muscles._replace(electromechanical_delay=none))
