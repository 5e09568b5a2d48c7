"""One recording: its files read, checked against each other and the model, and put on one clock.

The clock is the length file. Whatever can be wrong with the files of a trial is collected and
raised as one InputError; what is read by a rule the user should know of is an InputWarning.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from refnms.errors import InputError, InputWarning, Problem
from refnms.io.storage import Table, read_storage
from refnms.model import Model, Trial
from refnms.physics.excitation import SAME_TIME, matching_rows
from refnms.physics.profiles import Profile
from refnms.physics.types import Array

# Beyond these, values are in another unit or of another quantity. None of 14,270 muscles of 287
# public OpenSim models comes near.
LONGEST_MUSCULOTENDON = 2.0  # [m]
SHORTEST_MUSCULOTENDON = 0.25  # of optimal fiber length + tendon slack length, throughout the trial
LARGEST_MOMENT_ARM = 0.3  # [m]
LARGEST_MOMENT = 2000.0  # [N.m]
LARGEST_EMG = 10.0  # normalised to the maximum
LONGEST_STEP = 0.5  # [s] from row to row


@dataclass(frozen=True)
class TrialFiles:
    """The files of one recording, as a CEINMS inputData file names them."""

    name: str
    lengths: Path
    moment_arms: dict[str, Path]  # by degree of freedom
    excitations: Path
    moments: Path | None
    start_stop: tuple[float, float] | None  # [s] window that counts
    source: Path  # the file that names these, for messages


@dataclass(frozen=True, eq=False)
class Signals:
    """The columns that are wanted of a file."""

    table: Table
    names: tuple[str, ...]  # (K,)
    values: Array  # (T, K)


def read_trial(files: TrialFiles, model: Model, profile: Profile) -> Trial:
    """Read and check one recording of the person that `model` describes.

    Moment arms of muscles that do not cross a degree of freedom are zero, whatever the file says.
    EMG keeps its own time stamps and amplitudes; excitations are clipped to [0, 1] later. Raises
    InputError with the problems of all files: unreadable ones, missing columns, units that cannot
    be, times that do not cover the length frames.
    """
    problems: list[Problem] = []
    crossing = [
        [name for m, name in enumerate(model.muscle_names) if model.crosses[m, d]]
        for d in range(len(model.dof_names))
    ]
    lengths = _read(files.lengths, model.muscle_names, problems)
    emg = _read(files.excitations, model.emg_names, problems)
    arms = [
        _read_arms(files, dof, muscles, problems)
        for dof, muscles in zip(model.dof_names, crossing, strict=True)
    ]
    if unknown := set(files.moment_arms) - set(model.dof_names):
        names = ", ".join(sorted(unknown))
        text = f"{files.source}: the subject has no {names}; these moment arms are not read"
        warnings.warn(text, InputWarning, stacklevel=2)
    moments = None
    if files.moments is not None:
        moments = _read(files.moments, [f"{dof}_moment" for dof in model.dof_names], problems)
    problems += _wrong_lengths(lengths, model)
    for dof, arm in zip(model.dof_names, arms, strict=True):
        problems += _wrong_arms(arm, dof, lengths, model, files)
    problems += _wrong_moments(moments)
    problems += _wrong_emg(emg)
    if lengths is None or emg is None:
        raise InputError(problems)

    clock = lengths.table
    if len(clock.time) < 2:
        problems.append(Problem("has one frame; a trial needs two or more", clock.path))
    scored = _scored(files, clock.time, profile, problems)
    kept = scored if profile.crops and scored is not None else np.ones(len(clock.time), bool)
    problems += _uncovered_by_emg(emg.table, clock, clock.time[kept], model, profile)
    moment_arm = np.zeros((len(clock.time), len(model.muscle_names), len(model.dof_names)))
    for d, arm in enumerate(arms):
        if arm is not None and arm.names:
            matched = _on_clock(arm, clock, profile, problems)
            if matched is not None:
                moment_arm[:, model.crosses[:, d], d] = matched
    moment = None if moments is None else _on_clock(moments, clock, profile, problems)
    if problems:
        raise InputError(problems)
    trial = Trial(
        name=files.name,
        time=clock.time,
        musculotendon_length=lengths.values,
        moment_arm=moment_arm,
        emg_time=emg.table.time,
        emg=emg.values,
        moment=moment,
        scored=scored,
    )
    return trial if kept.all() else _cropped(trial, kept, files, model, profile)


def _cropped(
    trial: Trial, kept: NDArray[np.bool_], files: TrialFiles, model: Model, profile: Profile
) -> Trial:
    """What CEINMS 0.21 reads of a recording: the frames that are kept, and no EMG before them."""
    first, count = int(np.argmax(kept)), int(np.sum(kept))
    if not profile.crops or count == len(kept):
        return trial
    early = trial.time[first] - trial.time[0]
    if early > SAME_TIME:
        text = (
            f"{files.source}: startStopTime begins {early:g} s, {first} rows, into the moment arm "
            "files. CEINMS 0.21 does not crop them, and each frame gets the arms of so much "
            "earlier; "
        )
        text += (
            "the profile ceinms-0.21-uncropped-arms follows it, this one does not"
            if profile.crops_arms
            else "so it is done here"
        )
        warnings.warn(text, InputWarning, stacklevel=3)
    delayed = trial.emg_time + model.muscles.electromechanical_delay[0]
    heard = delayed >= trial.time[first] - SAME_TIME
    arms = trial.moment_arm[kept] if profile.crops_arms else trial.moment_arm[:count]
    return Trial(
        name=trial.name,
        time=trial.time[kept],
        musculotendon_length=trial.musculotendon_length[kept],
        moment_arm=arms,
        emg_time=trial.emg_time[heard],
        emg=trial.emg[heard],
        moment=None if trial.moment is None else trial.moment[kept],
    )


def _read(path: Path, names: Sequence[str], problems: list[Problem]) -> Signals | None:
    try:
        table = read_storage(path)
        values = table.columns(names)
        _refuse_gaps(table)
    except InputError as error:
        problems.extend(error.problems)
        return None
    return Signals(table, tuple(names), values)


def _refuse_gaps(table: Table) -> None:
    far = table.time[1:] > table.time[:-1] + LONGEST_STEP
    if np.any(far):
        row = int(np.argmax(far))
        message = (
            f"{table.time[row]:g} is followed by {table.time[row + 1]:g}; expected seconds without "
            "gaps, not milliseconds or frame numbers"
        )
        raise InputError(Problem(message, table.path, int(table.lines[row + 1]), "time"))


def _read_arms(
    files: TrialFiles, dof: str, muscles: Sequence[str], problems: list[Problem]
) -> Signals | None:
    if dof in files.moment_arms:
        return _read(files.moment_arms[dof], muscles, problems)
    if muscles:
        problems.append(Problem(f"names no moment arm file for {dof!r}", files.source))
    return None


# What units and labels show. Each yields one problem per column, at its first row.


def _wrong_lengths(lengths: Signals | None, model: Model) -> list[Problem]:
    if lengths is None:
        return []
    _ignore_degrees(lengths, "m")
    least = SHORTEST_MUSCULOTENDON * (
        model.muscles.optimal_fiber_length + model.muscles.tendon_slack_length
    )
    short = np.all(lengths.values < least, axis=0)
    return [
        *_where(
            lengths, lengths.values <= 0.0, "a length must be positive; are these moment arms?"
        ),
        *_where(
            lengths,
            lengths.values > LONGEST_MUSCULOTENDON,
            f"longer than {LONGEST_MUSCULOTENDON:g} m; this looks like mm, expected m",
        ),
        *_where(
            lengths,
            (lengths.values > 0.0) & short,
            "far shorter than the muscle's fibers and tendon; are these moment arms, "
            "or another muscle's column?",
        ),
    ]


def _wrong_arms(
    arm: Signals | None, dof: str, lengths: Signals | None, model: Model, files: TrialFiles
) -> list[Problem]:
    if arm is None or not arm.names:
        return []
    _ignore_degrees(arm, "m/rad")
    problems = _where(
        arm,
        np.abs(arm.values) > LARGEST_MOMENT_ARM,
        f"beyond {LARGEST_MOMENT_ARM:g} m; this looks like mm or like lengths, expected m",
    )
    if lengths is not None and np.array_equal(arm.table.data, lengths.table.data):
        message = f"holds the numbers of {lengths.table.path}: lengths, not moment arms of {dof!r}"
        problems.append(Problem(message, arm.table.path))
    other = _named_after(arm.table, dof, model.dof_names)
    if other is not None:
        message = (
            f"is named after {other!r} but {files.source} gives it for {dof!r}; are two swapped?"
        )
        problems.append(Problem(message, arm.table.path))
    idle = [name for name, r in zip(arm.names, arm.values.T, strict=True) if not np.any(r)]
    if idle:
        text = f"{arm.table.path}: moment arms about {dof!r} are all zero: {', '.join(idle)}"
        warnings.warn(text, InputWarning, stacklevel=3)
    return problems


def _named_after(table: Table, dof: str, dofs: Sequence[str]) -> str | None:
    """Another degree of freedom that ends the file's name or title, as OpenSim writes them."""
    for name in (table.path.stem, table.title):
        if not name.endswith(dof):
            for other in dofs:
                if name.endswith(("_" + other, " " + other)):
                    return other
    return None


