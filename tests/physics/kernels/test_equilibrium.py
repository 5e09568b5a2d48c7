"""The roots that lanes find side by side are those of the search for one sample."""

from __future__ import annotations

import numpy as np
import pytest
from blocks import blocks_of, run_blocks
from hypothesis import given, settings
from oracles import check_forward
from strategies import EVERY_PROFILE, KINDS, draw_case, run, seeds

from refnms.jit import HAVE_NUMBA, kernel
from refnms.physics import muscle, reference
from refnms.physics.kernels import row
from refnms.physics.kernels.block import pieces_of, unit_of, width
from refnms.physics.kernels.equilibrium import at_end, sweep
from refnms.physics.kernels.forward import forward
from refnms.physics.profiles import ceinms_0_9
from refnms.physics.types import MuscleSignals

pytestmark = pytest.mark.skipif(not HAVE_NUMBA, reason="Numba is not installed")

TRAILING = ["native", "online", "five points"]
FOUND = (row.X, row.COSINE, row.L, row.V, row.F)  # by a step, at its end
SHORT = 1e-7  # step
FIRST_ORDER = 3e-4  # of what a short step changes: its square does no more on smooth curves
ROUNDING = 1e-13


@kernel
def swept(newest, memory):
    left = sweep(newest, memory)
    for j in range(width(memory)):
        at_end(newest, memory, j)
    return left


@kernel
def ended(newest, memory, same):
    for j in range(width(memory)):
        same[j] = 1.0 if at_end(newest, memory, j) else 0.0


@kernel
def where_it_begins(newest, memory, found):
    """What a step from `NEAR` adds to."""
    for j in range(found.shape[1]):
        unit, pieces, near = unit_of(memory, j), pieces_of(memory, j), memory[row.NEAR + j]
        x, cosine = muscle.of_projection(unit, near)
        length = unit.optimal_fiber_length * x
        velocity = newest * length + memory[row.PAST + j]
        v = muscle.norm_velocity(unit, velocity)
        force = muscle.norm_fiber_force(pieces, unit, x, cosine, memory[row.A + j], v)
        numbers = (x, cosine, length, velocity, force)
        for k in range(len(numbers)):
            found[k, j] = numbers[k]


def after_a_trial(case):
    """The memory of the muscles of the first trial, and the weight of the newest length there."""
    line, shape = case.system.timeline, case.musculotendon_length.shape
    signals = MuscleSignals(np.zeros_like(case.excitation), *(np.zeros(shape) for _ in range(4)))
    memories, block = np.zeros((1, row.SIZE)), np.array([[0, 0, shape[1], 0]])
    given = case.excitation, case.musculotendon_length, signals, np.zeros(shape, np.int64)
    span = 0, int(line.frames[1]), True, True
    forward(case.system, case.table, block, *span, *given, memories)
    return memories[0, : row.END + shape[1]], line.solver_weights[line.frames[1] - 1, 0]


@pytest.mark.parametrize("profile", TRAILING)
@settings(max_examples=4)
@given(seeds)
def test_where_an_equilibrium_has_one_root_corners_make_no_difference(profile, seed):
    smooth = {**KINDS["smooth"], **KINDS["corners"]}
    case = draw_case(seed, EVERY_PROFILE[profile], 7, **smooth)
    parted = check_forward(case, run_blocks(case, blocks_of(case)), run(reference, case))
    assert not parted.any()


@pytest.mark.parametrize("profile", ["native", "online"])
def test_the_engines_seldom_part(profile):
    """Only where a tendon is slack, and CEINMS's points let it push."""
    parted = []
    for seed in range(8):
        case = draw_case(seed, EVERY_PROFILE[profile], 7, corners=True)
        both = run_blocks(case, blocks_of(case)), run(reference, case)
        parted.append(check_forward(case, *both).any(axis=0))
    assert np.mean(parted) <= 0.05


@pytest.mark.parametrize("tolerance", [1e-6, 1e-9])
@settings(max_examples=3)
@given(seeds)
def test_brents_path_is_that_of_the_reference(tolerance, seed):
    case = draw_case(seed, ceinms_0_9(online=True, tolerance=tolerance), 7, corners=True)
    slack = case.muscles.tendon_slack_length
    slack[slack == 0.0] = 0.1  # without a tendon the path hangs on the last digit
    ours, theirs = run_blocks(case, blocks_of(case)), run(reference, case)
    assert not check_forward(case, ours, theirs).any()


@settings(max_examples=20)
@given(seeds)
def test_what_a_step_finds_is_what_is_at_its_end_to_first_order(seed):
    case = draw_case(seed, EVERY_PROFILE["native"], 7, **KINDS["smooth"])
    memory, newest = after_a_trial(case)
    lanes = np.flatnonzero(memory[int(row.DOUBT) :][:7] == 0.0)
    rows = [slice(int(r), int(r) + 7) for r in FOUND]
    exact = np.array([memory[r] for r in rows])
    memory[int(row.NEAR) :][:7] = memory[int(row.W) :][:7] + SHORT
    before = np.zeros_like(exact)
    where_it_begins(newest, memory, before)
    swept(newest, memory)
    found = np.array([memory[r] for r in rows])
    error, change = np.abs(found - exact), np.abs(before - exact)
    assert (error <= FIRST_ORDER * change + ROUNDING)[:, lanes].all()


def test_a_settled_lane_keeps_its_bits():
    memory, newest = after_a_trial(draw_case(3, EVERY_PROFILE["native"], 7))
    before = memory.copy()
    swept(newest, memory)
    kept = [int(r) + j for r in (*FOUND, row.W, row.NEAR, row.SLOPE) for j in range(7)]
    still = memory[int(row.OPEN) :][:7] == 0.0
    assert still.all()
    np.testing.assert_array_equal(memory[kept], before[kept])


@pytest.mark.parametrize("limit", [-1.0, 1.0])
def test_a_step_from_or_to_the_velocity_limit_changes_slopes(limit):
    memory, newest = after_a_trial(draw_case(3, EVERY_PROFILE["native"], 7))
    same = np.zeros(7)
    ended(newest, memory, same)
    assert same.all()
    memory[int(row.VS) + 2] = limit  # where the step of lane 2 began
    memory[int(row.PAST) + 4] = limit * 1e3  # far beyond, where that of lane 4 ends
    ended(newest, memory, same)
    assert same.tolist() == [1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0]
