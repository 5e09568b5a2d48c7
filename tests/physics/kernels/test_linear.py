from __future__ import annotations

import numpy as np
import pytest
from blocks import blocks_of, run_blocks
from strategies import KINDS, PROFILES, draw_case

from refnms.jit import HAVE_NUMBA, kernel
from refnms.physics import implicit, muscle
from refnms.physics.kernels import row
from refnms.physics.kernels.block import load, width
from refnms.physics.kernels.linear import (
    force_slopes,
    force_slopes_at_solver,
    length_slopes,
    rigid_slopes,
    take_frame,
)
from refnms.physics.reference.fiber import length_slopes as reference_slopes
from refnms.physics.reference.shape import shaped_partials
from refnms.physics.reference.trials import trials

pytestmark = pytest.mark.skipif(not HAVE_NUMBA, reason="Numba is not installed")

SLOPES = 1e-12  # of the largest of a frame


@kernel
def slopes_at(system, table, lmt, signals, flags, t, first, offset, memory, found):
    """a_u, a_shape and every slope of each lane of frame t; how many lengths are rigid ones."""
    load(system, table, np.uint64(0), memory)
    newest = system.timeline.solver_weights[t, 0]
    m = np.uint64(0)
    on_rigid = take_frame(system, True, lmt, signals, flags, t, m, first, offset, memory)
    for j in range(width(memory)):
        found[0, j], found[1, j] = memory[row.A_U + j], memory[row.A_SHAPE + j]
        of_length, of_rigid = length_slopes(newest, memory, j), rigid_slopes(memory, j)
        of_force, at_solver = force_slopes(memory, j), force_slopes_at_solver(memory, j)
        k = 2
        for slope in of_length:
            found[k, j] = slope
            k += 1
        for slope in of_rigid:
            found[k, j] = slope
            k += 1
        for slope in at_solver if system.timeline.one_velocity else of_force:
            found[k, j] = slope
            k += 1
    return on_rigid


@pytest.mark.parametrize("profile", ["native", "online"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_slopes_of_a_frame_are_those_of_the_formulas(profile, kind):
    case = draw_case(8, PROFILES[profile], 9, **KINDS[kind])
    signals, flags = run_blocks(case, blocks_of(case))
    u, a, length, velocity, _ = signals
    kinds = implicit.LengthSlopes, muscle.RigidPartials, muscle.ForcePartials
    found = np.full((2 + sum(len(kind._fields) for kind in kinds), 9), np.nan)
    memory = np.zeros(row.END + 9)
    for trial in trials(case.system):
        at, rows = trial.frames, trial.rows
        lmt = case.musculotendon_length[at]
        given = a[at], lmt, length[at]
        elastic, rigid = reference_slopes(case.system, trial, case.muscles, *given, flags[at])
        every_rigid = muscle.rigid_fiber_length_partials(muscle.unit(case.muscles), lmt)
        unit = muscle.unit(case.muscles)
        force = muscle.tendon_force_partials(
            case.system.curves, unit, a[at], length[at], velocity[at]
        )
        own = u[rows][len(u[rows]) - trial.size :]
        shape = shaped_partials(case.system, case.muscles, own, a[at])
        offset = rows.stop - at.stop
        for t in range(trial.size):
            place = at.start + t, at.start, offset
            inputs = case.musculotendon_length, signals, flags
            under = slopes_at(case.system, case.table, *inputs, *place, memory, found)
            assert under == np.sum(rigid.tendon_slack_length[t] != 0.0)
            wanted = [
                np.broadcast_to(x, lmt.shape)[t] for x in (*shape, *elastic, *every_rigid, *force)
            ]
            for x, y in zip(found, wanted, strict=True):
                assert (np.abs(x - y) <= SLOPES * np.max(np.abs(y))).all()