def _wrong_moments(moments: Signals | None) -> list[Problem]:
    if moments is None:
        return []
    _ignore_degrees(moments, "N.m")
    return _where(
        moments,
        np.abs(moments.values) > LARGEST_MOMENT,
        f"beyond {LARGEST_MOMENT:g} N.m; this looks like N.mm, expected N.m",
    )


def _wrong_emg(emg: Signals | None) -> list[Problem]:
    if emg is None:
        return []
    count = int(np.sum((emg.values < 0.0) | (emg.values > 1.0)))
    if count:
        text = (
            f"{emg.table.path}: {count} of {emg.values.size} EMG values are outside [0, 1] "
            f"({np.min(emg.values):g} to {np.max(emg.values):g}); excitations are clipped"
        )
        warnings.warn(text, InputWarning, stacklevel=3)
    return _where(
        emg,
        np.abs(emg.values) > LARGEST_EMG,
        "this looks like percent or volts, expected an envelope normalised to its maximum of 1",
    )


def _where(signals: Signals, wrong: NDArray[np.bool_], message: str) -> list[Problem]:
    problems = []
    for k in np.flatnonzero(np.any(wrong, axis=0)):
        row = int(np.argmax(wrong[:, k]))
        problems.append(
            Problem(
                f"{signals.values[row, k]:g} at {signals.table.time[row]:g} s "
                f"({np.sum(wrong[:, k])} of {len(wrong)} rows): {message}",
                signals.table.path,
                int(signals.table.lines[row]),
                signals.names[k],
            )
        )
    return problems


