"""CEINMS's simulated annealing, step by step and number by number.

It is Corana's (Corana et al. 1987, ACM TOMS 13:262) with two changes: a try outside the box is
drawn anew from the whole side (Goffe et al. 1994, J Econometrics 60:65), and the start is never
evaluated. One cycle tries a step along each coordinate in turn, evenly drawn within its reach;
worse points are accepted with probability exp(-rise / temperature). After `ns` cycles each reach is
widened where more than 60 % of the tries were accepted, and narrowed where fewer than 40 % were.
After `nt` rounds of that the temperature falls by the factor `rt`, and the search goes on from the
best point so far. It ends when the last values of `no_epsilon` temperatures lie within `epsilon` of
the best, or at the first change of temperature after `max_evaluations`.

The random numbers are those of the C library that CEINMS was built with (`RAND`). CEINMS has the
method twice: its hybrid mode anneals the excitations by an older form (`HYBRID`).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from refnms.optimize.result import Array, Status
from refnms.optimize.run import Run

MANY, FEW, CHANGE = 0.6, 0.4, 2.0  # shares of accepted tries; Corana's c


@dataclass(frozen=True)
class Rules:
    """In what CEINMS's two forms of the method differ."""

    first_reach: float | None  # of every coordinate; None: half of its side
    takes_ties: bool  # a value no worse, or not a number, counts as better
    whole_shares: bool  # the share of accepted tries is 1 if all were, else 0 (integer division)


CALIBRATION = Rules(first_reach=None, takes_ties=False, whole_shares=False)
HYBRID = Rules(first_reach=0.5, takes_ties=True, whole_shares=True)


@dataclass(frozen=True)
class CoranaAnnealing:
    """The settings, under CEINMS's names; by default those of its published calibration files.

    `random` is `glibc` (Linux) or `msvc` (Windows); CEINMS always seeds with 1.
    """

    rt: float = 0.3
    temperature: float = 200000.0
    ns: int = 15
    nt: int = 5
    no_epsilon: int = 4
    epsilon: float = 1e-5
    max_evaluations: int = 200000
    random: str = "glibc"
    seed: int = 1
    rules: Rules = CALIBRATION

    name = "corana"

    def minimize(self, run: Run) -> Status:
        """Anneal until it is frozen, from a start that is not evaluated."""
        search = _Search(self, run.value, run.lower, run.upper, run.start)
        frozen = search.anneal()
        if not math.isfinite(run.best):
            return Status.DIVERGED
        return Status.CONVERGED if frozen else Status.COMPLETED

    def anneal(
        self, f: Callable[[Array], float], lower: Array, upper: Array, x0: Array
    ) -> tuple[Array, float, int]:
        """The best x `(P,)` found, its value, and the number of evaluations of f."""
        search = _Search(self, f, lower, upper, x0)
        search.anneal()
        return search.best_x, search.best, search.evaluations


class _Search:
    """One search under way."""

    def __init__(
        self,
        method: CoranaAnnealing,
        f: Callable[[Array], float],
        lower: Array,
        upper: Array,
        x0: Array,
    ) -> None:
        self.method, self.f, self.lower, self.width = method, f, lower, upper - lower
        self.upper, self.reach = upper, 0.5 * self.width
        if method.rules.first_reach is not None:
            self.reach = np.full(len(x0), method.rules.first_reach)
        self.x = self.best_x = np.array(x0, dtype=float)
        self.value = self.best = sys.float_info.max
        self.temperature, self.evaluations = method.temperature, 0
        numbers, largest = RAND[method.random]
        self.draw, self.largest = numbers(method.seed), largest

    def anneal(self) -> bool:
        """Work until it is frozen, and say so, or until the evaluations are used up."""
        method = self.method
        last = [sys.float_info.max] * method.no_epsilon
        while self.evaluations < method.max_evaluations:
            for _ in range(method.nt):
                accepted = np.zeros(len(self.x))
                for _ in range(method.ns):
                    self._cycle(accepted)
                self._adapt(accepted)
            last[0] = self.value
            if all(abs(value - self.best) <= method.epsilon for value in last):
                return True
            self.temperature *= method.rt
            last = [last[0], *last[:-1]]
            self.x, self.value = self.best_x, self.best
        return False

    def _cycle(self, accepted: Array) -> None:
        """Try a step along each coordinate; count those that are accepted."""
        for k in range(len(self.x)):
            tried = self.x.copy()
            tried[k] += self.reach[k] * (2.0 * next(self.draw) / self.largest - 1.0)
            if tried[k] < self.lower[k] or tried[k] > self.upper[k]:
                tried[k] = self.lower[k] + self.width[k] * next(self.draw) / self.largest
            value = self.f(tried)
            self.evaluations += 1
            if self._better(value, self.value):
                if self._better(value, self.best):
                    self.best_x, self.best = tried, value
            elif not next(self.draw) / self.largest < self._chance(value):
                continue
            self.x, self.value = tried, value
            accepted[k] += 1.0

    def _better(self, new: float, old: float) -> bool:
        return not new > old if self.method.rules.takes_ties else new < old

    def _chance(self, value: float) -> float:
        """Of accepting a worse value; none at a temperature of 0."""
        if self.temperature == 0.0:
            return 0.0
        return math.exp((self.value - value) / self.temperature)

    def _adapt(self, accepted: Array) -> None:
        shares = accepted / self.method.ns
        if self.method.rules.whole_shares:
            shares = np.floor(shares)
        for k, share in enumerate(shares):
            if share > MANY:
                self.reach[k] *= 1.0 + CHANGE * (share - MANY) / 0.4
            elif share < FEW:
                self.reach[k] /= 1.0 + CHANGE * (FEW - share) / 0.4
            self.reach[k] = min(self.reach[k], self.width[k])


def _glibc(seed: int) -> Iterator[int]:
    """`rand` of the GNU C library: additive feedback, r[i] = r[i - 3] + r[i - 31] mod 2^32."""
    r = [seed or 1]
    for _ in range(30):
        r.append(16807 * r[-1] % 2147483647)
    r += r[:3]
    for i in range(34, 344):
        r.append((r[i - 3] + r[i - 31]) & 0xFFFFFFFF)
    r = r[-31:]
    i = 0
    while True:
        r[i] = (r[i] + r[i - 3]) & 0xFFFFFFFF
        yield r[i] >> 1
        i = (i + 1) % 31


def _msvc(seed: int) -> Iterator[int]:
    """`rand` of Microsoft's C library: linear congruential, 15 bits."""
    while True:
        seed = (214013 * seed + 2531011) & 0xFFFFFFFF
        yield seed >> 16 & 0x7FFF


# C library -> its random numbers from a seed, and RAND_MAX.
RAND: dict[str, tuple[Callable[[int], Iterator[int]], int]] = {
    "glibc": (_glibc, 2147483647),
    "msvc": (_msvc, 32767),
}
