"""From one program's files to another's: OpenSim, CEINMS, CEINMS-RT and back.

Whatever the target cannot hold is told in a warning, muscle by muscle; nothing is dropped silently.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from refnms.errors import InputError, InputWarning, Problem
from refnms.io.ceinms import DEFAULT_MAX_CONTRACTION_VELOCITY
from refnms.io.files import new_folder, write_atomically
from refnms.io.generator import ExcitationGenerator, read_excitation_generator
from refnms.io.osim import OsimModel, OsimMuscle, read_osim, warn_of_rigid_tendons, write_osim
from refnms.io.schema import both, nearest, short
from refnms.io.storage import read_storage
from refnms.io.subject import SubjectFile, read_subject
from refnms.io.templates import (
    SETUP,
    calibration_xml,
    default_points,
    generator_xml,
    real_time_xml,
    subject_xml,
)
from refnms.physics.types import Muscles

# Where a calibration starts that knows nothing of the person. c1 and c2 start apart: where they are
# equal they stay equal under any gradient. The delay is the middle of what 28 people showed
# (35 to 70 ms).
NEUTRAL = {
    "c1": -0.6,
    "c2": -0.4,
    "shape_factor": -1.0,
    "strength_coefficient": 1.0,
    "electromechanical_delay": 0.05,
    "fiber_damping": 0.1,
    "percentage_change": 0.15,
}
SUBJECT, GENERATOR = "subject.xml", "excitationGenerator.xml"


@dataclass(frozen=True)
class Converted:
    """What was written, for a person to read and for `--json`."""

    written: tuple[Path, ...]
    muscles: int
    dofs: tuple[str, ...] = ()
    unmapped: tuple[str, ...] = ()  # muscles that no EMG signal reaches yet
    changed: int | None = None  # numbers in an .osim


@dataclass(frozen=True, eq=False)
class Person:
    """A CEINMS subject and how EMG reaches it, before they are written."""

    subject: SubjectFile
    signals: tuple[str, ...]
    weights: dict[str, dict[str, float]]

    @property
    def unmapped(self) -> tuple[str, ...]:
        return tuple(name for name, inputs in self.weights.items() if not inputs)

    def write(self, folder: Path, trials: Sequence[str] = ()) -> None:
        """Subject, generator, and a calibration of the trials, which the person may then edit."""
        dofs = tuple(self.subject.dofs)
        write_atomically(folder / SUBJECT, subject_xml(self.subject))
        write_atomically(folder / GENERATOR, generator_xml(self.signals, self.weights))
        if trials:
            write_atomically(folder / "calibration.xml", calibration_xml(dofs, trials))
            write_atomically(folder / "calibrationSetup.xml", SETUP)


def from_osim(
    model: Path,
    dofs: Sequence[str] | None = None,
    emg: Path | None = None,
    generator: Path | None = None,
) -> Person:
    """The muscles of an OpenSim model that cross `dofs` (default: every unlocked coordinate that
    muscles cross), as an uncalibrated CEINMS subject, and a generator to fill in.

    A generator that is there already says how EMG reaches them. Else the signals of an EMG file are
    taken, and those named after a muscle reach it; else every muscle gets a signal of its own name.
    """
    osim = read_osim(model)
    crossed = {name for muscle in osim.muscles for name in muscle.crosses}
    wanted = [c.name for c in osim.coordinates if c.name in crossed and not c.locked]
    if dofs is not None:
        _refuse_unknown(osim, dofs, crossed)
        wanted = list(dofs)
    if not wanted:
        message = "no muscle crosses a free coordinate, as far as joints and paths tell"
        raise InputError(Problem(message, model))
    muscles = [muscle for muscle in osim.muscles if set(muscle.crosses) & set(wanted)]
    warn_of_rigid_tendons(replace(osim, muscles=tuple(muscles)))
    names = tuple(muscle.name for muscle in muscles)
    spans = {dof: tuple(m.name for m in muscles if dof in m.crosses) for dof in wanted}
    subject = SubjectFile(model, names, _uncalibrated(muscles), default_points(), spans)
    signals, weights = names, {name: {name: 1.0} for name in names}
    if generator is not None:
        given = read_excitation_generator(generator)
        signals, weights = given.signals, {name: given.weights.get(name, {}) for name in names}
    elif emg is not None:
        signals = read_storage(emg).names
        weights = {name: _inputs(name, names, signals) for name in names}
    return Person(subject, signals, weights)


def write_person(person: Person, out: Path) -> Converted:
    """Subject and generator, in a new folder."""
    new_folder(out, person.write)
    written = (out / SUBJECT, out / GENERATOR)
    subject = person.subject
    return Converted(written, len(subject.muscle_names), tuple(subject.dofs), person.unmapped)


def from_realtime(path: Path) -> Person:
    """A subject of CEINMS-RT as CEINMS's subject and generator."""
    subject, generator = both(lambda: read_subject(path), lambda: read_excitation_generator(path))
    delay = np.full(len(subject.muscle_names), NEUTRAL["electromechanical_delay"])
    subject = replace(subject, muscles=subject.muscles._replace(electromechanical_delay=delay))
    shapes = subject.muscles.shape_factor
    message = (
        f"CEINMS-RT keeps the delay elsewhere; {NEUTRAL['electromechanical_delay']:g} s is written "
        "as <emDelay>, correct it"
    )
    _warn(message, path)
    if (shapes > 0.0).any():
        count = int((shapes > 0.0).sum())
        message = f"{count} shape factors are above 0, where CEINMS's <exponential/> wants -3 to 0"
        _warn(message, path)
    return Person(subject, generator.signals, generator.weights)


