"""Every formula that has a slope written beside it, at instants: is each partial the slope?

An instant is a muscle with an activation, a fiber length, a velocity and a musculotendon length.
They come from the recorded samples, and from draws over activation x fiber length x velocity x
tendon slack ratio x pennation, out to the corners (see `domain`).

Each partial is held against the complex step and the tape. Where one is wrong, each curve in turn
is replaced by the constant that it is there: if that mends the partial, this curve is to blame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from refnms.autodiff import vjp
from refnms.physics import muscle
from refnms.physics.curves import value
from refnms.physics.types import Array, Curves, Integers, Muscles, Piece
from refnms.verify import domain
from refnms.verify.lanes import ON, Run, coordinates, near_knot
from refnms.verify.oracle import STEP
from refnms.verify.records import AWAY, EVERYWHERE, Check, Place, Worst

NEAR_SEAM = 1e-5  # of the width of a piece, of the velocity limit, of an upright cosine


class Instants(NamedTuple):
    """N instants of muscles, each `(N,)`."""

    muscles: Muscles
    owner: Integers  # which muscle of the model
    activation: Array
    fiber_length: Array  # [m]
    fiber_velocity: Array  # [m/s]
    musculotendon_length: Array  # [m]

    def place(self, quantity: str, i: int, names: Sequence[str]) -> Place:
        """Instant i of muscles with these names."""
        p = Muscles(*(float(field[i]) for field in self.muscles))
        x = float(self.fiber_length[i]) / p.optimal_fiber_length
        v = float(self.fiber_velocity[i]) / (p.optimal_fiber_length * p.max_contraction_velocity)
        at = coordinates(p, float(self.activation[i]), x, v)
        return Place(quantity, names[self.owner[i]], at=at)


def of_run(run: Run) -> Instants:
    """The recorded samples, one after the other."""
    lanes = run.lanes
    count, owner = run.flags.size, np.tile(np.arange(run.flags.shape[1]), len(run.flags))
    table = lanes.table[:, owner]
    a, l, v = (s.reshape(count) for s in run.signals[1:4])
    return Instants(Muscles(*table), owner, a, l, v, lanes.musculotendon_length.reshape(count))


def drawn(table: Array, count: int, rng: np.random.Generator) -> Instants:
    """Instants of the muscles of a `(12, M)` table over the whole domain, all corners of each."""
    every = domain.corners(table.shape[1])
    count = max(count, every.shape[1])
    owner = np.arange(count) % table.shape[1]
    coordinate = [domain.draw(name, count, rng) for name in domain.CORNERS]
    for values, corner in zip(coordinate, every, strict=True):
        values[: len(corner)] = corner
    a, w, v, ratio, pennation = coordinate
    p = domain.carried(Muscles(*table[:, owner]), ratio, pennation, rng)
    lo = p.optimal_fiber_length
    length = lo * np.sqrt(w * w + np.sin(p.pennation_angle_at_optimal) ** 2)
    lmt = p.tendon_slack_length * (1.0 + rng.uniform(*domain.STRAINS, count)) + lo * w
    return Instants(p, owner, a, length, v * lo * p.max_contraction_velocity, lmt)


# ---- the formulas: named arguments in, one number out; beside each its partials ----

Formula = Callable[[Curves, dict[str, Any]], Any]


def _force(curves: Curves, q: dict[str, Any]) -> Any:
    unit = muscle.unit(Muscles(*(q[name] for name in Muscles._fields)))
    return muscle.tendon_force(
        curves, unit, q["activation"], q["fiber_length"], q["fiber_velocity"]
    )


def _force_partials(curves: Curves, q: dict[str, Any]) -> dict[str, Any]:
    unit = muscle.unit(Muscles(*(q[name] for name in Muscles._fields)))
    state = q["activation"], q["fiber_length"], q["fiber_velocity"]
    found: dict[str, Any] = muscle.tendon_force_partials(curves, unit, *state)._asdict()
    return found


def _balance(curves: Curves, q: dict[str, Any]) -> Any:
    """g along w, x^2 = w^2 + s^2, at a fixed fiber velocity, with the sine as an argument."""
    unit = muscle.unit(Muscles(*(q[name] for name in Muscles._fields)))
    unit = unit._replace(pennation_sine=q["pennation_sine"])
    x, cosine = muscle.of_projection(unit, q["w"])
    v = muscle.norm_velocity(unit, q["fiber_velocity"])
    return muscle.equilibrium(
        curves, unit, x, cosine, q["activation"], v, q["musculotendon_length"]
    )


def _balance_partials(curves: Curves, q: dict[str, Any]) -> dict[str, Any]:
    unit = muscle.unit(Muscles(*(q[name] for name in Muscles._fields)))
    x, cosine = muscle.of_projection(unit, q["w"])
    v = muscle.norm_velocity(unit, q["fiber_velocity"])
    found: dict[str, Any] = muscle.equilibrium_partials(
        curves, unit, x, cosine, q["activation"], v, q["musculotendon_length"]
    )._asdict()
    del found["residual"]
    return found


def _under_rigid_tendon(name: str) -> tuple[Formula, Formula]:
    def formula(curves: Curves, q: dict[str, Any]) -> Any:
        unit = muscle.unit(Muscles(*(q[name] for name in Muscles._fields)))
        return getattr(muscle, name)(unit, q["musculotendon_length"])

    def partials(curves: Curves, q: dict[str, Any]) -> dict[str, Any]:
        unit = muscle.unit(Muscles(*(q[name] for name in Muscles._fields)))
        found: dict[str, Any] = getattr(muscle, f"{name}_partials")(
            unit, q["musculotendon_length"]
        )._asdict()
        return found

    return formula, partials


FORMULAS: dict[str, tuple[Formula, Formula]] = {
    "tendon_force": (_force, _force_partials),
    "equilibrium": (_balance, _balance_partials),
    "rigid_fiber_length": _under_rigid_tendon("rigid_fiber_length"),
    "rigid_projection": _under_rigid_tendon("rigid_projection"),
}


def _arguments(instants: Instants) -> dict[str, Array]:
    p = instants.muscles
    unit = muscle.unit(p)
    x, cosine = muscle.of_length(unit, instants.fiber_length)
    return {
        **p._asdict(),
        "activation": instants.activation,
        "fiber_length": instants.fiber_length,
        "fiber_velocity": instants.fiber_velocity,
        "musculotendon_length": instants.musculotendon_length,
        "w": x * cosine,
        "pennation_sine": np.asarray(unit.pennation_sine),
    }


def instant_checks(
    curves: Curves,
    instants: Instants,
    place: Callable[[str, int], Place],
    where: str,
) -> Iterator[Check]:
    """Every partial at some instants, `where` they come from: complex step, seams apart, tape.

    `place(quantity, i)` tells where instant i is.
    """
    with np.errstate(all="ignore"):
        q = _arguments(instants)
        kink, seam = _kinks_and_seams(curves, q)
        every = Worst(
            f"partials, {where}",
            f"every partial derivative of the muscle is that of the complex step, {where}",
            EVERYWHERE,
        )
        away = Worst(f"partials away from seams, {where}", "the same where no seam is near", AWAY)
        tape = Worst(
            f"partials on the tape, {where}", "the same derivatives by the tape", EVERYWHERE
        )
        for name, (formula, partials) in FORMULAS.items():
            found = partials(curves, q)
            recorded = _on_tape(formula, curves, q, list(found))
            for argument, partial in found.items():
                partial = np.broadcast_to(partial, kink.shape)
                exact = _stepped(formula, curves, q, argument)
                scale = _largest(exact, instants.owner, ~kink)
                error = np.abs(partial - exact) / scale
                told = _teller(
                    place, f"{name} by {argument}", curves, formula, partials, q, argument
                )
                every.add(error, told, ~kink)
                away.add(error, told, ~kink & ~seam)
                tape.add(np.abs(recorded[argument] - exact) / scale, told, ~kink)
    for worst in (every, away, tape):
        yield worst.check()


def _stepped(formula: Formula, curves: Curves, q: dict[str, Any], argument: str) -> Array:
    moved = {**q, argument: q[argument] + 1j * STEP}
    return np.broadcast_to(np.asarray(formula(curves, moved)).imag / STEP, q["w"].shape)


def _on_tape(
    formula: Formula, curves: Curves, q: dict[str, Any], names: list[str]
) -> dict[str, Array]:
    """Derivatives of a formula, elementwise, by the named arguments."""

    def f(*values: Any) -> Any:
        return formula(curves, {**q, **dict(zip(names, values, strict=True))})

    y, pullback = vjp(f, *(q[name] for name in names))
    return dict(zip(names, pullback(np.ones_like(y)), strict=True))


def _largest(exact: Array, owner: Integers, counts: Any) -> Array:
    """The largest magnitude of a derivative of each instant's muscle, for all of its instants."""
    largest = np.zeros(int(owner.max()) + 1)
    size = np.where(counts & np.isfinite(exact), np.abs(exact), 0.0)
    np.maximum.at(largest, owner, size)
    return np.asarray(np.where(largest > 0.0, largest, 1.0)[owner])