def _ignore_degrees(signals: Signals, unit: str) -> None:
    if signals.table.in_degrees:
        text = f"{signals.table.path}: says inDegrees=yes; its values are taken as {unit}"
        warnings.warn(text, InputWarning, stacklevel=4)


# What time stamps show.


def _on_clock(
    signals: Signals, clock: Table, profile: Profile, problems: list[Problem]
) -> Array | None:
    """The signals at the frames of the length file: by row, by equal times, or interpolated."""
    table = signals.table
    if profile.pairs_by_row:
        return _row_by_row(signals, clock, profile, problems)
    nearest = np.searchsorted(0.5 * (table.time[1:] + table.time[:-1]), clock.time)
    if np.all(np.abs(table.time[nearest] - clock.time) <= SAME_TIME):
        return signals.values[nearest]
    if not _covers(table, clock.time[0], clock.time[-1]):
        message = (
            f"{_range(table)} does not cover the length frames of {clock.path}, {_range(clock)}"
        )
        problems.append(Problem(message, table.path))
        return None
    step = np.max(np.diff(table.time))
    text = (
        f"{table.path}: its times are not those of {clock.path}; "
        f"interpolated linearly over steps of up to {step:g} s"
    )
    warnings.warn(text, InputWarning, stacklevel=3)
    return np.column_stack([np.interp(clock.time, table.time, x) for x in signals.values.T])


