"""The formulas of the named families, as the papers have them, in many digits.

Sources and errata are told in `refnms/physics/families.py`; the numbers here were taken from the
papers and from opensim-core once more.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from mpmath import asinh, atan, binomial, exp, log, mpf

from arbiter.precise import root

CURVES = ("active_force_length", "passive_force_length", "force_velocity", "tendon_force_strain")


class Family(NamedTuple):
    """Four formulas, in the order of `CURVES`."""

    active_force_length: Callable[[Any], Any]
    passive_force_length: Callable[[Any], Any]
    force_velocity: Callable[[Any], Any]
    tendon_force_strain: Callable[[Any], Any]


# ---- De Groote et al. 2016, supplement, as repaired by OpenSim ----


def de_groote_active(l: Any) -> Any:
    b = [
        ("0.8150671134243542", "1.055033428970575", "0.162384573599574", "0.063303448465465"),
        ("0.433004984392647", "0.716775413397760", "-0.029947116970696", "0.200356847296188"),
        ("0.1", "1.0", "0.353553390593274", "0.0"),
    ]
    return gaussians(l, b)


def gaussians(l: Any, b: list[tuple[str, str, str, str]]) -> Any:
    total = mpf(0)
    for b1, b2, b3, b4 in ([mpf(v) for v in row] for row in b):
        total += b1 * exp(-((l - b2) ** 2) / (2 * (b3 + b4 * l) ** 2))
    return total


def de_groote_passive(l: Any) -> Any:
    k, e0, shortest = mpf(4), mpf(6) / 10, mpf(2) / 10
    offset = exp(k * (shortest - 1) / e0)
    return (exp(k * (l - 1) / e0) - offset) / (exp(k) - offset)


def de_groote_velocity(v: Any) -> Any:
    d1, d2, d3, d4 = map(mpf, ("-0.3211346127989808", "-8.149", "-0.374", "0.8825327733249912"))
    return d1 * asinh(d2 * v + d3) + d4


def de_groote_tendon(strain: Any) -> Any:
    c1, c2, c3, e0 = mpf("0.2"), mpf(1), mpf("0.2"), mpf("0.049")
    k = log((1 + c3) / c1) / (1 + e0 - c2)
    return c1 * exp(k * (1 + strain - c2)) - c3


# ---- Thelen 2003 ----


def thelen_active(l: Any) -> Any:
    return exp(-((l - 1) ** 2) / mpf("0.45"))


def thelen_passive(l: Any) -> Any:
    k, e0 = mpf(5), mpf("0.6")
    return (exp(k * (l - 1) / e0) - 1) / (exp(k) - 1) if l > 1 else mpf(0)


def thelen_velocity(v: Any) -> Any:
    """F of v = (F - 1) / b, equations 6 and 7 at a = f_l = 1, solved for F branch by branch."""
    af, longest = mpf("0.25"), mpf("1.4")
    if v <= 0:  # b = 1 + F / Af
        return (1 + v) / (1 - v / af)

    def of_force(force: Any) -> Any:
        return (force - 1) * (longest - 1) / ((2 + 2 / af) * (longest - force))

    last = mpf("0.95") * longest
    if v >= of_force(last):
        slope = ((2 + 2 / af) * (longest - last) ** 2) / (longest - 1) ** 2
        return last + slope * (v - of_force(last))
    b = (2 + 2 / af) / (longest - 1)
    return (1 + v * b * longest) / (1 + v * b)


def thelen_toe() -> Any:
    e0 = mpf("0.04")
    return 99 * e0 * exp(3) / (166 * exp(3) - 67)


def thelen_tendon(strain: Any) -> Any:
    e0, toe, k = mpf("0.04"), thelen_toe(), mpf(3)
    if strain <= 0:
        return mpf(0)
    if strain <= toe:
        return mpf("0.33") * (exp(k * strain / toe) - 1) / (exp(k) - 1)
    return mpf("0.33") + mpf("0.67") / (e0 - toe) * (strain - toe)


# ---- Millard et al. 2013: quintic Bezier corners ----


@cache
def corner(start: Any, end: Any, curviness: Any) -> tuple[list[Any], list[Any]]:
    """x and y of the corner between two (x, y, slope) as polynomials of u, highest power first."""
    (x0, y0, m0), (x1, y1, m1) = start, end
    meet = (y1 - y0 - x1 * m1 + x0 * m0) / (m0 - m1)
    height = y1 + (meet - x1) * m1
    c = mpf(1) / 10 + mpf(8) / 10 * curviness
    near0 = (x0 + c * (meet - x0), y0 + c * (height - y0))
    near1 = (x1 + c * (meet - x1), y1 + c * (height - y1))
    controls = [(x0, y0), near0, near0, near1, near1, (x1, y1)]
    x, y = (
        [
            binomial(5, k)
            * sum((-1) ** (k - i) * binomial(k, i) * controls[i][axis] for i in range(k + 1))
            for k in range(5, -1, -1)
        ]
        for axis in (0, 1)
    )
    return x, y


def at(polynomial: list[Any], u: Any) -> Any:
    """A polynomial, highest power first."""
    total = mpf(0)
    for factor in polynomial:
        total = total * u + factor
    return total


def corners(x: Any, places: list[Any], curviness: list[str]) -> Any:
    """y at x of a chain of corners, straight beyond its ends."""
    if x <= places[0][0]:
        return places[0][1] + places[0][2] * (x - places[0][0])
    for start, end, c in zip(places[:-1], places[1:], curviness, strict=True):
        if x == end[0]:
            return end[1]
        if x < end[0]:
            along, up = corner(start, end, mpf(c))
            return at(up, root(lambda u, along=along: at(along, u) - x, 0, 1))
    return places[-1][1] + places[-1][2] * (x - places[-1][0])


def millard_active_places() -> list[Any]:
    x0, x1, x2, x3 = mpf("0.4441"), mpf("0.73"), mpf(1), mpf("1.8123")
    delta, ascending = mpf("0.05"), mpf("0.8616")
    xs = x2 - delta
    y1 = 1 - ascending * (xs - x1)
    return [
        (x0, mpf(0), mpf(0)),
        ((x0 + x1) / 2, y1 / 2, mpf("1.25") * y1 / (x1 - x0)),
        ((x1 + xs) / 2, (1 + y1) / 2, ascending),
        (x2, mpf(1), mpf(0)),
        ((x2 + delta + x3) / 2, mpf("0.5"), -1 / (x3 - delta - x2 - delta)),
        (x3, mpf(0), mpf(0)),
    ]


def millard_active(l: Any) -> Any:
    return corners(l, millard_active_places(), ["1"] * 5)


def millard_passive(l: Any) -> Any:
    strain, low = mpf("0.7"), mpf("0.2")
    stiff = 2 / strain
    delta = min(1 / (10 * stiff), strain / 10)
    places = [
        (mpf(1), mpf(0), mpf(0)),
        (1 + delta, low * delta / 2, low),
        (1 + strain, mpf(1), stiff),
    ]
    return corners(l, places, ["0.75", "0.75"])


def millard_velocity(v: Any) -> Any:
    near_c, near_e, isometric, largest = mpf("0.25"), mpf("0.15"), mpf(5), mpf("1.4")
    places = [
        (mpf(-1), mpf(0), mpf(0)),
        (mpf("-0.9"), near_c * mpf("0.1") / 2, near_c),
        (mpf(0), mpf(1), isometric),
        (mpf("0.9"), largest - near_e * mpf("0.1") / 2, near_e),
        (mpf(1), largest, mpf(0)),
    ]
    return corners(v, places, ["0.6", "0.6", "0.9", "0.9"])


def millard_tendon(strain: Any) -> Any:
    e0, toe_force = mpf("0.049"), mpf(2) / 3
    stiff = mpf("1.375") / e0
    toe = e0 + (toe_force - 1) / stiff
    half = e0 + (toe_force / 2 - 1) / stiff
    foot = toe / 10
    steep = (toe_force / 2) / (half - foot)
    middle = (foot + half) / 2
    places = [
        (mpf(0), mpf(0), mpf(0)),
        (middle, steep * (middle - foot), steep),
        (toe, toe_force, stiff),
    ]
    return corners(strain, places, ["0.5", "0.5"])


# ---- Meyer et al. 2016 ----


def meyer_active(l: Any) -> Any:
    b = [
        ("0.8174335195120225", "1.054348561163096", "0.16194288662761705", "0.06381565266097716"),
        (
            "0.43130780147182907",
            "0.7163004817144202",
            "-0.029060905806803296",
            "0.19835014521987723",
        ),
        ("0.1", "1.0", "0.353553390593274", "0.0"),
    ]
    return gaussians(l, b)


def meyer_passive(l: Any) -> Any:
    e1, e2, e3 = map(mpf, ("0.232000797810576", "12.438535493526128", "1.329470475731338"))
    return e1 * log(exp(e2 * (l - e3)) + 1)


def meyer_velocity(v: Any) -> Any:
    d1, d2, d3 = map(mpf, ("-32.51401019139919", "22.160392466960214", "18.7932134796918"))
    d4, d5, d6 = map(mpf, ("6.320952269683997", "-0.27671677680513945", "8.053304562566995"))
    return d1 + d2 * atan(d3 + d4 * atan(d5 + d6 * v))


FORMULAS = {
    "de-groote-fregly-2016": Family(
        de_groote_active, de_groote_passive, de_groote_velocity, de_groote_tendon
    ),
    "thelen-2003": Family(thelen_active, thelen_passive, thelen_velocity, thelen_tendon),
    "millard-2012": Family(millard_active, millard_passive, millard_velocity, millard_tendon),
    "meyer-fregly-2016": Family(meyer_active, meyer_passive, meyer_velocity, de_groote_tendon),
}
