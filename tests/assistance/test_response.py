"""One muscle's answer to its excitation, against the chain and against its complex step."""

from __future__ import annotations

import numpy as np
import pytest
from people import PROFILES, person, recording

from refnms.assistance.march import E, begin_frame, begin_row, memory
from refnms.assistance.response import Past, people, respond
from refnms.simulation import chain, join

STEP = 1e-30


def answers(seed: int, profile: str, rigid: bool, piecewise: bool, t: int) -> tuple:
    """Force, slope, length and its slope at frame t by `respond`, and by the chain `(4, 2, M)`."""
    model = person(seed, rigid=rigid, piecewise=piecewise)
    trial = recording(seed, model)
    joined = join(model, [trial], PROFILES[profile])
    system, rows = joined.system, joined.excitation(model.table())
    r = t + len(rows) - len(trial.time)
    bent = rows.astype(complex)
    bent[r] += 1j * STEP
    flags = np.zeros(joined.musculotendon_length.shape, np.int64)
    signals = chain(joined, model.table(), flags, bent)
    force, length = signals.tendon_force[t], signals.fiber_length[t]
    expected = [force.real, force.imag / STEP, length.real, length.imag / STEP]
    who, room = people(model.muscles, system.piecewise, system.node_tolerance), memory(3, 1, 1)
    for k in range(r + 1):  # the filter's past, by its own recursion
        begin_row(system, who, rows, k, room.muscles)
        drive, rest = room.muscles[2], room.muscles[3]
        if k < r:
            room.muscles[1] = system.start.rest * rows[0] if k == 0 else room.muscles[0]
            room.muscles[0] = drive * rows[k] + rest
    begin_frame(system, signals.fiber_length.real.copy(), t, room.muscles)
    timeline, found = system.timeline, []
    for m in range(3):
        lmt = trial.musculotendon_length[t, m]
        past = Past(
            drive[m],
            rest[m],
            lmt,
            room.muscles[4, m],
            timeline.solver_weights[t, 0],
            room.muscles[5, m],
            timeline.force_weights[t, 0],
            room.muscles[6, m],
        )
        guess = room.muscles[E + 3, m]
        with np.errstate(all="ignore"):  # compiled, it does not warn either
            found.append(respond(system, who, m, past, rows[r, m], guess, room.pieces))
    return np.array(found).T, np.array(expected)


@pytest.mark.parametrize("t", [0, 1, 2, 9])
@pytest.mark.parametrize("profile", ["native", "online"])
@pytest.mark.parametrize(
    ("rigid", "piecewise"), [(False, False), (True, False), (False, True)], ids=str
)
def test_the_answer_is_that_of_the_chain(profile, rigid, piecewise, t):
    for seed in (1, 2):
        found, expected = answers(seed, profile, rigid, piecewise, t)
        scale = np.maximum(np.abs(expected).max(axis=1, keepdims=True), 1e-6)
        np.testing.assert_allclose(found / scale, expected / scale, rtol=0.0, atol=2e-8)
