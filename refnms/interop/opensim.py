"""Lengths, moment arms and inverse dynamics by OpenSim itself (extra `opensim`).

One pose per row of the motion: every free coordinate is set, coupled ones (a patella) are solved,
and each muscle is asked for its length and its moment arms. Moments come from OpenSim's inverse
dynamics, which low-passes the coordinates before it differentiates them.
"""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from refnms.errors import InputError, InputWarning, Problem
from refnms.geometry import Poses
from refnms.io.osim import read_osim
from refnms.io.schema import nearest, short
from refnms.io.storage import Table, read_storage, write_storage

if TYPE_CHECKING:
    from refnms.physics.types import Array

EXTRA = "this needs OpenSim: install the extra `opensim`, as in `pip install refnms[opensim]`"
LARGEST_ANGLE = 2.0 * np.pi  # [rad] beyond it, angles of unknown unit are degrees


@dataclass(frozen=True, eq=False)
class Geometry:
    """T poses of M muscles and D coordinates."""

    time: Array  # (T,) [s]
    length: Array  # (T, M) musculotendon lengths [m]
    moment_arm: Array  # (T, M, D) [m/rad]; OpenSim's sign


def geometry(
    model: Path,
    motion: Path,
    muscles: Sequence[str],
    crosses: Mapping[str, Sequence[str]],
    callback: Callable[[int, int], object] | None = None,
) -> Geometry:
    """Lengths and moment arms of `muscles` along a motion (.mot or .sto of coordinates).

    `crosses`: coordinate -> the muscles that span it; the arms of others are zero. `callback` is
    told rows done and rows in all.

    Raises InputError: no OpenSim, or a motion without one of the coordinates; ValueError for names
    that the model lacks.
    """
    osim, table = _opensim(), read_storage(motion)
    body = _loaded(osim, model)
    followers = _followers(osim, body)
    poses = _poses(body, table, tuple(crosses), followers)
    state = body.initSystem()
    coordinates = body.getCoordinateSet()
    free = {name: coordinates.get(name) for name in poses if name not in followers}
    for coordinate in free.values():
        coordinate.setLocked(state, False)
        coordinate.setClamped(state, False)
    units = [body.getMuscles().get(name) for name in muscles]
    pairs = [
        (m, d, coordinates.get(dof))
        for d, (dof, spanning) in enumerate(crosses.items())
        for m, name in enumerate(muscles)
        if name in spanning
    ]
    frames = len(table.time)
    length = np.empty((frames, len(muscles)))
    arm = np.zeros((frames, len(muscles), len(crosses)))
    for row in range(frames):
        for name, coordinate in free.items():
            coordinate.setValue(state, float(poses[name][row]), False)
        if followers:
            body.assemble(state)
        body.realizePosition(state)
        length[row] = [unit.getGeometryPath().getLength(state) for unit in units]
        for m, d, coordinate in pairs:
            arm[row, m, d] = units[m].computeMomentArm(state, coordinate)
        if callback is not None:
            callback(row + 1, frames)
    return Geometry(table.time, length, arm)


def sample(
    model: Path,
    angles: Mapping[str, Array],
    callback: Callable[[int, int], object] | None = None,
) -> Poses:
    """Lengths and moment arms of all muscles that cross the coordinates of a grid of poses.

    `angles`: coordinate -> its angles [rad]; the others stand at the model's defaults. Muscles that
    cross none of them are left out.

    Raises InputError as `geometry`, and for coordinates that no muscle crosses.
    """
    spans = {m.name: m.crosses for m in read_osim(model).muscles}
    crosses = {dof: [name for name, own in spans.items() if dof in own] for dof in angles}
    idle = [dof for dof, spanning in crosses.items() if not spanning]
    if idle:
        raise InputError(Problem(f"no muscle crosses {', '.join(idle)}", model))
    muscles = [name for name in spans if any(name in spanning for spanning in crosses.values())]
    nodes = np.stack(np.meshgrid(*angles.values(), indexing="ij"), -1).reshape(-1, len(angles))
    with tempfile.TemporaryDirectory() as folder:
        motion = Path(folder) / "grid.sto"
        write_storage(motion, np.arange(float(len(nodes))), list(angles), nodes, "coordinates")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InputWarning)  # of coordinates left at their defaults
            found = geometry(model, motion, muscles, crosses, callback)
    return Poses(tuple(muscles), tuple(angles), nodes, found.length, found.moment_arm)


