"""Derivatives of moments by the free parameters, against complex steps through the whole chain."""

from __future__ import annotations

import numpy as np
import pytest
from people import PROFILES, person, recording, with_field

from refnms.parameters import Free, Packing
from refnms.physics.profiles import Profile
from refnms.sensitivity import free_fields, moment_jacobian
from refnms.simulation import chain, join

STEP = 1e-30
MODEL = with_field(person(2), electromechanical_delay=np.full(3, 0.0501))
TRIAL = recording(2, MODEL, 40)
FREE = [
    Free("c1", (-0.95, -0.05), groups=(MODEL.muscle_names,)),
    Free("shape_factor", (-2.999, -0.001)),
    Free("optimal_fiber_length", (0.9, 1.1), relative=True),
    Free("tendon_slack_length", (0.95, 1.05), relative=True),
    Free("strength_coefficient", (0.5, 2.5), groups=(MODEL.muscle_names[:2],)),
]
DELAY = Free("electromechanical_delay", (0.0, 0.1), groups=(MODEL.muscle_names,))


def by_complex_steps(packing: Packing, x: np.ndarray, profile: Profile) -> np.ndarray:
    """(T, D, P), one entry of x after the other."""
    joined = join(packing.model, [TRIAL], profile)
    columns = []
    for p in range(len(x)):
        stepped = x.astype(complex)
        stepped[p] += 1j * STEP
        flags = np.zeros(joined.musculotendon_length.shape, np.int64)
        columns.append(chain(joined, packing.table(stepped), flags).moment.imag / STEP)
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize("name", PROFILES)
def test_the_jacobian_is_that_of_complex_steps(name, rng):
    profile = PROFILES[name]
    packing = Packing(MODEL, [*FREE, DELAY] if profile.interpolates_emg else FREE)
    near = 0.1 * (packing.upper - packing.lower)
    x = np.clip(packing.start + near * rng.uniform(-1, 1, len(near)), packing.lower, packing.upper)
    moment, jacobian = moment_jacobian(packing, x, TRIAL, profile)
    wanted = by_complex_steps(packing, x, profile)
    assert jacobian.shape == (*moment.shape, len(x))
    for p in range(len(x)):
        scale = np.abs(wanted[..., p]).max()
        assert scale > 0.0
        np.testing.assert_allclose(jacobian[..., p], wanted[..., p], rtol=0.0, atol=1e-9 * scale)


def test_the_moments_are_those_of_the_chain():
    packing = Packing(MODEL, FREE)
    joined = join(MODEL, [TRIAL], PROFILES["native"])
    flags = np.zeros(joined.musculotendon_length.shape, np.int64)
    moment, _ = moment_jacobian(packing, packing.start, TRIAL)
    np.testing.assert_array_equal(moment, chain(joined, packing.table(packing.start), flags).moment)


def test_a_muscle_that_does_not_span_a_degree_of_freedom_does_not_move_its_moment():
    """muscle_0 crosses the knee alone."""
    packing = Packing(MODEL, [Free("tendon_slack_length", (0.95, 1.05), relative=True)])
    _, jacobian = moment_jacobian(packing, packing.start, TRIAL)
    assert not jacobian[:, 1, 0].any() and jacobian[:, 0, 0].any() and jacobian[:, 1, 1].any()


def test_free_fields_are_the_rows_of_the_table_that_vary():
    packing = Packing(MODEL, [Free("strength_coefficient", (0.5, 2.0)), FREE[0]])
    assert free_fields(packing).tolist() == [0, 8]
