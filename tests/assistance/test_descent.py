"""Down to the minimum of a frame: quickly, and onto kinks of forces where it lies on one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from people import PROFILES
from slackening import SLACKENS, slackening

from refnms.assistance import Assistance
from refnms.assistance.excitations import best_excitations
from refnms.simulation import chain, join

NEAR = 1e-6  # of a kink, so that both of its sides are seen
STEP = 1e-30
# Near EMG that asks for a pull, which would only take the moment away from the measured one.
ADJUSTED = Assistance(adjusted=("muscle_1",), alpha=1.0, beta=0.1, gamma=20.0)


def resting():
    """A trial in which muscle_1 alone counts, and its excitations."""
    trial = slackening(2.0)
    arm = np.zeros(trial.moment_arm.shape)
    arm[:, 1, 0] = 0.05
    trial = replace(trial, moment_arm=arm, moment=np.full(trial.moment.shape, -20.0))
    trial = replace(trial, emg=np.full(trial.emg.shape, 0.5))
    return trial, best_excitations(SLACKENS, trial, ADJUSTED, PROFILES["native"])


def force_at(trial, path, r: int, t: int, e: float) -> complex:
    """The force of muscle_1 by the chain, its slope by a complex step."""
    joined = join(SLACKENS, [trial], PROFILES["native"])
    bent = path.astype(complex)
    bent[r, 1] = e + 1j * STEP
    flags = np.zeros(joined.musculotendon_length.shape, np.int64)
    return chain(joined, SLACKENS.table(), flags, bent).tendon_force[t, 1]


def cost_and_slope(trial, path, r: int, t: int, e: float, recorded: float) -> tuple[float, float]:
    force = force_at(trial, path, r, t, e)
    error, by_force = 0.05 * force.real + 20.0, 0.1 * (0.05 * force.real + 20.0)
    others = np.sum(np.delete(path[r], 1) ** 2)
    cost = error**2 + 400.0 + 0.1 * (e**2 + others) + 20.0 * (e - recorded) ** 2
    return cost, by_force * force.imag / STEP + 0.2 * e + 40.0 * (e - recorded)


def test_a_minimum_may_lie_on_a_kink_and_its_two_slopes_say_so():
    trial, found = resting()
    recorded = join(SLACKENS, [trial], PROFILES["native"]).excitation(SLACKENS.table())
    on_kink = 0
    for t in range(2, len(trial.time)):
        r = t + len(recorded) - len(trial.time)
        e = found.excitation[r, 1]
        own = recorded[r, 1]
        sides = [
            cost_and_slope(trial, found.excitation, r, t, e + d, own)[1] for d in (-NEAR, NEAR)
        ]
        assert sides[0] <= 1e-3 and sides[1] >= -1e-3
        on_kink += sides[0] < -1.0 < 1.0 < sides[1]
        for other in np.linspace(0.0, 1.0, 11):
            cost, _ = cost_and_slope(trial, found.excitation, r, t, other, own)
            assert found.cost[t] <= cost + 1e-9
    assert on_kink > 3
    assert found.slope.max() <= 1e-6 and found.rounds.max() <= 8


def test_an_excitation_leaves_a_kink_as_soon_as_one_side_leads_down():
    """The measured moment changes its side halfway: then the force helps."""
    trial, _ = resting()
    moment = np.where(np.arange(len(trial.time)) < 7, -20.0, 20.0)
    trial = replace(trial, moment=np.repeat(moment[:, None], 2, axis=1))
    found = best_excitations(SLACKENS, trial, ADJUSTED, PROFILES["native"])
    assert found.slope.max() <= 1e-6
    first = len(found.excitation) - len(trial.time)
    frame = first + 6
    forces = [
        force_at(trial, found.excitation, r, r - first, found.excitation[r, 1]).real
        for r in (frame, frame + 1)
    ]
    assert abs(forces[0]) < 1e-6 and forces[1] > 10.0


@pytest.mark.parametrize("profile", ["native", "online", "0.21"])
def test_with_exact_curvatures_a_frame_takes_few_steps(profile):
    trial = slackening(0.5)
    trial = replace(trial, moment=0.5 * trial.moment)
    every = Assistance(SLACKENS.muscle_names[:1], SLACKENS.muscle_names[1:], gamma=5.0)
    found = best_excitations(SLACKENS, trial, every, PROFILES[profile])
    assert found.slope.max() <= 1e-6 and found.rounds.mean() < 6.0
