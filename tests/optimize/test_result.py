from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from refnms.optimize import History, Result, Status


@pytest.fixture
def result():
    history = History(np.array([1, 2]), np.array([0.1, 0.2]), np.array([3.0, 2.0]))
    return Result(np.array([0.5]), 2.0, Status.BUDGET, 2, 0.2, history)


def test_a_result_cannot_be_changed(result):
    with pytest.raises(FrozenInstanceError):
        result.objective = 0.0


def test_a_result_travels_between_processes(result):
    again = pickle.loads(pickle.dumps(result))
    assert again.status is Status.BUDGET
    assert again.x == result.x
    np.testing.assert_array_equal(again.history.objective, result.history.objective)


def test_every_status_says_something_else():
    assert len({status.value for status in Status}) == len(Status) == 4
