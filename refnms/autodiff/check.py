"""Is this derivative right? Three oracles, for the gradients of refnms and for your own.

Complex step. An analytic f continues into the complex plane, and with a step h of 1e-30

    Im f(x + i h v) / h = f'(x) v - h^2 f'''(x) v^3 / 6 + ...

nothing is subtracted, so nothing is lost. It needs an f that lets complex numbers through: no abs,
no comparison of complex numbers, and nothing that cancels (exp(z) - 1 near 0 loses the digits that
expm1 keeps; then the oracle is worse than the code).

Difference sweep. Half the difference and half the sum of f on both sides of x,

    D(h) = (f(x + h v) - f(x - h v)) / 2h,      A(h) = (f(x + h v) - 2 f(x) + f(x - h v)) / 2h.

D is off by O(h^2) and by rounding / h. Steps from 4^-3 to 4^-13 are tried and neighbors combined
into (16 D(h/4) - D(h)) / 15, off by O(h^4). At a kink D settles, on the mean of the two slopes; but
A, half their difference, then settles as well, while (4 A(h/4) - A(h)) / 3 is O(h^3) where f is
smooth. The stated error is the largest of the jumps of D between neighbors, this A, and rounding;
for every element of f the step is taken that makes it least. So no step is guessed, and an oracle
that cannot tell (a kink, noise) says so.

Inner product. A Jacobian J and its transpose satisfy, for any u and v,

    <u, J v> = <J'u, v>.

With J v from an oracle (or from your own forward derivative) and J'u from the tape, both sides are
numbers. The disagreement is measured against sum |J'u v|, which no cancellation makes small.
Directions are seeded, and as large as x, so that lengths in metres and forces in newtons both move.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from refnms.autodiff.tape import jacobian, vjp

COMPLEX_STEP = 1e-9  # exact up to rounding: the promise of refnms for all its gradients
DIFFERENCES = 1e-6  # what differences can promise of a smooth function with 1e-12 of noise
INNER_PRODUCT = 1e-11  # two exact derivatives of one function: rounding and its sums alone
FLOOR = (
    1e-3  # an element of a Jacobian counts relative to itself, or to this part of its row's largest
)
DIRECTIONS = 3  # per argument; one random direction misses an error only by chance

_EPS = float(np.finfo(np.float64).eps)


UNDECIDED = "UNDECIDED (the oracle does not settle: a kink, noise, or a value not finite)"


class GradientError(AssertionError):
    """A derivative is wrong, or its oracle cannot tell. A bug, hence not a RefnmsError."""


class Estimate(NamedTuple):
    """A derivative by differences and how far off it may be, both in the shape of f."""

    value: Any
    error: Any


@dataclass(frozen=True)
class GradientCheck:
    """How far a derivative is from its oracle, at worst.

    For another tolerance: `dataclasses.replace(check, tolerance=1e-4)`.
    """

    error: float  # relative
    uncertainty: float  # of the oracle itself, relative
    where: str
    tolerance: float

    @property
    def passed(self) -> bool:
        """Both within the tolerance: an oracle that cannot tell is not a pass."""
        return self.error <= self.tolerance and self.uncertainty <= self.tolerance

    @property
    def wrong(self) -> bool:
        """The error is beyond what the oracle's own uncertainty could explain."""
        return self.error > max(self.tolerance, 2.0 * self.uncertainty)

    def __str__(self) -> str:
        verdict = "passed" if self.passed else "FAILED" if self.wrong else UNDECIDED
        return (
            f"{verdict}: worst relative error {self.error:.1e} at {self.where}, "
            f"tolerance {self.tolerance:.0e}, oracle good to {self.uncertainty:.1e}"
        )

    def require(self) -> GradientCheck:
        """Itself if passed, else GradientError."""
        if not self.passed:
            raise GradientError(str(self))
        return self


# ---- oracles: f, x, direction of the shape of x -> derivative of the shape of f ----


def complex_step(f: Callable[..., Any], x: Any, direction: Any) -> NDArray[np.float64]:
    """The derivative of `f` at `x` along `direction`, to rounding. TypeError if f returns reals."""
    step = 1e-30
    y = np.asarray(f(x + 1j * step * np.asarray(direction)))
    if not np.iscomplexobj(y):
        raise TypeError("f drops the imaginary part: the complex step would give zero")
    return y.imag / step


def difference_sweep(f: Callable[..., Any], x: Any, direction: Any) -> Estimate:
    """The derivative of `f` at `x` along `direction`, and its error, by differences of many steps.

    f is called 23 times, up to 1/64 of the direction away from x.
    """
    direction, middle = np.asarray(direction), np.asarray(f(x))
    steps = (0.25 ** np.arange(3, 14)).reshape(-1, *[1] * middle.ndim)
    up = np.stack([f(x + h * direction) for h in steps.flat])
    down = np.stack([f(x - h * direction) for h in steps.flat])
    central, kink = (up - down) / (2.0 * steps), ((up - middle) - (middle - down)) / (2.0 * steps)

    values = (16.0 * central[1:] - central[:-1]) / 15.0
    kinks = np.abs(4.0 * kink[1:] - kink[:-1]) / 3.0
    jumps = np.abs(np.diff(values, axis=0))
    rounding = _EPS * (np.abs(up) + np.abs(down))[1:] / steps[1:]
    errors = np.maximum.reduce([jumps[:-1], jumps[1:], kinks[1:-1], rounding[1:-1]])
    errors = np.where(np.isfinite(errors), errors, np.inf)
    best = np.expand_dims(np.argmin(errors, axis=0), 0)
    value, error = (np.take_along_axis(a, best, 0)[0] for a in (values[1:-1], errors))
    return Estimate(value, error)


