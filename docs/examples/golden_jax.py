"""Tests a muscle in JAX against golden files: `python golden_jax.py DIR [OUT]`.

DIR is what `refnms golden --out DIR` wrote. The model is written anew, every derivative is JAX's.
Its numbers go to OUT as mine_force.csv, mine_fiber_length.csv and mine_trajectories.json, which
`refnms golden --check OUT/mine_*` reads. The equations stand in docs/how-it-works.md.
"""

import csv
import json
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from scipy.linalg import solve_banded

jax.config.update("jax_enable_x64", True)

CURVES = ("active_force_length", "passive_force_length", "force_velocity", "tendon_force_strain")
PARAMETERS = (
    "c1 c2 shape_factor optimal_fiber_length pennation_angle_at_optimal tendon_slack_length"
    " max_isometric_force max_contraction_velocity strength_coefficient electromechanical_delay"
    " fiber_damping percentage_change"
).split()


def spline(x, y, below, above):
    """Rows of edge, origin, c0, c1, c2, c3, the straight lines beyond the ends among them."""
    h, chord = np.diff(x), np.diff(y) / np.diff(x)
    bend = np.diff(chord) / (x[2:] - x[:-2])
    first, last = np.diff(bend)[[0, -1]] / (x[[3, -1]] - x[[0, -4]])
    right = np.concatenate([[h[0] ** 2 * first], np.diff(chord), [-(h[-1] ** 2) * last]])
    middle = np.concatenate([[-h[0]], 2.0 * (h[:-1] + h[1:]), [-h[-1]]])
    s = solve_banded((1, 1), [np.append(0.0, h), middle, np.append(h, 0.0)], right)
    inner = [x[:-1], y[:-1], chord - h * (s[1:] + 2.0 * s[:-1]), 3.0 * s[:-1], np.diff(s) / h]
    ends = ([x[0], y[0], below, 0.0, 0.0], [x[-1], y[-1], above, 0.0, 0.0])
    pieces = np.vstack([ends[0], np.transpose(inner), ends[1]])
    edges = np.concatenate([[np.nextafter(x[0], -np.inf)], x[1:], [np.inf]])
    return np.column_stack([edges, pieces])


def read_curves(folder):
    """Families by name, and their curves as one array (family, curve, piece, 6)."""
    points = {}
    for row in csv.DictReader((folder / "curve_points.csv").read_text().splitlines()):
        points.setdefault(row["family"], {}).setdefault(row["curve"], []).append(row)
    tables = {}
    for family, curves in points.items():
        for name, rows in curves.items():
            x, y = (np.array([float(row[axis]) for row in rows]) for axis in "xy")
            ends = (float(rows[i]["slope_beyond"]) for i in (0, -1))
            tables[family, name] = spline(x, y, *ends)
    longest = max(map(len, tables.values()))
    padded = {k: np.vstack([t, np.full((longest - len(t), 6), np.inf)]) for k, t in tables.items()}
    return list(points), jnp.array([[padded[f, name] for name in CURVES] for f in points])


def curve(table, x):
    _, origin, c0, c1, c2, c3 = table[jnp.searchsorted(table[:, 0], x)]
    d = x - origin
    return c0 + d * (c1 + d * (c2 + d * c3))


def norm_force(curves, p, a, length, velocity):
    lo, vmax = p["optimal_fiber_length"], p["max_contraction_velocity"]
    optimal = lo * (1.0 + p["percentage_change"] * (1.0 - a))
    v = jnp.clip(velocity / (lo * vmax), -1.0, 1.0)
    active = a * curve(curves[0], length / optimal) * curve(curves[2], v)
    passive = curve(curves[1], length / lo) + p["fiber_damping"] * v
    return (active + passive) * along(p, length) / length


def along(p, length):
    """The fiber projected on the tendon."""
    height = p["optimal_fiber_length"] * jnp.sin(p["pennation_angle_at_optimal"])
    square = length**2 - height**2
    return jnp.where(square > 0.0, jnp.sqrt(jnp.where(square > 0.0, square, 1.0)), 0.0)


def force(curves, p, a, length, velocity):
    strong = p["max_isometric_force"] * p["strength_coefficient"]
    return strong * norm_force(curves, p, a, length, velocity)


def fiber_length(curves, p, a, lmt, newest, past):
    """Root of tendon force minus fiber force, by halving; its derivative is the implicit one."""

    def residual(length):
        lts = p["tendon_slack_length"]
        tendon = curve(curves[3], (lmt - along(p, length) - lts) / lts)
        return tendon - norm_force(curves, p, a, length, newest * length + past)

    def halve(g, start):
        def step(_, ends):
            middle = 0.5 * (ends[0] + ends[1])
            longer = g(middle) > 0.0
            return jnp.where(longer, middle, ends[0]), jnp.where(longer, ends[1], middle)

        return jax.lax.fori_loop(0, 60, step, (0.2 * start, 2.0 * start))[0]

    start = jax.lax.stop_gradient(p["optimal_fiber_length"])
    return jax.lax.custom_root(residual, start, halve, lambda g, y: y / g(1.0))


