"""How CEINMS is told to run a model: tendon, activation, and whether excitations are adjusted."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from refnms.io.ceinms import EXECUTION, read_document
from refnms.io.schema import Report, at_least_1, names, no_less_than_0, number
from refnms.io.xml import Element
from refnms.model import ElasticTendon, ExponentialActivation, PiecewiseActivation, RigidTendon


@dataclass(frozen=True)
class Annealing:
    """CEINMS's settings of simulated annealing, under its own names."""

    no_epsilon: int
    rt: float
    t: float
    ns: int
    nt: int
    epsilon: float
    max_no_eval: int


@dataclass(frozen=True)
class MuscleModel:
    """The `NMSmodel` of a calibration or an execution."""

    tendon: RigidTendon | ElasticTendon
    tolerance: float | None  # of the elastic tendon's equilibrium [m]; None: the file does not say
    activation: ExponentialActivation | PiecewiseActivation


@dataclass(frozen=True)
class OpenLoop:
    """Excitations are the measured ones."""


@dataclass(frozen=True)
class Hybrid:
    """Excitations are adjusted or synthesized to follow the moments."""

    alpha: float  # of the moment error
    beta: float  # of the excitations
    gamma: float  # of the distance from measured excitations
    dofs: tuple[str, ...]  # none named: all
    synthesized: tuple[str, ...]
    adjusted: tuple[str, ...]
    annealing: Annealing
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)  # of the file, by field


class Velocity(Enum):
    """How CEINMS 0.9 finds the fiber velocity."""

    ONLINE = "online"
    OFFLINE = "offline"


@dataclass(frozen=True)
class ExecutionFile:
    path: Path
    mode: OpenLoop | Hybrid
    muscle_model: MuscleModel
    velocity: Velocity | None  # None: the file does not say (0.21, which runs online)


def read_execution(path: str | os.PathLike[str]) -> ExecutionFile:
    """Raises InputError: not an execution, or not valid."""
    root, report = read_document(Path(path), EXECUTION)
    model = root.at("NMSmodel")
    said = [velocity for velocity in Velocity if root.has(velocity.value)]
    if len(said) > 1:
        report.error("holds both <online> and <offline>; keep one", root.at("offline").line)
    execution = ExecutionFile(
        Path(path),
        _hybrid(model.at("type", "hybrid")) if model.at("type").has("hybrid") else OpenLoop(),
        muscle_model(model, report),
        said[0] if said else None,
    )
    report.close()
    return execution


def annealing(parent: Element) -> Annealing:
    settings = parent.at("algorithm", "simulatedAnnealing")
    return Annealing(
        settings.value("noEpsilon", at_least_1, 0),
        settings.value("rt", no_less_than_0, 0.0),
        settings.value("T", no_less_than_0, 0.0),
        settings.value("NS", at_least_1, 0),
        settings.value("NT", at_least_1, 0),
        settings.value("epsilon", no_less_than_0, 0.0),
        settings.value("maxNoEval", at_least_1, 0),
    )


def muscle_model(element: Element, report: Report) -> MuscleModel:
    tendon, piecewise = element.at("tendon"), element.at("activation").has("piecewise")
    if tendon.has("integrationElastic"):
        message = "<integrationElastic> is not supported; use <equilibriumElastic>"
        report.error(message, tendon.at("integrationElastic").line)
    rigid, elastic = tendon.has("stiff"), tendon.at("equilibriumElastic")
    tolerance = elastic.value("tolerance", number, None)
    if tolerance is not None and tolerance <= 0.0:
        report.error("tolerance must be above 0 m", elastic.at("tolerance").line)
    return MuscleModel(
        RigidTendon() if rigid else ElasticTendon(),
        tolerance,
        PiecewiseActivation() if piecewise else ExponentialActivation(),
    )


def _hybrid(element: Element) -> Hybrid:
    tags = ("alpha", "beta", "gamma", "dofSet", "synthMTUs", "adjustMTUs")
    fields = ("alpha", "beta", "gamma", "dofs", "synthesized", "adjusted")
    return Hybrid(
        element.value("alpha", no_less_than_0, 0.0),
        element.value("beta", no_less_than_0, 0.0),
        element.value("gamma", no_less_than_0, 0.0),
        element.value("dofSet", names, ()),
        element.value("synthMTUs", names, ()),
        element.value("adjustMTUs", names, ()),
        annealing(element),
        {name: element.at(tag).line for name, tag in zip(fields, tags, strict=True)},
    )
