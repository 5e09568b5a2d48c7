"""A participant and a recording for programs that have no Python."""

from __future__ import annotations

import math
from os import PathLike
from pathlib import Path

import numpy as np

from refnms.geometry import Geometry
from refnms.model import Model, Trial
from refnms.physics.kernels.struct import WORDS
from refnms.physics.profiles import NATIVE, Profile
from refnms.physics.types import Array, Integers
from refnms.stream import packed

PER_LINE = 4


def write_model(
    path: str | PathLike[str],
    model: Model,
    profile: Profile = NATIVE,
    geometry: Geometry | None = None,
    emg_rate: float = 2000.0,
    longest_gap: float = 0.1,
    name: str = "subject",
) -> None:
    """Write a model as a C header that defines `static const refnms_model NAME`.

    Its numbers are hexadecimal, so not a bit is lost. The other arguments are those of `Stepper`.
    """
    own = packed(model, profile, geometry, emg_rate, longest_gap)
    lines = [
        f"/* {profile.name} profile; {len(model.muscle_names)} muscles: "
        f"{', '.join(model.muscle_names)};",
        f"   degrees of freedom: {', '.join(model.dof_names)};",
        f"   EMG: {', '.join(model.emg_names)} */",
        "#include <math.h>",
        '#include "refnms.h"',
    ]
    for member, array in own.arrays.items():
        kind = "int64_t" if array.dtype == np.int64 else "double"
        lines += [f"static const {kind} {name}_{member}[] = {{", *_rows(array), "};"]
    lines.append(f"static const refnms_model {name} = {{")
    for member, word in zip(WORDS, own.words.tolist(), strict=True):
        lines.append(f"    .{member} = {f'{name}_{member}' if member in own.arrays else word},")
    Path(path).write_text("\n".join([*lines, "};", ""]), encoding="utf-8")


def _rows(array: Array | Integers) -> list[str]:
    numbers = [_number(value) for value in array.ravel().tolist()] or ["0"]
    groups = (numbers[i : i + PER_LINE] for i in range(0, len(numbers), PER_LINE))
    return [f"    {', '.join(group)}," for group in groups]


def _number(value: float | int) -> str:
    if isinstance(value, float) and math.isinf(value):
        return "INFINITY" if value > 0 else "-INFINITY"
    return value.hex() if isinstance(value, float) else str(value)


def write_trial(path: str | PathLike[str], trial: Trial, moment: Array) -> None:
    """Write a recording and the moments `(T, D)` predicted for it, as the example reads them.

    Little-endian: int64 T, N, then float64 time (T), emg_time (N), emg (N, E), lengths (T, M), arms
    (T, M, D) and moments (T, D).
    """
    sizes = np.array([len(trial.time), len(trial.emg_time)], "<i8")
    arrays = (trial.time, trial.emg_time, trial.emg, trial.musculotendon_length, trial.moment_arm)
    parts = [np.ascontiguousarray(array, "<f8").tobytes() for array in (*arrays, moment)]
    Path(path).write_bytes(b"".join([sizes.tobytes(), *parts]))
