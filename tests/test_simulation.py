"""The chain as a whole: what each profile promises, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from people import PROFILES, person, recording, regimes, seeds, with_field
from zbrent import brent_of_ceinms

from refnms.errors import InputError, InputWarning
from refnms.model import ElasticTendon
from refnms.physics import curves, muscle
from refnms.physics.curves import value
from refnms.physics.profiles import ceinms_0_9, ceinms_0_21
from refnms.physics.stencils import trailing_weights
from refnms.physics.types import Array, Flag, Muscles
from refnms.simulation import Signals, join, simulate, simulate_all

STEP = 1e-30
COMPLEX_STEP = 1e-9  # relative to the sum of the terms' magnitudes
IN_EQUILIBRIUM = 1e-9  # of strength times maximal force

MODEL = person(2)
TRIAL = recording(2, MODEL, 40)
LATE = person(2, electromechanical_delay=np.array([0.02, 0.0313, 0.05]))


# ---- what the profiles promise ----


def test_signals_have_the_shapes_of_the_recording():
    run = simulate(MODEL, TRIAL)
    for name in Signals._fields[:-1]:
        assert getattr(run, name).shape == (40, 3)
    assert run.moment.shape == (40, 2) and run.flags.shape == (40, 3)
    np.testing.assert_array_equal(run.time, TRIAL.time)


def test_a_signal_is_a_frame_over_time_with_the_names_of_its_columns():
    run = simulate(MODEL, TRIAL)
    for signal, names in (("moment", MODEL.dof_names), ("tendon_force", MODEL.muscle_names)):
        frame = run.to_frame(signal)
        assert list(frame.columns) == list(names) and frame.index.name == "time"
        np.testing.assert_array_equal(frame.index, TRIAL.time)
        np.testing.assert_array_equal(frame.to_numpy(), getattr(run, signal))
    assert run.name == TRIAL.name and run.to_frame().equals(run.to_frame("moment"))


def test_native_excitation_is_the_emg_a_delay_ago():
    run = simulate(LATE, TRIAL)
    for m, delay in enumerate(LATE.muscles.electromechanical_delay):
        wanted = np.interp(TRIAL.time - delay, TRIAL.emg_time, TRIAL.emg[:, m])
        np.testing.assert_allclose(run.excitation[:, m], wanted, rtol=0.0, atol=1e-14)


def test_excitation_mixes_the_channels_and_stays_within_its_range():
    mixing = replace(MODEL, emg_to_muscle=np.array([[0.7, 0.7, 0.0], [0, -1, 0], [0, 0, 1]]))
    run = simulate(mixing, replace(TRIAL, emg=1.2 * TRIAL.emg))
    assert run.excitation[:, 0].max() == 1.0
    assert (run.excitation[:, 1] == 0.0).all()


def test_the_native_filter_starts_at_rest_for_the_first_excitation():
    run = simulate(MODEL, TRIAL)
    np.testing.assert_allclose(run.neural_activation[0], run.excitation[0], rtol=1e-13)


@pytest.mark.parametrize("rigid", [False, True])
def test_native_velocity_is_the_backward_difference(rigid):
    run = simulate(person(2, rigid=rigid), TRIAL)
    assert (run.fiber_velocity[0] == 0.0).all()
    wanted = np.diff(run.fiber_length, axis=0) / np.diff(TRIAL.time)[:, None]
    np.testing.assert_allclose(run.fiber_velocity[1:], wanted, rtol=1e-9, atol=1e-12)


def tendon_pull(model: Any, trial: Any, run: Any) -> Array:
    """Force that the tendon's own stretch gives [N]."""
    p = model.muscles
    height = p.optimal_fiber_length * np.sin(p.pennation_angle_at_optimal)
    along = trial.musculotendon_length - np.sqrt(run.fiber_length**2 - height**2)
    strain = (along - p.tendon_slack_length) / p.tendon_slack_length
    pull = curves.value(model.curves.tendon_force_strain, strain)
    return p.max_isometric_force * p.strength_coefficient * pull


@given(seed=seeds, of=regimes)
def test_native_fibers_pull_as_hard_as_their_tendon(seed, of):
    model = person(seed)
    trial = recording(seed, model, 15, of)
    run = simulate(model, trial)
    settled = run.flags & (Flag.TAUT | Flag.FLOOR) == 0
    p = model.muscles
    difference = (run.tendon_force - tendon_pull(model, trial, run)) / (
        p.max_isometric_force * p.strength_coefficient
    )
    assert np.max(np.abs(difference[settled]), initial=0.0) < IN_EQUILIBRIUM
    assert not (run.flags & Flag.FAILED).any()


def test_a_rigid_tendon_keeps_its_length():
    model = person(2, rigid=True)
    run = simulate(model, TRIAL)
    p = model.muscles
    height = p.optimal_fiber_length * np.sin(p.pennation_angle_at_optimal)
    along = TRIAL.musculotendon_length - p.tendon_slack_length
    np.testing.assert_allclose(run.fiber_length, np.hypot(height, along), rtol=1e-14)


