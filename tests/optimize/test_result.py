"""What a method returns: fixed, portable, and clear about why it ended."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from refnms.optimize import History, Result, Status


@pytest.fixture
def result():
    history = History(
        np.array([1, 2]),
        np.array([0.1, 0.2]),
        np.array([3.0, 2.0]),
        np.array([7, 2**64 - 1], np.uint64),
        np.array([[0.5], [0.25]]),
    )
    part = Result(np.array([0.5]), 2.0, Status.CONVERGED, 2, 0.2, history)
    return Result(np.array([0.5]), 2.0, Status.BUDGET, 2, 0.2, history, (part,))


def test_a_result_cannot_be_changed(result):
    with pytest.raises(FrozenInstanceError):
        result.objective = 0.0
    with pytest.raises(FrozenInstanceError):
        result.history.objective = np.zeros(2)


def test_a_result_travels_between_processes(result):
    again = pickle.loads(pickle.dumps(result))
    assert again.status is Status.BUDGET and again.parts[0].status is Status.CONVERGED
    assert again.x == result.x
    for name, array in vars(result.history).items():
        np.testing.assert_array_equal(vars(again.history)[name], array, strict=True)


def test_a_method_that_starts_once_has_no_parts(result):
    assert result.parts[0].parts == ()


def test_every_status_says_something_else():
    assert len({status.value for status in Status}) == len(Status) == 5
