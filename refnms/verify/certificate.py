"""The certificate: every check of one model, its recordings and a profile, and what they add up to.

Recorded samples are checked as they stand. Drawn samples carry every muscle from there to its
physical corners. The order of the checks goes from the small to the large (curves, partials at
instants, solved lengths, whole trials, the objective), so the first that fails is the nearest to
the fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeAlias

import numpy as np

from refnms.display import count, listed
from refnms.model import Model, Trial
from refnms.parameters import Packing
from refnms.physics import reference
from refnms.physics.engine import pick
from refnms.physics.profiles import NATIVE, Profile
from refnms.simulation import Joined, join
from refnms.terms import TERMS, Term
from refnms.verify import (
    activations,
    curves,
    differences,
    engines,
    equilibrium,
    goal,
    inputs,
    instants,
    kinks,
    loop,
    parameters,
    probes,
    solved,
    tape,
)
from refnms.verify.lanes import DELAY, Lanes, Run, coordinates, run
from refnms.verify.records import EVERYWHERE, Check

INSTANTS = 20000  # drawn
LANES = 480  # drawn, of 24 samples each, whose derivatives are taken
MORE_LANES = 12000  # whose equilibria are solved where that is cheap, by the compiled engine
SHAPES = np.linspace(-0.05, 1.1, 231)  # neural activations
RECORDED, DRAWN = "recorded samples", "drawn samples"

Callback: TypeAlias = Callable[[Check], object]


@dataclass(frozen=True, eq=False)
class Certificate:
    """What was checked, how far off it was, and what its samples sit on."""

    profile: str
    engine: str
    muscles: tuple[str, ...]
    trials: tuple[str, ...]
    samples: int  # recorded, of all muscles
    determinate: int  # of these
    domain: dict[str, dict[str, tuple[float, float]]]  # recorded, drawn -> coordinate -> range
    checks: tuple[Check, ...]
    kinks: tuple[kinks.Kink, ...]
    indeterminate: tuple[dict[str, Any], ...]  # muscle, trial, frames, reasons

    def __repr__(self) -> str:
        verdict = "passed" if self.passed else f"failed: {listed([c.name for c in self.failed])}"
        return (
            f"<Certificate: {verdict}; {count(len(self.checks), 'check')} of "
            f"{count(self.samples, 'sample')} of {listed(self.trials)}>"
        )

    @property
    def passed(self) -> bool:
        """Every check within its tolerance."""
        return all(check.passed for check in self.checks)

    @property
    def worst(self) -> Check | None:
        """The exact derivative check on recorded samples that is farthest off."""
        return self._worst_exact(lambda name: not name.endswith(DRAWN))

    @property
    def worst_drawn(self) -> Check | None:
        """The same on drawn samples."""
        return self._worst_exact(lambda name: name.endswith(DRAWN))

    def _worst_exact(self, wanted: Callable[[str], bool]) -> Check | None:
        exact = [c for c in self.checks if c.tolerance == EVERYWHERE and wanted(c.name)]
        return max(exact, key=lambda check: check.error, default=None)

    @property
    def failed(self) -> list[Check]:
        """The checks beyond their tolerance, the nearest to the fault first."""
        return [check for check in self.checks if not check.passed]


def certify(
    model: Model,
    trials: Sequence[Trial],
    profile: Profile = NATIVE,
    packing: Packing | None = None,
    terms: Sequence[Term] = TERMS,
    dofs: Sequence[str] | None = None,
    seed: int = 0,
    callback: Callback | None = None,
) -> Certificate:
    """Verify all derivatives and equilibria of a model on its recordings.

    With the `packing` of a calibration, its objective (`terms`, `dofs`) is verified too. Roots are
    found to rounding, as gradients need, whatever tolerance the profile has. Drawn samples follow
    from `seed`; `callback` is told of each check. Raises InputError for trials that cannot be run.
    """
    profile = profile.for_gradients()
    joined, rng = join(model, trials, profile), np.random.default_rng(seed)
    recorded = run(pick(), _recorded(model, joined))
    drawn = run(pick(), _probes(model, joined, profile, LANES, rng))
    checks = []
    for check in chain(
        _at_instants(model, joined, recorded, rng),
        _of_equilibria(model, joined, profile, recorded, drawn, rng),
        _of_trials(model, joined, trials, profile, recorded, drawn, rng),
        () if packing is None else goal.goal_checks(packing, trials, profile, terms, dofs),
    ):
        checks.append(check)
        if callback is not None:
            callback(check)
    return Certificate(
        profile=profile.name,
        engine="numpy" if pick() is reference else "numba",
        muscles=model.muscle_names,
        trials=joined.names,
        samples=recorded.flags.size,
        determinate=int(np.count_nonzero(recorded.determinate)),
        domain={"recorded": visited(recorded), "drawn": visited(drawn)},
        checks=tuple(checks),
        kinks=tuple(kinks.kinks(recorded, joined, model, trials)),
        indeterminate=tuple(kinks.indeterminate(recorded)),
    )


def _recorded(model: Model, joined: Joined) -> Lanes:
    table = model.table()
    return Lanes(
        joined.system,
        table,
        np.ascontiguousarray(joined.excitation(table)),
        joined.musculotendon_length,
        model.muscle_names,
        joined.names,
        joined.times,
    )


def _probes(
    model: Model, joined: Joined, profile: Profile, count: int, rng: np.random.Generator
) -> Lanes:
    names = model.muscle_names
    return probes.probes(joined.system, profile, model.table(), names, count, rng)


def visited(of: Run) -> dict[str, tuple[float, float]]:
    """The range of each coordinate of the scans over the samples of a run."""
    p = of.lanes.muscles
    lo = p.optimal_fiber_length
    a, l, v = of.signals[1:4]
    found = coordinates(p, a, l / lo, v / (lo * p.max_contraction_velocity))
    return {name: (float(np.min(values)), float(np.max(values))) for name, values in found}


def _at_instants(
    model: Model, joined: Joined, recorded: Run, rng: np.random.Generator
) -> Iterator[Check]:
    system, table, names = joined.system, model.table(), model.muscle_names
    yield from curves.curve_checks(system.curves, recorded)
    yield from activations.activation_checks(table, names, system.piecewise, SHAPES)
    width = len(names)
    of_run = lambda quantity, i: recorded.place(quantity, i // width, i % width)
    samples = instants.of_run(recorded)
    yield from instants.instant_checks(system.curves, samples, of_run, RECORDED)
    drawn = instants.drawn(table, INSTANTS, rng)
    yield from instants.instant_checks(
        system.curves, drawn, lambda quantity, i: drawn.place(quantity, i, names), DRAWN
    )


def _of_equilibria(
    model: Model,
    joined: Joined,
    profile: Profile,
    recorded: Run,
    drawn: Run,
    rng: np.random.Generator,
) -> Iterator[Check]:
    many = drawn
    if pick() is not reference:
        many = run(pick(), _probes(model, joined, profile, MORE_LANES, rng))
    for of, where in ((recorded, RECORDED), (many, DRAWN)):
        yield equilibrium.equilibrium_check(of, where)
    for of, where in ((recorded, RECORDED), (drawn, DRAWN)):
        yield from solved.solved_checks(of, where)
    yield loop.loop_check(recorded.lanes, profile, pick())


def _of_trials(
    model: Model,
    joined: Joined,
    trials: Sequence[Trial],
    profile: Profile,
    recorded: Run,
    drawn: Run,
    rng: np.random.Generator,
) -> Iterator[Check]:
    by_delay = None
    if joined.rows is None:
        yield inputs.delay_check(joined, recorded)
        by_delay = joined.excitation_by_delay(recorded.lanes.table[DELAY])
    d = parameters.derivatives(recorded, by_delay, rng)
    frames = np.concatenate(inputs.spread_frames(recorded))
    yield from parameters.derivative_checks(d, frames.tolist(), RECORDED)
    yield inputs.sample_check(recorded)
    yield inputs.direction_check(recorded)
    yield tape.tape_check(d, joined)
    if pick() is not reference:
        yield engines.engine_check(d)
    yield from _by_differences(model, joined, recorded, trials, profile)
    every = parameters.derivatives(drawn, None, rng)
    yield from parameters.derivative_checks(every, range(len(drawn.flags)), DRAWN)


def _by_differences(
    model: Model, joined: Joined, recorded: Run, trials: Sequence[Trial], profile: Profile
) -> Iterator[Check]:
    """On all trials, or on the shortest where hundreds of runs take long."""
    if pick() is reference and len(trials) > 1:
        shortest = min(trials, key=lambda trial: len(trial.time))
        recorded = run(pick(), _recorded(model, join(model, [shortest], profile)))
    yield differences.parameter_check(recorded)
    yield differences.input_check(recorded)
