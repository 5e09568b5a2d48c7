"""The participant of the demo as a folder of CEINMS files, to try every command on."""

from __future__ import annotations

from pathlib import Path

from refnms.convert import Person
from refnms.io.files import new_folder, write_atomically
from refnms.io.recordings import write_trial
from refnms.io.subject import SubjectFile
from refnms.io.templates import EXECUTION, default_points, run_setup_xml
from refnms.model import Model
from refnms.synthetic import participant

SETUP, RUN = "calibrationSetup.xml", "run.xml"


def write(folder: Path, seed: int = 0) -> None:
    """Write set-ups of a calibration and of a run into a new folder, and all that they name.

    Three trials to calibrate on, three to predict: each a folder with a `trial.xml`. Raises
    InputError for a folder that is there already; OSError.
    """
    person = participant(seed)

    def fill(part: Path) -> None:
        trials = [f"{trial.name}/trial.xml" for trial in person.calibration]
        _person(person.generic).write(part, trials)
        for trial in person.trials:
            write_trial(part / trial.name, person.generic, trial)
        unseen = person.held_out[0].name
        write_atomically(part / "execution.xml", EXECUTION)
        write_atomically(part / RUN, run_setup_xml(f"{unseen}/trial.xml", f"{unseen}_results"))

    new_folder(folder, fill)


def _person(model: Model) -> Person:
    names = model.muscle_names
    spans = {
        dof: tuple(
            name for name, crosses in zip(names, model.crosses[:, d], strict=True) if crosses
        )
        for d, dof in enumerate(model.dof_names)
    }
    subject = SubjectFile(Path("upper_limb"), names, model.muscles, default_points(), spans)
    weights = {
        name: {
            channel: float(weight)
            for channel, weight in zip(model.emg_names, row, strict=True)
            if weight
        }
        for name, row in zip(names, model.emg_to_muscle, strict=True)
    }
    return Person(subject, model.emg_names, weights)
