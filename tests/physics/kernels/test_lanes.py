from __future__ import annotations

import numpy as np
from strategies import NATIVE, draw_case

from refnms.physics.kernels.lanes import place, unit_of


def test_the_numbers_of_a_muscle_are_its_column():
    muscles = draw_case(1, NATIVE).muscles
    for m in range(3):
        assert unit_of(muscles, m) == tuple(p[m] for p in muscles)


def test_a_lane_is_a_muscle_of_a_trial():
    timeline = draw_case(1, NATIVE).system.timeline
    for trial in range(2):
        for m in range(3):
            found = place(timeline, 3 * trial + m, 3)
            assert found[0] == m
            np.testing.assert_array_equal(found[1:3], timeline.frames[trial : trial + 2])
            last_row, last_frame = timeline.rows[trial + 1] - 1, timeline.frames[trial + 1] - 1
            assert last_frame + found[3] == last_row
