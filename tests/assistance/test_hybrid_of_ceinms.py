"""Hybrid mode against CEINMS 0.9 itself: its printed excitations, and their cost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hybrid09 import hybrid
from strategies import CURVES
from three_muscles import person as three

from refnms.assistance import Assistance
from refnms.assistance.excitations import best_excitations
from refnms.io.execution import Annealing
from refnms.model import ElasticTendon, Model, RigidTendon, Trial
from refnms.physics.profiles import ceinms_0_9
from refnms.simulation import join, simulate_joined

# The problem that CEINMS 0.9's own code was run on; each number rounded as there.
T = np.round(np.arange(100) * 0.005, 9)
S = np.round(-0.05 + np.arange(700) * 0.001, 9)
EMG = [0.4 + 0.38 * np.sin(9 * S), 0.3 + 0.35 * np.sin(14 * S + 1), 0.5 + 0.55 * np.sin(7 * S + 2)]
LENGTH = [
    0.338 + 0.02 * np.sin(8 * T),
    0.42 + 0.025 * np.sin(6 * T + 2),
    0.307 + 0.012 * np.sin(10 * T + 1),
]
MOMENT = [20 + 15 * np.sin(8 * T), -40 + 25 * np.cos(6 * T + 2)]
MUSCLES = three().muscles._replace(electromechanical_delay=[0.015] * 3)
SETTINGS = Annealing(no_epsilon=4, rt=0.3, t=20.0, ns=5, nt=3, epsilon=1e-3, max_no_eval=400)
ASSISTANCE = Assistance(("m3",), ("m2",), alpha=1.0, beta=2.0, gamma=3.0)
# Tendon, C library -> excitations of the first two frames, as CEINMS 0.9 printed them.
PRINTED = {
    ("stiff", "glibc"): [
        [0.348855682, 0.9985654981, 0.1133142564],
        [0.365846151, 0.999994832, 0.01077311702],
    ],
    ("stiff", "msvc"): [
        [0.348855682, 0.9798439442, 0.06894784895],
        [0.365846151, 0.9996930739, 0.004142046806],
    ],
    ("elastic", "glibc"): [
        [0.348855682, 0.9999999999, 0.229048726],
        [0.365846151, 0.9999913616, 9.351413757e-09],
    ],
}


def problem(tendon: str) -> tuple[Model, Trial]:
    arm = np.zeros((100, 3, 2))
    arm[:, 0, 0] = 0.04 + 0.005 * np.sin(8 * T)
    arm[:, 1, 0] = -0.03 + 0.004 * np.cos(6 * T + 2)
    arm[:, 1, 1] = 0.02 + 0.005 * np.sin(8 * T)
    arm[:, 2, 1] = -0.045 + 0.004 * np.cos(6 * T + 2)
    model = Model(
        muscle_names=("m1", "m2", "m3"),
        dof_names=("d0", "d1"),
        emg_names=("e1", "e2", "e3"),
        muscles=MUSCLES,
        curves=CURVES,
        emg_to_muscle=np.eye(3),
        crosses=arm[0] != 0.0,
        tendon=RigidTendon() if tendon == "stiff" else ElasticTendon(),
    )
    columns = (np.round(np.column_stack(x), 9) for x in (LENGTH, EMG, MOMENT))
    length, emg, moment = columns
    return model, Trial("golden", T, length, np.round(arm, 9), S, emg, moment)


@pytest.mark.parametrize(("tendon", "library"), PRINTED)
def test_annealing_by_its_rules_gives_the_printed_excitations(tendon, library):
    """So `hybrid09`, which the following test stands on, is CEINMS."""
    model, trial = problem(tendon)
    rows = join(model, [trial], ceinms_0_9(online=True)).excitation(model.table())
    found = hybrid(model, trial, ASSISTANCE, SETTINGS, library, rows, 2)
    np.testing.assert_allclose(found, PRINTED[tendon, library], rtol=5e-10, atol=0.0)


@pytest.mark.parametrize(("tendon", "library"), PRINTED)
def test_from_the_annealing_s_own_past_no_frame_costs_more(tendon, library):
    frames, profile = 4, ceinms_0_9(online=True)
    model, whole = problem(tendon)
    fields = ("time", "musculotendon_length", "moment_arm", "moment")
    trial = replace(whole, **{name: getattr(whole, name)[:frames] for name in fields})
    joined = join(model, [trial], profile.for_gradients())
    path = joined.excitation(model.table()).copy()
    theirs = hybrid(model, trial, ASSISTANCE, SETTINGS, library, path, frames)
    path[-frames:] = theirs
    ours = best_excitations(model, trial, ASSISTANCE, profile, path)
    (annealed,) = simulate_joined(joined, path)
    error = np.sum((annealed.moment - trial.moment) ** 2, axis=1)
    recorded = join(model, [trial], profile).excitation(model.table())[-frames:, 2]
    away = np.abs(theirs[:, 2] - recorded)
    cost = error + 2.0 * np.sum(theirs**2, axis=1) + 3.0 * away
    assert (ours.cost <= cost).all() and (ours.cost[1:] < cost[1:]).any()
    assert ours.slope.max() <= 1e-6
    assert (ours.excitation >= 0.0).all() and (ours.excitation <= 1.0).all()
