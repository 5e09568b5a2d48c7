"""The gradients of the whole chain against two oracles.

Complex step and adjoint take the same side of every kink, so no sample is left out there. The
differences cannot: where they straddle a kink they say that they cannot tell, and only a derivative
that is wrong beyond their own doubt counts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from people import EDGES, PROFILES, REGIMES, person, recording, regimes, seeds

from refnms.autodiff import Var, check_vjp, vjp
from refnms.physics.types import Array, Flag, Muscles
from refnms.simulation import Joined, chain, join, simulate

STEP = 1e-30
COMPLEX_STEP = 1e-9  # relative to the sum of the terms' magnitudes
FEW = settings.default.max_examples // 2  # each runs two trials dozens of times
IN_EQUILIBRIUM = 1e-9  # of strength times maximal force

MODEL = person(2)
TRIAL = recording(2, MODEL, 40)


class Problem:
    """Two trials joined, and a chain of what may be differentiated: the forces of one pass."""

    def __init__(self, seed: int, profile: str, of: list[str], rigid: bool, piecewise: bool):
        self.model = person(seed, rigid=rigid, piecewise=piecewise)
        trials = [recording(seed + k, self.model, n, of) for k, n in enumerate((18, 6))]
        self.joined: Joined = join(self.model, trials, PROFILES[profile])
        self.flags = np.zeros(self.joined.musculotendon_length.shape, np.int64)
        self.native = profile == "native"
        table = self.model.table()
        self.inputs = (table, self.joined.excitation(table), self.joined.musculotendon_length)

    def forces(self, table: Any, excitation: Any, musculotendon_length: Any) -> Any:
        return chain(self.joined, table, self.flags, excitation, musculotendon_length).tendon_force

    def forces_of_table(self, table: Any) -> Any:
        return chain(self.joined, table, self.flags).tendon_force


problems = st.builds(
    Problem,
    seed=seeds,
    profile=st.sampled_from(sorted(PROFILES)),
    of=regimes,
    rigid=st.sampled_from([False, False, True]),
    piecewise=st.sampled_from([False, False, True]),
)


def error(adjoint: Array, bar: Array, stepped: Array) -> float:
    """Of one derivative for each muscle, relative to the magnitudes of its terms."""
    terms = bar * stepped.imag / STEP
    scale = np.sum(np.abs(terms), axis=0) + np.abs(adjoint)
    difference = np.abs(np.sum(terms, axis=0) - adjoint)
    return float(np.max(difference / np.where(scale > 0.0, scale, 1.0)))


@settings(max_examples=FEW)
@given(problem=problems, seed=seeds)
def test_the_adjoint_is_the_complex_step(problem, seed):
    rng = np.random.default_rng(seed)
    table, excitation, lmt = problem.inputs
    force, pullback = vjp(problem.forces, *problem.inputs)
    bar = rng.normal(size=force.shape)
    table_bar, *signal_bars = pullback(bar)
    for row, name in enumerate(Muscles._fields[:9] + Muscles._fields[10:]):
        row += row >= 9
        stepped = table.astype(complex)
        stepped[row] += 1j * STEP
        found = error(table_bar[row], bar, problem.forces(stepped, excitation, lmt))
        assert found < COMPLEX_STEP, name
    directions = rng.normal(size=excitation.shape), 0.1 * rng.normal(size=lmt.shape)
    steps = (
        problem.forces(table, excitation + 1j * STEP * directions[0], lmt),
        problem.forces(table, excitation, lmt + 1j * STEP * directions[1]),
    )
    for x_bar, direction, stepped in zip(signal_bars, directions, steps, strict=True):
        assert error(np.sum(x_bar * direction, axis=0), bar, stepped) < COMPLEX_STEP


@settings(max_examples=FEW)
@given(seed=seeds, of=regimes, rigid=st.booleans())
def test_the_adjoint_of_the_delay_is_the_complex_step(seed, of, rigid):
    problem = Problem(seed, "native", of, rigid, False)
    row = Muscles._fields.index("electromechanical_delay")
    force, pullback = vjp(problem.forces_of_table, problem.inputs[0])
    bar = np.random.default_rng(seed).normal(size=force.shape)
    stepped = problem.inputs[0].astype(complex)
    stepped[row] += 1j * STEP
    found = error(pullback(bar)[0][row], bar, problem.forces_of_table(stepped))
    assert found < COMPLEX_STEP


@settings(max_examples=FEW)
@given(problem=problems, seed=seeds)
def test_the_adjoint_is_not_what_differences_contradict(problem, seed):
    check = check_vjp(problem.forces, *problem.inputs, seed=seed)
    assert not check.wrong, str(check)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(("rigid", "piecewise"), [(False, False), (False, True), (True, False)])
def test_away_from_kinks_differences_confirm_the_adjoint(profile, rigid, piecewise):
    problem = Problem(11, profile, ["ordinary"], rigid, piecewise)
    check_vjp(problem.forces, *problem.inputs).require()


@pytest.mark.parametrize("profile", PROFILES)
def test_moments_are_differentiated_by_the_moment_arms_too(profile):
    problem = Problem(11, profile, ["ordinary"], False, False)

    def moment(table: Any, arm: Any) -> Any:
        return chain(problem.joined, table, problem.flags, moment_arm=arm).moment

    arm = problem.joined.moment_arm
    check_vjp(moment, problem.inputs[0], arm).require()
    doubled = moment(problem.inputs[0], 2.0 * arm)
    np.testing.assert_allclose(doubled, 2.0 * moment(problem.inputs[0], arm), rtol=1e-12)


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("profile", PROFILES)
def test_the_shape_factor_is_differentiated_at_its_bounds(profile, edge):
    problem = Problem(4, profile, ["ordinary"], False, False)
    table, *others = problem.inputs
    row = Muscles._fields.index("shape_factor")
    table = table.copy()
    table[row] = edge
    force, pullback = vjp(lambda table: problem.forces(table, *others), table)
    bar, stepped = np.random.default_rng(0).normal(size=force.shape), table.astype(complex)
    stepped[row] += 1j * STEP
    assert error(pullback(bar)[0][row], bar, problem.forces(stepped, *others)) < 1e-11


def test_every_signal_may_be_asked_for_its_gradient():
    problem = Problem(11, "native", ["ordinary"], False, False)
    recorded = []
    vjp(lambda t: recorded.append(chain(problem.joined, t, problem.flags)) or t, problem.inputs[0])
    assert all(isinstance(signal, Var) for signal in recorded[0])


def test_the_regimes_reach_what_they_are_made_for():
    """Else the tests above would say less than they claim."""
    seen = dict.fromkeys(REGIMES, Flag(0))
    shortest = np.inf
    for seed in range(12):
        model = person(seed)
        for name in REGIMES:
            run = simulate(model, recording(seed, model, 20, [name]))
            seen[name] |= Flag(int(np.bitwise_or.reduce(run.flags, axis=None)))
            if name == "short":
                norm = run.fiber_length / model.muscles.optimal_fiber_length
                shortest = min(shortest, float(norm.min()))
    assert Flag.SLACK in seen["slack"] and Flag.SLACK in seen["short"]
    assert Flag.VELOCITY_LIMIT in seen["fast"]
    assert shortest < 0.25