def test_where_nothing_is_solved_nothing_is_ill_posed():
    """Without activation, damping or tension no force decides the length of a fiber."""
    lines = {
        name: curves.spline_curve(np.linspace(*ends, 9), np.linspace(0.0, 1.0, 9))
        for name, ends in (
            ("tendon_force_strain", (0.0, 0.1)),
            ("passive_force_length", (1.0, 2.0)),
        )
    }
    rigid = person(2, rigid=True, fiber_damping=0.0, pennation_angle_at_optimal=0.0)
    rigid = replace(rigid, curves=rigid.curves._replace(**lines))
    p = rigid.muscles
    slack = p.tendon_slack_length - 0.5 * p.optimal_fiber_length * np.ones((40, 3))
    trial = replace(TRIAL, emg=0.0 * TRIAL.emg, musculotendon_length=slack)
    assert not (simulate(rigid, trial).flags & Flag.ILL_POSED).any()
    elastic = replace(rigid, tendon=ElasticTendon())
    assert (simulate(elastic, trial).flags & Flag.ILL_POSED).any()


def test_a_moment_is_the_sum_of_force_times_arm():
    run = simulate(MODEL, TRIAL)
    wanted = np.sum(run.tendon_force[:, :, None] * TRIAL.moment_arm, axis=1)
    np.testing.assert_allclose(run.moment, wanted, rtol=1e-12, atol=1e-12)
    assert not np.allclose(run.moment, 0.0)


def test_joined_arms_lie_as_the_kernel_of_the_moments_wants_them():
    trials = [TRIAL, recording(3, MODEL, 20)]
    arm = join(MODEL, trials, ceinms_0_9()).moment_arm
    np.testing.assert_array_equal(arm, np.concatenate([t.moment_arm for t in trials]))
    assert arm.transpose(2, 0, 1).flags.c_contiguous


@pytest.mark.parametrize("profile", PROFILES)
def test_trials_run_together_are_those_run_alone(profile):
    trials = [recording(seed, MODEL, 5 + 9 * seed, name=str(seed)) for seed in range(3)]
    alone = [simulate(MODEL, trial, PROFILES[profile]) for trial in trials]
    for one, joint in zip(alone, simulate_all(MODEL, trials, PROFILES[profile]), strict=True):
        for name in (*Signals._fields, "time", "flags"):
            np.testing.assert_array_equal(getattr(one, name), getattr(joint, name), err_msg=name)


def test_a_muscle_does_not_feel_its_neighbors():
    run = simulate(MODEL, TRIAL)
    other = with_field(MODEL, tendon_slack_length=MODEL.muscles.tendon_slack_length * [1, 2, 1])
    changed = simulate(other, TRIAL)
    np.testing.assert_array_equal(run.tendon_force[:, [0, 2]], changed.tendon_force[:, [0, 2]])
    assert not np.array_equal(run.tendon_force[:, 1], changed.tendon_force[:, 1])


def test_a_run_can_be_repeated_to_the_bit():
    one, other = simulate(MODEL, TRIAL), simulate(MODEL, TRIAL)
    np.testing.assert_array_equal(one.moment, other.moment)


# ---- what is refused, or told ----


def test_no_trial_is_refused():
    with pytest.raises(InputError, match="no trial given"):
        simulate_all(MODEL, [])


def test_a_trial_of_somebody_else_is_refused():
    with pytest.raises(InputError, match="trial 'trial': musculotendon_length has shape"):
        simulate(person(2, muscles=4), TRIAL)


@pytest.mark.parametrize("delay", [0.25, -0.05])
def test_emg_that_does_not_reach_a_delay_back_is_refused(delay):
    late = with_field(MODEL, electromechanical_delay=np.array([0.0, 0.0, delay]))
    with pytest.raises(InputError, match=r"trial 'trial': EMG from .* does not cover"):
        simulate(late, TRIAL)


def test_emg_may_miss_one_sample_at_either_end():
    step = TRIAL.emg_time[1] - TRIAL.emg_time[0]
    first, last = np.searchsorted(TRIAL.emg_time, [TRIAL.time[0] - 0.02, TRIAL.time[-1] - 0.02])
    model = with_field(MODEL, electromechanical_delay=np.full(3, 0.02))

    def cut(start: int, stop: int) -> Any:
        return replace(TRIAL, emg=TRIAL.emg[start:stop], emg_time=TRIAL.emg_time[start:stop])

    assert TRIAL.time[0] - 0.02 + step > TRIAL.emg_time[first] > TRIAL.time[0] - 0.02
    simulate(model, cut(first, last))
    for short in (cut(first + 1, last), cut(first, last - 1)):
        with pytest.raises(InputError, match="does not cover"):
            simulate(model, short)


def test_a_muscle_without_emg_has_no_delay_to_cover():
    deaf = replace(MODEL, emg_to_muscle=np.diag([1.0, 0.0, 1.0]))
    delay = MODEL.muscles.electromechanical_delay + np.array([0.0, 5.0, 0.0])
    run = simulate(with_field(deaf, electromechanical_delay=delay), TRIAL)
    assert not run.excitation[:, 1].any() and run.excitation[:, 0].any()


