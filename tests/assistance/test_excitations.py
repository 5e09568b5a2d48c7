"""The modes of execution as a user of Python has them, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from people import PROFILES, person, recording

import refnms
from refnms.assistance import Assistance, assist
from refnms.errors import InputError
from refnms.physics.profiles import NATIVE, ceinms_0_9

EVERY = ("muscle_0", "muscle_1", "muscle_2")
MODEL = person(11)
RECORDED = recording(11, MODEL)
# The moments of somebody who is excited more than the EMG says.
TRIAL = replace(
    RECORDED,
    moment=refnms.simulate(MODEL, replace(RECORDED, emg=0.15 + 0.8 * RECORDED.emg)).moment,
)


def test_moments_are_followed_in_every_mode():
    emg = refnms.simulate(MODEL, TRIAL)
    before = float(np.sum((emg.moment - TRIAL.moment) ** 2))
    for chosen in (
        Assistance(adjusted=EVERY, alpha=10.0),
        Assistance(EVERY[1:], EVERY[:1], alpha=10.0),
        Assistance(synthesized=EVERY, alpha=1.0, beta=1.0),  # static optimization
    ):
        done = assist(MODEL, TRIAL, chosen)
        assert done.slope.max() <= 1e-6
        assert done.parts[:, 0].sum() < 0.5 * before


def test_the_parts_of_the_cost_are_those_of_the_simulation():
    chosen = Assistance(EVERY[:2], EVERY[2:], 0.5, 2.0, 3.0, dofs=("ankle",))
    done = assist(MODEL, TRIAL, chosen)
    e = done.simulation.excitation
    error = (done.simulation.moment - TRIAL.moment)[:, 1] ** 2
    away = np.sum((e - done.recorded)[:, :2] ** 2, axis=1)
    np.testing.assert_allclose(done.parts, np.column_stack([error, np.sum(e**2, axis=1), away]))
    np.testing.assert_allclose(done.cost, done.parts @ [0.5, 2.0, 3.0])
    np.testing.assert_array_equal(done.recorded, refnms.simulate(MODEL, TRIAL).excitation)


def test_muscles_that_are_not_named_keep_their_excitation():
    done = assist(MODEL, TRIAL, Assistance(synthesized=EVERY[1:2]))
    others = [0, 2]
    np.testing.assert_array_equal(done.simulation.excitation[:, others], done.recorded[:, others])
    assert not np.array_equal(done.simulation.excitation[:, 1], done.recorded[:, 1])


def test_a_muscle_that_must_stay_near_its_emg_does():
    near = assist(MODEL, TRIAL, Assistance(adjusted=EVERY, gamma=1e6))
    assert np.abs(near.simulation.excitation - near.recorded).max() < 1e-2


def test_the_bounds_are_the_profile_s():
    narrow = replace(NATIVE, excitation_bounds=(0.1, 0.7))
    e = assist(MODEL, TRIAL, Assistance(synthesized=EVERY, alpha=10.0), narrow).simulation
    assert e.excitation.min() == 0.1 and e.excitation.max() <= 0.7


def test_with_the_coarse_roots_of_ceinms_the_excitations_are_near_those_of_exact_ones():
    chosen, loose = Assistance(EVERY[:2], EVERY[2:]), ceinms_0_9(online=True)
    done = assist(MODEL, TRIAL, chosen, loose)
    exact = assist(MODEL, TRIAL, chosen, PROFILES["online"])
    np.testing.assert_array_equal(done.simulation.excitation, exact.simulation.excitation)
    assert not np.array_equal(done.simulation.moment, exact.simulation.moment)


@pytest.mark.parametrize(
    ("chosen", "profile", "messages"),
    [
        (
            Assistance(("muscle_0", "soleus"), ("psoas", "muscle_0"), dofs=("hip",), alpha=-1.0),
            NATIVE,
            [
                "no adjusted muscle is called soleus; there are muscle_0, muscle_1, muscle_2",
                "no synthesized muscle is called psoas",
                "no degree of freedom is called hip; there are knee, ankle",
                "muscle_0: either adjusted or synthesized, not both",
                "alpha is -1, must be 0 or more",
            ],
        ),
        (Assistance(), NATIVE, ["no muscle is adjusted or synthesized"]),
        (Assistance(EVERY[:1] * 2), NATIVE, ["adjusted muscle named twice: muscle_0"]),
        (Assistance(EVERY, gamma=np.nan), NATIVE, ["gamma is nan"]),
        (Assistance(EVERY), ceinms_0_9(), ["ceinms-0.9 offline takes the velocity from the whole"]),
        (
            Assistance(EVERY, dofs=("knee",)),
            ceinms_0_9(online=True),
            ["ceinms-0.9 follows the moments of all degrees of freedom"],
        ),
    ],
)
def test_what_cannot_be_is_refused_all_at_once(chosen, profile, messages):
    with pytest.raises(InputError) as caught:
        assist(MODEL, TRIAL, chosen, profile)
    assert len(caught.value.problems) == len(messages)
    for problem, message in zip(caught.value.problems, messages, strict=True):
        assert message in str(problem)


def test_without_measured_moments_there_is_nothing_to_follow():
    with pytest.raises(InputError, match="'trial' has no measured moments to follow"):
        assist(MODEL, replace(TRIAL, moment=None), Assistance(EVERY))