def _row_by_row(
    signals: Signals, clock: Table, profile: Profile, problems: list[Problem]
) -> Array | None:
    table = signals.table
    if len(table.time) != len(clock.time):
        message = (
            f"has {len(table.time)} rows and {clock.path} has {len(clock.time)}; "
            f"{profile.name} pairs them by row, so the counts must agree"
        )
        problems.append(Problem(message, table.path))
        return None
    apart = np.max(np.abs(table.time - clock.time))
    if apart > SAME_TIME:
        text = (
            f"{table.path}: times differ from those of {clock.path} by up to {apart:g} s; "
            f"{profile.name} pairs rows and ignores these times"
        )
        warnings.warn(text, InputWarning, stacklevel=4)
    return signals.values


def _uncovered_by_emg(
    emg: Table, clock: Table, time: Array, model: Model, profile: Profile
) -> list[Problem]:
    """`time` are the frames that are kept."""
    if len(emg.time) < 2:
        return [Problem("has one sample; EMG needs two or more", emg.path)]
    if profile.interpolates_emg:
        return _uncovered_by_interpolation(emg, clock, model)
    return _uncovered_by_rows(emg, clock, time, model, profile) if len(time) else []


def _uncovered_by_interpolation(emg: Table, clock: Table, model: Model) -> list[Problem]:
    """EMG is read at t - delay of each muscle; half-open ends are held for one sample."""
    delay = model.muscles.electromechanical_delay
    delay = delay[np.any(model.emg_to_muscle, axis=1)]
    if not len(delay):
        return []
    start, stop = clock.time[0] - np.max(delay), clock.time[-1] - np.min(delay)
    before, after = emg.time[1] - emg.time[0], emg.time[-1] - emg.time[-2]
    if _covers(emg, start + before, stop - after):
        return []
    message = (
        f"{_range(emg)} does not cover {start:g} to {stop:g} s, the length frames of {clock.path} "
        f"less the electromechanical delay of up to {np.max(delay):g} s"
    )
    return [Problem(message, emg.path)]


def _uncovered_by_rows(
    emg: Table, clock: Table, time: Array, model: Model, profile: Profile
) -> list[Problem]:
    """CEINMS needs for each frame a new row of delayed EMG, and for the first one a row in time."""
    delay = float(model.muscles.electromechanical_delay[0])
    faults = []
    if emg.time[0] + delay > time[0] + SAME_TIME:
        faults.append("the EMG starts after the first frame")
    try:
        matching_rows(emg.time, time, delay)
    except ValueError as error:
        faults.append(str(error))
    place = (
        f"EMG from {_range(emg)}, length frames of {clock.path} from {time[0]:g} to "
        f"{time[-1]:g} s; {profile.name} delays all EMG by the first muscle's {delay:g} s"
    )
    return [Problem(f"{fault}: {place}", emg.path) for fault in faults]


def _scored(
    files: TrialFiles, time: Array, profile: Profile, problems: list[Problem]
) -> NDArray[np.bool_] | None:
    """The frames inside the window, whose ends count; None where there is no window."""
    if files.start_stop is None:
        return None
    start, stop = files.start_stop
    if profile.pairs_by_row:
        text = f"{files.source}: {profile.name} has no time window; startStopTime is ignored"
        warnings.warn(text, InputWarning, stacklevel=3)
        return None
    scored: NDArray[np.bool_] = (time >= start - SAME_TIME) & (time <= stop + SAME_TIME)
    frames = f"the length frames of {files.lengths}, {time[0]:g} to {time[-1]:g} s"
    window = f"startStopTime {start:g} {stop:g}"
    if not np.any(scored):
        problems.append(Problem(f"{window} holds none of {frames}", files.source))
    elif len(time) > 1 and (start < 2.0 * time[0] - time[1] or stop > 2.0 * time[-1] - time[-2]):
        text = f"{files.source}: {window} reaches beyond {frames}"
        warnings.warn(text, InputWarning, stacklevel=3)
    return scored


def _covers(table: Table, start: float, stop: float) -> bool:
    return bool(table.time[0] <= start + SAME_TIME and table.time[-1] >= stop - SAME_TIME)


def _range(table: Table) -> str:
    return f"{table.time[0]:g} to {table.time[-1]:g} s"