def neural_activation(p, e):
    """From rest at the first excitation."""
    b1, b2 = p["c1"] + p["c2"], p["c1"] * p["c2"]

    def step(past, now):
        u = (1.0 + b1 + b2) * now - b1 * past[0] - b2 * past[1]
        return (u, past[0]), u

    return jax.lax.scan(step, (e[0], e[0]), e)[1]


def native_forces(curves, p, time, e, lmt):
    """Forces of one muscle under the native profile: the velocity is the backward difference."""
    shape = p["shape_factor"]
    a = jnp.expm1(shape * neural_activation(p, e)) / jnp.expm1(shape)
    rates = jnp.append(0.0, 1.0 / jnp.diff(time))

    def step(previous, now):
        activation, length, rate = now
        found = fiber_length(curves, p, activation, length, rate, -rate * previous)
        return found, force(curves, p, activation, found, rate * (found - previous))

    return jax.lax.scan(step, p["optimal_fiber_length"], (a, lmt, rates))[1]


def loss(moved, curves, recording):
    """Mean squared difference of the moments from the target."""
    muscles, lmt = moved["muscles"], moved["musculotendon_length"]
    if "excitation" in moved:
        e = moved["excitation"]
    else:
        late = recording["time"][:, None] - muscles["electromechanical_delay"]
        interpolate = jax.vmap(jnp.interp, (1, None, 1), 1)
        e = interpolate(late, recording["emg_time"], recording["emg"])
    run = jax.vmap(native_forces, (None, 0, None, 1, 1), 1)
    forces = run(curves, muscles, recording["time"], e, lmt)
    moments = jnp.einsum("tm,tmd->td", forces, recording["moment_arm"])
    return jnp.mean((moments - recording["target_moment"]) ** 2), e


def table(folder, name, outputs, of, families, curves):
    """Answers of a function of (curves, row) to every row of a table, and their derivatives."""
    rows = list(csv.DictReader((folder / f"{name}.csv").read_text().splitlines()))
    asked = [
        key for key in rows[0] if key not in ("entry", "family", "tolerance", "reason", *outputs)
    ]
    inputs = {key: jnp.array([float(row[key]) for row in rows]) for key in asked}
    index = jnp.array([families.index(row["family"]) for row in rows])
    both = jax.jit(jax.vmap(jax.value_and_grad(lambda x, f: of(curves[f], x))))
    values, slopes = both(inputs, index)
    columns = [values, *(slopes[key.removeprefix("by_")] for key in outputs[1:])]
    lines = [",".join(["entry", *outputs])]
    for row, *numbers in zip(rows, *(column.tolist() for column in columns), strict=True):
        lines.append(",".join([row["entry"], *map(repr, numbers)]))
    return "\n".join(lines) + "\n"


def main(folder, out):
    families, curves = read_curves(folder)
    described = json.loads((folder / "golden.json").read_text())["tables"]

    def one_force(four, x):
        return force(four, x, x["activation"], x["fiber_length"], x["fiber_velocity"])

    def one_length(four, x):
        sample = (x[k] for k in ("activation", "musculotendon_length", "newest", "past"))
        return fiber_length(four, x, *sample)

    out.mkdir(exist_ok=True)
    for name, of in (("force", one_force), ("fiber_length", one_length)):
        text = table(folder, name, described[f"{name}.csv"]["outputs"], of, families, curves)
        (out / f"mine_{name}.csv").write_text(text)

    answers = []
    slopes_of = jax.jit(jax.value_and_grad(loss, has_aux=True))
    for one in json.loads((folder / "trajectories.json").read_text())["trajectories"]:
        if (one["profile"], one["tendon"], one["activation"]) != (
            "native",
            "elastic",
            "exponential",
        ):
            continue
        recording = {k: jnp.array(v) for k, v in one["inputs"].items() if k != "muscles"}
        muscles = {k: jnp.array(v) for k, v in one["inputs"]["muscles"].items()}
        moved = {"muscles": muscles, "musculotendon_length": recording["musculotendon_length"]}
        four = curves[families.index(one["family"])]
        (value, e), slopes = slopes_of(moved, four, recording)
        _, by_inputs = slopes_of(moved | {"excitation": e}, four, recording)
        outputs = {f"loss_by_{name}": slopes["muscles"][name].tolist() for name in PARAMETERS}
        for name in ("excitation", "musculotendon_length"):
            outputs[f"loss_by_{name}"] = by_inputs[name].tolist()
        outputs |= {"loss": float(value), "excitation": e.tolist()}
        answers.append({"entry": one["entry"], "outputs": outputs})
    (out / "mine_trajectories.json").write_text(json.dumps({"schema": 1, "trajectories": answers}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else "."))
