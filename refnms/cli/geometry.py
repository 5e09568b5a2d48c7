"""`refnms geometry`: lengths and moment arms as functions of joint angles."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from refnms.cli.codes import DONE
from refnms.cli.options import add_json
from refnms.cli.show import show_lines

if TYPE_CHECKING:
    from refnms.cli.options import Commands
    from refnms.geometry import GeometryFit, Poses


def add_to(commands: Commands) -> None:
    parser = commands.add_parser(
        "geometry",
        help="musculotendon lengths as functions of joint angles",
        description="Fit smooth functions of the joint angles to musculotendon lengths and moment "
        "arms, of OpenSim's tables, or sampled from a model (extra `opensim`).",
    )
    add = parser.add_argument
    add("--out", type=Path, required=True, metavar="FILE.json", help="the geometry")
    add("--angles", type=Path, metavar="FILE", help="joint angles of the poses (.sto, .mot)")
    add("--lengths", type=Path, metavar="FILE", help="musculotendon lengths of the poses")
    add(
        "--arms",
        action="append",
        default=[],
        metavar="COORDINATE=FILE",
        help="moment arms about a coordinate; once for each",
    )
    add("--model", type=Path, metavar="MODEL.osim", help="sample this model instead")
    add(
        "--grid",
        action="append",
        default=[],
        metavar="COORDINATE=LOW:HIGH:COUNT",
        help="angles [deg] to sample a coordinate at; once for each",
    )
    add_json(parser)
    parser.set_defaults(command=_geometry, parser=parser)


def _geometry(options: argparse.Namespace) -> int:
    tables = options.angles is not None and options.lengths is not None and options.arms
    sampled = options.model is not None and options.grid
    if bool(tables) == bool(sampled):
        options.parser.error("give --angles, --lengths and --arms, or --model and --grid")
    from refnms.geometry import fit_geometry
    from refnms.io.geometry import check_target, write_geometry

    check_target(options.out)
    fit = fit_geometry(_sampled(options) if sampled else _tables(options))
    write_geometry(options.out, fit.geometry)
    show_lines(_lines(fit, options.out), _summary(fit), options)
    return DONE


def _tables(options: argparse.Namespace) -> Poses:
    from refnms.io import read_poses

    return read_poses(options.angles, options.lengths, dict(_pairs(options, options.arms)))


def _sampled(options: argparse.Namespace) -> Poses:
    import numpy as np

    from refnms.interop.opensim import sample

    grid = {}
    for name, text in _pairs(options, options.grid):
        try:
            low, high, count = text.split(":")
            grid[name] = np.radians(np.linspace(float(low), float(high), int(count)))
        except ValueError:
            options.parser.error(f"--grid {name}={text}: expected LOW:HIGH:COUNT, as 0:120:9")
    return sample(options.model, grid)


def _pairs(options: argparse.Namespace, given: list[str]) -> Iterator[tuple[str, str]]:
    for text in given:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            options.parser.error(f"{text!r}: expected COORDINATE=...")
        yield name, value


def _summary(fit: GeometryFit) -> dict[str, Any]:
    geometry, muscles = fit.geometry, {}
    for m, name in enumerate(geometry.muscle_names):
        crossed = [d for d, basis in enumerate(geometry.paths.basis_of[m]) if basis >= 0]
        muscles[name] = {
            "basis": fit.kinds[m],
            "length_error": float(fit.length_error[m]),
            "arm_error": {geometry.dof_names[d]: float(fit.arm_error[m, d]) for d in crossed},
            "worst_arm_error": float(fit.worst_arm_error[m]),
            "consistency": {geometry.dof_names[d]: float(fit.consistency[m, d]) for d in crossed},
        }
    return {"muscles": muscles, "inconsistent": fit.inconsistent()}


def _lines(fit: GeometryFit, out: Path) -> Iterator[str]:
    dofs = fit.geometry.dof_names
    width = max(map(len, fit.geometry.muscle_names))
    kind = max(map(len, fit.kinds))
    yield f"median errors [mm] at poses that were held out; arms about {', '.join(dofs)};"
    yield "given: how far the given arms are from the slopes of the given lengths"
    for m, name in enumerate(fit.geometry.muscle_names):
        crossed = fit.geometry.paths.basis_of[m] >= 0
        arms, given = (_cells(part[m], crossed) for part in (fit.arm_error, fit.consistency))
        length = 1e3 * fit.length_error[m]
        row = f"{name:{width}}  {fit.kinds[m]:{kind}}  length {length:7.3f}  arms {arms}"
        yield f"{row}  given {given}"
    for name in fit.inconsistent():
        yield f"inconsistent: {name}; no function has both its lengths and its arms"
    yield f"written to {out}"


def _cells(values: Any, crossed: Any) -> str:
    pairs = zip(values, crossed, strict=True)
    return " ".join(f"{1e3 * v:6.2f}" if c else "     -" for v, c in pairs)
