"""Single samples of the equilibrium, and its residual for every kind of number."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from strategies import draw_muscles, one_muscle, seeds

from refnms.physics import muscle
from refnms.physics.profiles import ceinms_0_9
from refnms.physics.solve import Sample
from refnms.physics.types import Curves, Muscles, Unit

BRACKET = ceinms_0_9(tolerance=0.0).root


@st.composite
def samples(draw: st.DrawFn) -> tuple[Sample, float]:
    """A sample in motion and its previous fiber length: stretched, slack, short or long."""
    rng = np.random.default_rng(draw(seeds))
    unit = muscle.unit(draw(one_muscle()))
    lo, s = unit.optimal_fiber_length, unit.pennation_sine
    previous = lo * np.sqrt(rng.uniform(0.05, 1.8) ** 2 + s * s)
    strain = draw(st.floats(-0.02, 0.08) | st.floats(-0.5, 0.3))
    newest = 1.0 / draw(st.floats(1e-4, 0.05))  # time steps from 0.1 to 50 ms
    length = unit.tendon_slack_length * (1.0 + strain) + lo * rng.uniform(0.1, 1.8)
    activation = draw(st.floats(0.0, 1.0))
    return Sample(unit, activation, length, newest, -newest * previous), previous


def many_samples(rng: np.random.Generator, count: int = 5000) -> tuple[Sample, Any]:
    """Samples of as many muscles, and projected lengths as if these were their roots."""
    unit = muscle.unit(draw_muscles(rng, count))
    w, past_w = rng.uniform(0.05, 2.0, (2, count))
    strain = np.where(
        rng.random(count) < 0.5, rng.uniform(0.0, 0.04, count), rng.uniform(-0.5, 0.3)
    )
    tendon = unit.tendon_slack_length * (1.0 + strain)
    lmt = tendon + unit.optimal_fiber_length * w
    newest = 1.0 / rng.uniform(1e-4, 0.03, count)
    past = -newest * unit.optimal_fiber_length * past_w
    return Sample(unit, rng.uniform(0.0, 1.0, count), lmt, newest, past), w


def nth(many: Sample, i: Any) -> Sample:
    """One of many samples."""
    return Sample(Unit(*(p[i] for p in many.unit)), *(x[i] for x in many[1:]))


def rigid(sample: Sample) -> Any:
    """The length under a rigid tendon."""
    return muscle.rigid_fiber_length(sample.unit, sample.musculotendon_length)


def balance(curves: Curves, sample: Sample, w: Any) -> Any:
    """g at a projected length, of any kind of number."""
    unit = sample.unit
    x, cosine = muscle.of_projection(unit, w)
    velocity = sample.newest * unit.optimal_fiber_length * x + sample.past
    v = muscle.norm_velocity(unit, velocity)
    rest = sample.activation, v, sample.musculotendon_length
    return muscle.equilibrium(curves, unit, x, cosine, *rest)


def units_of(lo: float, angle: float, lts: float) -> Unit:
    """A muscle of these sizes, ordinary otherwise."""
    return muscle.unit(Muscles(-0.5, -0.5, -1.0, lo, angle, lts, 1000.0, 10.0, 1.0, 0.0, 0.1, 0.15))
