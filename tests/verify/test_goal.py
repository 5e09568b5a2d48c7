"""The gradient of a calibration's objective."""

from __future__ import annotations

import numpy as np
import pytest
from people import PROFILES, person, recording

from refnms.objective import Objective
from refnms.parameters import Free, Packing
from refnms.terms import FiberLengthRange, MomentError
from refnms.verify.goal import goal_checks


def checks(profile="native"):
    model = person(8)
    trials = [recording(i, model, 24, name=f"t{i}") for i in range(2)]
    free = [
        Free("strength_coefficient", (0.5, 2.0)),
        Free("tendon_slack_length", (0.9, 1.1), relative=True),
        Free("c1", (-0.95, -0.05), groups=(model.muscle_names,)),
    ]
    terms = (MomentError(), FiberLengthRange(0.9, 1.1))  # so narrow that fibers leave it
    return list(goal_checks(Packing(model, free), trials, PROFILES[profile], terms))


@pytest.mark.parametrize("profile", ["native", "offline"])
def test_forward_and_reverse_agree_with_hinges_and_all(profile):
    found = checks(profile)
    assert all(check.passed for check in found)
    assert found[0].compared == 7 and found[0].error < 1e-10
    assert found[1].compared + len(found[1].undecided) == 2


def test_a_gradient_that_is_off_names_its_parameter(monkeypatch):
    right = Objective.gradient

    def wrong(self, x, progress=1.0):
        value, gradient = right(self, x, progress)
        return value, gradient * np.where(np.arange(len(x)) == 4, 1.001, 1.0)

    monkeypatch.setattr(Objective, "gradient", wrong)
    check = checks()[0]
    assert not check.passed
    assert check.worst.quantity == "objective by tendon_slack_length of muscle_1"
