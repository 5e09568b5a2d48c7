"""Reverse-mode automatic differentiation: the engine. It knows no mathematics (see `rules`).

A program made of primitives computes intermediate values one after the other,

    v_k = p_k(v_i, v_j, ...)        i, j < k        inputs first, output y = v_n.

For a scalar L that depends on y write v_bar = dL/dv, the cotangent of v, of the same shape as v.
The chain rule, read from the last value to the first, is

    v_i_bar = sum over the uses k of v_i of  (dp_k/dv_i)' v_k_bar.

A primitive therefore needs, besides its forward function, only its pullback: the map from the
cotangent g of its value to the cotangents of its arguments, J'g, which never forms J:

    forward(*args) -> y             pullback(g, y, *args) -> (cotangent of args[0], ...)

Recording. `vjp(f, x)` wraps x in a `Var` and calls f. A primitive that meets a Var computes its
value and returns a new Var that remembers the primitive and its arguments. Vars are numbered as
they are made, so the numbers are a topological order: the sweep visits the ancestors of y by
falling number. It is a loop, not a recursion, and its order, hence every bit of the result, is
fixed.

Several values. A primitive may return a tuple: each of its elements becomes a Var of its own, made
by `ELEMENT` from one hidden Var that holds them all, and the pullback gets a tuple of cotangents,
None for an element that L does not depend on.

Broadcasting. If an argument was stretched to the shape of y, each of its elements was used many
times, so its cotangent is the sum over the stretched axes. This is done here, once, for all
primitives (`_fit`).

Derivatives of derivatives. Every call of `vjp` has a level, larger than that of the calls around
it. The value of a Var is an array or a Var of a lower level, and a primitive works at the highest
level it meets: to an inner `vjp` the outer Vars are constants, while the outer one records all
that the inner one does, its pullbacks included. This needs pullbacks made of functions that have
rules themselves; a primitive declares that by `transparent=True`. Otherwise (a compiled kernel) a
second derivative is refused.

Complex numbers. Given a complex input, a tape carries complex128: pullbacks are the same formulas,
never conjugated, so g is the derivative of an analytic continuation. That serves one purpose, the
complex step through the sweep, which gives second derivatives to rounding (see `second`). Of real
inputs nothing complex is accepted.

Nothing silently becomes a constant: what would turn a Var into plain numbers raises TypeError.
Comparisons give plain arrays (their derivative is zero wherever it exists), so code may choose a
branch or a segment. `x.value` takes the number on purpose. Arrays used together with a Var must not
be changed until the pullback has run, since the tape keeps references. All that separate calls
share is the counter of the numbers.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterator
from itertools import count, zip_longest
from typing import Any, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

RULES: dict[Callable[..., Any], Callable[..., Any]] = {}  # NumPy function -> primitive; see `rules`
PLAIN: set[Callable[..., Any]] = set()  # NumPy functions that answer a Var with plain arrays

_numbers = count(1)


class Var(NDArrayOperatorsMixin):
    """An array being differentiated: behaves as its value and remembers its origin.

    `value` is an ndarray, or inside nested differentiation the Var of the next lower level.
    """

    __slots__ = ("args", "level", "number", "options", "primitive", "value")
    __hash__ = object.__hash__

    def __init__(
        self,
        value: Any,
        level: int,
        primitive: Primitive | None = None,
        args: tuple[Any, ...] = (),
        options: dict[str, Any] | None = None,
    ) -> None:
        self.value = value
        self.level = level
        self.primitive = primitive
        self.args = args
        self.options = options or {}
        self.number = next(_numbers)

    # ---- what it tells of itself ----

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return self.value.size  # type: ignore[no-any-return]

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.value.dtype  # type: ignore[no-any-return]

    def __len__(self) -> int:
        return len(self.value)

    def __repr__(self) -> str:
        return f"Var({self.value!r})"

    # ---- functions of it ----

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if method != "__call__":
            _refuse(f"np.{ufunc.__name__}.{method}")
        return _apply(ufunc, inputs, options)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        return _apply(function, args, options)

    def __getitem__(self, index: Any) -> Any:
        return RULES[operator.getitem](self, index)

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError("a Var of shape () cannot be iterated over")
        return (self[i] for i in range(len(self)))

    @property
    def T(self) -> Any:
        return np.transpose(self)

    def reshape(self, *shape: Any) -> Any:
        return np.reshape(self, shape[0] if len(shape) == 1 else shape)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Any:
        return np.sum(self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Any:
        return np.mean(self, axis=axis, keepdims=keepdims)

    # ---- what would lose the gradient ----

    def __array__(self, dtype: Any = None, copy: Any = None) -> NoReturn:
        _refuse("np.asarray, np.array, or storing it in an array")

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        _refuse(
            "assignment to its items (build the array with np.where, np.concatenate or np.stack)"
        )

    def __bool__(self) -> NoReturn:
        _refuse("bool() (compare it first)")

    def __float__(self) -> NoReturn:
        _refuse("float()")

    def __int__(self) -> NoReturn:
        _refuse("int()")

    def __index__(self) -> NoReturn:
        _refuse("use as an index")

    def __complex__(self) -> NoReturn:
        _refuse("complex()")


def _refuse(what: str) -> NoReturn:
    raise TypeError(
        f"a Var (an array being differentiated) does not support {what}: "
        "the gradient would be lost. "
        "Use a function that has a rule in refnms.autodiff.rules, write a `primitive`, "
        "or take `.value` if a constant is meant."
    )


def _apply(function: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    if function in RULES:
        return RULES[function](*args, **options)
    if function in PLAIN:
        plain = {name: _plain(value) for name, value in options.items()}
        return function(*map(_plain, args), **plain)
    _refuse(f"np.{getattr(function, '__name__', function)}, which has no rule")


def _plain(x: Any) -> Any:
    while type(x) is Var:
        x = x.value
    return x


# ---- primitives ----


class Primitive:
    """A function with a pullback; made by `primitive`."""

    __slots__ = ("forward", "name", "pullback", "transparent")

    def __init__(
        self, forward: Callable[..., Any], pullback: Callable[..., Any], transparent: bool
    ) -> None:
        self.forward = forward
        self.pullback = pullback
        self.transparent = transparent
        self.name: str = getattr(forward, "__name__", repr(forward))

    def __call__(self, *args: Any, **options: Any) -> Any:
        level = 0
        for a in args:
            if type(a) is Var and a.level > level:
                level = a.level
        if options:
            self._check(options, level)
        if level == 0:
            return self.forward(*args, **options)
        values = _values(args, level)
        value = self(*values, **options)
        if isinstance(value, tuple):
            checked = tuple(self._checked(v, values, level) for v in value)
            whole = Var(checked, level, self, args, options)
            parts = [Var(v, level, ELEMENT, (whole, i)) for i, v in enumerate(checked)]
            return getattr(value, "_make", tuple)(parts)  # a NamedTuple stays one
        return Var(self._checked(value, values, level), level, self, args, options)

    def _checked(self, value: Any, values: tuple[Any, ...], level: int) -> Any:
        if type(value) is not Var:
            return _floats(value, f"the value of {self.name}", values)
        if value.level >= level:
            _refuse(f"hiding inside an argument of {self.name}; pass it as an argument of its own")
        return value

    def _check(self, options: dict[str, Any], level: int) -> None:
        known = inspect.signature(self.pullback).parameters
        any_option = any(p.kind is p.VAR_KEYWORD for p in known.values())
        for name, value in options.items():
            if type(value) is Var:
                _refuse(f"being passed to {self.name} by keyword ({name}=)")
            if level and not any_option and name not in known:
                _refuse(f"{self.name} with {name}=")

    def cotangents(self, g: Any, node: Var) -> tuple[Any, ...]:
        """Cotangents of the arguments of `node`, which this primitive made, from its own, `g`."""
        values = _values(node.args, node.level)
        given = g if isinstance(g, tuple) else (g,)
        if not self.transparent and any(type(v) is Var for v in (*given, *values)):
            raise TypeError(
                f"second derivative through {self.name}: its pullback cannot be differentiated. "
                "If it is made of NumPy functions, declare primitive(..., transparent=True)."
            )
        bars = self.pullback(g, node.value, *values, **node.options)
        if not isinstance(bars, tuple):
            raise TypeError(f"the pullback of {self.name} must return a tuple, one per argument")
        return bars


def primitive(
    forward: Callable[..., Any], pullback: Callable[..., Any], *, transparent: bool = False
) -> Primitive:
    """Make `forward` differentiable: arrays in, array out; any Var among its arguments in, Var out.

    `forward(*args, **options)` returns one new float64 array, or a tuple of them; g and y are then
    tuples too, with None in g for an element that nothing depends on. `pullback(g, y, *args,
    **options)` returns a tuple of cotangents in the order of the arguments; None, or a tuple that
    ends early, for arguments that cannot be differentiated (a Var there raises TypeError). A costly
    one may be given as a function of nothing, called only if its argument is a Var. A cotangent may
    have the shape of `y` where the argument was broadcast. Only options that the pullback names
    are accepted. `transparent`: the pullback is made of functions that have rules, so it may
    itself be differentiated.
    """
    return Primitive(forward, pullback, transparent)


ELEMENT = primitive(operator.getitem, lambda *_: ())  # the sweep passes its cotangent on itself


def _values(args: tuple[Any, ...], level: int) -> tuple[Any, ...]:
    return tuple([a.value if type(a) is Var and a.level == level else a for a in args])


def _floats(x: Any, what: str, among: tuple[Any, ...]) -> Any:
    """x as a float64 array; complex128 is right too where something among others is complex."""
    if isinstance(x, tuple | list):
        raise TypeError(f"{what} must be one float64 array, not a {type(x).__name__}")
    x = np.asarray(x)
    if x.dtype != np.float64 and not (x.dtype == np.complex128 and any(map(_complex, among))):
        raise TypeError(f"{what} must be float64, not {x.dtype}; convert it first if that is meant")
    return x


def _complex(x: Any) -> bool:
    return getattr(x, "dtype", None) == np.complex128


# ---- the sweep ----


def vjp(f: Callable[..., Any], *args: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """Value of `f(*args)` and its pullback: cotangent of the value -> cotangents of all `args`.

    The arguments are float64 arrays of any shape (or complex128, see above; TypeError otherwise),
    the value is one array. The pullback may be called any number of times.
    """
    level = next(_numbers)
    inputs = [Var(a if type(a) is Var else _input(a), level) for a in args]
    output = f(*inputs)
    if type(output) is not Var:
        output = Var(_floats(output, "the value of f", args), level)  # a constant function
    elif output.level > level:
        _refuse("being used outside the vjp that made it")
    elif output.level < level:
        output = Var(output, level)
    nodes = _ancestors(output)

    def pullback(g: Any) -> tuple[Any, ...]:
        g = g if type(g) is Var or _complex(g) else np.asarray(g, dtype=np.float64)
        if g.shape != output.shape:
            raise ValueError(f"cotangent of shape {g.shape} for a value of shape {output.shape}")
        bars = _sweep(nodes, {output.number: g})
        numbers = [(x.number, x.shape) for x in inputs]
        return tuple([_own(bars[n]) if n in bars else np.zeros(shape) for n, shape in numbers])

    return _own(output.value), pullback


def _input(a: Any) -> Any:
    a = np.array(a)
    return _floats(a, "an input", (a,))


def _ancestors(output: Var) -> list[Var]:
    """`output` and all it was made from at its level, last made first."""
    found: dict[int, Var] = {}
    stack = [output]
    while stack:
        node = stack.pop()
        if node.number not in found:
            found[node.number] = node
            stack.extend([a for a in node.args if type(a) is Var and a.level == node.level])
    return [found[number] for number in sorted(found, reverse=True)]


def _sweep(nodes: list[Var], bars: dict[int, Any]) -> dict[int, Any]:
    """Cotangents of the inputs among `nodes`, given in `bars` the cotangent of the first node."""
    for node in nodes:
        if node.primitive is None:
            continue
        bar = bars.pop(node.number)
        if node.primitive is ELEMENT:
            whole, i = node.args
            bars.setdefault(whole.number, [None] * len(whole.value))[i] = bar
            continue
        g = tuple(bar) if isinstance(bar, list) else bar
        cotangents = node.primitive.cotangents(g, node)
        for a, bar in zip_longest(node.args, cotangents):
            if type(a) is Var and a.level == node.level:
                bar = _fit(bar, a.shape, node.primitive.name, (g, *node.args))
                bars[a.number] = bars[a.number] + bar if a.number in bars else bar
    return bars


def _fit(bar: Any, shape: tuple[int, ...], name: str, among: tuple[Any, ...]) -> Any:
    """Sum a cotangent over the axes along which its argument, of `shape`, was stretched."""
    if callable(bar):
        bar = bar()
    if bar is None:
        _refuse(f"{name} with respect to this argument, for which it has no pullback")
    if type(bar) is not Var:
        bar = _floats(bar, f"a cotangent of {name}", among)
    if bar.shape == shape:
        return bar
    new = bar.ndim - len(shape)
    if new < 0 or any(n not in (1, m) for n, m in zip(shape, bar.shape[new:], strict=True)):
        raise ValueError(f"pullback of {name}: cotangent {bar.shape} for an argument {shape}")
    axes = (*range(new), *[new + i for i, n in enumerate(shape) if n == 1])
    return np.reshape(np.sum(bar, axis=axes), shape)


def _own(x: Any) -> Any:
    """A copy, so that a caller may write into what he was given without touching the tape."""
    return x if type(x) is Var else np.array(x)


# ---- functions of functions ----


def value_and_grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The function `(*args, **options) -> (f, gradient)`, for f of shape ().

    The gradient has the shape of the argument numbered `argnums`; for a tuple it is a tuple.
    """
    numbers = argnums if isinstance(argnums, tuple) else (argnums,)

    def evaluate(*args: Any, **options: Any) -> tuple[Any, Any]:
        def of_chosen(*chosen: Any) -> Any:
            replaced = dict(zip(numbers, chosen, strict=True))
            return f(*[replaced.get(i, a) for i, a in enumerate(args)], **options)

        value, pullback = vjp(of_chosen, *[args[i] for i in numbers])
        if value.shape != ():
            raise ValueError(
                f"grad needs a value of shape (), not {value.shape}; sum it, or use vjp"
            )
        bars = pullback(1.0)
        return value, bars if isinstance(argnums, tuple) else bars[0]

    return evaluate


def grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The gradient of `f`, a function of the same arguments; see `value_and_grad`."""
    evaluate = value_and_grad(f, argnums)
    return lambda *args, **options: evaluate(*args, **options)[1]


def jacobian(f: Callable[..., Any]) -> Callable[..., Any]:
    """The function `(x, *args) -> df/dx`, of shape `f.shape + x.shape`: a sweep per element."""

    def evaluate(x: Any, *args: Any) -> Any:
        value, pullback = vjp(lambda x: f(x, *args), x)
        rows = [pullback(row.reshape(value.shape))[0] for row in np.eye(value.size)]
        return np.reshape(np.stack(rows), value.shape + np.shape(x))

    return evaluate
