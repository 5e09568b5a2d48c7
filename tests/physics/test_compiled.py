"""The compiled engine as a whole; its kernels one by one are in `kernels`."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from oracles import (
    check_derivatives_agree,
    check_equilibria,
    check_forward,
    check_inner_product,
)
from strategies import (
    CURVES,
    DELAY,
    EVERY_PROFILE,
    FIELDS,
    KINDS,
    SMOOTH,
    Case,
    draw_bars,
    draw_case,
    run,
    seeds,
    slopes_of,
)

from refnms.jit import HAVE_NUMBA
from refnms.physics import compiled, reference
from refnms.physics.kernels import row
from refnms.physics.types import Array, MuscleSignals

pytestmark = pytest.mark.skipif(not HAVE_NUMBA, reason="Numba is not installed")

WIDE = 2 * row.LANES + 3

each_profile = pytest.mark.parametrize("profile", EVERY_PROFILE)
each_kind = pytest.mark.parametrize("kind", KINDS)


# ---- against the reference ----


@each_profile
@each_kind
@settings(max_examples=3)
@given(seeds)
def test_the_signals_are_those_of_the_reference(profile, kind, seed):
    case = draw_case(seed, EVERY_PROFILE[profile], 7, **KINDS[kind])
    parted = check_forward(case, run(compiled, case), run(reference, case))
    assert kind in ("corners", "piecewise") or not parted.any()


@each_profile
@pytest.mark.parametrize("curves", [CURVES, SMOOTH], ids=["ceinms", "smooth"])
@settings(max_examples=20)
@given(seeds)
@example(8)
@example(92)
def test_every_length_that_carries_no_flag_is_in_equilibrium(profile, curves, seed):
    """Of a fiber that does not point backwards: such a root is none."""
    case = draw_case(seed, EVERY_PROFILE[profile], 32, corners=True, curves=curves)
    check_equilibria(case, run(compiled, case))


@each_profile
@each_kind
@settings(max_examples=3)
@given(seeds)
def test_the_tangents_and_cotangents_are_those_of_the_reference(profile, kind, seed):
    case = draw_case(seed, EVERY_PROFILE[profile], 7, **KINDS[kind])
    check_derivatives_agree(compiled, reference, case, np.random.default_rng(seed))


@each_profile
@each_kind
@settings(max_examples=5)
@given(seeds)
def test_tangents_and_adjoint_give_the_same_inner_product(profile, kind, seed):
    case = draw_case(seed, EVERY_PROFILE[profile], 7, **KINDS[kind])
    check_inner_product(compiled, case, np.random.default_rng(seed))


# ---- bits ----


def everything(case: Case) -> list[Array]:
    """All that the engine computes of a case, muscles along the last axis."""
    signals, flags = run(compiled, case)
    bars = MuscleSignals(*(np.cos(1e3 * signal) for signal in signals))
    by_delay = np.cos(1e3 * case.excitation)
    slopes = slopes_of(compiled, case, signals, flags, by_delay=by_delay)
    pulled = compiled.adjoint(*case, signals, flags, bars)
    return [*signals, flags, *pulled, *slopes[1:]]


def check_same(ours: list[Array], theirs: list[Array]) -> None:
    for x, y in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(x, y)
        assert not np.isnan(x).any()


@each_profile
@each_kind
@settings(max_examples=3)
@given(seeds, st.integers(1, WIDE))
def test_the_bits_of_a_muscle_do_not_depend_on_those_beside_it(profile, kind, seed, count):
    case = draw_case(seed, EVERY_PROFILE[profile], WIDE, **KINDS[kind])
    lanes = np.random.default_rng(seed).permutation(WIDE)[:count]
    check_same(everything(case.of(lanes)), [x[..., lanes] for x in everything(case)])


@each_profile
def test_the_bits_do_not_depend_on_the_number_of_threads(profile, threads):
    case, found = draw_case(1, EVERY_PROFILE[profile], WIDE, corners=True), []
    for number in (1, 2, 5):
        threads(number)
        found.append(everything(case))
    check_same(found[1], found[0])
    check_same(found[2], found[0])


@each_profile
@pytest.mark.parametrize("frames", [1, 7, 16])
def test_the_bits_do_not_depend_on_how_many_frames_come_at_a_time(
    profile, frames, monkeypatch, threads
):
    """Fewer than a velocity has earlier lengths, too."""
    case = draw_case(2, EVERY_PROFILE[profile], WIDE, corners=True)
    threads(1)
    whole = everything(case)
    for name, value in (("TOGETHER", 0), ("DERIVED", 0), ("FEWEST", frames)):
        monkeypatch.setattr(compiled, name, value)
    check_same(everything(case), whole)


@given(st.integers(1, 200))
def test_the_blocks_of_a_trial_hold_every_muscle_once_and_are_about_equally_wide(muscles):
    groups = compiled.groups(muscles)
    assert [m for first, count in groups for m in range(first, first + count)] == [*range(muscles)]
    widths = [count for _, count in groups]
    assert max(widths) <= row.LANES
    assert len(groups) == -(-muscles // row.LANES) or max(widths) > row.LANES - 4
    assert all(width % compiled.LANES_APART == 0 for width in widths[:-1])
    assert max(widths) - min(widths) <= compiled.LANES_APART


@given(st.integers(1, 200))
def test_filled_blocks_end_with_whole_vectors_and_hold_every_muscle(muscles):
    blocks = compiled.blocks_of(3, muscles, fill=True)
    held = [range(m, m + n) for trial, m, n, _ in blocks if trial == 3]
    own = [m for lanes, (*_, shared) in zip(held, blocks, strict=True) for m in lanes[shared:]]
    assert own == [*range(muscles)]
    assert sum(map(len, held)) < muscles + compiled.LANES_APART
    assert max(map(len, held)) <= row.LANES
    assert len(held) == 1 or all(len(lanes) % compiled.LANES_APART == 0 for lanes in held)


# ---- what is given and what is asked for ----


def test_what_is_given_is_left_as_it_was(rng):
    for profile in EVERY_PROFILE.values():
        case = draw_case(11, profile, corners=True)
        signals, flags = run(compiled, case)
        bars, by_delay = draw_bars(rng, signals), np.cos(case.excitation)
        arrays = [*case[1:], *signals, flags, *bars, by_delay]
        kept = [x.copy() for x in arrays]
        compiled.adjoint(*case, signals, flags, bars)
        slopes_of(compiled, case, signals, flags, by_delay=by_delay)
        for x, y in zip(arrays, kept, strict=True):
            np.testing.assert_array_equal(x, y)


def test_cotangents_in_another_layout_are_taken_and_compile_nothing_anew(rng):
    case = draw_case(11, EVERY_PROFILE["native"])
    signals, flags = run(compiled, case)
    bars = draw_bars(rng, signals)
    wanted = compiled.adjoint(*case, signals, flags, bars)
    known = len(getattr(compiled.adjoint_kernel, "signatures", ()))
    other = MuscleSignals(*map(np.asfortranarray, bars))
    check_same(compiled.adjoint(*case, signals, flags, other), wanted)
    for bar in bars:
        bar.setflags(write=False)
    check_same(compiled.adjoint(*case, signals, flags, bars), wanted)
    assert len(getattr(compiled.adjoint_kernel, "signatures", ())) == known


@each_profile
def test_cotangents_that_are_not_given_are_zero(profile, rng):
    case = draw_case(12, EVERY_PROFILE[profile], corners=True)
    signals, flags = run(compiled, case)
    every = draw_bars(rng, signals)
    for given_ in ((), *((name,) for name in signals._fields), signals._fields[1:4]):
        none = {name: None for name in signals._fields if name not in given_}
        zero = {name: np.zeros_like(bar) for name, bar in every._asdict().items() if name in none}
        found, wanted = (
            compiled.adjoint(*case, signals, flags, every._replace(**bars)) for bars in (none, zero)
        )
        for x, y in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(x, y)
        assert found[0].any() == bool(given_)


@each_profile
def test_inputs_have_cotangents_where_these_are_wanted(profile, rng):
    case = draw_case(12, EVERY_PROFILE[profile], corners=True)
    signals, flags = run(compiled, case)
    bars = draw_bars(rng, signals)
    table, *inputs = compiled.adjoint(*case, signals, flags, bars)
    for wanted in ((True, False), (False, True), (False, False)):
        found = compiled.adjoint(*case, signals, flags, bars, wanted)
        np.testing.assert_array_equal(found[0], table)
        for bar, asked, full in zip(found[1:], wanted, inputs, strict=True):
            assert np.array_equal(bar, full) if asked else bar is None


@each_profile
def test_the_fields_asked_for_come_in_their_order(profile):
    case = draw_case(12, EVERY_PROFILE[profile], corners=True)
    signals, flags = run(compiled, case)
    by_delay = np.cos(case.excitation)
    every = slopes_of(compiled, case, signals, flags, by_delay=by_delay)
    some = np.array([7, 0, DELAY])
    fixed = np.delete(FIELDS, DELAY)
    for fields, delay in ((some, by_delay), (fixed, None)):
        found = slopes_of(compiled, case, signals, flags, fields, delay)
        for x, y in zip(found[1:], every[1:], strict=True):
            np.testing.assert_array_equal(x, y[:, fields])


@each_profile
def test_what_is_not_wanted_changes_nothing_else(profile):
    case = draw_case(12, EVERY_PROFILE[profile], corners=True)
    signals, flags = run(compiled, case)
    given = compiled, case, signals, flags, FIELDS[:2]
    every = slopes_of(*given)
    for wanted in ((True, False), (False, True), (False, False)):
        found = slopes_of(*given, wanted=wanted)
        for k, told in enumerate((wanted[0], True, wanted[1], True), start=1):
            if told:
                np.testing.assert_array_equal(found[k], every[k])


@pytest.mark.parametrize("number", [1, 3])
def test_an_error_of_the_consumer_reaches_the_caller(number, threads):
    threads(number)
    case = draw_case(12, EVERY_PROFILE["native"])
    signals, flags = run(compiled, case)

    def consume(trial: int, frames: slice, slopes: MuscleSignals) -> None:
        raise ArithmeticError(f"trial {trial}")

    system, table, e, lmt = case
    with pytest.raises(ArithmeticError, match="trial 0"):
        compiled.tangents(system, table, e, None, lmt, signals, flags, FIELDS[:2], consume)
