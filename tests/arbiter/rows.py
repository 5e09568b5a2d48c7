"""Rows of the golden tables, and whole trials: questions of `samples`, answers of the arbiter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ceinms_points import POINTS as CEINMS_POINTS
from mpmath import fdot, mpf

from arbiter import activation, samples
from arbiter.curves import PointCurve, coefficients, last_slope
from arbiter.families import CURVES, FORMULAS
from arbiter.muscle import Curves, Muscle, fiber_length, force, residual
from arbiter.precise import STEP, exact, rounded, slope
from arbiter.trial import Choice, Profile, trial

FAMILIES = ("ceinms-default", *FORMULAS)
EXACT, SEAM = 1e-12, 1e-9
SPLINE_EVERY = 25  # of the knots of a sampled curve, in splines.csv

Row = dict[str, Any]


def choices(profiles: Iterable[Profile]) -> Iterator[tuple[Profile, str, str, str]]:
    """Profile, family, tendon and activation of every trajectory."""
    for profile in profiles:
        for family in FAMILIES:
            yield profile, family, "elastic", "exponential"
        yield profile, FAMILIES[0], "rigid", "exponential"
        yield profile, FAMILIES[0], "elastic", "piecewise"


# ---- curves ----


def all_curves(knots: dict[tuple[str, str], list[float]]) -> dict[str, Curves]:
    """The curves of every family, from points that are floats."""
    found = {}
    for family in FAMILIES:
        parts = []
        for curve in CURVES:
            if family in FORMULAS:
                x = exact(knots[family, curve])
                y = exact(rounded([getattr(FORMULAS[family], curve)(v) for v in x]))
                own = PointCurve(x, y, None).outer
                parts.append(PointCurve(x, y, tuple(exact(rounded(list(own))))))
            else:
                x, y = (exact([float(v) for v in row.split()]) for row in CEINMS_POINTS[curve])
                parts.append(PointCurve(x, y, (mpf(0), mpf(0))))
        found[family] = Curves(*parts)
    return found


def point_rows(curves: dict[str, Curves]) -> Iterator[Row]:
    for family, four in curves.items():
        for name, curve in four._asdict().items():
            points = list(zip(rounded(curve.x), rounded(curve.y), strict=True))
            beyond = {0: rounded(curve.outer[0]), len(points) - 1: rounded(curve.outer[1])}
            for i, (x, y) in enumerate(points):
                ends = {"slope_beyond": beyond.get(i, "")}
                yield {"family": family, "curve": name, "x": x, "y": y} | ends


def spline_rows(curves: dict[str, Curves]) -> Iterator[Row]:
    for family, four in curves.items():
        for name, curve in four._asdict().items():
            every = 1 if len(curve.x) < 2 * SPLINE_EVERY else SPLINE_EVERY
            for i in range(0, len(curve.x) - 1, every):
                c1, c2, c3 = rounded(list(curve.pieces[i]))
                yield {
                    "entry": f"splines/{family}/{name}/{i}",
                    "family": family,
                    "curve": name,
                    "knot": i,
                    "c1": c1,
                    "c2": c2,
                    "c3": c3,
                    "tolerance": SEAM,
                    "reason": "a second and a third difference of the points lose digits",
                }


def curve_rows(curves: dict[str, Curves]) -> Iterator[Row]:
    for family, four in curves.items():
        for name, curve in four._asdict().items():
            for k, (x, reason) in enumerate(samples.places(name, rounded(curve.x))):
                yield {
                    "entry": f"curves/{family}/{name}/{k}",
                    "family": family,
                    "curve": name,
                    "x": x,
                    "value": rounded(curve(mpf(x))),
                    "slope": rounded(curve.slope(mpf(x))),
                    "tolerance": SEAM if "2e-7" in reason else EXACT,
                    "reason": reason,
                }


# ---- activation ----


def activation_rows() -> Iterator[Row]:
    for shape, entries in (
        ("exponential", samples.EXPONENTIALS),
        ("piecewise", samples.PIECEWISE),
    ):
        curve = activation.SHAPES[shape]
        for k, (u, factor) in enumerate(entries):
            at = mpf(u), mpf(factor)
            small = abs(factor) < 0.1 and shape == "exponential"
            yield {
                "entry": f"activation/{shape}/{k}",
                "shape": shape,
                "neural_activation": u,
                "shape_factor": factor,
                "activation": rounded(curve(*at)),
                "by_neural_activation": rounded(
                    slope(lambda v, c=curve, at=at: c(v, at[1]), at[0])
                ),
                "by_shape_factor": rounded(slope(lambda v, c=curve, at=at: c(at[0], v), at[1])),
                "tolerance": EXACT,
                "reason": "a quotient of small differences: expm1 or a series"
                if small
                else samples.AWAY,
            }


def filter_rows() -> Iterator[Row]:
    e = exact(samples.EXCITATION)
    for name, c1, c2, at_rest, restarts in samples.FILTERS:
        rest = e, at_rest, restarts
        u = activation.recursion(mpf(c1), mpf(c2), *rest)
        by_c1 = [
            (x - y) / STEP
            for x, y in zip(activation.recursion(mpf(c1) + STEP, mpf(c2), *rest), u, strict=True)
        ]
        by_c2 = [
            (x - y) / STEP
            for x, y in zip(activation.recursion(mpf(c1), mpf(c2) + STEP, *rest), u, strict=True)
        ]
        for t, sample in enumerate(samples.EXCITATION):
            yield {
                "entry": f"filter/{name}/{t}",
                "case": name,
                "starts_at_rest": int(at_rest),
                "third_sample_restarts": int(restarts),
                "c1": c1,
                "c2": c2,
                "sample": t,
                "excitation": sample,
                "neural_activation": rounded(u[t]),
                "by_c1": rounded(by_c1[t]),
                "by_c2": rounded(by_c2[t]),
                "tolerance": EXACT,
                "reason": "a short recursion",
            }


# ---- velocity ----

POINTS = (2, 4, 5, 15)  # 2: native; 4, 5: inside CEINMS 0.9's and 0.21's equilibrium; 15: online


def velocity_rows() -> Iterator[Row]:
    """The velocity at each sample by the spline of the last few, and of all."""
    lists = samples.recording()
    times = exact(lists["time"])
    values = [row[0] for row in lists["musculotendon_length"]]
    whole = [piece[0] for piece in coefficients(times, exact(values))]
    for t, (time, value) in enumerate(zip(lists["time"], values, strict=True)):
        row: Row = {"entry": f"velocity/{t}", "sample": t, "time": time, "length": value}
        for points in POINTS:
            first = max(0, t + 1 - points)
            weights = last_slope(tuple(times[first : t + 1]))
            row[f"by_last_{points}"] = rounded(fdot(weights, exact(values[first : t + 1])))
        row["by_all"] = rounded(whole[t])
        yield row | {"tolerance": EXACT, "reason": "weights of a spline over uneven time steps"}


# ---- one instant of one muscle ----


def slopes(of: Any, values: Row, names: Iterable[str]) -> Row:
    """Difference quotients of a function of a row, by some of its inputs."""
    base = of(values)
    return {
        f"by_{name}": rounded((of(values | {name: values[name] + STEP}) - base) / STEP)
        for name in names
    }


FORCE_BY = (
    "activation fiber_length fiber_velocity optimal_fiber_length pennation_angle_at_optimal"
    " max_isometric_force max_contraction_velocity strength_coefficient fiber_damping"
    " percentage_change"
).split()


def force_rows(curves: dict[str, Curves]) -> Iterator[Row]:
    for family, four in curves.items():
        for k, (values, reason) in enumerate(samples.force_samples(family)):

            def of(row: Row, four: Curves = four) -> Any:
                sample = row["activation"], row["fiber_length"], row["fiber_velocity"]
                return force(four, samples.muscle(row), *sample)

            row = {name: mpf(value) for name, value in values.items()}
            yield {
                "entry": f"force/{family}/{k}",
                "family": family,
                **{name: values[name] for name in FORCE_BY},
                "tendon_force": rounded(of(row)),
                **slopes(of, row, FORCE_BY),
                "tolerance": EXACT,
                "reason": reason,
            }


LENGTH_BY = (
    "activation musculotendon_length past optimal_fiber_length pennation_angle_at_optimal"
    " tendon_slack_length max_contraction_velocity fiber_damping percentage_change"
).split()


def length_rows(curves: dict[str, Curves]) -> Iterator[Row]:
    for family, four in curves.items():
        for k, (values, reason) in enumerate(samples.length_samples(family)):

            def balance(row: Row, l: Any, four: Curves = four) -> Any:
                a, lmt, newest, past = (
                    row[n] for n in ("activation", "musculotendon_length", "newest", "past")
                )
                return residual(four, samples.muscle(row), a, lmt, lambda l: newest * l + past, l)

            row = {name: mpf(value) for name, value in values.items()}
            newest, past = row["newest"], row["past"]
            found = fiber_length(
                four,
                samples.muscle(row),
                row["activation"],
                row["musculotendon_length"],
                lambda l, n=newest, p=past: n * l + p,
            )
            steep = slope(lambda l, row=row: balance(row, l), found)

            def root(row: Row, found: Any = found, steep: Any = steep) -> Any:
                """One Newton step from a root that is STEP away."""
                return found - balance(row, found) / steep

            yield {
                "entry": f"fiber_length/{family}/{k}",
                "family": family,
                "newest": values["newest"],
                **{name: values[name] for name in LENGTH_BY},
                "fiber_length": rounded(found),
                **slopes(root, row, LENGTH_BY),
                "tolerance": EXACT,
                "reason": reason,
            }


# ---- whole trials ----


def trajectory(curves: dict[str, Curves], choice: tuple[Profile, str, str, str]) -> dict[str, Any]:
    profile, family, tendon, shape = choice
    people, lists = samples.person(shape), samples.recording()
    found = trial(
        Choice(profile, curves[family], tendon == "rigid", shape),
        [Muscle(**{name: mpf(v) for name, v in values.items()}) for values in people],
        samples.precise_recording(lists),
    )
    *signals, loss, gradient = found
    names = found._fields[: len(signals)]
    return {
        "entry": f"trajectories/{profile.name}/{family}/{tendon}/{shape}",
        "profile": profile.name,
        "family": family,
        "tendon": tendon,
        "activation": shape,
        "tolerance": {"signals": EXACT, "gradient": 1e-11},
        "reason": "the gradient sums what a whole trial passes on, and rounds as often",
        "inputs": {
            "muscles": {name: [values[name] for values in people] for name in Muscle._fields},
            **lists,
        },
        "outputs": {
            **{name: rounded(signal) for name, signal in zip(names, signals, strict=True)},
            "loss": rounded(loss),
            **{f"loss_by_{name}": rounded(slopes) for name, slopes in gradient.items()},
        },
    }
