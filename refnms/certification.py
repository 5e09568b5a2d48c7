"""The certificate of a CEINMS setup file: what it names is read, verified and told."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from refnms import ahead
from refnms.errors import InputError, Problem
from refnms.io import read_trial
from refnms.io.ceinms import CALIBRATION_SETUP, RUN_SETUP
from refnms.io.files import MARKER, replace_folder, write_atomically
from refnms.io.setups import read_run_setup
from refnms.io.xml import read_xml
from refnms.job.done import check_target, data_files
from refnms.model import Model, Trial
from refnms.parameters import Packing
from refnms.physics.profiles import Profile
from refnms.simulation import simulate_all
from refnms.task import executed, read_task, terms_of
from refnms.terms import TERMS, Term
from refnms.verify import Certificate, certify
from refnms.verify.certificate import Callback
from refnms.verify.document import document
from refnms.verify.text import summary

TEXT = "certificate.txt"


@dataclass(frozen=True, eq=False)
class Subject:
    """What a setup file asks to verify."""

    model: Model
    trials: list[Trial]
    profile: Profile
    files: list[Path]  # read
    packing: Packing | None = None  # of a calibration, as the next two
    terms: tuple[Term, ...] = TERMS
    dofs: tuple[str, ...] | None = None


def certify_setup(
    setup_file: Path,
    profile_name: str = "native",
    out: Path | None = None,
    callback: Callback | None = None,
) -> Certificate:
    """Certify the model, trials and, of a calibration, the objective of a CEINMS setup file.

    A folder `out` gets the document, `refnms.json`, and the summary, `certificate.txt`; without it
    nothing is written. Raises InputError; OSError.
    """
    subject = read_subject(setup_file, profile_name)
    if out is not None:
        check_target(out, subject.files)
    with ahead.compiling() as wait:
        simulate_all(subject.model, subject.trials[:1], subject.profile.for_gradients())
        wait()
    found = certify(
        subject.model,
        subject.trials,
        subject.profile,
        subject.packing,
        subject.terms,
        subject.dofs,
        callback=callback,
    )
    if out is not None:

        def write(folder: Path) -> None:
            write_atomically(folder / MARKER, json_of(found))
            write_atomically(folder / TEXT, summary(found) + "\n")

        replace_folder(out, write)
    return found


def json_of(certificate: Certificate) -> str:
    """The document as text."""
    return json.dumps(document(certificate), indent=2, allow_nan=False) + "\n"


def read_subject(setup_file: Path, profile_name: str) -> Subject:
    """Read the setup of a calibration or of a run.

    Raises InputError: neither of them, or anything wrong in what it names.
    """
    root = read_xml(setup_file)
    if root.tag == CALIBRATION_SETUP.name:
        return _of_calibration(setup_file, profile_name)
    if root.tag == RUN_SETUP.name:
        return _of_run(setup_file, profile_name)
    message = (
        f"expected the setup of a calibration, <{CALIBRATION_SETUP.name}>, or of a run, "
        f"<{RUN_SETUP.name}>; found <{root.tag[:60]}>"
    )
    raise InputError(Problem(message, setup_file, root.line))


def _of_calibration(setup_file: Path, profile_name: str) -> Subject:
    task = read_task(setup_file, profile_name)
    setup = task.setup
    return Subject(
        task.model,
        task.recordings("calibration"),
        task.profile,
        [
            setup.path,
            setup.subject,
            setup.excitation_generator,
            setup.calibration,
            *data_files(task.file.trials),
        ],
        task.packing,
        terms_of(task.step),
        task.step.dofs or None,
    )


def _of_run(setup_file: Path, profile_name: str) -> Subject:
    """Whatever its mode: the muscles are the same, driven by EMG or not."""
    setup = read_run_setup(setup_file)
    _, model, profile = executed(setup, profile_name)
    files = [setup.path, setup.subject, setup.excitation_generator, setup.execution]
    files += data_files([setup.input_data])
    return Subject(model, [read_trial(setup.input_data, model, profile)], profile, files)
