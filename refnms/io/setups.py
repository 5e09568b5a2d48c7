"""Files that name other files: the input data of one trial, and CEINMS's two setups.

Every named file that is missing is reported, all at once.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from refnms.io.ceinms import (
    CALIBRATION_SETUP,
    INPUT_DATA,
    RUN_SETUP,
    named_file,
    named_path,
    read_document,
)
from refnms.io.schema import interval, short
from refnms.io.trials import TrialFiles

PathLike: TypeAlias = str | os.PathLike[str]
GENERIC_TRIAL_NAMES = {"trial", "inputdata"}  # the folder then says which trial it is


@dataclass(frozen=True)
class RunSetup:
    path: Path
    subject: Path
    excitation_generator: Path
    input_data: Path
    execution: Path
    output: Path  # a folder


@dataclass(frozen=True)
class CalibrationSetup:
    path: Path
    subject: Path
    excitation_generator: Path
    calibration: Path
    output: Path  # a subject file


def read_input_data(path: PathLike) -> TrialFiles:
    """The files of one trial. Its name is the file's, or the folder's of a file called `trial`.

    Raises InputError: not input data, not valid, or files that are not there.
    """
    path = Path(path)
    root, report = read_document(path, INPUT_DATA)
    arms: dict[str, Path] = {}
    for element in root.at("momentArmsFiles").all("momentArmsFile"):
        dof = element.attribute("dofName")
        if dof in arms:
            report.error(f"a second moment-arm file for {short(dof)}", element.line)
        arms[dof] = named_file(element, path, report)
    generic = path.stem.lower() in GENERIC_TRIAL_NAMES
    moments = root.at("externalTorquesFile")
    trial = TrialFiles(
        name=path.resolve().parent.name if generic else path.stem,
        lengths=named_file(root.at("muscleTendonLengthFile"), path, report),
        moment_arms=arms,
        excitations=named_file(root.at("excitationsFile"), path, report),
        moments=named_file(moments, path, report) if root.has("externalTorquesFile") else None,
        start_stop=root.value("startStopTime", interval, None),
        source=path,
    )
    report.close()
    return trial


def read_run_setup(path: PathLike) -> RunSetup:
    """Raises InputError: not a `ceinms` file, not valid, or files that are not there."""
    path = Path(path)
    root, report = read_document(path, RUN_SETUP)
    setup = RunSetup(
        path,
        named_file(root.at("subjectFile"), path, report),
        named_file(root.at("excitationGeneratorFile"), path, report),
        named_file(root.at("inputDataFile"), path, report),
        named_file(root.at("executionFile"), path, report),
        named_path(root.at("outputDirectory"), path),
    )
    report.close()
    return setup


def read_calibration_setup(path: PathLike) -> CalibrationSetup:
    """Raises InputError: not a `ceinmsCalibration`, not valid, or files that are not there."""
    path = Path(path)
    root, report = read_document(path, CALIBRATION_SETUP)
    setup = CalibrationSetup(
        path,
        named_file(root.at("subjectFile"), path, report),
        named_file(root.at("excitationGeneratorFile"), path, report),
        named_file(root.at("calibrationFile"), path, report),
        named_path(root.at("outputSubjectFile"), path),
    )
    report.close()
    return setup