def _kinks_and_seams(curves: Curves, q: dict[str, Any]) -> tuple[Any, Any]:
    """Instants that sit on a kink, and those that are near a seam of any kind."""
    unit = muscle.unit(Muscles(*(q[name] for name in Muscles._fields)))
    x, cosine = muscle.of_length(unit, q["fiber_length"])
    raw = q["fiber_velocity"] * unit.per_speed
    v = muscle.norm_velocity(unit, q["fiber_velocity"])
    lmt = q["musculotendon_length"]
    asked = muscle.arguments(unit, x, cosine, q["activation"], v, lmt)
    off_limit = np.abs(np.abs(raw) - 1.0)
    kink, seam = ((off_limit <= share) | (cosine <= share) for share in (ON, NEAR_SEAM))
    for curve, at in zip(curves, asked, strict=True):
        inside = (np.abs(v) < 1.0) | (curve is not curves.force_velocity)  # beyond, v is held
        at_end = np.min(np.abs(at - curve.knots[[0, -1], None]), axis=0)
        kink |= (at_end <= ON * np.ptp(curve.knots)) & inside
        seam |= near_knot(curve, at, NEAR_SEAM) & inside
    return kink, seam


def _teller(
    place: Callable[[str, int], Place],
    quantity: str,
    curves: Curves,
    formula: Formula,
    partials: Formula,
    q: dict[str, Any],
    argument: str,
) -> Callable[[tuple[int, ...]], Place]:
    def tell(index: tuple[int, ...]) -> Place:
        (i,) = index
        at = {name: value[i : i + 1] for name, value in q.items()}
        return replace(place(quantity, i), curve=_to_blame(curves, formula, partials, at, argument))

    return tell


def _to_blame(
    curves: Curves, formula: Formula, partials: Formula, q: dict[str, Any], argument: str
) -> str | None:
    """The curve whose slope makes a partial wrong at one instant: held constant, all is well."""

    def off(held: Curves) -> tuple[float, float]:
        found = float(np.asarray(partials(held, q)[argument]).item())
        exact = float(np.asarray(_stepped(formula, held, q, argument)).item())
        return abs(found - exact), abs(exact)

    before, size = off(curves)
    if not before > EVERYWHERE * size:
        return None
    unit = muscle.unit(Muscles(*(q[name] for name in Muscles._fields)))
    x, cosine = muscle.of_length(unit, q["fiber_length"])
    v = muscle.norm_velocity(unit, q["fiber_velocity"])
    asked = muscle.arguments(unit, x, cosine, q["activation"], v, q["musculotendon_length"])
    for name, curve, at in zip(Curves._fields, curves, asked, strict=True):
        flat = Piece(-np.inf, np.inf, 0.0, value(curve, at), 0.0, 0.0, 0.0)
        if off(curves._replace(**{name: flat}))[0] <= 1e-3 * before:
            return name
    return None
