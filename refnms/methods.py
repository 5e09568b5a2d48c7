"""Methods of calibration by the names that the command line has for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from refnms.errors import InputError
from refnms.optimize import (
    LBFGSB,
    AdamW,
    CoranaAnnealing,
    DualAnnealing,
    LevenbergMarquardt,
    Linear,
    Method,
    MultiStart,
)
from refnms.parameters import Packing

METHODS: dict[str, Callable[[Packing, int], Method]] = {
    "lm": lambda free, seed: LevenbergMarquardt(),
    "adamw": lambda free, seed: AdamW(),
    "l-bfgs-b": lambda free, seed: LBFGSB(),
    "dual-annealing": lambda free, seed: DualAnnealing(seed=seed),
    "corana": lambda free, seed: CoranaAnnealing(seed=1 + seed),  # CEINMS seeds with 1
    "strengths": lambda free, seed: _strengths(free),
}


def method_named(
    name: str,
    free: Packing,
    starts: int = 1,
    seed: int = 0,
    annealing: CoranaAnnealing | None = None,
) -> Method:
    """The method of this name for these free parameters, from several starts if there are more.

    `annealing` are the settings of `corana`. Raises InputError for an unknown name, for `strengths`
    where no strength is free, and for more than one start of `strengths` or `corana`.
    """
    if name not in METHODS:
        raise InputError(f"no method is called {name!r}; there are {', '.join(METHODS)}")
    if name == "strengths" and starts > 1:
        raise InputError("the method `strengths` is exact: more starts find the same")
    if name == "corana" and starts > 1:
        raise InputError("the method `corana` never evaluates its start; vary its --seed instead")
    method = METHODS[name](free, seed)
    if annealing is not None and isinstance(method, CoranaAnnealing):
        method = replace(annealing, seed=method.seed)
    return method if starts == 1 else MultiStart(method, starts, seed=seed)


def _strengths(free: Packing) -> Linear:
    entries = free.entries("strength_coefficient")
    if not entries:
        raise InputError(
            "the method `strengths` fits strength coefficients (strengthCoefficient): none is free"
        )
    return Linear(entries)
