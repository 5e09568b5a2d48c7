"""The quadratic model of an objective, against its gradient and against J'J of a stored J."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from people import PROFILES, person, recording, with_field

from refnms import gauss_newton, sensitivity
from refnms.objective import Objective
from refnms.optimize import Hinges
from refnms.parameters import Free, Packing
from refnms.physics import reference
from refnms.physics.engine import pick
from refnms.physics.types import Flag, Muscles
from refnms.sensitivity import moment_jacobian
from refnms.simulation import Signals
from refnms.terms import FiberLengthRange, Kind, MomentError, Prior

MODEL = with_field(person(2), electromechanical_delay=np.full(3, 0.0501))
TRIALS = [recording(2, MODEL, 30, name="a"), recording(3, MODEL, 12, name="b")]
ALL = (MODEL.muscle_names,)
FREE = [
    Free("c1", (-0.95, -0.05), groups=ALL),
    Free("shape_factor", (-2.999, -0.001)),
    Free("optimal_fiber_length", (0.9, 1.1), relative=True),
    Free("tendon_slack_length", (0.95, 1.05), relative=True),
    Free("strength_coefficient", (0.5, 2.5), groups=(MODEL.muscle_names[:2],)),
]
DELAY = Free("electromechanical_delay", (0.0, 0.1), groups=ALL)
LO = Muscles._fields.index("optimal_fiber_length")


@dataclass(frozen=True)
class Stretch:
    """Of every sample, two-sided, through several signals and a parameter by itself."""

    kind = Kind.SAMPLES

    def residuals(self, x: Any, table: Any, signals: Signals, problem: Any) -> Any:
        driven = signals.fiber_length / table[LO] * (0.1 + signals.activation)
        return (driven + signals.fiber_velocity) * problem.spanning

    def weight_at(self, progress: float) -> float:
        return 0.3


class RisingError(MomentError):
    """Its weight rises over a run, as does that of any term that is told to."""

    def weight_at(self, progress: float) -> float:
        return float(5.0**progress)


class RisingPrior(Prior):
    def weight_at(self, progress: float) -> float:
        return float(self.weight * 5.0**progress)


TERMS = {
    "moments": (MomentError(),),
    "rising": (RisingError(), RisingPrior(2.0)),
    "range": (FiberLengthRange(0.8, 1.1, weight=10.0),),
    "samples": (Stretch(),),
    "prior": (Prior(2.0),),
    "all": (MomentError(), FiberLengthRange(0.8, 1.1, weight=10.0), Prior(2.0), Stretch()),
}


def packed(profile: str) -> Packing:
    return Packing(MODEL, [*FREE, DELAY] if PROFILES[profile].interpolates_emg else FREE)


def somewhere(packing: Packing, rng: np.random.Generator) -> np.ndarray:
    share = 0.1 * rng.uniform(-1.0, 1.0, len(packing.start))
    x = packing.start + share * (packing.upper - packing.lower)
    return np.clip(x, packing.lower, packing.upper)


def of_hinges(hinges: Hinges, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Slope and curvature of the squares that are open."""
    slope, products = np.zeros(count), np.zeros((count, count))
    for offset, slopes, columns, weight in zip(*hinges, strict=True):
        row = np.bincount(columns, slopes, minlength=count)
        slope += 2.0 * weight * max(offset, 0.0) * row
        products += 2.0 * weight * (offset > 0.0) * np.outer(row, row)
    return slope, products


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("terms", TERMS)
def test_the_slope_of_the_model_is_the_gradient(profile, terms, rng):
    packing = packed(profile)
    objective = Objective(packing, TRIALS, PROFILES[profile], TERMS[terms])
    x = somewhere(packing, rng)
    value, gradient = objective.gradient(x)
    model = objective.model(x)
    slope = model.gradient + of_hinges(model.hinges, len(x))[0]
    assert model.value == value and np.abs(gradient).max() > 0.0
    np.testing.assert_allclose(slope, gradient, rtol=1e-9, atol=1e-11 * np.abs(gradient).max())


@pytest.mark.parametrize("engine", [pick(), reference], ids=["picked", "reference"])
@pytest.mark.parametrize("profile", PROFILES)
def test_the_curvature_of_the_moments_is_that_of_a_stored_jacobian(
    profile, engine, rng, monkeypatch
):
    monkeypatch.setattr(gauss_newton, "THINNEST", 1)
    for room in (gauss_newton, sensitivity):
        monkeypatch.setattr(room, "pick", lambda: engine)
    packing = packed(profile)
    objective = Objective(packing, TRIALS, PROFILES[profile], (MomentError(),), ["knee"])
    x = somewhere(packing, rng)
    jacobians = [moment_jacobian(packing, x, trial, PROFILES[profile])[1] for trial in TRIALS]
    j = np.concatenate(jacobians) * objective.problem.scale[..., None]
    wanted = 2.0 * np.einsum("tdp,tdq->pq", j, j)
    found = objective.model(x).products
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12 * wanted.max())


def test_the_curvature_of_terms_of_samples_is_that_of_differences(rng):
    packing = packed("native")
    objective = Objective(packing, TRIALS, terms=(Stretch(),))
    x, count = somewhere(packing, rng), len(packing.start)
    term, problem = objective.terms[0], objective.problem

    def residuals(x: np.ndarray) -> np.ndarray:
        objective.parts(x)
        at, _ = objective._last
        return term.residuals(x, at.table, at.signals, problem).ravel()

    step = 1e-6 * (packing.upper - packing.lower)
    rows = [(residuals(x + h) - residuals(x - h)) / (2.0 * h.sum()) for h in np.diag(step)]
    wanted = 2.0 * 0.3 * np.array(rows) @ np.transpose(rows)
    scale = np.sqrt(np.diag(wanted) + 1e-300)
    found = objective.model(x).products
    assert found.shape == (count, count)
    np.testing.assert_allclose(found / scale / scale[:, None], wanted / scale / scale[:, None],
                               atol=1e-6)  # fmt: skip