def to_realtime(subject_file: Path, generator_file: Path, out: Path) -> Converted:
    """A CEINMS subject and its generator as one subject of CEINMS-RT."""
    subject, generator = both(
        lambda: read_subject(subject_file), lambda: read_excitation_generator(generator_file)
    )
    generator.matrix(subject.muscle_names)  # warns of what does not fit
    _warn_of_losses(subject, generator)
    channels = {
        signal: tuple(m for m in subject.muscle_names if generator.weights[m].get(signal, 0.0))
        for signal in generator.signals
    }
    _refuse_existing(out)
    write_atomically(out, real_time_xml(subject, channels))
    dofs = tuple(subject.dofs)
    silent = tuple(m for m in subject.muscle_names if not generator.weights[m])
    return Converted((out,), len(subject.muscle_names), dofs, silent)


def into_osim(subject_file: Path, model: Path, out: Path) -> Converted:
    """The parameters of a CEINMS subject put into the OpenSim model that it came from.

    Lengths, pennation and contraction velocity as they are, and strength coefficient times
    isometric force. Activation, damping and curves have no place in the model.
    """
    subject, osim = both(lambda: read_subject(subject_file), lambda: read_osim(model))
    p, names = subject.muscles, subject.muscle_names
    values = {
        name: {
            "max_isometric_force": float(p.max_isometric_force[m] * p.strength_coefficient[m]),
            "optimal_fiber_length": float(p.optimal_fiber_length[m]),
            "tendon_slack_length": float(p.tendon_slack_length[m]),
            "pennation_angle_at_optimal": float(p.pennation_angle_at_optimal[m]),
            "max_contraction_velocity": float(p.max_contraction_velocity[m]),
        }
        for m, name in enumerate(names)
    }
    _refuse_existing(out)
    changed = write_osim(out, model, values)
    left = [muscle.name for muscle in osim.muscles if muscle.name not in values]
    if left:
        _warn(f"{len(left)} muscles of the model are not in the subject and stay as they are", out)
    message = (
        "the model has no place for c1, c2, shape factor, delay and damping, and OpenSim's curves "
        "differ from CEINMS's: its forces will be near to those of the calibration, not equal"
    )
    _warn(message, out)
    return Converted((out,), len(names), tuple(subject.dofs), changed=changed)


def _uncalibrated(muscles: Sequence[OsimMuscle]) -> Muscles:
    def column(field: str) -> list[float]:
        return [muscle.values.get(field, NEUTRAL.get(field, np.nan)) for muscle in muscles]

    return Muscles(**{field: np.array(column(field)) for field in Muscles._fields})


def _inputs(muscle: str, muscles: Sequence[str], signals: Sequence[str]) -> dict[str, float]:
    """The signal that is named after a muscle, where exactly one is: `soleus` for `soleus_r`."""
    stem = muscle.lower().removesuffix("_r").removesuffix("_l")
    alike = [name for name in muscles if name.lower().removesuffix("_r").removesuffix("_l") == stem]
    exact = [signal for signal in signals if signal.lower() == muscle.lower()]
    loose = [signal for signal in signals if signal.lower() == stem and len(alike) == 1]
    found = exact or loose
    return {found[0]: 1.0} if len(found) == 1 else {}


def _refuse_unknown(osim: OsimModel, dofs: Sequence[str], crossed: set[str]) -> None:
    known = [coordinate.name for coordinate in osim.coordinates]
    problems = []
    for name in dofs:
        if name not in known:
            message = f"has no coordinate {short(name)}{nearest(name, known)}"
            problems.append(Problem(message, osim.path))
        elif name not in crossed:
            problems.append(Problem(f"no muscle crosses {short(name)}", osim.path))
    if problems:
        raise InputError(problems)


def _refuse_existing(out: Path) -> None:
    if out.exists():
        raise InputError(Problem("is there already; choose another --out", out))
    out.parent.mkdir(parents=True, exist_ok=True)


def _warn_of_losses(subject: SubjectFile, generator: ExcitationGenerator) -> None:
    """What CEINMS-RT's subject has no place for."""
    p = subject.muscles
    lost = []
    if (p.max_contraction_velocity != DEFAULT_MAX_CONTRACTION_VELOCITY).any():
        lost.append("maxContractionVelocity (it uses 10)")
    if len(set(p.fiber_damping.tolist())) > 1:
        lost.append("a damping of each muscle (the first one's is written)")
    lost.append("emDelay (its calibration file holds it)")
    tendon = "tendon_force_strain"
    if not _same_points(subject.curve_points[tendon], default_points()[tendon]):
        lost.append("tendonForceStrain (it has 17 points of its own)")
    if uneven := [m for m in subject.muscle_names if not _even(generator.weights[m])]:
        lost.append(f"weights of EMG (channels count alike) of {', '.join(uneven)}")
    _warn(f"CEINMS-RT's subject cannot hold: {'; '.join(lost)}", subject.path)


def _even(weights: Mapping[str, float]) -> bool:
    return all(abs(w - 1.0 / len(weights)) < 1e-9 for w in weights.values())


def _same_points(one: object, other: object) -> bool:
    a, b = np.array(one, dtype=object), np.array(other, dtype=object)
    return a.shape == b.shape and bool(np.allclose(a.astype(float), b.astype(float), atol=1e-6))


def _warn(message: str, path: Path) -> None:
    warnings.warn(str(Problem(message, path)), InputWarning, stacklevel=3)
