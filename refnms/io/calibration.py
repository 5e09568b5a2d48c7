"""What CEINMS is told to calibrate: steps, objectives, free parameters and trials."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path

from refnms.io.ceinms import CALIBRATION, PARAMETERS, named_file, read_document
from refnms.io.execution import Annealing, MuscleModel, annealing, muscle_model
from refnms.io.schema import WORD, Report, interval, names, number, short
from refnms.io.xml import Element


@dataclass(frozen=True)
class Single:
    """One value per muscle; none named: every muscle that spans a degree of freedom of the step."""

    muscles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Global:
    """One value for all muscles of the step's degrees of freedom."""


@dataclass(frozen=True)
class Groups:
    """One value per group of muscles."""

    groups: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class ParameterChoice:
    """One parameter that a calibration may change."""

    name: str  # CEINMS's
    field: str  # of Muscles
    scope: Single | Global | Groups
    bounds: tuple[float, float]
    relative: bool  # the bounds multiply the value at the start of the step
    line: int = dataclasses.field(default=0, compare=False)  # of the file


@dataclass(frozen=True)
class TorqueError:
    """`minimizeTorqueError` of CEINMS 0.9."""


@dataclass(frozen=True)
class NormalizedTorqueError:
    """`torqueErrorNormalised` of CEINMS 0.21."""

    targets: tuple[str, ...]
    weight: float
    exponent: float
    line: int = dataclasses.field(default=0, compare=False)  # of the file


@dataclass(frozen=True)
class LengthPenalty:
    """`penalty` of CEINMS 0.21, on normalized fiber length outside a range."""

    targets: tuple[str, ...]
    weight: float
    exponent: float
    range: tuple[float, float]
    line: int = dataclasses.field(default=0, compare=False)  # of the file


@dataclass(frozen=True)
class Step:
    """Degrees of freedom, objective and free parameters of one step of a calibration."""

    dofs: tuple[str, ...]
    objective: TorqueError | NormalizedTorqueError
    penalties: tuple[LengthPenalty, ...]
    parameters: tuple[ParameterChoice, ...]
    line: int = dataclasses.field(default=0, compare=False)  # of its degrees of freedom


@dataclass(frozen=True)
class CalibrationFile:
    path: Path
    annealing: Annealing
    muscle_model: MuscleModel
    steps: tuple[Step, ...]
    trials: tuple[Path, ...]  # input data


def read_calibration(path: str | os.PathLike[str]) -> CalibrationFile:
    """Raises InputError: not a calibration, not valid, or trials that are not there."""
    path = Path(path)
    root, report = read_document(path, CALIBRATION)
    line = root.at("trialSet").line
    trials = [Element("trialSet", line, text=name) for name in root.value("trialSet", names, ())]
    calibration = CalibrationFile(
        path,
        annealing(root),
        muscle_model(root.at("NMSmodel"), report),
        tuple(_step(step, report) for step in root.at("calibrationSteps").all("step")),
        tuple(named_file(trial, path, report) for trial in trials),
    )
    report.close()
    return calibration


def _step(element: Element, report: Report) -> Step:
    parameters = element.at("parameterSet").all("parameter")
    lines: dict[str, int] = {}
    for parameter in parameters:
        name = parameter.at("name").text
        if name in lines:
            message = f"parameter {short(name)} stands twice in a step, first on line {lines[name]}"
            report.error(message, parameter.line)
        lines.setdefault(name, parameter.line)
    objective = element.at("objectiveFunction")
    return Step(
        element.value("dofs", names, ()),
        _objective(objective),
        tuple(_penalty(penalty) for penalty in objective.all("penalty")),
        tuple(_parameter(parameter) for parameter in parameters),
        element.at("dofs").line,
    )


def _objective(element: Element) -> TorqueError | NormalizedTorqueError:
    if not element.has("torqueErrorNormalised"):
        return TorqueError()
    term = element.at("torqueErrorNormalised")
    return NormalizedTorqueError(
        term.value("targets", names, ()),
        term.value("weight", number, 0.0),
        term.value("exponent", number, 0.0),
        term.line,
    )


def _penalty(element: Element) -> LengthPenalty:
    return LengthPenalty(
        element.value("targets", names, ()),
        element.value("weight", number, 0.0),
        element.value("exponent", number, 0.0),
        element.value("range", interval, (0.0, 0.0)),
        element.line,
    )


def _parameter(element: Element) -> ParameterChoice:
    name = element.at("name").text
    relative = element.has("relativeToSubjectValue")
    bounds = element.at("relativeToSubjectValue" if relative else "absolute")
    return ParameterChoice(
        name,
        PARAMETERS.get(name, ""),
        _scope(element),
        bounds.value("range", interval, (0.0, 0.0)),
        relative,
        element.line,
    )


def _scope(element: Element) -> Single | Global | Groups:
    if element.has("global"):
        return Global()
    if element.has("muscleGroups"):
        groups = element.at("muscleGroups").all("muscles")
        return Groups(tuple(tuple(WORD.findall(group.text)) for group in groups))
    return Single(element.value("single", names, ()))