def test_the_curvature_of_a_prior_is_its_weight():
    packing = packed("native")
    model = Objective(packing, TRIALS, terms=(Prior(2.0),)).model(packing.lower)
    room = packing.upper - packing.lower
    np.testing.assert_allclose(model.products, np.diag(4.0 / room**2 / len(room)), rtol=1e-12)


def test_the_model_of_a_point_is_its_own_whatever_ran_since(rng):
    packing = packed("native")
    objective, x = Objective(packing, TRIALS), somewhere(packing, rng)
    wanted = objective.model(x)
    objective.flags[:] = Flag.FELL_BACK  # as `Incremental` and networks may leave them
    found = objective.model(x)
    np.testing.assert_array_equal(found.gradient, wanted.gradient)
    np.testing.assert_array_equal(found.products, wanted.products)


def test_where_no_moment_depends_on_what_is_free_the_prior_is_left():
    lonely = MODEL.muscle_names[int(np.flatnonzero(~MODEL.crosses[:, 1])[0])]
    packing = Packing(MODEL, [Free("strength_coefficient", (0.5, 2.5), groups=((lonely,),))])
    objective = Objective(packing, TRIALS, terms=(MomentError(), Prior(2.0)), dofs=["ankle"])
    model = objective.model(packing.lower)
    np.testing.assert_allclose(model.gradient, objective.gradient(packing.lower)[1], rtol=1e-12)
    np.testing.assert_allclose(model.products, [[2.0 * 2.0 / 2.0**2]], rtol=1e-12)


def test_hinges_foretell_the_excess_of_the_samples_near_the_edge(rng):
    packing = packed("native")
    term = FiberLengthRange(0.8, 1.1, weight=10.0)
    objective = Objective(packing, TRIALS, terms=(term,))
    x = somewhere(packing, rng)
    hinges = objective.model(x).hinges

    def excess(x: np.ndarray) -> np.ndarray:
        objective.parts(x)
        at, _ = objective._last
        return term.excess(x, at.table, at.signals, objective.problem)

    before = excess(x)
    near = before > -term.reach
    np.testing.assert_array_equal(hinges.offset, before[near])
    assert (hinges.offset > 0.0).any() and (hinges.offset < 0.0).any()
    step = 1e-6 * (packing.upper - packing.lower) * rng.uniform(-1.0, 1.0, len(x))
    seen = (excess(x + step) - excess(x - step))[near] / 2.0
    foretold = np.sum(hinges.slopes * step[hinges.columns], axis=1)
    np.testing.assert_allclose(foretold, seen, rtol=0.0, atol=1e-6 * np.abs(seen).max())
    np.testing.assert_allclose(hinges.weight, 10.0 / 42, rtol=1e-12)


def test_hinges_of_muscles_that_do_not_count_are_none():
    """muscle_0 crosses the knee alone."""
    packing = packed("native")
    objective = Objective(packing, TRIALS, terms=(FiberLengthRange(0.99, 1.01),), dofs=["ankle"])
    both = Objective(packing, TRIALS, terms=(FiberLengthRange(0.99, 1.01),))
    own = {int(p) for p in packing.index[:, 0]} - {int(p) for p in packing.index[:, 1:].ravel()}
    columns = {int(c) for c in objective.model(packing.start).hinges.columns.ravel()}
    assert not columns & own - {0} and own
    assert len(both.model(packing.start).hinges.offset) > 0


def test_many_frames_are_thinned_to_enough_for_the_curvature_alone():
    packing = Packing(MODEL, [Free("strength_coefficient", (0.5, 2.5))])
    trial = recording(5, MODEL, 400)
    full, thinned = (Objective(packing, [trial], terms=(MomentError(),)) for _ in range(2))
    full._gauss_newton.every = 1
    assert thinned._gauss_newton.every == gauss_newton.THINNEST
    exact, found = (o.model(packing.start) for o in (full, thinned))
    np.testing.assert_array_equal(found.gradient, exact.gradient)
    np.testing.assert_allclose(found.products, exact.products, rtol=0.1)
    assert (found.products != exact.products).any()


def test_few_frames_are_not_thinned():
    assert Objective(packed("native"), TRIALS)._gauss_newton.every == 1


def test_the_model_does_not_need_the_value_before(rng):
    packing = packed("native")
    x, y = somewhere(packing, rng), somewhere(packing, rng)
    objective = Objective(packing, TRIALS)
    objective.value(y)
    first = objective.model(x)
    objective.value(x)
    for a, b in zip(first[:3], objective.model(x)[:3], strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_term_without_a_kind_is_refused_by_name():
    @dataclass(frozen=True)
    class Kindless:
        def residuals(self, x: Any, table: Any, signals: Signals, problem: Any) -> Any:
            return signals.activation

        def weight_at(self, progress: float) -> float:
            return 1.0

    packing = packed("native")
    objective = Objective(packing, TRIALS, terms=(Kindless(),))
    assert np.isfinite(objective.gradient(packing.start)[0])
    with pytest.raises(TypeError, match="Kindless does not say its `kind`"):
        objective.model(packing.start)
