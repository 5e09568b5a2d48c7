"""Methods by their names: the right one, with starts and seed, on a small calibration."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from people import person, recording

from refnms.calibration import Calibration, calibrate
from refnms.cli.calibrate import METHODS as NAMED
from refnms.errors import InputError
from refnms.methods import METHODS, method_named
from refnms.optimize import (
    LBFGSB,
    AdamW,
    Budget,
    CoranaAnnealing,
    DualAnnealing,
    LevenbergMarquardt,
    Linear,
    MultiStart,
    Status,
)
from refnms.parameters import Free, Packing
from refnms.simulation import simulate

PERSON = person(8)
WEAK = replace(PERSON, muscles=PERSON.muscles._replace(strength_coefficient=np.full(3, 0.8)))
SHAPE, STRENGTH = Free("shape_factor", (-2.999, -0.001)), Free("strength_coefficient", (0.4, 2.5))
FREE = Packing(WEAK, [SHAPE, STRENGTH])
WANTED = {
    "lm": LevenbergMarquardt(),
    "adamw": AdamW(),
    "l-bfgs-b": LBFGSB(),
    "dual-annealing": DualAnnealing(seed=5),
    "corana": CoranaAnnealing(seed=6),
    "strengths": Linear((3, 4, 5)),
}


@pytest.mark.parametrize("name", METHODS)
def test_a_name_stands_for_a_method_with_its_defaults_and_the_seed(name):
    assert method_named(name, FREE, seed=5) == WANTED[name]


def test_the_command_line_has_the_same_names():
    """It keeps a list of its own, so that `--help` need not load SciPy."""
    assert NAMED == tuple(METHODS)


@pytest.mark.parametrize("name", sorted(METHODS.keys() - {"strengths"}))
def test_a_method_is_called_by_its_name(name):
    assert method_named(name, FREE).name == name


@pytest.mark.parametrize("starts", [2, 7])
@pytest.mark.parametrize("name", sorted(METHODS.keys() - {"strengths", "corana"}))
def test_several_starts_share_the_seed_with_their_method(name, starts):
    wanted = MultiStart(WANTED[name], starts, seed=5)
    assert method_named(name, FREE, starts, seed=5) == wanted


def test_strengths_are_found_wherever_they_stand():
    free = Packing(WEAK, [STRENGTH, SHAPE])
    assert method_named("strengths", free) == Linear((0, 1, 2))
    shared = Packing(WEAK, [SHAPE, replace(STRENGTH, groups=(WEAK.muscle_names,))])
    assert method_named("strengths", shared) == Linear((3,))


def test_strengths_are_refused_where_none_is_free():
    with pytest.raises(InputError, match=r"fits strength coefficients .*: none is free"):
        method_named("strengths", Packing(WEAK, [SHAPE]))


def test_strengths_alone_take_one_start():
    """Another one would move the parameters that the method leaves alone."""
    with pytest.raises(InputError, match="exact: more starts find the same"):
        method_named("strengths", FREE, starts=2)


def test_annealing_takes_its_settings_from_the_file_and_its_seed_from_the_user():
    settings = CoranaAnnealing(rt=0.5, ns=3, random="msvc")
    assert method_named("corana", FREE, seed=4, annealing=settings) == replace(settings, seed=5)
    assert method_named("lm", FREE, annealing=settings) == LevenbergMarquardt()


def test_annealing_takes_one_start():
    with pytest.raises(InputError, match="never evaluates its start"):
        method_named("corana", FREE, starts=2)


def test_an_unknown_name_is_told_the_known_ones():
    with pytest.raises(InputError, match=r"'newton'; there are lm, adamw, .*, strengths"):
        method_named("newton", FREE)


# ---- on a calibration ----


def calibrated(name: str, count: int, **options) -> Calibration:
    trial = recording(0, PERSON, 30)
    trial = replace(trial, moment=simulate(PERSON, trial).moment)
    method = method_named(name, FREE, seed=2)
    return calibrate(WEAK, [trial], FREE, method, budget=Budget(count), **options)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_brings_a_calibration_forward(name):
    done = calibrated(name, 60)
    assert done.final < 0.9 * done.initial
    assert ((FREE.lower <= done.result.x) & (done.result.x <= FREE.upper)).all()


@pytest.mark.parametrize("name", METHODS)
def test_every_method_continues_a_calibration_to_the_same_bits(name):
    """It asks that an objective have the same value with and without its gradient, to the bit."""
    whole, cut = calibrated(name, 12), calibrated(name, 1)
    assert cut.result.status is Status.BUDGET
    done = calibrated(name, 12, past=cut.result.history)
    np.testing.assert_array_equal(done.result.history.objective, whole.result.history.objective)
    np.testing.assert_array_equal(done.result.x, whole.result.x)


def test_strengths_alone_change_by_their_method():
    done = calibrated("strengths", 10)
    np.testing.assert_array_equal(done.result.x[:3], FREE.start[:3])
    np.testing.assert_allclose(done.result.x[3:], PERSON.muscles.strength_coefficient, rtol=1e-6)
