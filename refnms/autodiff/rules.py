"""The rules: one line per NumPy function, its pullback. The engine (`tape`) knows none of them.

A rule maps the cotangent g of the value y to the cotangents of the arguments. For an elementwise
function y = p(a, b) it is (g dp/da, g dp/db), elementwise. For a linear function y = A a it is the
transpose:

    <g, A a> = <A'g, a>     sum -> spread out, getitem -> scatter, cumsum -> cumsum from the end
    y = A B                 <g, dA B> = <g B', dA>,   <g, A dB> = <A'g, dB>
    einsum "ij,jk->ik"      every index of y and of the other operands is contracted: "ik,jk->ij"

Shapes need not be repaired here: the engine sums over stretched axes. Rules are written with
functions that have rules, so they can be differentiated again.

Where a derivative does not exist, one side is taken:
    maximum, minimum   at a tie the first argument takes the whole slope
    absolute           at 0 the slope is +1 (as maximum(x, -x))
    max, min           elements that tie share the slope equally
    power              x**0 has slope 0; 0**b, seen as a function of b, has slope 0
Infinite slopes (sqrt and log at 0) stay infinite. In `np.where(c, a, b)` the branch not taken gets
the cotangent 0, but 0 times an infinite slope further up is nan: make its argument harmless first,
`np.where(x > 0, np.sqrt(np.where(x > 0, x, 1.0)), 0.0)`.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from refnms.autodiff.tape import PLAIN, RULES, Primitive, Var, primitive

# ---- elementwise ----

ELEMENTWISE: dict[Callable[..., Any], Callable[..., Any]] = {
    np.add: lambda g, y, a, b: (g, g),
    np.subtract: lambda g, y, a, b: (g, -g),
    np.multiply: lambda g, y, a, b: (g * b, g * a),
    np.divide: lambda g, y, a, b: (g / b, -g * y / b),
    np.negative: lambda g, y, a: (-g,),
    np.positive: lambda g, y, a: (g,),
    np.reciprocal: lambda g, y, a: (-g * y * y,),
    np.square: lambda g, y, a: (2.0 * g * a,),
    np.sqrt: lambda g, y, a: (0.5 * g / y,),
    np.exp: lambda g, y, a: (g * y,),
    np.expm1: lambda g, y, a: (g * np.exp(a),),
    np.log: lambda g, y, a: (g / a,),
    np.log1p: lambda g, y, a: (g / (1.0 + a),),
    np.logaddexp: lambda g, y, a, b: (g * np.exp(a - y), g * np.exp(b - y)),
    np.sin: lambda g, y, a: (g * np.cos(a),),
    np.cos: lambda g, y, a: (-g * np.sin(a),),
    np.tan: lambda g, y, a: (g * (1.0 + y * y),),
    np.arcsin: lambda g, y, a: (g / np.sqrt((1.0 - a) * (1.0 + a)),),
    np.arccos: lambda g, y, a: (-g / np.sqrt((1.0 - a) * (1.0 + a)),),
    np.arctan: lambda g, y, a: (g / (1.0 + a * a),),
    np.arctan2: lambda g, y, a, b: (g * b / (a * a + b * b), -g * a / (a * a + b * b)),
    np.hypot: lambda g, y, a, b: (g * (a / y), g * (b / y)),
    np.sinh: lambda g, y, a: (g * np.cosh(a),),
    np.cosh: lambda g, y, a: (g * np.sinh(a),),
    np.tanh: lambda g, y, a: (g * (1.0 - y * y),),
    np.arcsinh: lambda g, y, a: (g / np.sqrt(1.0 + a * a),),
    np.absolute: lambda g, y, a: (np.where(a >= 0.0, g, -g),),
    np.maximum: lambda g, y, a, b: (np.where(a >= b, g, 0.0), np.where(a >= b, 0.0, g)),
    np.minimum: lambda g, y, a, b: (np.where(a <= b, g, 0.0), np.where(a <= b, 0.0, g)),
}


# Functions that take no complex numbers, or mean something else by them (absolute: the modulus),
# and how the real function continues.
CONTINUED: dict[Callable[..., Any], Callable[..., Any]] = {
    np.absolute: lambda a: np.where(a.real >= 0.0, a, -a),
    np.hypot: lambda a, b: np.sqrt(a * a + b * b),
    np.logaddexp: lambda a, b: np.maximum(a, b) + np.log1p(np.exp(-CONTINUED[np.absolute](a - b))),
}


def _continued(f: Callable[..., Any]) -> Callable[..., Any]:
    def forward(*args: Any) -> Any:
        return (CONTINUED[f] if any(map(np.iscomplexobj, args)) else f)(*args)

    forward.__name__ = f.__name__
    return forward


def _base(g: Any, a: Any, b: Any) -> Any:
    return g * b * a ** np.where(b == 0, 1.0, b - 1.0)


def _exponent(g: Any, y: Any, a: Any) -> Any:
    return np.where(a == 0.0, 0.0, g * y * np.log(np.where(a == 0.0, 1.0, a)))


def _power(a: Any, b: Any) -> Any:
    """With a constant exponent the logarithm of the base, perhaps negative, is not asked for."""
    return (power if type(b) is Var else power_of_constant)(a, b)


# ---- reductions ----


def _spread(g: Any, a: Any, axis: Any, keepdims: bool) -> Any:
    """Copy g along the axes that a reduction of `a` has removed."""
    kept = g if keepdims or axis is None else np.expand_dims(g, axis)
    return np.broadcast_to(kept, np.shape(a))


def _share(g: Any, y: Any, a: Any, axis: Any, keepdims: bool) -> Any:
    """Divide g among the elements of `a` that equal the extremum y."""
    hit = a == _spread(y, a, axis, keepdims)
    return _spread(g, a, axis, keepdims) * hit / np.sum(hit, axis=axis, keepdims=True)


REDUCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {
    np.sum: lambda g, y, a, axis=None, keepdims=False: (_spread(g, a, axis, keepdims),),
    np.mean: lambda g, y, a, axis=None, keepdims=False: (
        _spread(g * (y.size / a.size), a, axis, keepdims),
    ),
    np.max: lambda g, y, a, axis=None, keepdims=False: (_share(g, y, a, axis, keepdims),),
    np.min: lambda g, y, a, axis=None, keepdims=False: (_share(g, y, a, axis, keepdims),),
}

# ---- linear functions: the transpose ----


def _back(g: Any, a: Any) -> Any:
    return np.reshape(g, np.shape(a))


LINEAR: dict[Callable[..., Any], Callable[..., Any]] = {
    np.where: lambda g, y, c, a, b: (None, np.where(c, g, 0.0), np.where(c, 0.0, g)),
    np.reshape: lambda g, y, a, shape: (_back(g, a),),
    np.ravel: lambda g, y, a: (_back(g, a),),
    np.squeeze: lambda g, y, a, axis=None: (_back(g, a),),
    np.expand_dims: lambda g, y, a, axis: (_back(g, a),),
    np.broadcast_to: lambda g, y, a, shape: (g,),
    np.transpose: lambda g, y, a, axes=None: (np.transpose(g, _inverse(axes, y.ndim)),),
    np.moveaxis: lambda g, y, a, source, destination: (np.moveaxis(g, destination, source),),
    np.flip: lambda g, y, a, axis=None: (np.flip(g, axis),),
    np.cumsum: lambda g, y, a, axis=None: (
        _back(np.flip(np.cumsum(np.flip(g, axis), axis), axis), a),
    ),
}


def _inverse(axes: Any, ndim: int) -> Any:
    return None if axes is None else np.argsort(np.mod(axes, ndim))


def _getitem(a: Any, index: Any) -> Any:
    return a[index]


def _scatter(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of `shape` with g added at `index`: repeated indices accumulate."""
    a = np.zeros(shape, np.result_type(g))
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(part, list | np.ndarray) for part in parts):
        np.add.at(a, index, g)
    else:
        a[index] = g  # ints and slices repeat nothing; forty times faster on a slice
    return a


