"""Every primitive against the same physics recorded operation by operation on the tape.

`taped` walks through time in Python, calls the formulas of the physics with Vars, finds each fiber
length by bisection and differentiates it by its equation (`implicit`). It shares the formulas with
the engines, and neither their loops, nor their solver, nor one line of their adjoints.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest
from people import PROFILES, bare, person, recording

from refnms import primitives
from refnms.autodiff import Var, implicit, vjp
from refnms.physics import activation as shape
from refnms.physics import muscle
from refnms.physics.curves import knot_slopes
from refnms.physics.types import Array, Flag, Muscles, MuscleSignals, System
from refnms.simulation import chain, join

FRAMES = 15
VALUE = 1e-12  # of a signal's peak
GRADIENT = 1e-9  # of a cotangent's largest element


class Kind(NamedTuple):
    profile: str
    rigid: bool = False
    piecewise: bool = False


KINDS = [
    Kind("native"),
    Kind("native", piecewise=True),
    Kind("native", rigid=True),
    Kind("online"),
    Kind("offline"),
    Kind("offline", rigid=True, piecewise=True),
]


class Taped(NamedTuple):
    neural_activation: Any
    activation: Any
    fiber_length: Any
    fiber_velocity: Any
    tendon_force: Any


def taped(system: System, kind: Kind, table: Any, excitation: Any, lmt: Any) -> Taped:
    muscles = Muscles(*(table[k] for k in range(12)))
    unit = muscle.unit(muscles)
    u = filtered(system, muscles, excitation)
    a = shaped(muscles, u[len(u) - FRAMES :], kind.piecewise)
    if kind.rigid:
        length = np.stack([muscle.rigid_fiber_length(unit, lmt[t]) for t in range(FRAMES)])
    else:
        length = in_equilibrium(system, table, a, lmt)
    v = np.matmul(velocity_operator(system), length)
    force = [muscle.tendon_force(system.curves, unit, a[t], length[t], v[t]) for t in range(FRAMES)]
    return Taped(u, a, length, v, np.stack(force))


def filtered(system: System, muscles: Muscles, excitation: Any) -> Any:
    alpha, beta1, beta2 = shape.filter_gains(muscles.c1, muscles.c2)
    newest = older = system.start.rest * excitation[0]
    u = []
    for t in range(len(excitation)):
        if t == system.start.restart:
            newest = older = 0.5 * (excitation[t - 1] + excitation[t - 2])
        u.append(alpha * excitation[t] - beta1 * newest - beta2 * older)
        newest, older = u[t], newest
    return np.stack(u)


def shaped(muscles: Muscles, u: Any, piecewise: bool) -> Any:
    factor = muscles.shape_factor
    if not piecewise:
        return shape.exponential(u, shape.exponential_shape(factor))
    solve_node = np.vectorize(lambda factor: shape.solve_node(factor, 0.0))
    p = implicit(solve_node, shape.node_mismatch)(factor)
    return shape.piecewise(u, shape.piecewise_node(factor, p))


def in_equilibrium(system: System, table: Any, a: Any, lmt: Any) -> Any:
    length: list[Any] = []
    for t in range(FRAMES):
        weights = system.timeline.solver_weights[t]
        past = sum(weights[k] * length[t - k] for k in range(1, min(len(weights), t + 1)))

        def residual(
            w: Any, table: Any, a: Any, lmt: Any, past: Any, newest: float = weights[0]
        ) -> Any:
            unit = muscle.unit(Muscles(*(table[k] for k in range(12))))
            v = muscle.norm_velocity(unit, newest * fiber_length(table, w) + past)
            projection = muscle.of_projection(unit, w)
            return muscle.equilibrium(system.curves, unit, *projection, a, v, lmt)

        def bisect(*args: Array, residual: Any = residual) -> Array:
            low, high = np.full(args[1].shape, 0.2), np.full(args[1].shape, 2.0)
            for _ in range(60):
                middle = 0.5 * (low + high)
                short = residual(middle, *args) > 0.0
                low, high = np.where(short, middle, low), np.where(short, high, middle)
            return np.asarray(middle)

        w = implicit(bisect, residual)(table, a[t], lmt[t], past + np.zeros(a[t].shape))
        length.append(fiber_length(table, w))
    return np.stack(length)


def fiber_length(table: Any, w: Any) -> Any:
    s = np.sin(table[Muscles._fields.index("pennation_angle_at_optimal")])
    return table[Muscles._fields.index("optimal_fiber_length")] * np.sqrt(w * w + s * s)


def velocity_operator(system: System) -> Array:
    """`(T, T)`: velocity is linear in the fiber lengths of a trial."""
    weights = system.timeline.force_weights
    if weights.shape[1] == 0:
        time = np.concatenate([[0.0], np.cumsum(system.timeline.spline.steps[:-1])])
        return knot_slopes(time[:, None], np.eye(len(time)))
    operator = np.zeros((FRAMES, FRAMES))
    for t in range(FRAMES):
        for k in range(min(weights.shape[1], t + 1)):
            operator[t, t - k] = weights[t, k]
    return operator


@pytest.fixture(scope="module", params=KINDS, ids=str)
def both(request):
    """Values and pullbacks of every signal, by the primitives and by the tape."""
    kind = request.param
    model = person(5, rigid=kind.rigid, piecewise=kind.piecewise)
    joined = join(model, [recording(5, model, FRAMES)], PROFILES[kind.profile])
    joined = replace(joined, held=None)  # a filter of its own: tests/physics/test_held.py
    flags = np.zeros(joined.musculotendon_length.shape, np.int64)
    inputs = (model.table(), joined.excitation(model.table()), joined.musculotendon_length)

    def by_primitives(*inputs: Any) -> Any:
        signals = chain(joined, inputs[0], flags, inputs[1], inputs[2])
        return signals[1:6]

    def by_tape(*inputs: Any) -> Any:
        return taped(joined.system, kind, *inputs)

    found = {}
    for i, name in enumerate(Taped._fields):
        found[name] = [
            vjp(lambda *x, f=f, i=i: f(*x)[i], *inputs) for f in (by_primitives, by_tape)
        ]
    assert not flags.any()  # the tape knows no fall-back
    return found


@pytest.mark.parametrize("name", Taped._fields)
def test_a_signal_is_that_of_the_tape(both, name):
    (fast, _), (plain, _) = both[name]
    peak = np.max(np.abs(plain), axis=0)
    assert peak.min() > 0.0
    assert np.max(np.abs(fast - plain) / peak) < VALUE


@pytest.mark.parametrize("name", Taped._fields)
def test_a_pullback_is_that_of_the_tape(both, name, rng):
    (value, fast), (_, plain) = both[name]
    bar = rng.normal(size=value.shape)
    moved = 0
    for ours, theirs in zip(fast(bar), plain(bar), strict=True):
        rows = zip(np.atleast_2d(ours), np.atleast_2d(theirs), strict=True)
        for row, wanted in rows:  # of the table: one parameter; of a signal: one frame
            scale = np.max(np.abs(wanted))
            assert np.max(np.abs(row - wanted)) <= GRADIENT * scale
            moved += scale > 0.0
    assert moved >= 5


class Runs(NamedTuple):
    """The primitive of two trials, and its arguments."""

    signals: Any
    arguments: tuple[Array, Array, Array]
    flags: Array


def runs(kind: Kind) -> Runs:
    model = person(6, rigid=kind.rigid, piecewise=kind.piecewise)
    trials = [recording(6, model, 9), recording(7, model, 6)]
    joined = join(model, trials, PROFILES[kind.profile])
    flags, table = np.full((15, 3), -1), model.table()
    signals = primitives.muscle_signals(joined.system, flags)
    return Runs(signals, (table, joined.excitation(table), joined.musculotendon_length), flags)


@pytest.fixture(scope="module", params=KINDS, ids=str)
def case(request):
    """The primitive, its signals one below the other, and its arguments, of every kind."""
    signals, arguments, _ = runs(request.param)
    return lambda *args: np.concatenate(signals(*args)), arguments


def test_arrays_in_give_arrays_and_a_var_anywhere_gives_vars():
    f, args, _ = runs(KINDS[0])
    plain = f(*args)
    assert type(plain) is MuscleSignals
    assert [len(signal) for signal in plain] == [len(args[1]), 15, 15, 15, 15]
    for i in range(len(args)):
        seen: list[Any] = []

        def record(x: Any, i: int = i, seen: list[Any] = seen) -> Any:
            seen.append(f(*args[:i], x, *args[i + 1 :]))
            return seen[0].tendon_force

        vjp(record, args[i])
        assert type(seen[0]) is MuscleSignals and all(type(signal) is Var for signal in seen[0])
        for var, signal in zip(seen[0], plain, strict=True):
            np.testing.assert_array_equal(bare(var), signal)


def test_complex_in_gives_complex_whose_real_part_is_the_plain_value(case):
    f, args = case
    stepped = f(*(x * (1.0 + 1e-30j) for x in args))
    assert stepped.dtype == np.complex128 and (stepped.imag != 0.0).any()
    np.testing.assert_allclose(stepped.real, f(*args), rtol=1e-11, atol=1e-12)


def test_arguments_and_cotangents_are_left_as_they_were(case, rng):
    f, args = case
    kept = [x.copy() for x in args]
    value, pullback = vjp(f, *args)
    bar = rng.normal(size=value.shape)
    bar_kept, first = bar.copy(), pullback(bar)
    np.testing.assert_array_equal(bar, bar_kept)
    for x, y in zip(args, kept, strict=True):
        np.testing.assert_array_equal(x, y)
    for x, y in zip(first, pullback(bar), strict=True):
        np.testing.assert_array_equal(x, y)


def test_a_pullback_is_linear_in_the_cotangent(case, rng):
    f, args = case
    value, pullback = vjp(f, *args)
    a, b = rng.normal(size=(2, *value.shape))
    for x, y, z in zip(pullback(a), pullback(b), pullback(2.0 * a - b), strict=True):
        np.testing.assert_allclose(z, 2.0 * x - y, rtol=1e-9, atol=1e-12 * np.max(np.abs(x) + 1e-9))


def test_a_fortran_ordered_cotangent_is_taken(case, rng):
    f, args = case
    value, pullback = vjp(f, *args)
    bar = rng.normal(size=value.shape)
    for x, y in zip(pullback(bar), pullback(np.asfortranarray(bar)), strict=True):
        np.testing.assert_array_equal(x, y)


def test_only_the_arguments_that_are_vars_have_cotangents(case, rng):
    f, args = case
    value, pullback = vjp(f, *args)
    bar = rng.normal(size=value.shape)
    every = pullback(bar)
    for i in range(3):
        alone = vjp(lambda x, i=i: f(*args[:i], x, *args[i + 1 :]), args[i])[1](bar)
        np.testing.assert_array_equal(alone[0], every[i])
        assert every[i].any()


def test_signals_without_a_cotangent_take_no_part(case, rng):
    f, args = case
    value, pullback = vjp(f, *args)
    bar = rng.normal(size=value.shape)
    parts = np.array_split(np.arange(len(bar)), 5)
    found = [pullback(np.where(np.isin(np.arange(len(bar)), p)[:, None], bar, 0.0)) for p in parts]
    for total, pieces in zip(pullback(bar), zip(*found, strict=True), strict=True):
        scale = np.max(np.abs(pieces), axis=0)
        assert (np.abs(np.sum(pieces, axis=0) - total) <= 1e-11 * np.max(scale)).all()


def test_the_flags_of_the_solver_are_written():
    ordinary = runs(KINDS[0])
    table = ordinary.arguments[0].copy()
    ordinary.signals(table, *ordinary.arguments[1:])
    assert not ordinary.flags.any()
    table[Muscles._fields.index("tendon_slack_length"), 1] *= 2.0
    ordinary.signals(table, *ordinary.arguments[1:])
    assert (ordinary.flags[:, 1] & (Flag.FLOOR | Flag.TAUT)).any()
    assert not ordinary.flags[:, [0, 2]].any()


# ---- excitation: the delay is differentiated by the interpolation of the EMG ----

EMG_TIME = np.arange(0.0, 1.0, 0.01)
SAMPLES = np.stack([np.sin(7.0 * EMG_TIME) ** 2, np.cos(5.0 * EMG_TIME) ** 2], axis=1)
TIMES = (np.arange(0.1234, 0.9, 0.05), np.arange(0.3017, 0.8, 0.02))


def delayed(*delay: float) -> Array:
    table = np.zeros((12, 2))
    table[primitives.DELAY] = delay
    return table


EXCITATION = primitives.excitation((EMG_TIME,) * 2, (SAMPLES,) * 2, TIMES)


def test_excitation_is_the_emg_a_delay_ago():
    found = EXCITATION(delayed(0.02, 0.05))
    wanted = [
        np.stack([np.interp(t - d, EMG_TIME, SAMPLES[:, m]) for m, d in enumerate((0.02, 0.05))], 1)
        for t in TIMES
    ]
    np.testing.assert_allclose(found, np.concatenate(wanted), rtol=0.0, atol=1e-15)


@pytest.mark.parametrize("delay", [(0.0201, 0.0543), (0.0, 0.1)])
def test_the_slope_of_the_delay_is_that_of_the_complex_step(delay, rng):
    value, pullback = vjp(EXCITATION, delayed(*delay))
    bar = rng.normal(size=value.shape)
    (found,) = pullback(bar)
    stepped = EXCITATION(delayed(*delay) + 1e-30j).imag / 1e-30
    np.testing.assert_allclose(found[primitives.DELAY], np.sum(bar * stepped, axis=0), rtol=1e-12)
    assert not np.delete(found, primitives.DELAY, axis=0).any()
