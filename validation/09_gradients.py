"""Is every derivative right, far beyond the data, and is every fiber length an equilibrium?

Muscles of a measured subject and drawn ones, carried to the corners of the domain
(`refnms/verify/domain.py`): 1e5 instants and 1e5 samples of short trials against the complex step,
and 1e6 fiber equilibria, for each family of curves with the native profile and for each profile
with CEINMS's points; with --full for each family with each profile. The bars, relative to
the largest magnitude of each derivative: 1e-9 everywhere, and 1e-12 for partials and solved lengths
where no seam is near. A residual passes below 1e-12 of the strongest force, or where no double does
better; else it must be flagged. Then `refnms verify` on the measured calibration: a minute at most,
and a curve that is 0.1 % wrong in one piece is to be named.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from common import figure, folder, options, table, verdict

from refnms.physics.engine import pick
from refnms.physics.families import FAMILIES
from refnms.physics.profiles import NATIVE, Profile, ceinms_0_9, ceinms_0_21
from refnms.physics.solve import plain_curves
from refnms.physics.stencils import timeline
from refnms.physics.types import Curves, Flag, Muscles, System
from refnms.task import Task, read_task, terms_of
from refnms.verify import certify
from refnms.verify.domain import TIME_STEPS
from refnms.verify.equilibrium import equilibrium_check
from refnms.verify.instants import drawn, instant_checks
from refnms.verify.lanes import Run, run
from refnms.verify.parameters import derivative_checks, derivatives
from refnms.verify.probes import FRAMES, probes
from refnms.verify.records import AWAY, EVERYWHERE, INNER_PRODUCT, RESIDUAL, Check
from refnms.verify.solved import solved_checks

POINTS, EQUILIBRIA = 100_000, 1_000_000
AT_ONCE = 12_000  # samples whose derivatives are in memory together
SAMPLES = FRAMES * len(TIME_STEPS)  # of a lane
INVENTED = 52  # muscles besides the measured ones
MINUTE = 60.0  # [s]
PROFILES = {
    "native": NATIVE,
    "ceinms-0.9 online": ceinms_0_9(online=True).for_gradients(),
    "ceinms-0.9 offline": ceinms_0_9().for_gradients(),
    "ceinms-0.21": ceinms_0_21().for_gradients(),
}


def muscles(measured: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The measured muscles and invented ones, `(12, M)`."""
    n = INVENTED
    invented = Muscles(
        c1=rng.uniform(-0.95, -0.05, n),
        c2=rng.uniform(-0.95, -0.05, n),
        shape_factor=rng.uniform(-2.999, -0.001, n),
        optimal_fiber_length=rng.uniform(0.02, 0.2, n),
        pennation_angle_at_optimal=rng.uniform(0.0, 0.6, n),
        tendon_slack_length=rng.uniform(0.01, 0.5, n),
        max_isometric_force=rng.uniform(30.0, 8000.0, n),
        max_contraction_velocity=rng.uniform(5.0, 15.0, n),
        strength_coefficient=rng.uniform(0.5, 2.5, n),
        electromechanical_delay=rng.uniform(0.0, 0.1, n),
        fiber_damping=rng.uniform(0.01, 0.3, n),
        percentage_change=rng.uniform(0.0, 0.2, n),
    )
    return np.concatenate([measured, np.array(invented)], axis=1)


def system_of(curves: Curves, profile: Profile) -> System:
    clock = 0.01 * np.arange(4.0)
    return System(
        curves=curves,
        timeline=timeline([clock], [0], profile),
        start=profile.start,
        root=profile.root,
        node_tolerance=0.0,
        rigid=False,
        plain=plain_curves(curves, profile.root),
        piecewise=False,
    )


@dataclass
class Worst:
    """The largest error of one kind, of so many numbers, and where."""

    error: float = 0.0
    compared: int = 0
    where: str = ""

    def take(self, check: Check) -> None:
        self.compared += check.compared
        if check.error >= self.error:
            self.error, self.where = check.error, str(check.worst)


