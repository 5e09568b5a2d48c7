from __future__ import annotations

import numpy as np
import pytest
from strategies import CURVES, NATIVE, SMOOTH, draw_case

from refnms.jit import HAVE_NUMBA, kernel
from refnms.physics import activation as act
from refnms.physics import muscle
from refnms.physics.curves import piece
from refnms.physics.kernels import row
from refnms.physics.kernels.block import (
    ask,
    load,
    look_up,
    muscle_of,
    node_of,
    pieces_of,
    shape_of,
    unit_of,
    width,
)
from refnms.physics.types import Curves

pytestmark = pytest.mark.skipif(not HAVE_NUMBA, reason="Numba is not installed")

FORCE_VELOCITY_ASKED = 0.37  # another than the solver's


@kernel
def loaded(system, table, m, memory):
    load(system, table, np.uint64(m), memory)


@kernel
def found_at(curves, asked, memory):
    """Look up what each lane asks; whether its pieces held that before and hold it now."""
    before, after = 0, 0
    for j in range(width(memory)):
        one = Curves(asked[j, 0], asked[j, 1], asked[j, 2], asked[j, 3])
        held = ask(one, pieces_of(memory, j), j, memory)
        memory[row.AWAY + j] = 0.0 if held else 1.0
        memory[row.VF + j] = FORCE_VELOCITY_ASKED
        before += 1 if held else 0
    look_up(curves, memory)
    for j in range(width(memory)):
        one = Curves(asked[j, 0], asked[j, 1], asked[j, 2], asked[j, 3])
        after += 1 if ask(one, pieces_of(memory, j), j, memory) else 0
    return before, after


def memory_of(case, m, count):
    memory = np.full(row.END + count, np.nan)
    loaded(case.system, case.table, m, memory)
    return memory


@pytest.mark.parametrize("piecewise", [False, True])
def test_a_block_is_loaded_with_the_numbers_of_its_muscles_and_nothing_else(piecewise):
    case = draw_case(1, NATIVE, 9, piecewise=piecewise)
    memory = memory_of(case, 3, 5)
    assert width(memory) == 5
    filled = memory[: row.END].reshape(-1, row.LANES)
    assert not np.isnan(filled).any() and not filled[:, 5:].any()
    for j in range(5):
        muscles = muscle_of(case.table, 3 + j)
        assert muscles == tuple(p[3 + j] for p in case.muscles)
        np.testing.assert_allclose(unit_of(memory, j), muscle.unit(muscles), rtol=1e-15)
        factor = muscles.shape_factor
        np.testing.assert_allclose(shape_of(memory, j), act.exponential_shape(factor), rtol=1e-14)
        gains = [memory[int(r) + j] for r in (row.ALPHA, row.BETA1, row.BETA2)]
        assert gains == list(act.filter_gains(muscles.c1, muscles.c2))
        assert (memory[int(row.C1) + j], memory[int(row.C2) + j]) == (muscles.c1, muscles.c2)
        if piecewise:
            node = act.piecewise_node(factor, act.solve_node(factor, 0.0))
            np.testing.assert_allclose(node_of(memory, j), node, rtol=1e-14)


@pytest.mark.parametrize("curves", [CURVES, SMOOTH], ids=["ceinms", "smooth"])
def test_every_lane_finds_the_pieces_that_hold_what_it_asks(curves, rng):
    memory = memory_of(draw_case(2, NATIVE, row.LANES), 0, row.LANES)
    for _ in range(40):
        near = rng.random() < 0.5
        asked = rng.uniform(*((0.9, 1.1) if near else (-6.0, 25.0)), (row.LANES, 4))
        asked[:, 3] *= 0.01
        _, after = found_at(curves, asked, memory)
        assert after == row.LANES
        for j in range(row.LANES):
            for found, curve, x in zip(pieces_of(memory, j), curves, asked[j], strict=True):
                np.testing.assert_array_equal(found, piece(curve, x))
            force = [memory[int(r) + j] for r in row.FORCE_VELOCITY[:-1]]
            np.testing.assert_array_equal(force, piece(curves[2], FORCE_VELOCITY_ASKED))


def test_a_lane_whose_pieces_hold_keeps_them_and_asks_again_on_a_knot():
    memory = memory_of(draw_case(2, NATIVE, 4), 0, 4)
    inside = np.array([[1.0, 1.05, -0.2, 0.002]] * 4)
    on_knots = np.array([[c.knots[4] for c in CURVES]] * 4)
    above = np.nextafter(on_knots, np.inf)
    held = [found_at(CURVES, asked, memory)[0] for asked in (inside, inside, on_knots, above)]
    assert held == [0, 4, 0, 0]
    assert found_at(CURVES, above, memory)[0] == 4


def test_lanes_that_hold_are_not_looked_at():
    memory = memory_of(draw_case(2, NATIVE, 2), 0, 2)
    asked = np.array([[1.0, 1.05, -0.2, 0.002], [0.5, 0.6, 0.3, 0.05]])
    assert [found_at(CURVES, asked, memory)[0] for _ in range(2)] == [0, 2]
    kept = memory.copy()
    moved = asked + np.array([[0.0] * 4, [0.4] * 4])
    assert found_at(CURVES, moved, memory)[0] == 1
    np.testing.assert_array_equal(memory[: row.END : row.LANES], kept[: row.END : row.LANES])