def _concatenate(axis: int, *arrays: Any) -> Any:
    return np.concatenate(arrays, axis)


def _pieces(g: Any, axis: int, arrays: tuple[Any, ...]) -> list[Any]:
    stops = np.cumsum([0, *[np.shape(a)[axis] for a in arrays]])
    before = (slice(None),) * (axis % g.ndim)
    return [g[(*before, slice(i, j))] for i, j in itertools.pairwise(stops)]


def _diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    """Differences of neighbors, n times over: of slices, which have rules."""
    before = (slice(None),) * (axis % np.ndim(a))
    for _ in range(n):
        a = a[(*before, slice(1, None))] - a[(*before, slice(None, -1))]
    return a


# ---- products ----


def _matmul(g: Any, y: Any, a: Any, b: Any) -> tuple[Any, Any]:
    """A vector counts as one row (left) or one column (right), an axis that y does not have."""
    row, column = np.ndim(a) == 1, np.ndim(b) == 1
    A, B = (np.reshape(a, (1, -1)) if row else a), (np.reshape(b, (-1, 1)) if column else b)
    G = np.expand_dims(g, -1) if column else g
    G = np.expand_dims(G, -2) if row else G
    last = (..., 0) if column else ...
    return (lambda: G @ np.moveaxis(B, -1, -2)), (lambda: (np.moveaxis(A, -1, -2) @ G)[last])


