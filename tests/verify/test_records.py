"""Checks: what counts, what fails, what is told."""

from __future__ import annotations

import numpy as np
import pytest

from refnms.autodiff import Estimate
from refnms.verify.records import DIFFERENCES, Check, Place, Worst, against, relative


def test_the_worst_of_all_that_was_added_is_told_and_every_wrong_quantity():
    worst = Worst("a", "claim", 1e-9)
    worst.add(np.array([1e-12, 1e-3]), lambda i: Place("x", frame=i[0]))
    worst.add(np.array([[0.0, 2e-9]]), lambda i: Place("y", frame=i[1]))
    worst.add(np.array([1e-10]), lambda i: Place("z"))
    check = worst.check()
    assert (check.error, check.compared, check.passed) == (1e-3, 5, False)
    assert check.worst == Place("x", frame=1)
    assert [place.quantity for place in check.wrong] == ["x", "y"]


def test_what_does_not_count_is_not_compared():
    worst = Worst("a", "claim", 1e-9)
    worst.add(np.array([1.0, 1e-12]), lambda i: Place("x"), np.array([False, True]))
    check = worst.check()
    assert (check.error, check.compared, check.passed) == (1e-12, 1, True)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_number_that_is_none_fails(bad):
    worst = Worst("a", "claim", 1e-9)
    worst.add(np.array([0.0, bad]), lambda i: Place("x"))
    assert not worst.check().passed
    assert not Check("a", "claim", np.nan, 1e-9, 1).passed


def test_an_error_is_relative_to_the_largest_of_all_frames_or_to_the_floor():
    wanted = np.array([[2.0, 1e-9], [0.5, 0.0]])
    found = wanted + 1e-6
    np.testing.assert_allclose(relative(found, wanted, 0.0)[:, 0], 5e-7)
    np.testing.assert_allclose(relative(found, wanted, np.array([0.0, 1.0]))[:, 1], 1e-6)


def test_differences_explain_an_error_twice_their_own_and_no_more():
    exact, scale = np.array([1.0, 1.0, 1.0]), 1.0
    estimate = Estimate(np.array([1.0 + 1e-5, 1.0 + 1e-5, 1.0]), np.array([1e-5, 1e-6, 1.0]))
    error, sure = against(estimate, exact, scale)
    assert error[0] == DIFFERENCES
    assert error[1] == pytest.approx(1e-5)
    assert sure.tolist() == [True, True, False]


def test_a_place_reads_like_a_sentence():
    place = Place("tendon_force by c1", "soleus", "walk", 3, 0.03, "force_velocity", (("v", 0.1),))
    told = "tendon_force by c1, curve force_velocity, soleus, walk, frame 3, 0.030 s (v 0.1)"
    assert str(place) == told
    assert str(Place("work")) == "work"
