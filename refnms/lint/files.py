"""Every file of a set-up, read as the jobs read it; where one fails, the rest is read all the same.

A set-up that a job would take passes through the job's own reader. Only where that fails are the
files read one by one, so that all problems come at once and not those of the first file alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from refnms.errors import InputError, Problem
from refnms.io.calibration import read_calibration
from refnms.io.ceinms import ROOTS, named_path
from refnms.io.execution import read_execution
from refnms.io.generator import read_excitation_generator
from refnms.io.osim import read_osim
from refnms.io.raw import read_raw
from refnms.io.schema import WORD
from refnms.io.setups import read_calibration_setup, read_input_data, read_run_setup
from refnms.io.storage import read_storage
from refnms.io.subject import read_model, read_subject
from refnms.io.trials import TrialFiles, read_trial
from refnms.io.xml import Element, read_xml
from refnms.job.execute import assistance_of
from refnms.lint.findings import Findings, Level
from refnms.lint.signals import looks
from refnms.model import Model, Trial
from refnms.objective import Objective
from refnms.task import Task, executed, profile_named, read_task

SETUP_READERS: dict[str, Callable[[Path], object]] = {
    "ceinmsCalibration": read_calibration_setup,
    "ceinms": read_run_setup,
}
READERS: dict[str, Callable[[Path], object]] = {
    "subject": read_subject,
    "excitationGenerator": read_excitation_generator,
    "calibration": read_calibration,
    "execution": read_execution,
    "OpenSimDocument": read_osim,
}
# Which element of a setup names a file of which kind.
PARTS = {
    "subjectFile": "subject",
    "excitationGeneratorFile": "excitationGenerator",
    "calibrationFile": "calibration",
    "executionFile": "execution",
}


@dataclass
class Checked:
    findings: Findings
    files: list[Path]


def check_file(path: Path, tests: Sequence[Path] = (), profile: str = "native") -> Checked:
    """Check one file, or a setup with all that it names and the further trials `tests`."""
    findings = Findings()
    checked = Checked(findings, [path])
    if path.suffix.lower() in (".sto", ".mot"):
        findings.attempt(lambda: read_storage(path))
        return checked
    if path.suffix.lower() in (".csv", ".c3d"):
        findings.attempt(lambda: read_raw(path))
        return checked
    root = findings.attempt(lambda: read_xml(path))
    if root is None:
        return checked
    if root.tag in SETUP_READERS:
        _check_setup(path, root, tests, profile, checked)
    elif root.tag == "inputData":
        _check_files_of(path, checked)
    elif root.tag in READERS:
        findings.attempt(lambda: READERS[root.tag](path))
    else:
        message = f"cannot tell what this file is: <{root.tag[:60]}>; {', '.join(ROOTS)} are known"
        findings.add(Level.ERROR, [Problem(message, path, root.line)])
    return checked


def _check_setup(
    path: Path, root: Element, tests: Sequence[Path], profile: str, checked: Checked
) -> None:
    findings = checked.findings
    findings.attempt(lambda: SETUP_READERS[root.tag](path))
    parts = {kind: named_path(root.at(tag), path) for tag, kind in PARTS.items() if root.has(tag)}
    parts = {kind: file for kind, file in parts.items() if file.is_file()}
    checked.files += parts.values()
    if root.tag == "ceinmsCalibration" and not findings.of(Level.ERROR):
        task = findings.attempt(lambda: read_task(path, profile, tests))
        if task is not None:
            inputs = [*task.file.trials, *tests]
            for file in inputs:
                checked.files += _data_files(read_input_data(file))
            findings.attempt(lambda: _objective(task))
            trials = [trial for _, trial in task.trials.values()]
            _look(task.model, list(zip(inputs, trials, strict=True)), checked)
            return
    model = _model(parts, findings)
    options: Any = None
    for kind in ("calibration", "execution"):
        if kind in parts:
            options = findings.attempt(lambda kind=kind: READERS[kind](parts[kind]))  # type: ignore[misc]
    if model is not None and options is not None:
        muscle_model = options.muscle_model
        model = replace(model, tendon=muscle_model.tendon, activation=muscle_model.activation)
    if root.tag == "ceinms" and not findings.of(Level.ERROR):
        findings.attempt(lambda: assistance_of(*executed(read_run_setup(path), profile)))
    pairs = []
    for file in [*_trials(path, root, parts), *tests]:
        _check_files_of(file, checked)
        if model is None:
            _check_signals(file, parts, findings)
        else:
            trial = findings.attempt(lambda file=file: _read_trial(file, model, profile))  # type: ignore[misc]
            pairs += [(file, trial)] if trial is not None else []
    if model is not None:
        _look(model, pairs, checked)


def _objective(task: Task) -> Objective:
    """What a calibration would minimise; making it shows what it cannot."""
    trials = task.recordings("calibration")
    return Objective(task.packing, trials, task.profile.for_gradients(), dofs=task.dofs)


def _model(parts: dict[str, Path], findings: Findings) -> Model | None:
    if "subject" in parts and "excitationGenerator" in parts:
        return findings.attempt(lambda: read_model(parts["subject"], parts["excitationGenerator"]))
    for kind in ("subject", "excitationGenerator"):
        if kind in parts:
            findings.attempt(lambda kind=kind: READERS[kind](parts[kind]))  # type: ignore[misc]
    return None


def _trials(path: Path, root: Element, parts: dict[str, Path]) -> Iterator[Path]:
    """Input data that a setup, or the calibration that it names, names."""
    if root.has("inputDataFile"):
        yield named_path(root.at("inputDataFile"), path)
    if "calibration" in parts:
        try:
            text = read_xml(parts["calibration"]).at("trialSet").text
        except InputError:
            return  # told already
        for name in WORD.findall(text):
            yield named_path(Element("trialSet", text=name), parts["calibration"])


def _check_files_of(path: Path, checked: Checked) -> None:
    """The files of one trial, each on its own."""
    checked.files.append(path)
    files = checked.findings.attempt(lambda: read_input_data(path))
    for file in _data_files(files) if files is not None else []:
        checked.files.append(file)
        checked.findings.attempt(lambda file=file: read_storage(file))  # type: ignore[misc]


def _check_signals(path: Path, parts: dict[str, Path], findings: Findings) -> None:
    """Whether a trial has the signals of its generator: what can be told without the subject."""
    try:
        signals = read_excitation_generator(parts["excitationGenerator"]).signals
        table = read_storage(read_input_data(path).excitations)
    except (KeyError, InputError):
        return  # told already
    findings.attempt(lambda: table.columns(signals))


def _read_trial(path: Path, model: Model, profile: str) -> Trial:
    return read_trial(read_input_data(path), model, profile_named(profile))


def _data_files(files: TrialFiles) -> list[Path]:
    found = [files.lengths, files.excitations, *files.moment_arms.values()]
    return found + ([files.moments] if files.moments is not None else [])


def _look(model: Model, pairs: Sequence[tuple[Path, Trial]], checked: Checked) -> None:
    files = [read_input_data(path) for path, _ in pairs]
    recordings = list(zip(files, (trial for _, trial in pairs), strict=True))
    for level, problem in looks(model, recordings):
        checked.findings.add(level, [problem])