def _dot_bars(g: Any, y: Any, a: Any, b: Any) -> tuple[Any, Any]:
    return _matmul(g, y, a, b) if np.ndim(a) and np.ndim(b) else (g * b, g * a)


def _dot(a: Any, b: Any) -> Any:
    if np.ndim(b) > 2:
        raise TypeError("np.dot with a Var takes up to two axes on the right; use np.matmul")
    return dot(a, b)


def _einsum(g: Any, y: Any, subscripts: str, *operands: Any) -> tuple[Any, ...]:
    inputs, output = subscripts.replace(" ", "").split("->")
    names = inputs.split(",")

    def bar(k: int) -> Any:
        factors = [g, *operands[:k], *operands[k + 1 :]]
        specs = [output, *names[:k], *names[k + 1 :]]
        alone = "".join(i for i in names[k] if i not in "".join(specs))  # summed there only
        if alone:
            factors.append(np.ones([np.shape(operands[k])[names[k].index(i)] for i in alone]))
            specs.append(alone)
        return np.einsum(f"{','.join(specs)}->{names[k]}", *factors)

    return (None, *(partial(bar, k) for k in range(len(names))))


def _explicit(subscripts: Any, *operands: Any) -> Any:
    """np.einsum with the output spelled out and every index once per operand."""
    names = subscripts.replace(" ", "").split("->")[0].split(",") if type(subscripts) is str else []
    if "->" not in str(subscripts) or "." in subscripts or any(len(set(n)) < len(n) for n in names):
        raise TypeError(
            f"np.einsum of a Var takes subscripts such as 'tm,tmd->td', not {subscripts!r}"
        )
    return einsum(subscripts, *operands)


# ---- the table ----


def _rule(forward: Callable[..., Any], pullback: Callable[..., Any]) -> Primitive:
    return primitive(forward, pullback, transparent=True)


power = _rule(operator.pow, lambda g, y, a, b: (_base(g, a, b), _exponent(g, y, a)))
power_of_constant = _rule(operator.pow, lambda g, y, a, b: (_base(g, a, b),))
getitem: Primitive = _rule(_getitem, lambda g, y, a, index: (scatter(g, index, np.shape(a)),))
scatter: Primitive = _rule(_scatter, lambda g, y, a, index, shape: (getitem(g, index),))
concatenate = _rule(_concatenate, lambda g, y, axis, *a: (None, *_pieces(g, axis, a)))
matmul = _rule(np.matmul, _matmul)
einsum = _rule(np.einsum, _einsum)
dot = _rule(np.dot, _dot_bars)

RULES.update({f: _rule(f, pullback) for f, pullback in (ELEMENTWISE | REDUCTIONS | LINEAR).items()})
RULES.update({f: _rule(_continued(f), ELEMENTWISE[f]) for f in CONTINUED})
RULES[np.matmul] = matmul
RULES[np.dot] = _dot
RULES[np.einsum] = _explicit
RULES[np.power] = _power
RULES[operator.getitem] = getitem
RULES[np.concatenate] = lambda arrays, axis=0: concatenate(axis, *arrays)
RULES[np.diff] = _diff
RULES[np.stack] = lambda arrays, axis=0: np.concatenate(
    [np.expand_dims(a, axis) for a in arrays], axis
)

PLAIN.update(
    {
        # comparisons: zero slope wherever they have one
        np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal,
        np.isfinite, np.isnan, np.isinf, np.signbit,
        np.searchsorted, np.argmax, np.argmin, np.argsort,
        # of the shape and the type alone
        np.shape, np.ndim, np.size, np.iscomplexobj, np.zeros_like, np.ones_like,
    }
)  # fmt: skip
