"""Deviations, intervals and trade-offs of a calibration whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from people import person, recording
from scipy.linalg import toeplitz

from refnms.autodiff import jacobian
from refnms.calibration import Calibration, calibrate
from refnms.errors import InputError
from refnms.model import Model, Trial
from refnms.noise import Errors
from refnms.objective import Objective
from refnms.parameters import Free, Packing
from refnms.sensitivity import moment_jacobian
from refnms.simulation import chain, simulate
from refnms.terms import FiberLengthRange, MomentError, Prior
from refnms.uncertainty import Uncertainty, _both, _linearized, _others, uncertainty_of

NOISE = 0.5  # [N.m], white
TRUTH = person(8)
FREE = [
    Free("strength_coefficient", (0.3, 3.0)),
    Free("shape_factor", (-2.999, -0.001)),
]


def noisy(seed: int, model: Model = TRUTH, frames: int = 150) -> list[Trial]:
    trials = [recording(i, model, frames, name=str(i)) for i in range(2)]
    rng = np.random.default_rng(seed)
    found = []
    for trial in trials:
        moment = simulate(model, trial).moment
        found.append(replace(trial, moment=moment + NOISE * rng.standard_normal(moment.shape)))
    return found


def fitted(seed: int, free: list[Free] = FREE, **options: object) -> Calibration:
    return calibrate(TRUTH, noisy(seed), Packing(TRUTH, free), **options)


@pytest.fixture(scope="module")
def doubt() -> Uncertainty:
    return uncertainty_of(fitted(0))


def test_the_noise_of_the_moments_is_found(doubt):
    np.testing.assert_allclose(doubt.noise, NOISE, rtol=0.15)


def test_deviations_are_those_of_repeated_experiments():
    """What many noisy recordings of one person scatter by."""
    packing = Packing(TRUTH, FREE[:1])
    found = [uncertainty_of(fitted(seed, FREE[:1])) for seed in range(25)]
    stated = np.mean([each.deviation for each in found], axis=0)
    seen = np.std([each.center - packing.start for each in found], axis=0)
    np.testing.assert_allclose(stated, seen, rtol=0.45)  # 25 draws know a deviation to 15 %


def test_deviations_grow_with_the_noise():
    quiet, loud = (
        uncertainty_of(calibrate(TRUTH, trials, Packing(TRUTH, FREE[:1])))
        for trials in (
            noisy(1),
            [replace(t, moment=t.moment + 3.0 * (t.moment - n.moment))
             for t, n in zip(noisy(1), noisy(2), strict=True)],
        )
    )  # fmt: skip
    assert (loud.deviation > 2.0 * quiet.deviation).all()


def test_intervals_stay_within_the_bounds_and_around_the_center(doubt):
    low, high = doubt.interval()
    packing = doubt.packing
    assert (packing.lower <= low).all() and (high <= packing.upper).all()
    assert (low < doubt.center).all() and (doubt.center < high).all()
    narrow = doubt.interval(sigmas=0.01)
    np.testing.assert_allclose(narrow[1] - narrow[0], 0.02 * doubt.deviation, rtol=1e-6)


def test_what_is_known_of_each_parameter_is_a_frame(doubt):
    frame, (low, high) = doubt.to_frame(), doubt.interval()
    assert list(frame.index) == doubt.packing.names
    for column, wanted in (("center", doubt.center), ("low", low), ("high", high)):
        np.testing.assert_array_equal(frame[column], wanted)
    np.testing.assert_array_equal(frame["deviation"], doubt.deviation)
    assert list(frame.index[frame["undetermined"]]) == doubt.undetermined()


def test_what_the_data_do_not_determine_keeps_the_width_of_its_bounds():
    """The shape of a muscle without excitation moves no moment."""
    silent = replace(TRUTH, emg_to_muscle=np.diag([0.0, 1.0, 1.0]))
    fit = calibrate(silent, noisy(3, silent), Packing(silent, FREE[1:]))
    found = uncertainty_of(fit)
    assert found.undetermined() == ["shape_factor of muscle_0"]
    room = fit.packing.upper[0] - fit.packing.lower[0]
    assert found.deviation[0] == pytest.approx(room / np.sqrt(12.0), rel=1e-6)
    assert found.center[0] == pytest.approx(fit.packing.start[0], abs=1e-6)


def test_two_parameters_that_do_the_same_trade_off_in_words():
    """c1 and c2 of one muscle: the filter is symmetric in them."""
    model = replace(TRUTH, muscles=TRUTH.muscles._replace(c1=np.full(3, -0.5), c2=np.full(3, -0.5)))
    packing = Packing(model, [Free("c1", (-0.95, -0.05)), Free("c2", (-0.95, -0.05))])
    found = uncertainty_of(calibrate(model, noisy(4, model), packing))
    words = found.trade_offs()
    assert any(w.startswith("c1 and c2 of muscle_1 trade off at -") for w in words), words
    pairs = np.abs(found.correlation - np.eye(6)).max()
    assert pairs < 1.0 and np.allclose(np.diag(found.correlation), 1.0)


def test_the_band_of_a_trial_is_that_of_parameters_drawn_from_the_covariance(doubt):
    trial = recording(9, TRUTH, 40)
    moment, deviation = doubt.band(trial)
    rng = np.random.default_rng(0)
    draws = rng.multivariate_normal(doubt.center, doubt.covariance, size=300)
    runs = [simulate(doubt.packing.unpack(x), trial).moment for x in draws]
    np.testing.assert_allclose(deviation, np.std(runs, axis=0), rtol=0.35, atol=0.02 * NOISE)
    np.testing.assert_array_equal(
        moment, simulate(doubt.packing.unpack(doubt.center), trial).moment
    )


def test_the_band_is_what_the_covariance_makes_of_the_jacobian(doubt):
    trial = recording(9, TRUTH, 40)
    _, slopes = moment_jacobian(doubt.packing, doubt.center, trial)
    rows = slopes.reshape(-1, slopes.shape[-1])
    variance = np.diag(rows @ doubt.covariance @ rows.T).reshape(slopes.shape[:2])
    np.testing.assert_allclose(doubt.band(trial)[1], np.sqrt(variance), rtol=1e-9)


def test_the_covariance_is_that_of_its_formula_by_plain_matrices():
    """C = H^-1 (J' G J + s L) H^-1, H = J'J + L: see the module."""
    fit = fitted(6)
    found = uncertainty_of(fit)
    room = fit.packing.upper - fit.packing.lower
    residuals, jacobians = _linearized(fit.objective, fit.result.x)
    rough = np.mean(np.concatenate(residuals) ** 2)
    products = sum(j.reshape(-1, len(room)).T @ j.reshape(-1, len(room)) for j in jacobians)
    known = np.diag(12.0 / room**2)
    errors = Errors(residuals, jacobians, np.linalg.inv(products + rough * known))
    _, jacobians = _linearized(fit.objective, found.center)
    middle, products = errors.long_run**2 * known, errors.long_run * known
    for slopes, size in zip(jacobians, errors.sizes, strict=True):
        for d in range(slopes.shape[1]):
            lagged = np.zeros(len(slopes))
            lagged[: len(errors.covariance)] = errors.covariance[: len(slopes), d]
            of_errors = size[d] ** 2 * toeplitz(lagged)
            middle = middle + slopes[:, d].T @ of_errors @ slopes[:, d]
            products = products + slopes[:, d].T @ slopes[:, d]
    inverse = np.linalg.inv(products)
    expected = inverse @ middle @ inverse
    scale = np.sqrt(np.diag(expected))
    # A taper that makes the spectrum a little negative is cut off there, by less than this.
    np.testing.assert_allclose(
        found.covariance / scale / scale[:, None], expected / scale / scale[:, None], atol=2e-4
    )


def test_open_one_sided_terms_and_priors_count_as_rows_of_their_own():
    terms = (MomentError(), FiberLengthRange(0.95, 1.05, weight=3.0), Prior(0.7))
    packing = Packing(TRUTH, [*FREE, Free("optimal_fiber_length", (0.8, 1.2), relative=True)])
    objective = Objective(packing, noisy(7, frames=30), terms=terms)
    x = packing.start

    def rows(x):
        table = packing.table(x)
        signals = chain(objective.problem.joined, table, objective.flags)
        parts = [t.residuals(x, table, signals, objective.problem) for t in terms[1:]]
        weights = [np.sqrt(t.weight_at(1.0)) for t in terms[1:]]
        return np.concatenate([w * np.reshape(p, -1) for w, p in zip(weights, parts, strict=True)])

    j = jacobian(rows)(x)
    assert np.count_nonzero(rows(x)) > 10
    np.testing.assert_allclose(_others(objective, x, terms), j.T @ j, rtol=1e-9, atol=1e-12)


def test_the_truth_lies_in_the_band_and_the_intervals_as_often_as_stated():
    inside, held = [], []
    for seed in range(12):
        found = uncertainty_of(fitted(seed))
        low, high = found.interval()
        inside.append((low <= found.packing.start) & (found.packing.start <= high))
        trial = recording(9, TRUTH, 60)
        moment, deviation = found.band(trial)
        held.append(np.abs(moment - simulate(TRUTH, trial).moment) <= 1.96 * deviation)
    assert 0.85 <= np.mean(inside) <= 1.0  # 72 intervals; validation has the hard figures
    assert 0.8 <= np.mean(held) <= 1.0


def test_frames_and_degrees_of_freedom_that_do_not_count_change_nothing():
    trials = noisy(5)
    scored = np.arange(150) >= 40
    wild = [
        replace(t, scored=scored, moment=np.where(scored[:, None], t.moment, 1e3) * [1.0, fill])
        for t, fill in zip(trials, (1.0, 1.0), strict=True)
    ]
    tame = [replace(t, scored=scored) for t in trials]
    packing = Packing(TRUTH, FREE[:1])
    a, b = (uncertainty_of(calibrate(TRUTH, t, packing, dofs=["knee"])) for t in (wild, tame))
    np.testing.assert_allclose(a.covariance, b.covariance, rtol=1e-9)
    assert np.isnan(a.noise[1]) and np.isfinite(a.noise[0])


def test_trials_that_cannot_be_run_are_refused(doubt):
    with pytest.raises(InputError):
        doubt.band(recording(1, person(2, muscles=2)))


def test_pairs_are_put_in_words():
    assert _both("c1 of soleus_r", "c2 of soleus_r") == "c1 and c2 of soleus_r"
    assert (
        _both("strength_coefficient of a and 2 more", "c2 of b")
        == "strength coefficient of a and 2 more and c2 of b"
    )
