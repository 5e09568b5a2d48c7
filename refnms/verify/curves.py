"""The four curves: is the slope the slope of the value, piece by piece and across every joint?

Inside a piece, slope and value are two functions of the same cubic; the complex step compares them.
Across a joint they can disagree with both pieces right by themselves: a value that jumps has a
slope that its pieces know nothing of. So value and slope must meet at every inner knot, and the
value at the ends. A slope that jumps at an end is a kink: it is named, and no fault.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from refnms.physics.curves import segment, value, value_slope
from refnms.physics.types import Array, Curve, Curves
from refnms.verify.lanes import Run, asked
from refnms.verify.oracle import STEP
from refnms.verify.records import EVERYWHERE, Check, Place, Worst

INSIDE = np.array([1e-9, 0.113, 0.27, 0.5, 0.731, 0.887, 1.0 - 1e-9])  # of a piece's width
BEYOND = 0.5  # of the width of all knots: how far outside of them


def curve_checks(curves: Curves, run: Run) -> Iterator[Check]:
    """Slopes and joints of the four curves; the muscle named is the one that asks there most."""
    slopes = Worst(
        "curve slopes",
        "the slope of every piece of every curve is that of its value, by the complex step",
        EVERYWHERE,
    )
    joints = Worst(
        "curve joints",
        "value and slope of every curve meet at its knots: no step that its slope does not know",
        EVERYWHERE,
    )
    visits = asked(run.lanes, run.signals)
    for name, curve in curves._asdict().items():
        at = getattr(visits, name)
        for quantity, x, error in _slope_errors(curve):
            slopes.add(error, _placed(curve, name, quantity, x, at, run))
        for quantity, x, error in _joint_errors(curve):
            joints.add(error, _placed(curve, name, quantity, x, at, run))
    yield slopes.check()
    yield joints.check()


def _placed(curve: Curve, name: str, quantity: str, x: Array, at: Array, run: Run):  # type: ignore[no-untyped-def]
    """A place on a curve, and who asks there: the sample of the pieces beside x that is nearest."""

    def place(index: tuple[int, ...]) -> Place:
        where = float(x[index])
        piece = int(segment(curve, where))
        near = np.abs(segment(curve, at) - piece) <= 1
        visits = np.count_nonzero(near, axis=0)
        m = int(np.argmax(visits))
        if visits[m] == 0:
            return Place(quantity, curve=name, at=(("x", where),))
        t = int(np.argmin(np.where(near[:, m], np.abs(at[:, m] - where), np.inf)))
        found = run.lanes.place(quantity, t, m)
        return Place(
            quantity, found.muscle, found.trial, found.frame, found.time, name, (("x", where),)
        )

    return place


def _slope_errors(curve: Curve) -> Iterator[tuple[str, Array, Array]]:
    """Relative errors of the slope at points of every piece, those beyond the ends included."""
    x = _points(curve)
    exact = np.asarray(value(curve, x + 1j * STEP)).imag / STEP
    found = np.asarray(value_slope(curve, x))
    local = np.max(np.abs(exact), axis=1, keepdims=True)
    largest = float(np.max(np.abs(exact)))
    scale = np.maximum(local, 1e-9 * largest)
    yield "slope against value", x, np.abs(found - exact) / np.where(scale > 0.0, scale, 1.0)


def _points(curve: Curve) -> Array:
    """Points `(pieces, n)` inside every piece."""
    reach = BEYOND * (curve.knots[-1] - curve.knots[0])
    ends = np.concatenate([[curve.knots[0] - reach], curve.knots, [curve.knots[-1] + reach]])
    return np.asarray(ends[:-1, None] + INSIDE * np.diff(ends)[:, None])


def _joint_errors(curve: Curve) -> Iterator[tuple[str, Array, Array]]:
    """Steps of value and slope at the knots, relative to what the cubics beside them add up."""
    knots, pieces = curve.knots, curve.pieces
    left, right = pieces[:-1], pieces[1:]  # of each knot
    heights, tops = zip(*(_cubic(p, knots) for p in (left, right)), strict=True)
    slopes, steep = zip(*(_cubic_slope(p, knots) for p in (left, right)), strict=True)
    top = np.maximum(*tops)
    yield "step of the value", knots, np.abs(heights[1] - heights[0]) / np.where(top > 0, top, 1.0)
    if len(knots) > 2:
        inner = slice(1, -1)
        size = np.maximum(*steep)[inner]
        step = np.abs(slopes[1] - slopes[0])[inner]
        yield "step of the slope", knots[inner], step / np.where(size > 0.0, size, 1.0)


def _cubic(pieces: Array, x: Array) -> tuple[Array, Array]:
    """Values of pieces `(n, 5)` at x `(n,)`, and the largest of what they add up."""
    d = x - pieces[:, 0]
    terms = np.stack([pieces[:, 1], pieces[:, 2] * d, pieces[:, 3] * d**2, pieces[:, 4] * d**3])
    return np.sum(terms, axis=0), np.max(np.abs(terms), axis=0)


def _cubic_slope(pieces: Array, x: Array) -> tuple[Array, Array]:
    d = x - pieces[:, 0]
    terms = np.stack([pieces[:, 2], 2.0 * pieces[:, 3] * d, 3.0 * pieces[:, 4] * d**2])
    return np.sum(terms, axis=0), np.max(np.abs(terms), axis=0)
