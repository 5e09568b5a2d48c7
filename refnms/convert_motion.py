"""A set-up from an OpenSim model, motions and EMG, with lengths, arms and moments by OpenSim."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from refnms.convert import GENERATOR, SUBJECT, Converted, Person, from_osim
from refnms.errors import InputError, InputWarning, Problem
from refnms.interop.opensim import geometry, inverse_dynamics
from refnms.io.files import new_folder, write_atomically
from refnms.io.storage import Table, read_storage, write_storage
from refnms.io.templates import input_data_xml
from refnms.physics.types import Array

Tell = Callable[[int, int], object]


@dataclass(frozen=True)
class Recording:
    """What was recorded in one trial."""

    motion: Path  # coordinates
    emg: Path  # envelopes
    moments: Path | None = None  # measured or computed before; else inverse dynamics is run
    loads: Path | None = None  # ExternalLoads, for inverse dynamics

    @property
    def name(self) -> str:
        return self.motion.stem


def set_up(
    model: Path,
    recordings: Sequence[Recording],
    out: Path,
    dofs: Sequence[str] | None = None,
    generator: Path | None = None,
    cutoff: float = 6.0,
    callback: Tell | None = None,
) -> Converted:
    """Write everything that a calibration needs into a new folder.

    Subject, excitation generator, calibration and its setup, and for each recording a folder with
    lengths, moment arms, moments, EMG and `trial.xml`. `cutoff` [Hz]: see `inverse_dynamics`.

    Raises InputError: files that are not valid, or no OpenSim.
    """
    names = [recording.name for recording in recordings]
    if len(set(names)) < len(names):
        raise InputError(f"two motions have the same name: {', '.join(names)}")
    person = from_osim(model, dofs, recordings[0].emg, generator)
    for recording in recordings:
        read_storage(recording.emg).columns(person.signals)  # refuses what is missing
    trials = [_Trial(model, person, recording, cutoff, callback) for recording in recordings]

    def write(folder: Path) -> None:
        person.write(folder, [f"{trial.name}/trial.xml" for trial in trials])
        for trial in trials:
            trial.write(folder / trial.name)

    new_folder(out, write)
    written = [
        out / SUBJECT,
        out / GENERATOR,
        out / "calibration.xml",
        out / "calibrationSetup.xml",
    ]
    written += [out / trial.name / "trial.xml" for trial in trials]
    subject = person.subject
    return Converted(
        tuple(written), len(subject.muscle_names), tuple(subject.dofs), person.unmapped
    )


class _Trial:
    """The signals of one recording."""

    def __init__(
        self, model: Path, person: Person, recording: Recording, cutoff: float, tell: Tell | None
    ) -> None:
        self.name, self.recording, self.person = recording.name, recording, person
        spans: Mapping[str, Sequence[str]] = person.subject.dofs
        self.geometry = geometry(model, recording.motion, person.subject.muscle_names, spans, tell)
        if recording.moments is None:
            if recording.loads is None:
                text = (
                    "no external loads: the moments are those of limbs that touch nothing, wrong "
                    "wherever a foot or hand carries weight; give --loads or --moments"
                )
                warning = str(Problem(text, recording.motion))
                warnings.warn(warning, InputWarning, stacklevel=3)
            self.moments = inverse_dynamics(
                model, recording.motion, list(spans), recording.loads, cutoff
            )
        else:
            table = read_storage(recording.moments)
            self.moments = table.time, _moments(table, list(spans))

    def write(self, folder: Path) -> None:
        folder.mkdir()
        muscles, dofs = self.person.subject.muscle_names, list(self.person.subject.dofs)
        g = self.geometry
        write_storage(folder / "lmt.sto", g.time, muscles, g.length, "musculotendon lengths [m]")
        for d, dof in enumerate(dofs):
            path = folder / f"ma_{dof}.sto"
            write_storage(path, g.time, muscles, g.moment_arm[:, :, d], f"moment arms {dof}")
        time, moments = self.moments
        names = [f"{dof}_moment" for dof in dofs]
        write_storage(folder / "id.sto", time, names, moments, "moments [N.m]")
        write_atomically(folder / "emg.sto", self.recording.emg.read_bytes())
        files = {
            "muscleTendonLengthFile": "lmt.sto",
            "excitationsFile": "emg.sto",
            "externalTorquesFile": "id.sto",
        }
        arms = {dof: f"ma_{dof}.sto" for dof in dofs}
        write_atomically(folder / "trial.xml", input_data_xml(files, arms))


def _moments(table: Table, dofs: Sequence[str]) -> Array:
    """Columns `<dof>_moment`, or `<dof>` in a file that has none of the former."""
    labels = [f"{dof}_moment" for dof in dofs]
    if not any(label in table.names for label in labels):
        labels = list(dofs)
        if np.max(np.abs(table.columns(labels))) < 2.0 * np.pi:
            message = "its columns are named after coordinates and small: are they angles?"
            raise InputError(Problem(message, table.path, table.label_line))
    return table.columns(labels)
