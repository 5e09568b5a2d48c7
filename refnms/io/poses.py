"""Poses of a geometry from OpenSim's tables: joint angles, lengths, and one file of arms per joint.

The rows of all files belong together by their times, which here only number the poses.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike

import numpy as np

from refnms.errors import InputError, Problem
from refnms.geometry import Poses
from refnms.io.storage import Table, read_storage


def read_poses(
    angles: str | PathLike[str],
    lengths: str | PathLike[str],
    moment_arms: Mapping[str, str | PathLike[str]],
) -> Poses:
    """Angles, lengths and moment arms by degree of freedom; the muscles are those of `lengths`.

    Angles in degrees, as the header of their file says, become radians; a file that does not say
    is read as radians. Raises InputError with the problems of all files.
    """
    problems: list[Problem] = []
    tables: dict[str, Table] = {}
    for key, path in {"": lengths, " ": angles, **moment_arms}.items():
        try:
            tables[key] = read_storage(path)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    of_lengths, of_angles = tables.pop(""), tables.pop(" ")
    for table in (of_angles, *tables.values()):
        if not np.array_equal(table.time, of_lengths.time):
            text = f"its rows are not those of {of_lengths.path}: the poses have no other number"
            problems.append(Problem(text, table.path))
    found = []
    for table, names in [(of_angles, tuple(moment_arms))] + [
        (table, of_lengths.names) for table in tables.values()
    ]:
        try:
            found.append(table.columns(names))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    degrees = of_angles.in_degrees is True
    return Poses(
        muscle_names=of_lengths.names,
        dof_names=tuple(moment_arms),
        angle=np.radians(found[0]) if degrees else found[0],
        length=of_lengths.data,
        moment_arm=np.stack(found[1:], axis=2),
    )
