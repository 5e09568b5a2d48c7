"""A small person on short trials, run by the NumPy engine, whose formulas a test may spoil."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from people import person, recording

from refnms.model import Model, Trial
from refnms.physics import reference
from refnms.physics.profiles import NATIVE
from refnms.simulation import Joined, join
from refnms.verify.lanes import Lanes, Run, run
from refnms.verify.records import Check

DRAWS = ("INSTANTS", "LANES", "MORE_LANES")  # of `certificate`: fewer of them are quicker


class Case(NamedTuple):
    """A person, trials, and the run of all muscles."""

    model: Model
    trials: list[Trial]
    joined: Joined
    run: Run

    @property
    def lanes(self) -> Lanes:
        return self.run.lanes


def case_of(model: Model, trials: list[Trial], profile: Any = NATIVE) -> Case:
    joined = join(model, trials, profile)
    table = model.table()
    lanes = Lanes(
        joined.system,
        table,
        joined.excitation(table),
        joined.musculotendon_length,
        model.muscle_names,
        joined.names,
        joined.times,
    )
    return Case(model, trials, joined, run(reference, lanes))


def draw_case(profile: Any = NATIVE, seed: int = 8, **fixed: Any) -> Case:
    model = person(seed, **fixed)
    names = ("walk", "jump")
    regimes = (("ordinary",), ("ordinary", "fast", "slack"))
    trials = [
        recording(i, model, 24, of, name)
        for i, (name, of) in enumerate(zip(names, regimes, strict=True))
    ]
    return case_of(model, trials, profile)


def rerun(case: Case) -> Case:
    """The same, with the formulas as they are now."""
    return case._replace(run=run(reference, case.lanes))


def sole(checks: Iterable[Check], name: str) -> Check:
    """The one check whose name begins so."""
    (found,) = [check for check in checks if check.name.startswith(name)]
    return found
