"""The words between methods and objectives: the quadratic model and its one-sided squares."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from objectives import linear

from refnms.optimize import (
    LBFGSB,
    AdamW,
    CoranaAnnealing,
    DualAnnealing,
    LevenbergMarquardt,
    Linear,
    Method,
    MultiStart,
)
from refnms.optimize.problem import Objective
from refnms.optimize.run import Run

METHODS = (
    AdamW(),
    CoranaAnnealing(),
    DualAnnealing(),
    LBFGSB(),
    LevenbergMarquardt(),
    Linear((0,)),
    MultiStart(),
)
seeds = st.integers(0, 2**32 - 1)


@given(seeds, st.integers(1, 6), st.integers(0, 4))
def test_a_model_of_linear_residuals_is_the_objective_everywhere(seed, variables, hinges):
    """value + gradient . d + d' products d / 2 + the hinges' change, by the words of `Quadratic`"""
    rng = np.random.default_rng(seed)
    problem = linear(rng, variables, hinges)
    model = problem.objective.model(problem.start)
    x = rng.uniform(problem.lower, problem.upper)
    d = x - problem.start
    offset, slopes, columns, weight = model.hinges
    walls = [
        sum(w * max(0.0, o) ** 2 for w, o in zip(weight, at, strict=True))
        for at in (offset, offset + np.sum(slopes * d[columns], axis=1))
    ]
    terms = [model.value, model.gradient @ d, 0.5 * d @ model.products @ d, *walls]
    found = sum(terms) - 2.0 * walls[0]
    assert found == pytest.approx(problem.objective.value(x), abs=1e-10 * np.abs(terms).max())


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_a_method_is_settings_that_do_not_change(method: Method):
    with pytest.raises(AttributeError):
        method.name = "another"
    assert method == type(method)(**vars(method))


def test_methods_have_names_of_their_own():
    assert len({method.name for method in METHODS}) == len(METHODS)


@pytest.mark.parametrize("ask", ["value", "gradient", "model"])
def test_a_run_is_asked_as_an_objective_is(ask):
    """So a run can stand for its objective, as it does in the parts of `MultiStart`."""
    run, objective = (inspect.signature(getattr(kind, ask)) for kind in (Run, Objective))
    assert run == objective