def inverse_dynamics(
    model: Path,
    motion: Path,
    dofs: Sequence[str],
    loads: Path | None = None,
    cutoff: float = 6.0,
) -> tuple[Array, Array]:
    """Times `(T,)` and moments `(T, D)` [N.m] about `dofs`, by OpenSim's inverse dynamics.

    `loads`: an ExternalLoads file. Without one nothing touches the person, which is wrong for a
    foot on the ground. `cutoff` [Hz] of the filter of the coordinates; muscles exert no force.
    """
    osim, table = _opensim(), read_storage(motion)
    body = _loaded(osim, model)
    poses = _poses(body, table, tuple(dofs), _followers(osim, body))
    with tempfile.TemporaryDirectory() as folder:
        tool = osim.InverseDynamicsTool()
        tool.setModel(body)
        tool.setResultsDir(folder)
        tool.setStartTime(float(table.time[0]))
        tool.setEndTime(float(table.time[-1]))
        tool.setLowpassCutoffFrequency(cutoff)
        excluded = osim.ArrayStr()
        excluded.append("Muscles")
        tool.setExcludedForces(excluded)
        tool.setCoordinatesFileName(str(_written(table, poses, Path(folder))))
        if loads is not None:
            tool.setExternalLoadsFileName(str(loads.resolve()))
        tool.setOutputGenForceFileName("moments.sto")
        with _silent():
            succeeded = tool.run()
        if not succeeded:
            raise InputError(Problem("OpenSim's inverse dynamics failed", motion))
        result = read_storage(Path(folder) / "moments.sto")
    return result.time, result.columns([f"{dof}_moment" for dof in dofs])


def _opensim() -> Any:
    try:
        import opensim
    except ImportError as error:
        raise InputError(EXTRA) from error
    opensim.Logger.setLevelString("error")  # else it tells every file that it reads
    opensim.Logger.removeFileSink()  # and leaves opensim.log wherever it runs
    return opensim


def _loaded(osim: Any, path: Path) -> Any:
    osim.ModelVisualizer.addDirToGeometrySearchPaths(str(path.resolve().parent))
    try:
        model = osim.Model(str(path))
        model.finalizeConnections()
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(Problem(f"OpenSim cannot load it: {reason}", path)) from error
    return model


def _poses(
    model: Any, table: Table, needed: Sequence[str], followers: set[str]
) -> dict[str, Array]:
    """Values [rad or m] of every coordinate that the motion has, by name."""
    coordinates = model.getCoordinateSet()
    known = {coordinates.get(i).getName(): coordinates.get(i) for i in range(coordinates.getSize())}
    columns = {_plain(name): k for k, name in enumerate(table.names) if not _is_speed(name)}
    missing = [name for name in needed if name not in columns]
    if missing:
        raise InputError(
            Problem(
                f"has no column for the coordinate {short(name)}{nearest(name, columns)}",
                table.path,
                table.label_line,
            )
            for name in missing
        )
    absent = [name for name in known if name not in columns and name not in followers]
    if absent:
        text = f"holds no {', '.join(absent)}; the model's default values are taken"
        warnings.warn(str(Problem(text, table.path)), InputWarning, stacklevel=3)
    rotating = {name for name, c in known.items() if c.getMotionType() == 1}
    values = {name: table.data[:, k] for name, k in columns.items() if name in known}
    if table.in_degrees:
        return {n: np.radians(v) if n in rotating else v for n, v in values.items()}
    _refuse_degrees(table, {n: v for n, v in values.items() if n in needed})
    return values


def _refuse_degrees(table: Table, angles: dict[str, Array]) -> None:
    large = [name for name, v in angles.items() if np.max(np.abs(v)) > LARGEST_ANGLE]
    if large:
        text = (
            f"{', '.join(large)}: more than a full turn; these look like degrees, but the header "
            "does not say inDegrees=yes; correct the header"
        )
        raise InputError(Problem(text, table.path))


def _plain(name: str) -> str:
    """The coordinate of a column, whose name may be a path: `/jointset/hip_r/flexion/value`."""
    return name.split("/")[-2] if name.endswith("/value") else name


def _is_speed(name: str) -> bool:
    return name.startswith("/") and not name.endswith("/value")


def _followers(osim: Any, model: Any) -> set[str]:
    """Coordinates that others determine, through couplers."""
    constraints = model.getConstraintSet()
    couplers = (
        osim.CoordinateCouplerConstraint.safeDownCast(constraints.get(i))
        for i in range(constraints.getSize())
    )
    return {c.getDependentCoordinateName() for c in couplers if c and c.get_isEnforced()}


def _written(table: Table, poses: dict[str, Array], folder: Path) -> Path:
    """The motion as OpenSim's tools take it: plain names, radians."""
    path = folder / "coordinates.sto"
    data = np.column_stack(list(poses.values()))
    write_storage(path, table.time, list(poses), data, "coordinates")
    return path


@contextmanager
def _silent() -> Iterator[None]:
    """OpenSim prints on standard output, past Python; results of ours go there."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