KINDS = {  # of check, by how its name begins -> bar
    "partials,": EVERYWHERE,
    "partials away": AWAY,
    "fiber lengths,": EVERYWHERE,
    "fiber lengths away": AWAY,
    "forward,": EVERYWHERE,
    "forward by rule": EVERYWHERE,
    "reverse": EVERYWHERE,
    "inner product": INNER_PRODUCT,
    "equilibrium": RESIDUAL,
}


def lanes_of(
    system: System, profile: Profile, them: np.ndarray, samples: int, rng: np.random.Generator
) -> Iterator[Run]:
    """Runs of drawn lanes of the muscles of a `(12, M)` table, a part at a time."""
    names = tuple(f"muscle {m}" for m in range(them.shape[1]))
    count = 0
    while count < samples:
        lanes = probes(system, profile, them, names, AT_ONCE // SAMPLES, rng)
        count += lanes.musculotendon_length.size
        yield run(pick(), lanes)


def searched(curves: Curves, profile: Profile, them: np.ndarray) -> tuple[dict[str, Worst], dict]:
    """The worst of each kind of check, and how many samples carried which flag."""
    rng, worst = np.random.default_rng(8), {kind: Worst() for kind in KINDS}
    names = [f"muscle {m}" for m in range(them.shape[1])]

    def take(checks: Iterator[Check]) -> None:
        for check in checks:
            for kind, found in worst.items():
                if check.name.startswith(kind):
                    found.take(check)

    instants = drawn(them, POINTS, rng)
    place = lambda quantity, i: instants.place(quantity, i, names)
    take(instant_checks(curves, instants, place, "drawn"))
    system, frames = system_of(curves, profile), range(SAMPLES)
    for part in lanes_of(system, profile, them, POINTS, rng):
        take(solved_checks(part, "drawn"))
        take(derivative_checks(derivatives(part, None, rng), frames, "drawn"))
    counts = dict.fromkeys(("samples", "not finite", "doubtful", *FLAGS), 0)
    for part in lanes_of(system, profile, them, EQUILIBRIA, rng):
        take(iter([equilibrium_check(part, "drawn")]))
        counts["samples"] += part.flags.size
        bad = ~np.all([np.isfinite(signal) for signal in part.signals[1:]], axis=0)
        counts["not finite"] += int(np.count_nonzero(bad))
        counts["doubtful"] += int(np.count_nonzero(~part.determinate))
        for name, flag in FLAGS.items():
            counts[name] += int(np.count_nonzero(part.flags & flag))
    return worst, counts


FLAGS = {
    "no root": Flag.FAILED,
    "fell back": Flag.FELL_BACK,
    "just taut": Flag.TAUT,
    "at the floor": Flag.FLOOR,
}


def certificate_of(task: Task, curves: Curves | None = None):
    """The certificate of the measured calibration, and the seconds it took."""
    model = task.model if curves is None else replace(task.model, curves=curves)
    packing = None if curves is not None else task.packing
    began = time.perf_counter()
    dofs = task.step.dofs or None
    found = certify(
        model, task.recordings("calibration"), task.profile, packing, terms_of(task.step), dofs
    )
    return found, time.perf_counter() - began


def planted(task: Task) -> bool:
    """Whether a piece of a curve whose slope is 0.1 % off is named, for each of the curves."""
    named = True
    for name in Curves._fields:
        curve = getattr(task.model.curves, name)
        middle = int(np.argmax(np.abs(curve.pieces[:, 2])))  # the steepest
        pieces = curve.pieces.copy()
        pieces[middle, 2] *= 1.001
        wrong = task.model.curves._replace(**{name: curve._replace(pieces=pieces)})
        found, _ = certificate_of(task, wrong)
        first = found.failed[0] if found.failed else None
        knots = curve.knots[[middle - 1, middle]]
        right = (
            first is not None
            and {place.curve for place in first.wrong} == {name}
            and dict(first.worst.at)["x"] in knots
        )
        named &= right
        told = "passed" if first is None else f"{first.name}: {first.worst}"
        print(f"planted in {name}, {knots[0]:g} to {knots[1]:g}: {told}")
    return named


def draw(found: dict[tuple[str, str], dict[str, Worst]]):
    def fill(page) -> None:
        axes = page.subplots()
        height = np.arange(len(KINDS))
        for i, (pair, worst) in enumerate(found.items()):
            errors = [max(worst[kind].error, 1e-16) for kind in KINDS]
            shift = 0.6 * (i / (len(found) - 1) - 0.5)
            marker = "os^Dv"[list(FAMILIES).index(pair[0])]
            axes.plot(errors, height + shift, marker, ms=4, label=", ".join(pair))
        for y, bar in zip(height, KINDS.values(), strict=True):
            axes.plot([bar, bar], [y - 0.4, y + 0.4], color="#333333", lw=1.2)
        axes.set(xscale="log", xlabel="worst error; the bar of each is a line")
        axes.set_yticks(height, [kind.rstrip(",") for kind in KINDS])
        axes.invert_yaxis()
        axes.grid(axis="x", lw=0.3)
        page.legend(loc="outside upper center", ncols=2, frameon=False)

    return fill


def tell(found: dict[tuple[str, str], dict[str, Worst]], counts: dict[tuple[str, str], dict]):
    """The tables, and where each kind is worst."""
    heads = [kind.rstrip(",") for kind in KINDS]
    errors = [[*pair, *(f"{worst[k].error:.1e}" for k in KINDS)] for pair, worst in found.items()]
    table(["worst error of", "profile", *heads], errors)
    compared = [
        [*pair, *(f"{worst[k].compared:,}" for k in KINDS)] for pair, worst in found.items()
    ]
    table(["numbers compared", "profile", *heads], compared)
    samples = [[*pair, *(f"{number:,}" for number in c.values())] for pair, c in counts.items()]
    table(["equilibria", "profile", *next(iter(counts.values()))], samples)
    for kind, bar in KINDS.items():
        pair, worst = max(((p, w[kind]) for p, w in found.items()), key=lambda x: x[1].error)
        where = f"{', '.join(pair)}: {worst.where}"
        print(f"{kind.rstrip(',')}: {worst.error:.1e}, bar {bar:.0e}; {where}")


def main() -> int:
    chosen = options(__doc__, takes_full=True)
    setup = folder(chosen, "s06_calibration") / "calibrationSetup.xml"
    task = read_task(Path(setup), "native")
    all_muscles = muscles(task.model.table(), np.random.default_rng(80))
    found, counts = {}, {}
    for family, curves in FAMILIES.items():
        for name, profile in PROFILES.items():
            if not (chosen.full or name == "native" or family == "ceinms-default"):
                continue
            found[family, name], counts[family, name] = searched(curves(), profile, all_muscles)
    tell(found, counts)
    beyond = [kind for kind, bar in KINDS.items() for w in found.values() if w[kind].error > bar]
    finite = all(c["not finite"] == c["no root"] == 0 for c in counts.values())

    seconds = []
    for name in ("native", "ceinms-0.9"):
        certificate, took = certificate_of(read_task(Path(setup), name))
        seconds.append(took)
        print(f"certificate of the measured calibration, {name}: passed {certificate.passed}")
        beyond += [check.name for check in certificate.failed]
    named = planted(task)
    figure(chosen, "09_gradients.png", draw(found), figsize=(6.5, 4.2))
    exact = max(w[k].error for w in found.values() for k in KINDS if KINDS[k] == EVERYWHERE)
    away = max(w[k].error for w in found.values() for k in KINDS if k.endswith("away"))
    total = sum(c["samples"] for c in counts.values())
    quick = max(seconds) <= MINUTE
    print(f"seconds for a certificate: {', '.join(f'{s:.0f}' for s in seconds)}")
    return verdict(
        not beyond and finite and named and quick,
        f"derivatives to {exact:.1e}, away from seams to {away:.1e}; {total:,} equilibria solved "
        f"or flagged, all numbers finite: {finite}; planted curves named: {named}"
        + (f"; beyond their bar: {', '.join(sorted({*beyond}))}" if beyond else ""),
    )


if __name__ == "__main__":
    sys.exit(main())
