"""Frame after frame: what is found is a minimum, by a derivative that is not the search's own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from people import PROFILES, person, recording

from refnms.assistance import Assistance, march
from refnms.assistance.excitations import best_excitations, task_of
from refnms.model import Trial
from refnms.physics.types import Array
from refnms.simulation import chain, join

STEP = 1e-30
HELD = replace(PROFILES["online"], least_force=0.0)  # as CEINMS 0.21 holds forces
ASSISTANCE = Assistance(("muscle_0",), ("muscle_1", "muscle_2"), 0.5, 2.0, 3.0)


def followable(seed: int, model, of=("ordinary",)) -> Trial:
    """A recording whose moments the muscles may reach in part."""
    trial = recording(seed, model, frames=12, of=of)
    return replace(trial, moment=0.3 * trial.moment)


def slopes(model, trial, profile, assistance, path: Array, t: int) -> tuple[Array, Array]:
    """Excitations of frame t, and the slope of its smooth cost, without the tracking."""
    joined = join(model, [trial], profile)
    r = t + len(path) - len(trial.time)
    bent = path.astype(complex)
    bent[r] += 1j * STEP
    flags = np.zeros(joined.musculotendon_length.shape, np.int64)
    force = chain(joined, model.table(), flags, bent).tendon_force[t]
    error = force.real @ trial.moment_arm[t] - trial.moment[t]
    by_moment = 2.0 * assistance.alpha * (trial.moment_arm[t] @ error) * force.imag / STEP
    return path[r], by_moment + 2.0 * assistance.beta * path[r]


@pytest.mark.parametrize("exponent", [1, 2])
@pytest.mark.parametrize("rigid", [False, True])
@pytest.mark.parametrize("profile", ["native", "online"])
def test_no_excitation_can_go_downhill(profile, rigid, exponent):
    chosen = replace(PROFILES[profile], tracking_exponent=exponent)
    kinds = set()
    for seed in (3, 4):
        model = person(seed, rigid=rigid)
        trial = followable(seed, model)
        found = best_excitations(model, trial, ASSISTANCE, chosen)
        recorded = join(model, [trial], chosen).excitation(model.table())
        assert found.slope.max() <= 1e-6
        for t in range(len(trial.time)):
            e, slope = slopes(model, trial, chosen, ASSISTANCE, found.excitation, t)
            own = recorded[t + len(recorded) - len(trial.time), 0]
            left, right = slope.copy(), slope.copy()
            if exponent == 2:
                left[0] = right[0] = slope[0] + 2.0 * ASSISTANCE.gamma * (e[0] - own)
            else:
                left[0] += ASSISTANCE.gamma if e[0] > own else -ASSISTANCE.gamma
                right[0] += ASSISTANCE.gamma if e[0] >= own else -ASSISTANCE.gamma
            assert (right[e < 1.0] >= -1e-5).all() and (left[e > 0.0] <= 1e-5).all()
            kinds |= {"kink"} if e[0] == own else {"moved"}
            kinds |= {"bound"} if e.min() == 0.0 else set()
    assert {"moved", "bound"} <= kinds and ("kink" in kinds) == (exponent == 1)


@pytest.mark.parametrize("profile", ["native", "online", "held"])
def test_the_cost_is_that_of_the_chain_with_these_excitations(profile):
    chosen = HELD if profile == "held" else PROFILES[profile]
    model = person(6)
    trial = followable(6, model)
    found = best_excitations(model, trial, ASSISTANCE, chosen)
    joined = join(model, [trial], chosen)
    flags = np.zeros(joined.musculotendon_length.shape, np.int64)
    signals = chain(joined, model.table(), flags, found.excitation)
    e = found.excitation[-len(trial.time) :]
    away = np.abs(e[:, 0] - joined.excitation(model.table())[-len(trial.time) :, 0])
    cost = (
        0.5 * np.sum((signals.moment - trial.moment) ** 2, axis=1)
        + 2.0 * np.sum(e**2, axis=1)
        + 3.0 * away**chosen.tracking_exponent
    )
    np.testing.assert_allclose(found.cost, cost, rtol=1e-10)
    np.testing.assert_allclose(found.fiber_length, signals.fiber_length, rtol=0.0, atol=1e-13)


def test_each_frame_has_the_past_of_a_path_that_is_given():
    chosen, model = PROFILES["online"], person(7)
    trial = followable(7, model)
    path = join(model, [trial], chosen).excitation(model.table())
    found = best_excitations(model, trial, ASSISTANCE, chosen, path)
    joined = join(model, [trial], chosen)
    flags = np.zeros(joined.musculotendon_length.shape, np.int64)
    along = chain(joined, model.table(), flags, path)
    np.testing.assert_allclose(found.fiber_length, along.fiber_length, rtol=0.0, atol=1e-13)
    again = best_excitations(model, trial, ASSISTANCE, chosen, found.excitation)
    assert not np.allclose(again.cost[3:], found.cost[3:])


def test_a_slack_muscle_is_woken_where_its_force_would_help():
    """Its force does not answer a little excitation; it does answer half of the whole."""
    model = person(8, tendon_slack_length=0.2, optimal_fiber_length=0.1)
    trial = recording(8, model, frames=3)
    lmt = np.full((3, 3), 0.2 + 0.55 * 0.1)
    arm = np.full((3, 3, 2), 0.05)
    trial = replace(trial, musculotendon_length=lmt, moment_arm=arm, moment=np.full((3, 2), 40.0))
    every = replace(ASSISTANCE, adjusted=(), synthesized=model.muscle_names, beta=1e-3)
    found = best_excitations(model, trial, every, PROFILES["online"])
    assert found.excitation[-3:].max() > 0.1 and found.slope.max() <= 1e-6


def test_it_is_the_same_without_compiled_code():
    """The kernels are Python too; here they run as such."""
    chosen, model = PROFILES["online"], person(9)
    trial = followable(9, model)
    compiled = best_excitations(model, trial, ASSISTANCE, chosen)
    task = task_of(model, trial, ASSISTANCE, chosen)
    shape = task.given.recorded.shape
    found = march.Found(
        np.zeros(shape), np.zeros((12, 3)), *np.zeros((2, 12)), np.zeros(12, np.int64)
    )
    plain = getattr(march.march, "py_func", march.march)
    with np.errstate(all="ignore"):
        plain(task, np.zeros(shape), False, found)
    np.testing.assert_allclose(found.cost, compiled.cost, rtol=1e-9)
