from __future__ import annotations

import numpy as np
from strategies import NATIVE, draw_case

from refnms.physics.reference.lanes import add, add_all, parts
from refnms.physics.types import Muscles


def test_parts_give_the_lanes_of_each_trial_with_its_frames_and_rows():
    case = draw_case(3, NATIVE)
    frames, rows = case.system.timeline.frames, case.system.timeline.rows
    found = list(parts(case.system, case.muscles, np.array([4, 0, 2])))
    assert [part.trial for part in found] == [0, 1]
    np.testing.assert_array_equal(found[0].columns, [0, 2])
    np.testing.assert_array_equal(found[1].columns, [1])
    assert (found[1].first, found[1].start, found[1].stop) == (frames[1], frames[1], frames[2])
    assert found[1].asked_rows[0] == slice(rows[2] - (frames[2] - frames[1]), rows[2])
    np.testing.assert_array_equal(found[0].unit.c1, case.muscles.c1[[0, 2]])


def test_parts_cut_the_frames_asked_for_and_skip_trials_that_have_none():
    case = draw_case(3, NATIVE)
    (short,) = np.diff(case.system.timeline.frames)[1:]
    found = list(parts(case.system, case.muscles, case.lanes, short, short + 2))
    assert [part.trial for part in found] == [0]
    assert found[0].asked[0] == slice(short, short + 2)


def test_cotangents_are_summed_over_frames_and_added():
    case = draw_case(3, NATIVE)
    (part,) = parts(case.system, case.muscles, np.array([1]), 0, 4)
    bars = Muscles(*np.ones((12, 3)))
    add(part, np.arange(4.0)[:, None], bars.c1)
    np.testing.assert_array_equal(bars.c1, [1.0, 7.0, 1.0])
    partials = case.muscles._replace(
        c2=np.full((4, 1), 3.0), **dict.fromkeys(set(Muscles._fields) - {"c2"}, np.zeros((4, 1)))
    )
    add_all(part, np.arange(4.0)[:, None], partials, bars)
    np.testing.assert_array_equal(bars.c2, [1.0, 19.0, 1.0])
    np.testing.assert_array_equal(bars.shape_factor, 1.0)
