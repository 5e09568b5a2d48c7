"""The certificate as a whole: what is right passes, what is planted is named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from people import person, recording
from verified import DRAWS, draw_case

import refnms
from refnms import primitives
from refnms.jit import COMPILES
from refnms.physics import muscle, reference
from refnms.physics.profiles import ceinms_0_9
from refnms.verify import certificate
from refnms.verify.certificate import certify


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    for name in DRAWS:
        monkeypatch.setattr(certificate, name, 30)


@pytest.fixture
def numpy_alone(monkeypatch):
    """What may be spoiled. Differences would take it hundreds of runs."""
    for module in (certificate, primitives):
        monkeypatch.setattr(module, "pick", lambda *arrays: reference)
    monkeypatch.setattr(certificate, "_by_differences", lambda *arguments: iter(()))


def test_what_is_right_passes(certified, case):
    assert [check.name for check in certified.failed] == []
    assert certified.passed and certified.profile == "native"
    names = [check.name for check in certified.checks]
    assert len(set(names)) == len(names) >= 28 + COMPILES
    assert {"objective", "tape", "delay", "differences, inputs"} <= {*names}
    assert ("two engines" in names) == COMPILES
    assert certified.samples == 48 * 3 > certified.determinate == case.run.determinate.sum()
    assert certified.worst.error < 1e-10 and certified.worst.worst.trial in ("walk", "jump", None)
    low, high = certified.domain["drawn"]["activation"]
    assert low <= certified.domain["recorded"]["activation"][0] and high == 1.0


def test_so_does_the_profile_of_ceinms_whose_delay_has_no_slope():
    """Told of check by check; from the same seed the same."""
    case, told = draw_case(ceinms_0_9(tolerance=0.0)), []
    found = refnms.certify(case.model, case.trials, ceinms_0_9(), callback=told.append)
    assert found.passed and told == list(found.checks)
    assert "delay" not in [check.name for check in told]
    again = certify(case.model, case.trials, ceinms_0_9())
    assert [check.error for check in again.checks] == [check.error for check in told]


@pytest.mark.parametrize("kind", [{"rigid": True}, {"piecewise": True}])
def test_other_muscle_models_pass_too(kind):
    case = draw_case(**kind)
    assert [str(c.worst) for c in certify(case.model, case.trials).failed] == []


def test_without_numba_the_numpy_engine_is_what_is_checked(numpy_alone):
    model = person(8)
    found = certify(model, [recording(0, model, 16)])
    assert found.passed and found.engine == "numpy"
    assert "two engines" not in [check.name for check in found.checks]


def test_a_curve_that_is_wrong_in_a_copy_of_the_model_is_named():
    """The slope of one piece is 0.1 % off what the values beside it say."""
    case = draw_case()
    curve = case.model.curves.force_velocity
    piece = int(np.searchsorted(curve.knots, -0.05))
    pieces = curve.pieces.copy()
    pieces[piece, 2] *= 1.001
    wrong = case.model.curves._replace(force_velocity=curve._replace(pieces=pieces))
    found = certify(replace(case.model, curves=wrong), case.trials)
    assert not found.passed
    first = found.failed[0]
    assert first.name == "curve joints"
    assert {place.curve for place in first.wrong} == {"force_velocity"}
    assert dict(first.worst.at)["x"] in curve.knots[[piece - 1, piece]]
    assert first.worst.muscle in case.model.muscle_names and first.worst.trial is not None


def test_a_wrong_partial_is_named_where_it_stands_and_what_it_spoils(numpy_alone, spoil):
    spoil(muscle, "tendon_force_partials", "percentage_change")
    model = person(8)
    found = certify(model, [recording(0, model, 16)])
    first = found.failed[0]
    assert first.name == "partials, recorded samples"
    assert [place.quantity for place in first.wrong] == ["tendon_force by percentage_change"]
    assert first.worst.muscle in model.muscle_names and first.worst.frame is not None
    spoiled = {check.name for check in found.failed}
    assert {"forward, recorded samples", "reverse, recorded samples", "tape"} <= spoiled
    assert not {"equilibrium, recorded samples", "work of a closed loop"} & spoiled
