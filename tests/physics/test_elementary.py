"""Both twins of each function against decimals of sixty digits."""

from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refnms.jit import kernel
from refnms.physics import elementary
from refnms.physics.elementary import LARGEST, SERIES_BELOW, exp, phi

DIGITS = 60
# Units in the last place: what the module promises of e^z, and what two more operations may add.
EXP_ULPS, PHI_ULPS = 2.0, 4.0

seams = [s * z for s in (-1, 1) for z in (0.0, 5e-324, 1e-300, 1e-299, 1e-16, 1e-9, 0.3466, 0.5)]
arguments = (
    st.floats(-4.0, 4.0)
    | st.floats(-1e-3, 1e-3)
    | st.floats(-LARGEST, LARGEST)
    | st.sampled_from([*seams, *(np.nextafter(z, t) for z in (-0.5, 0.5) for t in (-1.0, 1.0))])
)


def exact(z: float) -> tuple[Decimal, Decimal, Decimal]:
    """e^z, (e^z - 1) / z and its slope; of a tiny z by the first terms of their series."""
    with localcontext() as context:
        context.prec = DIGITS
        z = Decimal(z)
        if abs(z) < Decimal("1e-15"):
            return 1 + z + z * z / 2, 1 + z / 2 + z * z / 6, Decimal("0.5") + z / 3
        power = z.exp()
        ratio = (power - 1) / z
        return power, ratio, (power - ratio) / z


def ulps(found: float, wanted: Decimal) -> float:
    with localcontext() as context:
        context.prec = DIGITS
        return float(abs(Decimal(float(found)) - wanted) / Decimal(np.spacing(abs(float(wanted)))))


@kernel
def compiled_exp(z):
    return exp(z)


@kernel
def compiled_phi(z):
    return phi(z)


if not hasattr(compiled_exp, "py_func"):  # nothing is compiled: what would be runs as Python

    def compiled_exp(z):
        return elementary.exp_of_number(z)

    def compiled_phi(z):
        return elementary.phi_of_number(z)


@given(arguments)
def test_numpys_functions_keep_their_digits(z):
    power, ratio, _ = exact(z)
    assert ulps(exp(np.float64(z)), power) <= EXP_ULPS
    assert ulps(phi(np.float64(z)), ratio) <= PHI_ULPS


@given(arguments)
def test_compiled_exponentials_keep_their_digits(z):
    power, ratio, _ = exact(z)
    assert ulps(compiled_exp(z), power) <= EXP_ULPS
    assert ulps(compiled_phi(z), ratio) <= PHI_ULPS


@pytest.mark.parametrize("seam", [-SERIES_BELOW, SERIES_BELOW])
def test_phi_joins_without_a_step(seam):
    either = np.array([np.nextafter(seam, 0.0), np.nextafter(seam, 2.0 * seam)])
    np.testing.assert_allclose(*phi(either), rtol=3e-15)


@given(st.floats(-SERIES_BELOW, SERIES_BELOW))
def test_the_series_is_that_of_phi(z):
    assert ulps(elementary.phi_series(z), exact(z)[1]) <= PHI_ULPS


@given(st.floats(-0.08, 0.08))
def test_the_series_is_that_of_the_slope_of_phi(z):
    assert ulps(elementary.phi_slope_series(z), exact(z)[2]) <= PHI_ULPS


@pytest.mark.parametrize("z", [0.0, 5e-324, -5e-324, 1e-301])
def test_at_zero_all_have_their_limits(z):
    for of in (exp, phi, compiled_exp, compiled_phi):
        assert of(z) == 1.0
    assert elementary.phi_slope_series(z) == 0.5


def test_what_is_no_number_stays_none():
    for of in (exp, phi):
        assert np.isnan(of(np.nan))


@pytest.mark.parametrize("of", [compiled_exp, compiled_phi])
def test_what_is_no_number_stays_none_in_compiled_code(of):
    assert np.isnan(of(np.nan))


@pytest.mark.parametrize("z", [LARGEST + 1.0, 1e4, 1e300, np.inf])
def test_beyond_the_largest_exponent_the_compiled_exponential_stands_still(z):
    assert compiled_exp(z) == compiled_exp(LARGEST) == pytest.approx(np.exp(708.0), rel=1e-15)
    assert compiled_exp(-z) == compiled_exp(-LARGEST) > 0.0
    assert compiled_phi(-z) == (0.0 if z == np.inf else pytest.approx(1.0 / z, rel=1e-15))
    assert compiled_phi(z) == pytest.approx(compiled_exp(LARGEST) / z, rel=1e-15)
