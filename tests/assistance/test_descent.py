"""Down to the minimum of a frame: quickly, and onto kinks of forces where it lies on one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from people import PROFILES
from slackening import SLACKENS, slackening

from refnms.assistance import Assistance
from refnms.assistance.descent import choose_sides
from refnms.assistance.excitations import best_excitations, task_of
from refnms.assistance.frame import OTHER, OTHER_GAP, OTHER_SLOPE, SLOPE, E, answer
from refnms.assistance.march import begin_frame, begin_row
from refnms.assistance.response import SHORT
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


@pytest.mark.parametrize(
    ("slopes", "gap", "way"),
    [
        ((10.0, -100.0), 0.0, None),  # both sides lead up
        ((-100.0, -300.0), 0.0, -1.0),  # back down its own side
        ((10.0, 100.0), 0.0, 1.0),  # on, across the kink
        ((10.0, 100.0), -5.0, None),  # before a jump up
        ((10.0, -100.0), 5.0, 1.0),  # across a jump down
        ((10.0, -100.0), 1000.0, None),  # that jumps too far
    ],
)
def test_on_a_kink_the_side_that_leads_down_is_chosen(slopes, gap, way):
    """The moment is too low, so that more force lets the cost fall."""
    trial, _ = resting()
    trial = replace(trial, emg=np.full(trial.emg.shape, 0.3))
    task = task_of(SLACKENS, trial, ADJUSTED, PROFILES["native"])
    rows, model = task.memory.muscles, task.memory.model
    with np.errstate(all="ignore"):
        begin_row(task, task.given.recorded, 0)
        begin_frame(task, np.zeros(trial.musculotendon_length.shape), 0)
        rows[E] = task.given.recorded[0]
        for m in range(3):
            answer(task, 0, m, E, SHORT)
        e = rows[E, 1]
        rows[SLOPE, 1], rows[OTHER_SLOPE, 1] = slopes
        rows[OTHER, 1], rows[OTHER_GAP, 1] = e + NEAR, gap
        task.memory.error[:] = -20.0, 0.0
        jumped = choose_sides(task, 0, 0)
    assert jumped == (gap != 0.0 and way == 1.0)
    assert rows[E, 1] == (e + NEAR if way == 1.0 else e)
    if not jumped:
        assert model.lower[0] == (0.0 if way == -1.0 else rows[E, 1])
        assert model.upper[0] == (1.0 if way == 1.0 else rows[E, 1])