Oracle = Callable[[Callable[..., Any], Any, Any], Any]


def _estimate(oracle: Oracle, f: Callable[..., Any], x: Any, direction: Any) -> Estimate:
    found = oracle(f, x, direction)
    return found if isinstance(found, Estimate) else Estimate(found, np.zeros(np.shape(found)))


def _tolerance(oracle: Oracle) -> float:
    return DIFFERENCES if oracle is difference_sweep else COMPLEX_STEP


def _relative(error: float, scale: float) -> float:
    """`scale` is no smaller than what differs: where it is 0, both are."""
    if not np.isfinite(error):
        return np.inf
    return float(error / scale) if scale > 0.0 else 0.0


# ---- checks ----


def check_vjp(
    f: Callable[..., Any],
    *args: Any,
    jvp: Callable[[tuple[Any, ...], tuple[Any, ...]], Any] | None = None,
    oracle: Oracle = difference_sweep,
    seed: int = 0,
) -> GradientCheck:
    """Compare the adjoint of `f` at `args`, one argument at a time, by the inner-product identity.

    J v comes from `jvp(args, tangents)` if given, else from `oracle` (`difference_sweep`, or
    `complex_step`). The result names the worst argument; `.require()` raises.
    """
    rng = np.random.default_rng(seed)
    args = tuple(np.asarray(a, dtype=np.float64) for a in args)
    y, pullback = vjp(f, *args)
    tolerance = INNER_PRODUCT if jvp else _tolerance(oracle)
    checks = []
    for i, x in enumerate(args):
        for _ in range(DIRECTIONS):
            u, v = rng.uniform(-1.0, 1.0, y.shape), rng.uniform(-1.0, 1.0, x.shape) * _size(x)
            if jvp:
                tangents = tuple(v if j == i else np.zeros(a.shape) for j, a in enumerate(args))
                forward = Estimate(np.sum(u * jvp(args, tangents)), 0.0)
            else:
                along = lambda x, u=u, i=i: np.sum(u * f(*args[:i], x, *args[i + 1 :]))
                forward = _estimate(oracle, along, x, v)
            terms = pullback(u)[i] * v
            scale = max(np.sum(np.abs(terms)), np.abs(forward.value))
            error = _relative(np.abs(np.sum(terms) - forward.value), scale)
            uncertainty = _relative(forward.error, scale)
            checks.append(GradientCheck(error, uncertainty, f"argument {i}", tolerance))
    return _worst(checks)


def check_jacobian(
    f: Callable[..., Any],
    x: Any,
    matrix: Any = None,
    oracle: Oracle = difference_sweep,
) -> GradientCheck:
    """Compare the Jacobian of `f` at `x`, every element on its own, with the columns of `oracle`.

    `matrix` has the shape `f.shape + x.shape`; without it the tape's Jacobian is checked. Each
    element counts relative to itself or to `FLOOR` times the largest of its row, once the columns
    are multiplied by the size of their x.
    """
    x = np.asarray(x, dtype=np.float64)
    matrix = jacobian(f)(x) if matrix is None else np.asarray(matrix)
    size = _size(x)
    columns = [_estimate(oracle, f, x, e.reshape(x.shape) * size) for e in np.eye(x.size)]
    shape = (*np.shape(columns[0].value), *x.shape)
    value = np.stack([c.value for c in columns], axis=-1).reshape(shape)
    noise = np.stack([c.error for c in columns], axis=-1).reshape(shape)
    if np.shape(matrix) != shape:
        raise ValueError(f"Jacobian of shape {matrix.shape}, not f.shape + x.shape = {shape}")
    error = np.abs(matrix * size - value)
    axes = tuple(range(len(shape) - x.ndim, len(shape)))
    row = np.max(np.abs(value), axis=axes, keepdims=True)
    scale = np.maximum(np.maximum(np.abs(value), np.abs(matrix * size)), FLOOR * row)
    checks = [
        GradientCheck(
            _relative(float(error[k]), float(scale[k])),
            _relative(float(noise[k]), float(scale[k])),
            f"element {tuple(map(int, k))}",
            _tolerance(oracle),
        )
        for k in np.ndindex(*shape)
    ]
    return _worst(checks)


def _size(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(x == 0.0, 1.0, np.abs(x))


def _worst(checks: list[GradientCheck]) -> GradientCheck:
    return max(
        checks, key=lambda check: (check.wrong, check.uncertainty > check.tolerance, check.error)
    )
