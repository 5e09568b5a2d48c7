from __future__ import annotations

import numpy as np

from refnms.physics.activation import Node, Shape
from refnms.physics.kernels import row
from refnms.physics.types import Muscles, Piece, Unit


def rows() -> list[np.uint64]:
    """Where every row of the memory begins, group after group."""
    named = {key: value for key, value in vars(row).items() if key.isupper()}
    single = [value for value in named.values() if isinstance(value, np.uint64)]
    grouped = [r for value in named.values() if isinstance(value, tuple) for r in value]
    return [*single, *grouped]


def test_rows_do_not_overlap_and_fill_the_memory():
    begins = sorted(int(begin) for begin in rows())
    assert begins == list(range(0, row.END, row.LANES))


def test_no_row_has_a_signed_index():
    """A signed one may be negative, and no loop over lanes could be widened."""
    assert {type(begin) for begin in rows()} == {np.uint64}


def test_a_group_has_a_row_for_every_number_of_its_struct():
    sizes = {row.UNIT: Unit, row.SHAPE: Shape, row.NODE: Node}
    assert all(len(group) == len(of._fields) for group, of in sizes.items())
    pieces = (row.ACTIVE, row.PASSIVE, row.VELOCITY, row.TENDON, row.FORCE_VELOCITY)
    assert all(len(group) == len(Piece._fields) + 1 for group in pieces)
    assert all(isinstance(group, Muscles) for group in (row.A_P, row.L_P, row.F_P, row.BARS))