def test_ceinms_delays_every_muscle_by_the_first_and_says_so():
    with pytest.warns(InputWarning, match=r"delays every muscle by the 0.02 s of muscle_0"):
        run = simulate(LATE, TRIAL, ceinms_0_9())
    same = with_field(LATE, electromechanical_delay=np.full(3, 0.02))
    np.testing.assert_array_equal(run.moment, simulate(same, TRIAL, ceinms_0_9()).moment)


@pytest.mark.parametrize("cut", [30, 43])
def test_emg_too_short_for_ceinms_is_refused(cut):
    trial = replace(TRIAL, emg=TRIAL.emg[:cut], emg_time=TRIAL.emg_time[:cut])
    with pytest.raises(InputError, match="trial 'trial': the EMG ends before the last frame"):
        simulate(MODEL, trial, ceinms_0_9())


def test_ceinms_needs_emg_as_fast_as_the_frames():
    slow = slice(None, None, 5)
    trial = replace(TRIAL, emg=TRIAL.emg[slow], emg_time=TRIAL.emg_time[slow])
    with pytest.raises(InputError, match="the EMG is slower than the frames"):
        simulate(MODEL, trial, ceinms_0_9())


def test_an_elastic_tendon_of_no_length_is_rigid():
    """By CEINMS's search to its tolerance: it divides by 0, and looks for where a sign changes."""
    lts = MODEL.muscles.tendon_slack_length * [1, 0, 1]
    model = with_field(MODEL, tendon_slack_length=lts)
    trial = recording(2, model, 20)
    rigid = simulate(replace(person(2, rigid=True), muscles=model.muscles), trial)
    run = simulate(model, trial)
    np.testing.assert_allclose(run.tendon_force[:, 1], rigid.tendon_force[:, 1], rtol=1e-12)
    exact = simulate(model, trial, ceinms_0_9(tolerance=0.0)).fiber_length[:, 1]
    np.testing.assert_array_equal(exact, rigid.fiber_length[:, 1])
    searched = simulate(model, trial, ceinms_0_9(tolerance=1e-6)).fiber_length[:, 1]
    assert 0.0 < np.max(np.abs(searched - exact)) <= 1e-6


@pytest.mark.parametrize("lengths", ["inside", "beyond"])
def test_a_tendon_of_no_length_follows_the_path_of_ceinms(lengths):
    """Its strain is infinite, of either sign, its force the curve's last value or its first."""
    base = person(2, muscles=1, tendon_slack_length=0.0, pennation_angle_at_optimal=0.2)
    optimal = float(base.muscles.optimal_fiber_length[0])
    trial = recording(2, base, 12)
    stretch = {"inside": 1.1, "beyond": 2.3}[lengths]
    lmt = optimal * (stretch + 0.1 * np.sin(np.arange(12.0)))[:, None]
    trial = replace(trial, musculotendon_length=lmt)
    run = simulate(base, trial, ceinms_0_9(online=True))
    unit = muscle.unit(Muscles(*(float(p[0]) for p in base.muscles)))
    weights = trailing_weights(trial.time, 4)
    strongest = value(base.curves.tendon_force_strain, 20.0)
    for t in range(12):
        a, past = float(run.activation[t, 0]), 0.0
        for k in range(1, min(t, 3) + 1):
            past += weights[t, k] * run.fiber_length[t - k, 0]

        def g(l, t=t, a=a, past=past):
            x, cosine = muscle.of_length(unit, l)
            v = muscle.norm_velocity(unit, weights[t, 0] * l + past)
            taut = lmt[t, 0] - x * cosine * optimal > 0.0
            tendon = strongest if taut else 0.0
            return tendon - muscle.norm_fiber_force(base.curves, unit, x, cosine, a, v)

        found = brent_of_ceinms(g, 0.2 * optimal, 2.0 * optimal, 1e-6)
        fell_back = bool(run.flags[t, 0] & Flag.FELL_BACK)
        assert fell_back == (found is None) == (lengths == "beyond")
        rigid = muscle.rigid_fiber_length(unit, lmt[t, 0])
        wanted = rigid if found is None else found
        assert run.fiber_length[t, 0] == pytest.approx(wanted, rel=1e-12)


# ---- the least force ----


def test_ceinms_0_21_holds_forces_at_zero_and_tells():
    """A muscle far from its optimal length that is stretched at speed pushes without the clamp."""
    model = person(2, fiber_damping=0.15)
    trial = recording(4, model, 30, ["fast"])
    profile = ceinms_0_21(tolerance=0.0)
    free = simulate(model, trial, replace(profile, least_force=-np.inf))
    held = simulate(model, trial, profile)
    assert (free.tendon_force < -1.0).any()
    np.testing.assert_array_equal(held.tendon_force, np.maximum(free.tendon_force, 0.0))
    moment = np.einsum("tm,tmd->td", held.tendon_force, trial.moment_arm)
    np.testing.assert_allclose(held.moment, moment, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(held.flags, free.flags)
    assert (held.flags & Flag.NEGATIVE_FORCE).any()
