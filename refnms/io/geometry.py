"""Geometries as files: JSON that any program can evaluate.

    {"schema": "refnms-geometry", "schema_version": 1,
     "coordinates": [{"name": "knee", "range": [0.0, 2.0]}, ...],          rad
     "muscles": [{"name": "soleus",
                  "splines": [{"coordinate": "knee", "degree": 3, "knots": [0.0, 1.0, 2.0]}, ...],
                  "coefficients": [[...], ...]}, ...]}                     m

A length is the sum over a tensor of coefficients, one axis for each spline in their order, times
B-splines of that degree on these knots, the first and the last of which count degree + 1 times. The
knots are evenly spaced. Beyond them lengths go on in straight lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from refnms.errors import InputError, Problem
from refnms.geometry import Geometry
from refnms.geometry.basis import Basis, paths_over, tensors_of
from refnms.io.details import read_document
from refnms.io.files import write_atomically
from refnms.physics.types import Array

SCHEMA, VERSION = "refnms-geometry", 1
HIGHEST_DEGREE = 20
EVEN = 1e-9  # of the range: how far knots may be from evenly spaced


def write_geometry(path: str | PathLike[str], geometry: Geometry) -> None:
    """Write a geometry, every digit of it; it replaces a geometry alone.

    Raises InputError where another file stands; OSError.
    """
    path = Path(path)
    check_target(path)
    ranges = zip(geometry.dof_names, geometry.lower.tolist(), geometry.upper.tolist(), strict=True)
    muscles = zip(geometry.muscle_names, tensors_of(geometry.paths), strict=True)
    document = {
        "schema": SCHEMA,
        "schema_version": VERSION,
        "coordinates": [{"name": name, "range": [low, high]} for name, low, high in ranges],
        "muscles": [_muscle(geometry, name, *tensor) for name, tensor in muscles],
    }
    write_atomically(path, json.dumps(document, allow_nan=False) + "\n")


def check_target(path: Path) -> None:
    """Raise InputError where something stands that is no geometry."""
    message = "is there already, and is no geometry; choose another --out"
    if path.exists():
        try:
            found = read_document(path)
        except InputError:
            found = None
        if found is None or found.get("schema") != SCHEMA:
            raise InputError(Problem(message, path))


def _muscle(
    geometry: Geometry, name: str, bases: Sequence[Basis], coefficients: Array
) -> dict[str, Any]:
    return {
        "name": name,
        "splines": [
            {
                "coordinate": geometry.dof_names[basis.joint],
                "degree": basis.degree,
                "knots": np.linspace(basis.lower, basis.upper, basis.intervals + 1).tolist(),
            }
            for basis in bases
        ],
        "coefficients": coefficients.reshape([basis.size for basis in bases]).tolist(),
    }


def read_geometry(path: str | PathLike[str]) -> Geometry:
    """The geometry of a file, to the bit.

    Raises InputError with all that is wrong in it, by muscle and coordinate.
    """
    path = Path(path)
    document = read_document(path)
    if document is None:
        raise InputError(Problem("cannot be read: there is no such file", path))
    if document.get("schema") != SCHEMA:
        raise InputError(Problem(f"is no geometry: its schema is not {SCHEMA!r}", path))
    if document.get("schema_version") != VERSION:
        text = f"is a geometry of version {document.get('schema_version')!r}; this one reads 1"
        raise InputError(Problem(text, path))
    reader = _Reader()
    try:
        geometry = reader.geometry(document)
    except (KeyError, TypeError, ValueError) as error:
        text = f"is no whole geometry: {type(error).__name__}, {error}"
        raise InputError(Problem(text, path)) from error
    if reader.wrong:
        raise InputError(Problem(f"is no sound geometry: {what}", path) for what in reader.wrong)
    return geometry


class _Reader:
    """A document into a geometry; what is wrong is collected."""

    def __init__(self) -> None:
        self.wrong: list[str] = []

    def geometry(self, document: dict[str, Any]) -> Geometry:
        coordinates, muscles = document["coordinates"], document["muscles"]
        dofs = tuple(str(one["name"]) for one in coordinates)
        names = tuple(str(one["name"]) for one in muscles)
        ranges = np.array([one["range"] for one in coordinates], dtype=float).reshape(-1, 2)
        for kind, given in (("coordinate", dofs), ("muscle", names)):
            self.wrong += [f"the {kind} {n} stands twice" for n in {*given} if given.count(n) > 1]
        if not (np.isfinite(ranges).all() and (ranges[:, 0] <= ranges[:, 1]).all()):
            self.wrong.append("a range does not rise")
        tensors = [self.tensor(one, dofs) for one in muscles]
        paths = paths_over([] if self.wrong else tensors, len(dofs))
        return Geometry(names, dofs, ranges[:, 0].copy(), ranges[:, 1].copy(), paths)

    def tensor(self, muscle: dict[str, Any], dofs: tuple[str, ...]) -> tuple[list[Basis], Array]:
        bases = [basis for spline in muscle["splines"] for basis in self.basis(spline, dofs)]
        name, joints = muscle["name"], [basis.joint for basis in bases]
        if joints != sorted({*joints}):
            self.wrong.append(f"{name}: its coordinates are not in the order of the file")
        coefficients = np.array(muscle["coefficients"], dtype=float)
        wanted = tuple(basis.size for basis in bases)
        if coefficients.shape != wanted or not np.isfinite(coefficients).all():
            self.wrong.append(
                f"{name}: coefficients of shape {coefficients.shape}, expected {wanted}, all finite"
            )
        return bases, coefficients.ravel()

    def basis(self, spline: dict[str, Any], dofs: tuple[str, ...]) -> Iterator[Basis]:
        knots, degree = np.array(spline["knots"], dtype=float), spline["degree"]
        name = spline["coordinate"]
        even = np.linspace(knots[0], knots[-1], len(knots))
        if name not in dofs:
            self.wrong.append(f"there is no coordinate {name}")
        elif type(degree) is not int or not 1 <= degree <= HIGHEST_DEGREE:
            self.wrong.append(f"{name}: the degree {degree!r} is not 1 to {HIGHEST_DEGREE}")
        elif not (knots[0] < knots[-1] and np.abs(knots - even).max() <= EVEN * np.ptp(knots)):
            self.wrong.append(f"{name}: its knots do not rise evenly")
        else:
            ends = float(knots[0]), float(knots[-1])
            yield Basis(dofs.index(name), degree, len(knots) - 1, *ends)
