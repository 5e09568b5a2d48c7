"""Laws that any model of muscles obeys, whatever its numbers: runs whose results must be related.

A law needs no expected value, so it holds for every person, recording and profile drawn.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from people import PROFILES, person, recording, regimes, seeds, with_field

from refnms.jit import COMPILES
from refnms.model import Model, Trial
from refnms.physics.profiles import NATIVE
from refnms.physics.types import Array, Flag
from refnms.simulation import Simulation, simulate

ROUNDING = 1e-9  # of a signal's peak: two runs whose numbers differ in their last digits
SIGNALS = ("activation", "fiber_length", "fiber_velocity", "tendon_force", "moment")
CAUSAL = ("native", "online")

profiles = pytest.mark.parametrize("profile", PROFILES)
# A slack muscle has a root that moves freely, and at a kink a last digit may choose another side.
UNSETTLED = Flag.ILL_POSED | Flag.SLACK | Flag.FLOOR | Flag.TAUT | Flag.FELL_BACK | Flag.HELPED


def close(one: Array, other: Array, what: str, tolerance: float = ROUNDING) -> None:
    peak = float(np.max(np.abs(one), initial=1e-300))
    np.testing.assert_allclose(other, one, rtol=0.0, atol=tolerance * peak, err_msg=what)


def alike(one: Simulation, other: Simulation, **factors: float) -> None:
    """The same signals but for factors, where no muscle is ever unsettled."""
    settled = ~((one.flags | other.flags) & UNSETTLED).any(axis=0)
    for name in SIGNALS[:-1]:
        wanted = factors.get(name, 1.0) * getattr(one, name)[:, settled]
        close(wanted, getattr(other, name)[:, settled], name)
    if settled.all():
        close(factors.get("moment", 1.0) * one.moment, other.moment, "moment")


def later(trial: Trial, shift: float) -> Trial:
    return replace(trial, time=trial.time + shift, emg_time=trial.emg_time + shift)


def slower(trial: Trial, factor: float) -> Trial:
    return replace(trial, time=factor * trial.time, emg_time=factor * trial.emg_time)


@profiles
@pytest.mark.parametrize("rigid", [False, True])
@given(seeds, regimes)
def test_forces_are_linear_in_strength_and_lengths_know_nothing_of_it(profile, rigid, seed, of):
    weak = person(seed, rigid=rigid)
    strong = with_field(weak, strength_coefficient=1.7 * weak.muscles.strength_coefficient)
    trial = recording(seed, weak, of=of)
    one, other = (simulate(model, trial, PROFILES[profile]) for model in (weak, strong))
    np.testing.assert_array_equal(one.fiber_length, other.fiber_length)
    close(1.7 * one.tendon_force, other.tendon_force, "tendon_force", 1e-13)


@profiles
@given(seeds, regimes)
def test_the_hour_of_the_day_does_not_matter(profile, seed, of):
    model = person(seed)
    trial = recording(seed, model, of=of)
    alike(*(simulate(model, t, PROFILES[profile]) for t in (trial, later(trial, 1024.0))))


@pytest.mark.parametrize("profile", CAUSAL)
@given(seeds, regimes)
def test_what_comes_later_changes_nothing_before(profile, seed, of):
    """To the bit, so a trial may be cut anywhere; the NumPy engine solves it whole, to rounding."""
    model = person(seed)
    trial = recording(seed, model, 30, of)
    whole = simulate(model, trial, PROFILES[profile])
    first = slice(0, 17)
    cut = replace(
        trial,
        time=trial.time[first],
        musculotendon_length=trial.musculotendon_length[first],
        moment_arm=trial.moment_arm[first],
        moment=trial.moment[first],
    )
    part = simulate(model, cut, PROFILES[profile])
    if not COMPILES:
        cut_whole = {name: getattr(whole, name)[first] for name in (*SIGNALS, "flags")}
        alike(replace(whole, **cut_whole), part)
        return
    for name in (*SIGNALS, "flags"):
        np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[first], name)


@profiles
@given(seeds, regimes)
def test_the_order_of_the_muscles_does_not_matter(profile, seed, of):
    model = person(seed)
    trial, order = recording(seed, model, of=of), np.array([2, 0, 1])
    other = replace(
        model,
        muscle_names=tuple(model.muscle_names[m] for m in order),
        muscles=type(model.muscles)(*(values[order] for values in model.muscles)),
        emg_to_muscle=model.emg_to_muscle[order],
        crosses=model.crosses[order],
    )
    moved = replace(
        trial,
        musculotendon_length=trial.musculotendon_length[:, order],
        moment_arm=trial.moment_arm[:, order],
    )
    one, two = (simulate(m, t, PROFILES[profile]) for m, t in ((model, trial), (other, moved)))
    for name in (*SIGNALS[:-1], "flags"):
        np.testing.assert_array_equal(getattr(one, name)[:, order], getattr(two, name), name)
    close(one.moment, two.moment, "moment", 1e-13)


@profiles
@given(seeds, regimes)
def test_a_larger_person_has_the_same_forces(profile, seed, of):
    """Lengths in another unit: forces stay, velocities and moments follow the lengths."""
    model = person(seed)
    trial, unit = recording(seed, model, of=of), 1.3
    m = model.muscles
    large = with_field(
        model,
        optimal_fiber_length=unit * m.optimal_fiber_length,
        tendon_slack_length=unit * m.tendon_slack_length,
    )
    scaled = replace(
        trial,
        musculotendon_length=unit * trial.musculotendon_length,
        moment_arm=unit * trial.moment_arm,
    )
    one, other = (simulate(m, t, PROFILES[profile]) for m, t in ((model, trial), (large, scaled)))
    alike(one, other, fiber_length=unit, fiber_velocity=unit, moment=unit)


@given(seeds, regimes)
def test_time_in_another_unit_changes_velocities_alone(seed, of):
    """Not so in CEINMS, whose rows match within a tenth of a millisecond."""
    model = person(seed, electromechanical_delay=0.0)
    trial, unit = recording(seed, model, of=of), 2.0
    slow = with_field(model, max_contraction_velocity=model.muscles.max_contraction_velocity / unit)
    one, other = (simulate(m, t) for m, t in ((model, trial), (slow, slower(trial, unit))))
    alike(one, other, fiber_velocity=1.0 / unit)


@profiles
@given(seeds, regimes)
def test_mirrored_moment_arms_mirror_the_moments(profile, seed, of):
    model = person(seed)
    trial = recording(seed, model, of=of)
    mirrored = replace(trial, moment_arm=-trial.moment_arm)
    one, other = (simulate(model, t, PROFILES[profile]) for t in (trial, mirrored))
    np.testing.assert_array_equal(one.moment, -other.moment)


# ---- conservation ----


def loop(model: Model, frames: int = 400) -> Trial:
    """A passive person stretched slowly and let go again, around and around."""
    trial = recording(1, model, frames)
    time = 0.01 * np.arange(frames)
    swing = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(frames) / 100)  # a period of 100 frames
    p = model.muscles
    taut = np.sqrt(1.0 - np.sin(p.pennation_angle_at_optimal) ** 2)
    length = p.tendon_slack_length + p.optimal_fiber_length * (taut + 0.4 * swing[:, None])
    emg_time = np.arange(-0.2, time[-1] + 0.02, 0.005)
    emg = np.zeros((len(emg_time), len(model.emg_names)))
    return replace(trial, time=time, musculotendon_length=length, emg_time=emg_time, emg=emg)


def work(run: Simulation, trial: Trial) -> Array:
    """Work [J] done on each muscle over the last full period, and the most it stored meanwhile."""
    last = slice(-101, None)
    force, length = run.tendon_force[last], trial.musculotendon_length[last]
    steps = 0.5 * (force[1:] + force[:-1]) * np.diff(length, axis=0)
    stored = np.cumsum(steps, axis=0)
    return np.array([stored[-1], stored.max(axis=0)])


@pytest.mark.parametrize("rigid", [False, True])
@given(seeds)
def test_passive_elements_without_damping_give_back_all_they_were_given(rigid, seed):
    model = person(seed, rigid=rigid, fiber_damping=0.0)
    trial = loop(model)
    done, stored = work(simulate(model, trial, NATIVE), trial)
    assert (stored > 0.0).all() and (np.abs(done) < 1e-9 * stored).all()


@given(seeds)
def test_damping_takes_work_and_never_gives_any(seed):
    model = person(seed, fiber_damping=0.1)
    trial = loop(model)
    done, stored = work(simulate(model, trial, NATIVE), trial)
    assert (done > 1e-3 * stored).all()
