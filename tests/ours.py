"""refnms's own answers to the golden entries, in the layout of the golden files."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from refnms.autodiff import grad
from refnms.golden import text
from refnms.model import (
    ElasticTendon,
    ExponentialActivation,
    Model,
    PiecewiseActivation,
    RigidTendon,
    Trial,
)
from refnms.physics import activation as act
from refnms.physics import implicit, muscle, solve
from refnms.physics.curves import knot_slopes, spline_curve, value_and_slope
from refnms.physics.profiles import NATIVE, ceinms_0_9, ceinms_0_21
from refnms.physics.reference.bands import stencil
from refnms.physics.reference.filter import filtered, filtered_slopes
from refnms.physics.stencils import trailing_weights
from refnms.physics.types import Curves, FilterStart, Muscles
from refnms.simulation import chain, join

PROFILES = {
    "native": NATIVE,
    "ceinms-0.9-online": ceinms_0_9(online=True, tolerance=0.0),
    "ceinms-0.9-offline": ceinms_0_9(online=False, tolerance=0.0),
    "ceinms-0.21": ceinms_0_21(tolerance=0.0),
}
Row = dict[str, Any]


def table(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text(name).splitlines()))


def golden_curves() -> dict[str, Curves]:
    """The curves that the golden points stand for."""
    rows: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in table("curve_points.csv"):
        rows.setdefault((row["family"], row["curve"]), []).append(row)
    curves = {
        key: spline_curve(
            [float(row["x"]) for row in points],
            [float(row["y"]) for row in points],
            (float(points[0]["slope_beyond"]), float(points[-1]["slope_beyond"])),
        )
        for key, points in rows.items()
    }
    families = dict.fromkeys(family for family, _ in curves)
    return {f: Curves(**{name: curves[f, name] for name in Curves._fields}) for f in families}


def numbers(row: dict[str, str]) -> dict[str, float]:
    found = {}
    for name, cell in row.items():
        try:
            found[name] = float(cell)
        except ValueError:
            pass
    return found


def muscles_of(row: dict[str, float]) -> Muscles:
    return Muscles(**{name: np.float64(row.get(name, 0.0)) for name in Muscles._fields})


def splines(curves: dict[str, Curves]) -> Iterator[Row]:
    for row in table("splines.csv"):
        pieces = getattr(curves[row["family"]], row["curve"]).pieces[1 + int(row["knot"])]
        yield {"entry": row["entry"], **dict(zip(("c1", "c2", "c3"), pieces[2:], strict=True))}


def curve_values(curves: dict[str, Curves]) -> Iterator[Row]:
    for row in table("curves.csv"):
        curve = getattr(curves[row["family"]], row["curve"])
        value, slope = value_and_slope(curve, float(row["x"]))
        yield {"entry": row["entry"], "value": value, "slope": slope}


def activations() -> Iterator[Row]:
    for row in table("activation.csv"):
        u, factor = float(row["neural_activation"]), float(row["shape_factor"])
        if row["shape"] == "exponential":
            shape = act.exponential_shape(factor)
            a = act.exponential(u, shape)
            slopes = act.exponential_partials(u, a, shape)
        else:
            node = act.piecewise_node(factor, act.solve_node(factor, 0.0))
            a, slopes = act.piecewise(u, node), act.piecewise_partials(u, factor, node)
        names = ("activation", "by_neural_activation", "by_shape_factor")
        yield {"entry": row["entry"], **dict(zip(names, (a, *slopes), strict=True))}


def filters() -> Iterator[Row]:
    cases: dict[str, list[dict[str, str]]] = {}
    for row in table("filter.csv"):
        cases.setdefault(row["case"], []).append(row)
    for rows in cases.values():
        rest, restarts = float(rows[0]["starts_at_rest"]), int(rows[0]["third_sample_restarts"])
        start = FilterStart(rest, 2 if restarts else -1)
        c1, c2 = (np.array([float(rows[0][name])]) for name in ("c1", "c2"))
        e = np.array([[float(row["excitation"])] for row in rows])
        u = filtered(start, c1, c2, e)
        signals = (u, *filtered_slopes(start, c1, c2, e, u))
        for row, *values in zip(rows, *(signal[:, 0] for signal in signals), strict=True):
            names = ("neural_activation", "by_c1", "by_c2")
            yield {"entry": row["entry"], **dict(zip(names, values, strict=True))}


def velocities() -> Iterator[Row]:
    rows = table("velocity.csv")
    time, length = (np.array([float(row[name]) for row in rows]) for name in ("time", "length"))
    found = {}
    for name in rows[0]:
        if name.startswith("by_last_"):
            weights = trailing_weights(time, int(name.rpartition("_")[2]))
            found[name] = stencil(weights, length[:, None])[:, 0]
    found["by_all"] = knot_slopes(time, length)
    for t, row in enumerate(rows):
        yield {"entry": row["entry"], **{name: values[t] for name, values in found.items()}}


def forces(curves: dict[str, Curves]) -> Iterator[Row]:
    for row in table("force.csv"):
        given = numbers(row)
        unit = muscle.unit(muscles_of(given | {"tendon_slack_length": 1.0}))
        sample = (
            curves[row["family"]],
            unit,
            *(np.float64(given[n]) for n in ("activation", "fiber_length", "fiber_velocity")),
        )
        slopes = muscle.tendon_force_partials(*sample)._asdict()
        by = {f"by_{name}": slope for name, slope in slopes.items()}
        yield {"entry": row["entry"], "tendon_force": muscle.tendon_force(*sample), **by}


def fiber_lengths(curves: dict[str, Curves]) -> Iterator[Row]:
    for row in table("fiber_length.csv"):
        given, four = numbers(row), curves[row["family"]]
        names = ("activation", "musculotendon_length", "newest", "past")
        unit = muscle.unit(muscles_of(given))
        sample = solve.Sample(unit, *(np.float64(given[name]) for name in names))
        root = PROFILES["ceinms-0.9-online"].root
        length, flag = solve.solve_sample(four, root, sample, 0.0, 0.0)
        assert flag in (solve.NOTHING, solve.HELPED)
        x, cosine = muscle.of_length(unit, length)
        v = muscle.norm_velocity(unit, sample.newest * length + sample.past)
        slopes = implicit.length_slopes(four, sample, x, cosine, v, 0, 0)._asdict()
        slopes["past"] = slopes.pop("past_velocity")
        by = {f"by_{name}": slope for name, slope in slopes.items()}
        yield {"entry": row["entry"], "fiber_length": length, **by}


def recording(curves: dict[str, Curves], golden: Row) -> tuple[Model, Trial]:
    """Model and trial of a trajectory."""
    inputs, count = golden["inputs"], len(golden["inputs"]["muscles"]["c1"])
    dofs = len(inputs["target_moment"][0])
    piecewise = golden["activation"] == "piecewise"
    model = Model(
        muscle_names=tuple(f"m{m}" for m in range(count)),
        dof_names=tuple(f"d{d}" for d in range(dofs)),
        emg_names=tuple(f"e{m}" for m in range(count)),
        muscles=Muscles(**inputs["muscles"]),
        curves=curves[golden["family"]],
        emg_to_muscle=np.eye(count),
        crosses=np.ones((count, dofs), dtype=bool),
        tendon=RigidTendon() if golden["tendon"] == "rigid" else ElasticTendon(),
        activation=PiecewiseActivation() if piecewise else ExponentialActivation(),
    )
    names = ("time", "musculotendon_length", "moment_arm", "emg_time", "emg")
    return model, Trial("golden", *(inputs[name] for name in names))


def trajectory(curves: dict[str, Curves], golden: Row) -> Row:
    """Signals by an engine, the gradient by the tape and the engine's adjoint."""
    inputs, profile = golden["inputs"], PROFILES[golden["profile"]]
    model, trial = recording(curves, golden)
    joined = join(model, [trial], profile)
    flags = np.zeros(joined.musculotendon_length.shape, np.int64)
    signals = chain(joined, model.table(), flags)
    target = np.array(inputs["target_moment"])

    def loss(table: Any, excitation: Any, lmt: Any) -> Any:
        moment = chain(joined, table, flags, excitation, lmt).moment
        return np.sum((moment - target) ** 2) * (1.0 / target.size)

    inner = (model.table(), signals.excitation, joined.musculotendon_length)
    by_table, by_excitation, by_length = (
        grad(lambda moved, k=k: loss(*inner[:k], moved, *inner[k + 1 :]))(inner[k])
        for k in range(3)
    )
    if profile.interpolates_emg:  # the delay acts through the excitation alone
        by_table = grad(lambda table: loss(table, None, inner[2]))(inner[0])
    by = {
        f"loss_by_{name}": by_table[k].tolist()
        for k, name in enumerate(Muscles._fields)
        if f"loss_by_{name}" in golden["outputs"]
    }
    return {
        "entry": golden["entry"],
        "outputs": {
            **{name: getattr(signals, name).tolist() for name in signals._fields},
            "loss": float(loss(*inner)),
            **by,
            "loss_by_excitation": by_excitation.tolist(),
            "loss_by_musculotendon_length": by_length.tolist(),
        },
    }


def answers() -> dict[str, str]:
    """Text of every file that we can answer."""
    curves = golden_curves()
    rows = {
        "splines.csv": splines(curves),
        "curves.csv": curve_values(curves),
        "activation.csv": activations(),
        "filter.csv": filters(),
        "velocity.csv": velocities(),
        "force.csv": forces(curves),
        "fiber_length.csv": fiber_lengths(curves),
    }
    texts = {name: as_csv(list(found)) for name, found in rows.items()}
    golden = json.loads(text("trajectories.json"))
    found = [trajectory(curves, one) for one in golden["trajectories"]]
    return texts | {"trajectories.json": json.dumps({"schema": 1, "trajectories": found})}


def as_csv(rows: list[Row]) -> str:
    lines = [",".join(rows[0])]
    lines += [
        ",".join(c if isinstance(c, str) else repr(float(c)) for c in r.values()) for r in rows
    ]
    return "\n".join(lines) + "\n"
