"""Exponentials as compiled loops want them: arithmetic alone, so that they stay many lanes wide.

    exp(z) = e^z,    phi(z) = (e^z - 1) / z,

smooth through 0. In a compiled loop

    e^z = 2^k e^r,   z = k ln 2 + r,   |r| <= ln 2 / 2    (Cody and Waite 1980)

with ln 2 in two parts, the first so short that k times it is exact, and e^r = 1 + r q(r), q by its
Taylor polynomial. Then e^z - 1 = 2^k r q(r) + (2^k - 1) loses nothing near 0, where k = 0. Within
2 units in the last place. Outside of compiled code NumPy's functions stand for all this.

Polynomials are summed by Estrin's scheme, in which less waits for what comes before.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refnms.jit import choose, pure

PER_LN2 = 1.4426950408889634
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
ROUND = 6755399441055744.0  # 1.5 * 2**52: what is added to it is rounded to a whole number
LARGEST = 708.0  # beyond, e^z has no normal number
SERIES_BELOW = 0.5  # of |z|: there phi loses digits to cancellation on the tape
TINY = 1e-300

Q0, Q1, Q2, Q3, Q4, Q5, Q6, Q7, Q8, Q9, Q10, Q11, Q12, Q13, Q14, Q15 = (
    1.0 / float(np.prod(np.arange(1.0, k + 2.0))) for k in range(16)
)  # of phi: z^k / (k + 1)!
S0, S1, S2, S3, S4, S5, S6, S7, S8 = (
    (k + 1.0) * q for k, q in enumerate((Q1, Q2, Q3, Q4, Q5, Q6, Q7, Q8, Q9))
)  # of its slope


@pure
def phi_series(z: Any) -> Any:
    """`phi` of |z| < SERIES_BELOW."""
    z2 = z * z
    z4 = z2 * z2
    low = ((Q0 + z * Q1) + z2 * (Q2 + z * Q3)) + z4 * ((Q4 + z * Q5) + z2 * (Q6 + z * Q7))
    high = ((Q8 + z * Q9) + z2 * (Q10 + z * Q11)) + z4 * ((Q12 + z * Q13) + z2 * (Q14 + z * Q15))
    return low + z4 * z4 * high


@pure
def phi_slope_series(z: Any) -> Any:
    """Slope of `phi`, to the last digits where |z| < 0.08."""
    z2 = z * z
    z4 = z2 * z2
    low = (S0 + z * S1) + z2 * (S2 + z * S3)
    return low + z4 * (((S4 + z * S5) + z2 * (S6 + z * S7)) + z4 * S8)


def exp(z: Any) -> Any:
    """e^z."""
    return np.exp(z)


def phi(z: Any) -> Any:
    """(e^z - 1) / z."""
    near = (z < SERIES_BELOW) & (z > -SERIES_BELOW)
    small, large = np.where(near, z, 0.0), np.where(near, 1.0, z)
    return np.where(near, phi_series(small), np.expm1(large) / large)


@pure
def _split(z: Any) -> Any:
    """2^k and r."""
    z = -LARGEST if z < -LARGEST else (LARGEST if z > LARGEST else z)  # a NaN stays one
    shifted = z * PER_LN2 + ROUND
    k = shifted - ROUND
    bits = (np.float64(shifted).view(np.int64) + 1023) << 52
    return np.int64(bits).view(np.float64), (z - k * LN2_HIGH) - k * LN2_LOW


@pure
def _q(r: Any) -> Any:
    """(e^r - 1) / r of a small r."""
    r2 = r * r
    r4 = r2 * r2
    low = ((Q0 + r * Q1) + r2 * (Q2 + r * Q3)) + r4 * ((Q4 + r * Q5) + r2 * (Q6 + r * Q7))
    return low + r4 * r4 * ((Q8 + r * Q9) + r2 * (Q10 + r * Q11) + r4 * Q12)


def exp_of_number(z: Any) -> Any:
    """`exp` in compiled code."""
    power, r = _split(z)
    return power + power * r * _q(r)


def phi_of_number(z: Any) -> Any:
    """`phi` in compiled code."""
    power, r = _split(z)
    at_zero = (z < TINY) & (z > -TINY)
    return 1.0 if at_zero else (power * r * _q(r) + (power - 1.0)) / z


choose(exp, lambda kind: exp_of_number)
choose(phi, lambda kind: phi_of_number)
