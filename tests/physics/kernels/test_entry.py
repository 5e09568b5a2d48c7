"""Whole trials by their addresses, as C calls them; here the plain functions around the kernels."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from streams import PROFILES, person, short

from refnms.jit import HAVE_NUMBA
from refnms.physics import compiled
from refnms.physics.kernels import entry
from refnms.physics.types import MuscleSignals
from refnms.simulation import join
from refnms.stream import packed

pytestmark = pytest.mark.skipif(not HAVE_NUMBA, reason="Numba is not installed")


def plain(kernel):
    return getattr(kernel, "py_func", kernel)


def addresses(*arrays):
    return [array.ctypes.data for array in arrays]


def test_whole_trials_and_their_derivative_are_those_of_the_engine(rng):
    model, trial = person().true, short(person().held_out[0])
    own = packed(model, PROFILES["native"], None, 500.0, 0.1)
    joined = join(model, [trial], PROFILES["native"])
    table, lengths = model.table(), trial.musculotendon_length
    excitation = np.ascontiguousarray(joined.excitation(table))
    t, (m, d) = len(trial.time), trial.moment_arm.shape[1:]
    moments, signals = np.zeros((t, d)), np.zeros((5, t, m))
    flags, memory = np.ones((t, m), np.int64), np.zeros(plain(entry.trial_size)(own.address, t))
    given = addresses(trial.time, excitation, lengths, trial.moment_arm)
    plain(entry.trial_forward)(own.address, t, *given, *addresses(moments, signals, flags, memory))
    want = MuscleSignals(*(np.zeros((t, m)) for _ in range(5)))
    bits = np.full((t, m), -1)
    compiled.forward(joined.system, table, excitation, lengths, want, bits)
    assert np.array_equal(flags, bits)
    assert np.array_equal(signals, want)
    assert np.array_equal(moments, compiled.moments(want.tendon_force, trial.moment_arm))

    bar = rng.normal(size=(t, d))
    at = [*given, *addresses(signals, flags, bar)]
    found = [np.ones(shape) for shape in ((12, m), (t, m), (t, m), (t, m, d))]
    force_bar = np.einsum("td,tmd->tm", bar, trial.moment_arm)
    arm_bar = np.einsum("td,tm->tmd", bar, want.tendon_force)
    for more in (None, rng.normal(size=(5, t, m))):
        signals_bar = 0 if more is None else (used := more.copy()).ctypes.data
        plain(entry.trial_vjp)(own.address, t, *at, signals_bar, *addresses(*found, memory))
        bars = MuscleSignals(None, None, None, None, force_bar)
        if more is not None:
            bars = MuscleSignals(*more[:4], more[4] + force_bar)
        expected = compiled.adjoint(joined.system, table, excitation, lengths, want, flags, bars)
        for ours, theirs in zip(found, (*expected, arm_bar), strict=True):
            assert np.abs(ours - theirs).max() <= 1e-12 * np.abs(theirs).max()
    assert used.shape == more.shape


def test_a_call_has_one_member_for_each_of_the_words_it_reads():
    assert len(entry.CALL) == 10
    assert list(inspect.signature(plain(entry.stream_step)).parameters) == ["call"]
